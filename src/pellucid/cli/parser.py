"""What can be said on the command line."""
# pyright: reportUnknownMemberType=false

import sys
from argparse import SUPPRESS, BooleanOptionalAction, HelpFormatter
from collections.abc import Callable
from pathlib import Path
from typing import get_args

from jsonargparse import ArgumentError, ArgumentParser, Namespace

from pellucid.cli.numbers import number, numbers, whole_number
from pellucid.demosaic import Demosaic
from pellucid.errors import PellucidError
from pellucid.importers import ISPChoice, Task

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
        words = " ".join(str(error).split()).rstrip(".")
        raise PellucidError(f"{words}; see {_help_of(given)}") from None
    return _command(said)


def _help_of(given: list[str]) -> str:
    words = [word for word in given[:1] if word in COMMANDS]
    words += [word for word in given[1:2] if word in KINDS.get(given[0], ("", {}))[1]]
    return " ".join(["pellucid", *words, "--help"])


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
            case "pack":
                from pellucid.cli.pack import pack_command as command
            case "evaluate":
                from pellucid.cli.evaluate import evaluate_command as command
            case "models":
                from pellucid.cli.models import models_command as command
            case _:
                from pellucid.cli.demo import demo_command as command
        return command(options)

    return run


def build_parser() -> ArgumentParser:
    """The parser of all commands but `train`, whose options are those of its recipe."""
    parser = _parser("Clean pictures from noisy raw photographs.")
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


def _parser(description: str) -> ArgumentParser:
    # The formatter of argparse: jsonargparse's own adds the types of Python to every text.
    return ArgumentParser(
        description=description, exit_on_error=False, formatter_class=HelpFormatter
    )


def _restore() -> ArgumentParser:
    parser = _parser(
        "Clean pictures from noisy raw files, or with a network of pictures from those."
    )
    parser.add_argument(
        "inputs",
        nargs="+",
        type=str,
        metavar="IN",
        help="raw files; PNG, JPEG or TIFF where the model restores pictures",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=str,
        metavar="OUT",
        help="picture to write (.png, .jpg, .tif), or a folder, which gets a PNG of each input; "
        "left out, PHOTO-restored.png beside each input",
    )
    parser.add_argument(
        "--noise",
        type=str,
        metavar="SHOT,READ",
        help="noise level, variance = SHOT * x + READ for x from 0 (black) to 1 (white); "
        "left out, what the file says, else an estimate from the picture",
    )
    _add_look(parser)
    _add_bits(parser)
    parser.add_argument(
        "--model",
        type=str,
        default="default",
        help="shipped model, weights file (ours or published) or run folder; left out, the model "
        "that is shipped",
    )
    _add_published(parser)
    parser.add_argument(
        "--tile",
        type=whole_number(2),
        default=1024,
        metavar="PIXELS",
        help="side of what is computed at once (%(default)s); smaller needs less memory",
    )
    parser.add_argument(
        "--device",
        type=str,
        default="cpu",
        help="where to compute: cpu, or cuda or mps where present (%(default)s)",
    )
    return parser


def _add_published(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--task",
        choices=get_args(Task),
        help="what published weights of Noise-DA are for, which they do not tell",
    )
    parser.add_argument(
        "--noise-map",
        action=BooleanOptionalAction,
        default=True,
        help="whether published weights of DualDn were trained with a noise map (they were)",
    )
    parser.add_argument(
        "--isp",
        choices=get_args(ISPChoice),
        default="dualdn",
        help="camera pipeline around published weights of DualDn (%(default)s)",
    )


def _develop() -> ArgumentParser:
    parser = _parser("A picture from a raw file, developed without cleaning it.")
    parser.add_argument("input", type=str, metavar="IN", help="raw file")
    parser.add_argument(
        "-o",
        "--output",
        type=str,
        required=True,
        metavar="OUT",
        help="picture to write (.png, .jpg, .tif)",
    )
    _add_look(parser)
    _add_bits(parser)
    parser.add_argument(
        "--demosaic",
        choices=get_args(Demosaic),
        default="malvar2004",
        help="how the colours between the sensor's sites are filled in (%(default)s)",
    )
    return parser


def _add_look(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--exposure",
        type=number(-10, 10),
        default=0.0,
        metavar="EV",
        help="stops brighter, or darker where negative (0)",
    )
    parser.add_argument(
        "--tone",
        type=number(0, 1),
        default=0.0,
        metavar="LIFT",
        help="how much the mid-tones are lifted, 0 to 1 (0)",
    )


def _add_bits(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--bits",
        type=whole_number(8),
        choices=(8, 16),
        help="bits per channel; left out, 8 for PNG and JPEG, 16 for TIFF",
    )


def _inspect() -> ArgumentParser:
    parser = _parser("What a raw file says about camera, light and noise.")
    parser.add_argument("input", type=str, metavar="IN", help="raw file")
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    return parser


def _pack() -> ArgumentParser:
    parser = _parser(
        "Decode a folder of clean photographs or raws once, into a store that training maps into "
        "memory. Interrupted, it goes on where it was."
    )
    parser.add_argument("folder", nargs="?", type=str, metavar="DIR", help="folder to pack")
    parser.add_argument("-o", "--output", type=str, metavar="STORE", help="folder of the store")
    parser.add_argument(
        "--reduce",
        type=whole_number(1),
        metavar="N",
        help="make photographs N times smaller, which removes noise and JPEG blocks; left out, 2. "
        "Raws stay as they are",
    )
    parser.add_argument(
        "--patch",
        type=whole_number(2),
        default=2,
        metavar="N",
        help="side of the patches to train on: a smaller picture is reported and left out",
    )
    parser.add_argument(
        "--kind", choices=("photos", "raws"), help="what to pack of a folder that holds both"
    )
    parser.add_argument(
        "--licence",
        type=str,
        metavar="TEXT",
        help="licence of every file that LICENSES.json in DIR does not name",
    )
    parser.add_argument(
        "--check", type=str, metavar="STORE", help="compare a store's bytes with their checksums"
    )
    return parser


def _evaluate() -> ArgumentParser:
    return _parser("Scores of models where the truth is known.")


def _synthetic() -> ArgumentParser:
    parser = _parser("Photographs made raw and noisy: PSNR and SSIM of the restored picture.")
    parser.add_argument(
        "--photos", type=str, required=True, metavar="DIR", help="folder of clean photographs"
    )
    parser.add_argument(
        "--noise-levels",
        type=numbers(1e-6, 1),
        default=[0.0002, 0.002, 0.02],
        metavar="K,K,...",
        help="shot noise levels (0.0002,0.002,0.02); read noise follows DualDn's law",
    )
    parser.add_argument(
        "--tones",
        type=numbers(0, 1),
        default=[0.0, 0.5],
        metavar="A,A,...",
        help="tone curves, 0 to 1 (0,0.5)",
    )
    parser.add_argument(
        "--model",
        nargs="+",
        action="extend",
        type=str,
        metavar="NAME",
        dest="models",
        help="shipped models, weights files or run folders; left out, the model that is shipped",
    )
    parser.add_argument(
        "--limit", type=whole_number(1), metavar="N", help="only the first N photographs"
    )
    parser.add_argument("--json", type=str, metavar="FILE", help="write the rows there too")
    return parser


def _folder() -> ArgumentParser:
    parser = _parser("Pairs of pictures: PSNR and SSIM of the input and of what models make of it.")
    parser.add_argument(
        "--input", type=str, required=True, metavar="DIR", help="folder of degraded pictures"
    )
    parser.add_argument(
        "--target",
        type=str,
        required=True,
        metavar="DIR",
        help="folder of their clean pictures, of the same names, or as many in the same order",
    )
    parser.add_argument(
        "--model",
        nargs="+",
        action="extend",
        type=str,
        metavar="NAME",
        dest="models",
        help="models that restore pictures; left out, the input alone is scored",
    )
    parser.add_argument("--limit", type=whole_number(1), metavar="N", help="only the first N pairs")
    parser.add_argument("--json", type=str, metavar="FILE", help="write the rows there too")
    return parser


def _demo() -> ArgumentParser:
    parser = _parser("Make a noisy DNG from the picture in the package, restore it, and compare.")
    parser.add_argument(
        "-o",
        "--output",
        type=str,
        default="demo",
        metavar="DIR",
        help="folder for the pictures (%(default)s)",
    )
    parser.add_argument("--model", type=str, default="default", help=SUPPRESS)
    return parser


def _models() -> ArgumentParser:
    return _parser("The models that ship; or what a weights file holds.")


def _show() -> ArgumentParser:
    parser = _parser("Architecture, parameters and training of a model.")
    parser.add_argument(
        "model", type=str, metavar="MODEL", help="shipped model, weights file or run folder"
    )
    _add_published(parser)
    return parser


def _convert() -> ArgumentParser:
    parser = _parser("Write a model in Pellucid's own format, which needs no options to be read.")
    parser.add_argument(
        "model", type=str, metavar="MODEL", help="weights file, such as net_g_latest.pth"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=str,
        required=True,
        metavar="OUT",
        help="file to write (.safetensors)",
    )
    parser.add_argument(
        "--full-precision",
        action="store_true",
        help="keep 32 bits per weight; left out, 16",
    )
    _add_published(parser)
    return parser


def _train_help() -> ArgumentParser:
    parser = _parser(
        "Train a network by a recipe. A run folder with a checkpoint in it goes on from there."
    )
    parser.usage = "pellucid train RECIPE [--option VALUE ...]"
    parser.add_argument(
        "recipe", type=str, metavar="RECIPE", help="YAML file, such as recipes/default.yaml"
    )
    parser.epilog = (
        "Every entry of the recipe is an option too, such as --data.photos DIR or "
        "--trainer.max_steps 1000; pellucid train RECIPE --help lists them."
    )
    return parser


COMMANDS: dict[str, tuple[Callable[[], ArgumentParser], str]] = {
    "restore": (_restore, "clean pictures from noisy raw files"),
    "develop": (_develop, "a picture from a raw file, without cleaning it"),
    "inspect": (_inspect, "what a raw file says about camera, light and noise"),
    "demo": (_demo, "show the whole way on the picture in the package"),
    "pack": (_pack, "decode a folder of clean pictures or raws once, for training"),
    "train": (_train_help, "train a network by a recipe"),
    "evaluate": (_evaluate, "scores of models where the truth is known"),
    "models": (_models, "the models that ship, and what is in a weights file"),
}
"""Each command's parser and what the overview says of it."""
KINDS: dict[str, tuple[str, dict[str, tuple[Callable[[], ArgumentParser], str]]]] = {
    "evaluate": (
        "benchmark",
        {
            "synthetic": (_synthetic, "photographs made raw and noisy, with known truth"),
            "folder": (_folder, "pairs of degraded and clean pictures"),
        },
    ),
    "models": (
        "action",
        {
            "show": (_show, "architecture, parameters and training of a model"),
            "convert": (_convert, "write a published model in Pellucid's format"),
        },
    ),
}
"""What some commands do in one of several ways, each with its parser and what help says of it."""
