"""What the benchmarks of raws can be told."""
# pyright: reportUnknownMemberType=false

from jsonargparse import ArgumentParser

from pellucid.cli.numbers import whole_number
from pellucid.cli.options.evaluate_shared import (
    add_data,
    add_raw_options,
    add_submission,
)
from pellucid.cli.options.shared import new_parser


def dnd_options() -> ArgumentParser:
    """The options of `pellucid evaluate dnd`."""
    parser = new_parser("DND's 1,000 boxes, both tracks: files for its site, which has the truth.")
    add_data(parser, "DND: info.mat, and the raws in images_raw or Raw")
    add_submission(parser, "its boxes and bundles")
    parser.add_argument(
        "--demosaic",
        choices=("bilinear", "malvar2004", "ahd"),
        default="bilinear",
        help="of the sRGB track; DND's truth is made by %(default)s, the default",
    )
    add_raw_options(parser, "boxes")
    return parser


def sidd_options() -> ArgumentParser:
    """The options of `pellucid evaluate sidd`."""
    parser = new_parser("SIDD's blocks, raw and sRGB: scores of validation, files of benchmark.")
    add_data(parser, "SIDD's .mat files of blocks")
    parser.add_argument(
        "--part",
        choices=("validation", "benchmark"),
        default="validation",
        help="validation is scored here, benchmark by the site (%(default)s)",
    )
    parser.add_argument(
        "--track",
        choices=("raw", "srgb"),
        default="raw",
        help="raw for networks of raws, srgb for networks of pictures (%(default)s)",
    )
    parser.add_argument(
        "--scenes",
        type=str,
        metavar="FILE",
        help="scene of each image, one a line; left out, the 40 of SIDD_Benchmark_Data",
    )
    parser.add_argument(
        "--metadata",
        type=str,
        metavar="DIR",
        help="folder with METADATA_RAW_010.MAT files of the scenes; left out, noise is estimated",
    )
    add_submission(parser, "SubmitRaw.mat or SubmitSrgb.mat")
    add_raw_options(parser, "blocks")
    return parser


def real_options() -> ArgumentParser:
    """The options of `pellucid evaluate real`."""
    parser = new_parser("Raws with the camera's own JPEGs: noise, edges, NIQE, colour distance.")
    add_data(parser, "Raw and ref_sRGB, or of raws beside their JPEGs")
    parser.add_argument(
        "--reference",
        action="store_true",
        help="judge each model a second time, its colours brought to the camera's JPEG",
    )
    parser.add_argument(
        "--measures", nargs="+", type=str, metavar="NAME", help="niqe, noise, edges, seams"
    )
    parser.add_argument(
        "--niqe", type=str, metavar="FILE", help="model of fit-niqe; left out, Pellucid's own"
    )
    add_raw_options(parser, "raws")
    return parser


def dual_options() -> ArgumentParser:
    """The options of `pellucid evaluate dual`."""
    parser = new_parser("The dual benchmark: scores in the raw domain and in sRGB.")
    add_data(parser, "a set that build-dual made")
    add_raw_options(parser, "items")
    return parser


def build_dual_options() -> ArgumentParser:
    """The options of `pellucid evaluate build-dual`."""
    parser = new_parser("Make the dual benchmark of clean photographs or raws.")
    parser.add_argument(
        "--photos", type=str, required=True, metavar="DIR", help="clean photographs, or clean raws"
    )
    parser.add_argument("-o", "--output", type=str, required=True, metavar="DIR", help="new folder")
    parser.add_argument(
        "--seed", type=whole_number(0), default=0, help="of cameras and noise (%(default)s)"
    )
    parser.add_argument(
        "--size",
        type=whole_number(32),
        default=512,
        metavar="PIXELS",
        help="longest side of a picture (%(default)s)",
    )
    parser.add_argument(
        "--isps",
        nargs="+",
        type=str,
        default=["ours", "libraw"],
        metavar="NAME",
        help="pipelines: ours, libraw, and where they are installed darktable and rawtherapee "
        "(ours libraw)",
    )
    return parser
