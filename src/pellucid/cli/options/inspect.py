"""What `pellucid inspect` can be told."""
# pyright: reportUnknownMemberType=false

from jsonargparse import ArgumentParser

from pellucid.cli.options.shared import new_parser


def inspect_options() -> ArgumentParser:
    """The options of `pellucid inspect`."""
    parser = new_parser("What a raw file says about camera, light and noise.")
    parser.add_argument("input", type=str, metavar="IN", help="raw file")
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    parser.add_argument(
        "--noise",
        type=str,
        metavar="FILE.png",
        help="draw the noise measured in the picture beside what is assumed (needs matplotlib)",
    )
    return parser
