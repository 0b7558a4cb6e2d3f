"""What `pellucid calibrate` can be told."""
# pyright: reportUnknownMemberType=false

from jsonargparse import ArgumentParser

from pellucid.cli.numbers import number
from pellucid.cli.options.shared import new_parser


def calibrate_options() -> ArgumentParser:
    """The options of `pellucid calibrate`."""
    parser = new_parser(
        "The noise of a camera, from flats and darks, or from a handful of ordinary shots, at one "
        "or several ISOs."
    )
    parser.add_argument(
        "inputs", nargs="+", type=str, metavar="SHOTS", help="raw files, and folders of them"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=str,
        metavar="FILE.json",
        help="the profile; left out, one for each camera in ~/.config/pellucid, where restore "
        "finds it, with the ISOs that it has already",
    )
    parser.add_argument(
        "--kind",
        choices=("flats", "shots"),
        help="what the frames with light are; left out, seen by what is on them",
    )
    parser.add_argument(
        "--iso", type=number(1, 1e7), metavar="ISO", help="ISO of files that say none"
    )
    parser.add_argument(
        "--darktable", type=str, metavar="FILE.json", help="the same in darktable's format"
    )
    parser.add_argument(
        "--plot", type=str, metavar="FILE.png", help="draw it with 95 %% bands (needs matplotlib)"
    )
    return parser
