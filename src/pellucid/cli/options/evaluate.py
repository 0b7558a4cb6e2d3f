"""What `pellucid evaluate` and its benchmarks can be told."""
# pyright: reportUnknownMemberType=false

from collections.abc import Callable

from jsonargparse import ArgumentParser

from pellucid.cli.numbers import number, numbers, whole_number
from pellucid.cli.options.evaluate_raw import (
    build_dual_options,
    dnd_options,
    dual_options,
    real_options,
    sidd_options,
)
from pellucid.cli.options.evaluate_shared import (
    add_data,
    add_list,
    add_models,
    add_outputs,
    add_picture_options,
)
from pellucid.cli.options.shared import new_parser


def evaluate_options() -> ArgumentParser:
    """What `pellucid evaluate` says before a benchmark is named."""
    return new_parser("Scores of models on benchmarks, with or without a known truth.")


def synthetic_options() -> ArgumentParser:
    """The options of `pellucid evaluate synthetic`."""
    parser = new_parser("Photographs made raw and noisy: PSNR and SSIM of the restored picture.")
    parser.add_argument(
        "--photos", type=str, required=True, metavar="DIR", help="folder of clean photographs"
    )
    parser.add_argument(
        "--noise-levels",
        type=numbers(1e-6, 1),
        default=[0.0002, 0.002, 0.02],
        metavar="K,K,...",
        help="shot noise levels (0.0002,0.002,0.02); read noise follows DualDn's law",
    )
    parser.add_argument(
        "--tones",
        type=numbers(0, 1),
        default=[0.0, 0.5],
        metavar="A,A,...",
        help="tone curves, 0 to 1 (0,0.5)",
    )
    add_models(
        parser,
        "shipped models, weights files or run folders; left out, the model that is shipped",
    )
    add_outputs(parser, "photographs")
    return parser


def folder_options() -> ArgumentParser:
    """The options of `pellucid evaluate folder`."""
    parser = new_parser(
        "Pairs of pictures: PSNR and SSIM of the input and of what models make of it."
    )
    parser.add_argument(
        "--input",
        type=str,
        required=True,
        metavar="DIR",
        help="folder of degraded pictures, or a list of paths (.flist, .txt)",
    )
    parser.add_argument(
        "--target",
        type=str,
        required=True,
        metavar="DIR",
        help="folder of their clean pictures, of the same names, or as many in the same order; or "
        "a list of their paths",
    )
    parser.add_argument(
        "--border",
        type=whole_number(0),
        default=0,
        metavar="PIXELS",
        help="left out on every side (%(default)s)",
    )
    parser.add_argument(
        "--ssim-window",
        choices=("mirrored", "gaussian", "uniform", "padded", "volume"),
        default="mirrored",
        help="of SSIM: as torchmetrics, Wang's program, scikit-image, or MATLAB on grey or on RGB "
        "(%(default)s)",
    )
    add_picture_options(parser, "pairs")
    return parser


def polyu_options() -> ArgumentParser:
    """The options of `pellucid evaluate polyu`."""
    parser = new_parser("PolyU's real noisy pictures; by default the held-out scenes.")
    add_data(parser, "PolyU, or its folder CroppedImages")
    parser.add_argument(
        "--scenes",
        choices=("held_out", "kept", "all"),
        default="held_out",
        help="which scenes: those that a recipe with such share and seed holds out (%(default)s)",
    )
    parser.add_argument(
        "--share",
        type=number(0, 1),
        default=0.5,
        help="of the pairs that are held out, in whole scenes (%(default)s)",
    )
    parser.add_argument(
        "--seed", type=whole_number(0), default=0, help="that draws the scenes (%(default)s)"
    )
    add_picture_options(parser, "pairs")
    return parser


def plain_options(what: str, where: str) -> Callable[[], ArgumentParser]:
    """The options of a benchmark that is one folder and nothing else."""

    def build() -> ArgumentParser:
        parser = new_parser(what)
        add_data(parser, where)
        add_picture_options(parser, "pictures")
        return parser

    return build


def rain_options() -> ArgumentParser:
    """The options of `pellucid evaluate rain`."""
    parser = new_parser("Rain100H, Rain100L, Rain13k's test sets, SPA: on Y, and on RGB.")
    add_data(parser, "one set, or a folder of sets with input and target each")
    add_list(parser, "SPA's list of two paths a line, inputs first")
    add_picture_options(parser, "pairs")
    return parser


def blur_options() -> ArgumentParser:
    """The options of `pellucid evaluate blur`."""
    parser = new_parser("GoPro, RealBlur with its alignment, Levin's with its search of shifts.")
    add_data(parser, "the set")
    parser.add_argument(
        "--set",
        choices=("gopro", "realblur", "levin"),
        help="whose protocol; left out, that of the folder's layout",
    )
    add_list(parser, "RealBlur's list of two paths a line, targets first")
    add_picture_options(parser, "pairs")
    return parser


def fit_niqe_options() -> ArgumentParser:
    """The options of `pellucid evaluate fit-niqe`."""
    parser = new_parser("NIQE's model of good photographs, for --niqe.")
    parser.add_argument("folder", type=str, metavar="DIR", help="folder of good photographs")
    parser.add_argument("-o", "--output", type=str, required=True, metavar="FILE", help="model")
    parser.add_argument(
        "--reduce",
        type=whole_number(1),
        default=2,
        metavar="N",
        help="make photographs N times smaller first (%(default)s), so that their noise goes",
    )
    parser.add_argument(
        "--leave-out", nargs="+", default=[], type=str, metavar="NAME", help="photographs to skip"
    )
    return parser


BENCHMARKS: dict[str, tuple[Callable[[], ArgumentParser], str]] = {
    "synthetic": (synthetic_options, "photographs made raw and noisy, with known truth"),
    "folder": (folder_options, "pairs of degraded and clean pictures"),
    "polyu": (polyu_options, "PolyU: real noise, held-out scenes"),
    "cc": (plain_options("CC's 15 real noisy crops.", "CC"), "CC: real noise, 15 crops"),
    "nam": (plain_options("Nam's real noisy pictures.", "Nam's set"), "Nam: real noise"),
    "rain": (rain_options, "Rain100H and L, Rain13k's test sets, SPA"),
    "blur": (blur_options, "GoPro, RealBlur, Levin"),
    "dnd": (dnd_options, "DND: 1,000 boxes, raw and sRGB, for its site"),
    "sidd": (sidd_options, "SIDD: blocks of five phones, raw and sRGB"),
    "real": (real_options, "raws with the camera's JPEGs"),
    "dual": (dual_options, "raw and sRGB together, several pipelines"),
    "build-dual": (build_dual_options, "make the set of dual"),
    "noreference": (
        plain_options(
            "Pictures without a truth: NIQE, noise, edges.", "pictures, or a list of their paths"
        ),
        "pictures whose truth nobody knows",
    ),
    "fit-niqe": (fit_niqe_options, "fit NIQE's model to good photographs"),
}
"""Each benchmark's parser and what the overview says of it."""
