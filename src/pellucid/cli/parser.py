"""What can be said on the command line."""
# pyright: reportUnknownMemberType=false

import re
import sys
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path

from jsonargparse import ArgumentError, ArgumentParser, Namespace

from pellucid.cli.options.adapt import adapt_options
from pellucid.cli.options.calibrate import calibrate_options
from pellucid.cli.options.demo import demo_options
from pellucid.cli.options.develop import develop_options
from pellucid.cli.options.dng import check_options, dng_options
from pellucid.cli.options.evaluate import BENCHMARKS, evaluate_options
from pellucid.cli.options.inspect import inspect_options
from pellucid.cli.options.models import convert_options, models_options, show_options
from pellucid.cli.options.pack import pack_options
from pellucid.cli.options.restore import restore_options
from pellucid.cli.options.shared import new_parser
from pellucid.cli.options.train import train_options
from pellucid.errors import PellucidError

Command = Callable[[], int]
"""A command with its arguments; it returns the exit code."""


def parse(arguments: list[str] | None) -> Command:
    """The command that the arguments name; raises PellucidError where they make no sense."""
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["train"] and not {"-h", "--help"} & set(given[1:2]):
        return _train(given[1:])
    parser = build_parser()
    if not given:
        parser.print_help()
        return lambda: 2
    try:
        said = parser.parse_args(given)
    except ArgumentError as error:
        raise PellucidError(f"{_complaint(error, given)}; see {_help_of(given)}") from None
    return _command(said)


def _complaint(error: ArgumentError, given: list[str]) -> str:
    """A parser's complaint in one line, without its own names for what was left out."""
    words = " ".join(str(error).split()).rstrip(".")
    required = re.search(r"following arguments are required: (.+)", words)
    if required is not None:
        lacking = [f"no {key.rpartition('.')[2]}" for key in required[1].split(", ")]
        return f"got {' and '.join(lacking)}; expected {_shortest_call(given)}"
    kind = re.search(r'expected "\w+\.(\w+)" to be one of .+ but it was not provided', words)
    if kind is not None:
        return f"got no {kind[1]}; expected one of {', '.join(KINDS[given[0]][1])}"
    unknown = re.search(r"unrecognized arguments: (--[\w-]+)", words)
    if unknown is not None and _named(given):
        options = re.findall(r"(?<!\w)--[\w-]+", _parser_of(given).format_help())
        for near in get_close_matches(unknown[1], options, 1, 0.7):
            return f"unknown option {unknown[1]}; the nearest one is {near}"
    return words


def _named(given: list[str]) -> list[str]:
    """The words of a call that name a command, and what it does of several things."""
    words = [word for word in given[:1] if word in COMMANDS]
    return words + [word for word in given[1:2] if word in KINDS.get(given[0], ("", {}))[1]]


def _parser_of(given: list[str]) -> ArgumentParser:
    """The parser of what a call names."""
    name, *kind = _named(given)
    build, _ = KINDS[name][1][kind[0]] if kind else COMMANDS[name]
    parser = build()
    parser.prog = " ".join(["pellucid", name, *kind])
    return parser


def _help_of(given: list[str]) -> str:
    return " ".join(["pellucid", *_named(given), "--help"])


def _shortest_call(given: list[str]) -> str:
    """A command with all that it needs and nothing that it can do without."""
    usage = " ".join(_parser_of(given).format_usage().split()).removeprefix("usage: ")
    return " ".join(re.sub(r"\[[^\[\]]*(\[[^\[\]]*\][^\[\]]*)?\]", "", usage).split())


def _train(given: list[str]) -> Command:
    """Everything after the recipe belongs to the recipe's own options."""
    if not given:
        raise PellucidError(
            "train got no recipe; expected pellucid train RECIPE.yaml [--option VALUE ...]"
        )

    def run() -> int:
        from pellucid.cli.train import train_command

        return train_command(Path(given[0]), given[1:])

    return run


def _command(said: Namespace) -> Command:
    name: str = said.command
    options: Namespace = said[name]

    def run() -> int:
        match name:
            case "restore":
                from pellucid.cli.restore import restore_command as command
            case "develop":
                from pellucid.cli.restore import develop_command as command
            case "inspect":
                from pellucid.cli.inspect import inspect_command as command
            case "calibrate":
                from pellucid.cli.calibrate import calibrate_command as command
            case "pack":
                from pellucid.cli.pack import pack_command as command
            case "adapt":
                from pellucid.cli.adapt import adapt_command as command
            case "evaluate":
                from pellucid.cli.evaluate import evaluate_command as command
            case "dng":
                from pellucid.cli.dng import dng_command as command
            case "models":
                from pellucid.cli.models import models_command as command
            case _:
                from pellucid.cli.demo import demo_command as command
        return command(options)

    return run


def build_parser() -> ArgumentParser:
    """The parser of all commands but `train`, whose options are those of its recipe."""
    parser = new_parser("Clean pictures from noisy raw photographs.")
    parser.prog = "pellucid"
    parser.add_argument(
        "--version", action="version", version=_version(), help="show the version and exit"
    )
    commands = parser.add_subcommands(dest="command", title="commands", metavar="COMMAND")
    for name, (build, summary) in COMMANDS.items():
        command = commands.add_subcommand(name, build(), help=summary)
        command.prog = f"pellucid {name}"
        # jsonargparse wants subcommands from the outside in.
        if name in KINDS:
            _add_kinds(command, name)
    return parser


def _add_kinds(parser: ArgumentParser, command: str) -> None:
    """What a command does in one of several ways; `models` lists where none is named."""
    what, known = KINDS[command]
    kinds = parser.add_subcommands(
        dest=what, title=f"{what}s", metavar=what.upper(), required=command != "models"
    )
    for name, (build, summary) in known.items():
        kind = kinds.add_subcommand(name, build(), help=summary)
        kind.prog = f"pellucid {command} {name}"


def _version() -> str:
    from importlib.metadata import version

    return f"pellucid {version('pellucid')}"


COMMANDS: dict[str, tuple[Callable[[], ArgumentParser], str]] = {
    "restore": (restore_options, "clean pictures from noisy raw files"),
    "develop": (develop_options, "a picture from a raw file, without cleaning it"),
    "inspect": (inspect_options, "what a raw file says about camera, light and noise"),
    "calibrate": (calibrate_options, "the noise of a camera from its own frames"),
    "demo": (demo_options, "show the whole way on the picture in the package"),
    "pack": (pack_options, "decode a folder of clean pictures or raws once, for training"),
    "train": (train_options, "train a network by a recipe"),
    "adapt": (adapt_options, "draw a model to your own noisy raws or pictures"),
    "evaluate": (evaluate_options, "scores of models on benchmarks"),
    "dng": (dng_options, "what readers would trip over in a DNG"),
    "models": (models_options, "the models that ship, and what is in a weights file"),
}
"""Each command's parser and what the overview says of it."""
KINDS: dict[str, tuple[str, dict[str, tuple[Callable[[], ArgumentParser], str]]]] = {
    "evaluate": ("benchmark", BENCHMARKS),
    "dng": ("action", {"check": (check_options, "list the faults of a DNG")}),
    "models": (
        "action",
        {
            "show": (show_options, "architecture, parameters and training of a model"),
            "convert": (convert_options, "write a published model in Pellucid's format"),
        },
    ),
}
"""What some commands do in one of several ways, each with its parser and what help says of it."""
