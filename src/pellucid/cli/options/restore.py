"""What `pellucid restore` can be told."""
# pyright: reportUnknownMemberType=false

from argparse import BooleanOptionalAction
from typing import get_args

from jsonargparse import ArgumentParser

from pellucid.choices import Precision
from pellucid.cli.numbers import whole_number
from pellucid.cli.options.look import (
    add_control,
    add_profile,
    add_reference,
    add_white_balance,
)
from pellucid.cli.options.shared import add_bits, add_look, add_published, new_parser


def restore_options() -> ArgumentParser:
    """The options of `pellucid restore`."""
    parser = new_parser(
        "Clean pictures from noisy raw files, or with a network of pictures from those. "
        "Interrupted on the way through a folder, the same command goes on where it was."
    )
    parser.add_argument(
        "inputs",
        nargs="+",
        type=str,
        metavar="IN",
        help="raw files, and folders with such, as deep as they go; PNG, JPEG or TIFF where the "
        "model restores pictures",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=str,
        metavar="OUT",
        help="picture to write (.png, .jpg, .tif), clean raw (.dng), or a folder, which gets one "
        "of each input and a manifest; left out, PHOTO-restored.png beside each input",
    )
    parser.add_argument(
        "--noise",
        type=str,
        metavar="SHOT,READ|FILE",
        help="noise level, variance = SHOT * x + READ for x from 0 (black) to 1 (white), or the "
        "file of a calibrated camera; left out, what is known of the camera or said by the file, "
        "else an estimate from the picture",
    )
    add_control(parser)
    add_look(parser)
    add_white_balance(parser)
    add_reference(parser)
    add_bits(parser)
    add_profile(parser)
    parser.add_argument(
        "--linear",
        action="store_true",
        help="write DNGs with three colours at each pixel in place of a mosaic",
    )
    add_batch(parser)
    parser.add_argument(
        "--model",
        type=str,
        help="shipped model, weights file (ours or published) or run folder; left out, the shipped "
        "one for the --task, else `default` for raws and `denoise` for finished pictures",
    )
    add_published(parser)
    parser.add_argument(
        "--tile",
        type=whole_number(2),
        default=1536,
        metavar="PIXELS",
        help="side of what is computed at once (%(default)s); smaller needs less memory",
    )
    parser.add_argument(
        "--device",
        type=str,
        default="cpu",
        help="where to compute: cpu, or cuda or mps where present (%(default)s)",
    )
    parser.add_argument(
        "--precision",
        choices=get_args(Precision),
        default="auto",
        help="of the networks; auto is bfloat16 where the processor has it, which is faster "
        "(%(default)s)",
    )
    return parser


def add_batch(parser: ArgumentParser) -> None:
    """What is said of many files."""
    parser.add_argument(
        "--format",
        choices=("png", "jpg", "tif", "dng"),
        help="of the results in a folder; left out, png",
    )
    parser.add_argument(
        "--jobs",
        type=whole_number(1),
        default=1,
        metavar="N",
        help="files at a time (%(default)s), which share the processor and each need their memory",
    )
    parser.add_argument(
        "--shard",
        type=str,
        metavar="I/N",
        help="restore the I-th of N parts of the files, such as 1/4, for one of several machines",
    )
    parser.add_argument(
        "--pictures",
        action=BooleanOptionalAction,
        help="whether PNG, JPEG and TIFF in folders are restored too; left out, where the model "
        "restores pictures",
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace files in the folder OUT that pellucid restore did not write, or wrote of "
        "other inputs",
    )
