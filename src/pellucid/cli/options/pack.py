"""What `pellucid pack` can be told."""
# pyright: reportUnknownMemberType=false

from jsonargparse import ArgumentParser

from pellucid.cli.numbers import whole_number
from pellucid.cli.options.shared import new_parser


def pack_options() -> ArgumentParser:
    """The options of `pellucid pack`."""
    parser = new_parser(
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
