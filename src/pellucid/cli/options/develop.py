"""What `pellucid develop` can be told."""
# pyright: reportUnknownMemberType=false

from typing import get_args

from jsonargparse import ArgumentParser

from pellucid.choices import Demosaic
from pellucid.cli.options.look import add_profile, add_white_balance
from pellucid.cli.options.shared import add_bits, add_look, new_parser


def develop_options() -> ArgumentParser:
    """The options of `pellucid develop`."""
    parser = new_parser("A picture from a raw file, developed without cleaning it.")
    parser.add_argument("input", type=str, metavar="IN", help="raw file")
    parser.add_argument(
        "-o",
        "--output",
        type=str,
        required=True,
        metavar="OUT",
        help="picture to write (.png, .jpg, .tif)",
    )
    add_look(parser)
    add_white_balance(parser)
    add_bits(parser)
    add_profile(parser)
    parser.add_argument(
        "--demosaic",
        choices=get_args(Demosaic),
        help="how the colours between a Bayer sensor's sites are filled in; left out, malvar2004",
    )
    return parser
