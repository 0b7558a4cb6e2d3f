"""What can be said on the command line."""

import sys
from argparse import SUPPRESS
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from jsonargparse import ArgumentError, ArgumentParser, Namespace

from pellucid.demosaic import Demosaic
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
        raise PellucidError(" ".join(str(error).split())) from None
    return _command(said)


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
            case "evaluate":
                from pellucid.cli.evaluate import evaluate_command as command
            case _:
                from pellucid.cli.demo import demo_command as command
        return command(options)

    return run


def build_parser() -> ArgumentParser:
    """The parser of all commands but `train`, whose options are those of its recipe."""
    parser = ArgumentParser(
        prog="pellucid",
        description="Clean pictures from noisy raw photographs.",
        exit_on_error=False,
    )
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subcommands(dest="command")
    commands.add_subcommand("restore", _restore(), help="clean pictures from noisy raw files")
    commands.add_subcommand(
        "develop", _develop(), help="a picture from a raw file, without cleaning it"
    )
    commands.add_subcommand(
        "inspect", _inspect(), help="what a raw file says about camera, light and noise"
    )
    evaluate = _parser("Scores of models where the truth is known.")
    commands.add_subcommand("evaluate", evaluate, help="scores of models where the truth is known")
    # jsonargparse wants subcommands from the outside in.
    evaluate.add_subcommands(dest="benchmark").add_subcommand(
        "synthetic", _synthetic(), help="photographs made raw and noisy"
    )
    commands.add_subcommand(
        "demo", _demo(), help="show the whole way on the picture in the package"
    )
    commands.add_subcommand("train", _train_help(), help="train a network by a recipe")
    return parser


def _version() -> str:
    from importlib.metadata import version

    return f"pellucid {version('pellucid')}"


def _parser(description: str) -> ArgumentParser:
    return ArgumentParser(description=description, exit_on_error=False)


def _restore() -> ArgumentParser:
    parser = _parser("Clean pictures from noisy raw files.")
    parser.add_argument("inputs", nargs="+", type=str, metavar="IN", help="raw files")
    parser.add_argument(
        "-o",
        "--output",
        type=str | None,
        metavar="OUT",
        help="picture to write (.png, .jpg, .tif), or a folder; "
        "left out, PHOTO-restored.png beside each raw file",
    )
    parser.add_argument(
        "--noise",
        type=str | None,
        metavar="SHOT,READ",
        help="noise level, variance = SHOT * x + READ for x from 0 (black) to 1 (white); "
        "left out, what the file says, else an estimate from the picture",
    )
    parser.add_argument(
        "--model", type=str, default="default", help="shipped model, weights file or run folder"
    )
    _add_look(parser)
    _add_bits(parser)
    parser.add_argument(
        "--tile",
        type=int,
        default=1024,
        help="pixels per side computed at once; smaller needs less memory",
    )
    parser.add_argument(
        "--device", type=str, default="cpu", help="where to compute: cpu, cuda, mps, ..."
    )
    return parser


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
    parser.add_argument(
        "--demosaic",
        type=Literal[get_args(Demosaic)],
        default="malvar2004",
        help="how colours are filled in",
    )
    _add_look(parser)
    _add_bits(parser)
    return parser


def _add_look(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--exposure",
        type=float,
        default=0.0,
        metavar="EV",
        help="stops brighter (or darker, if negative)",
    )
    parser.add_argument("--tone", type=float, default=0.0, help="0 to 1: lift of the mid-tones")


def _add_bits(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--bits",
        type=Literal[8, 16] | None,
        help="bits per channel; left out, 8 for PNG and JPEG, 16 for TIFF",
    )


def _inspect() -> ArgumentParser:
    parser = _parser("What a raw file says about camera, light and noise.")
    parser.add_argument("input", type=str, metavar="IN", help="raw file")
    parser.add_argument("--json", action="store_true", help="as JSON")
    return parser


def _synthetic() -> ArgumentParser:
    synthetic = _parser("Photographs made raw and noisy: PSNR and SSIM of the restored picture.")
    synthetic.add_argument(
        "--photos", type=str, required=True, metavar="DIR", help="folder of clean photographs"
    )
    synthetic.add_argument(
        "--noise-levels",
        type=str,
        default="0.0002,0.002,0.02",
        metavar="K,K,...",
        help="shot noise levels; read noise follows DualDn's law",
    )
    synthetic.add_argument(
        "--tones", type=str, default="0,0.5", metavar="A,A,...", help="tone curves, 0 to 1"
    )
    synthetic.add_argument(
        "--model",
        nargs="*",
        action="extend",
        type=str,
        metavar="NAME",
        dest="models",
        help="shipped model, weights file or run folder; may be given several times",
    )
    synthetic.add_argument(
        "--limit", type=int | None, metavar="N", help="only the first N photographs"
    )
    synthetic.add_argument(
        "--json", type=str | None, metavar="FILE", help="write the rows there too"
    )
    return synthetic


def _demo() -> ArgumentParser:
    parser = _parser("Make a noisy DNG from the picture in the package, restore it, and compare.")
    parser.add_argument(
        "-o", "--output", type=str, default="demo", metavar="DIR", help="folder for the pictures"
    )
    parser.add_argument("--model", type=str, default="default", help=SUPPRESS)
    return parser


def _train_help() -> ArgumentParser:
    return ArgumentParser(
        description="pellucid train RECIPE.yaml [--option VALUE ...]: train a network by a recipe; "
        "every entry of the recipe is an option too (pellucid train RECIPE.yaml --help lists them). "
        "A run folder with a checkpoint in it goes on from there."
    )
