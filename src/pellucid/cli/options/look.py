"""Options of the look and of the strength, for the commands that restore."""
# pyright: reportUnknownMemberType=false

from typing import get_args

from jsonargparse import ArgumentParser

from pellucid.choices import OutputProfile, Preset, Stars
from pellucid.cli.numbers import number


def add_reference(parser: ArgumentParser) -> None:
    """Whose colours the picture takes."""
    parser.add_argument(
        "--reference",
        type=str,
        metavar="IMG|embedded",
        help="picture of the same shot whose colours are taken, such as the camera's JPEG; "
        "`embedded` is the preview in the raw",
    )


def add_white_balance(parser: ArgumentParser) -> None:
    """What the light was."""
    parser.add_argument(
        "--white-balance",
        type=str,
        default="camera",
        metavar="CHOICE",
        help="camera, daylight, auto (from the picture), or gains R,G,B such as 2.1,1,1.6 (camera)",
    )


def add_profile(parser: ArgumentParser) -> None:
    """The colours of the file."""
    parser.add_argument(
        "--profile",
        choices=get_args(OutputProfile),
        default="srgb",
        help="colours of the picture's file: display-p3 and rec2020 hold more than srgb, linear "
        "is linear light of sRGB in 16 bits (%(default)s)",
    )


def add_control(parser: ArgumentParser) -> None:
    """How much noise goes, and how much time is taken for it."""
    parser.add_argument(
        "--strength",
        type=number(0, 1),
        default=1.0,
        metavar="SHARE",
        help="share of the noise that is removed, 0 to 1 (%(default)s)",
    )
    for what in ("luma", "chroma"):
        parser.add_argument(
            f"--{what}",
            type=number(0, 1),
            metavar="SHARE",
            help=f"share of the noise in {what}; left out, as --strength",
        )
    parser.add_argument(
        "--stars",
        choices=get_args(Stars),
        default="auto",
        help="points that stand out of the noise stay as they are: auto, in star fields "
        "(%(default)s)",
    )
    parser.add_argument(
        "--preset",
        choices=get_args(Preset),
        default="normal",
        help="fast leaves out the second network; best takes four times as long (%(default)s)",
    )
