"""What `pellucid evaluate` and its benchmarks can be told."""
# pyright: reportUnknownMemberType=false

from collections.abc import Callable

from jsonargparse import ArgumentParser

from pellucid.cli.numbers import number, numbers, whole_number
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


def add_submission(parser: ArgumentParser, what: str) -> None:
    """Where the site's files go."""
    parser.add_argument("--submission", type=str, metavar="DIR", help=f"folder for {what}")


def add_raw_options(parser: ArgumentParser, items: str) -> None:
    """What all benchmarks of raws can be told."""
    add_models(parser, "models that restore raws, or their pictures")
    add_computing(parser)
    add_outputs(parser, items)


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


def add_data(parser: ArgumentParser, where: str) -> None:
    """Where the files lie."""
    parser.add_argument("--data", type=str, required=True, metavar="DIR", help=f"folder of {where}")


def add_list(parser: ArgumentParser, what: str) -> None:
    """A list of pairs."""
    parser.add_argument("--list", type=str, metavar="FILE", help=what)


def add_picture_options(parser: ArgumentParser, items: str) -> None:
    """What all benchmarks of pictures can be told."""
    add_models(parser, "models that restore pictures; left out, the input alone is scored")
    parser.add_argument(
        "--measures",
        nargs="+",
        type=str,
        metavar="NAME",
        help="psnr, ssim, psnr_y, ssim_y, ms_ssim, ciede2000, lpips, dists, niqe, noise, edges, "
        "seams, and psnr_noiseda and such for Noise-DA's own; left out, those of the benchmark",
    )
    for name, backbone in (("lpips", "AlexNet"), ("dists", "VGG16")):
        parser.add_argument(
            f"--{name}",
            type=str,
            metavar="FILE,FILE",
            help=f"weights of torchvision's {backbone} and of the authors of {name.upper()}",
        )
    parser.add_argument(
        "--niqe", type=str, metavar="FILE", help="model of fit-niqe; left out, Pellucid's own"
    )
    parser.add_argument(
        "--batch",
        type=whole_number(1),
        default=1,
        metavar="N",
        help="pictures of one size that are restored together (%(default)s)",
    )
    add_computing(parser)
    add_outputs(parser, items)


def add_computing(parser: ArgumentParser) -> None:
    """Where, and how much at once."""
    parser.add_argument(
        "--tile",
        type=whole_number(2),
        default=1024,
        metavar="PIXELS",
        help="side of what is computed at once (%(default)s)",
    )
    parser.add_argument("--device", type=str, default="cpu", help="where to compute (%(default)s)")


def add_models(parser: ArgumentParser, what: str) -> None:
    """The models that are judged."""
    parser.add_argument(
        "--model",
        nargs="+",
        action="extend",
        type=str,
        metavar="NAME",
        dest="models",
        help=what,
    )


def add_outputs(parser: ArgumentParser, items: str) -> None:
    """How much is judged, and where the numbers go."""
    parser.add_argument(
        "--limit", type=whole_number(1), metavar="N", help=f"only the first N {items}"
    )
    parser.add_argument("--json", type=str, metavar="FILE", help="write the rows there too")
    parser.add_argument(
        "--out",
        type=str,
        metavar="DIR",
        help="folder for scores, tables and a report (index.html); interrupted, the same command "
        "goes on where it was",
    )
    parser.add_argument(
        "--pictures",
        type=whole_number(0),
        default=6,
        metavar="N",
        help="items that the report shows, each model's worst first (%(default)s)",
    )


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
