"""What `pellucid demo` can be told."""
# pyright: reportUnknownMemberType=false

from argparse import SUPPRESS

from jsonargparse import ArgumentParser

from pellucid.cli.options.shared import new_parser


def demo_options() -> ArgumentParser:
    """The options of `pellucid demo`."""
    parser = new_parser(
        "Make a noisy DNG from the picture in the package, restore it, and compare."
    )
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
