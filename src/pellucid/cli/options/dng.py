"""What `pellucid dng` can be told."""
# pyright: reportUnknownMemberType=false

from jsonargparse import ArgumentParser

from pellucid.cli.options.shared import new_parser


def dng_options() -> ArgumentParser:
    """The options of `pellucid dng`, which are its actions'."""
    return new_parser("Tools for DNG files.")


def check_options() -> ArgumentParser:
    """The options of `pellucid dng check`."""
    parser = new_parser(
        "List what a reader would trip over in a DNG, one line each: how bad it is, where, what "
        "was found, what is expected, and which readers are known to trip. Exit code 0 without "
        "findings, 1 with some, 2 if the file cannot be read or is no DNG."
    )
    parser.add_argument("file", type=str, metavar="FILE", help="DNG to check")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    return parser
