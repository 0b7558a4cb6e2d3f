"""What `pellucid evaluate` and its benchmarks can be told."""
# pyright: reportUnknownMemberType=false

from jsonargparse import ArgumentParser

from pellucid.cli.numbers import numbers, whole_number
from pellucid.cli.options.shared import new_parser


def evaluate_options() -> ArgumentParser:
    """What `pellucid evaluate` says before a benchmark is named."""
    return new_parser("Scores of models where the truth is known.")


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
    parser.add_argument(
        "--model",
        nargs="+",
        action="extend",
        type=str,
        metavar="NAME",
        dest="models",
        help="shipped models, weights files or run folders; left out, the model that is shipped",
    )
    parser.add_argument(
        "--limit", type=whole_number(1), metavar="N", help="only the first N photographs"
    )
    parser.add_argument("--json", type=str, metavar="FILE", help="write the rows there too")
    return parser


def folder_options() -> ArgumentParser:
    """The options of `pellucid evaluate folder`."""
    parser = new_parser(
        "Pairs of pictures: PSNR and SSIM of the input and of what models make of it."
    )
    parser.add_argument(
        "--input", type=str, required=True, metavar="DIR", help="folder of degraded pictures"
    )
    parser.add_argument(
        "--target",
        type=str,
        required=True,
        metavar="DIR",
        help="folder of their clean pictures, of the same names, or as many in the same order",
    )
    parser.add_argument(
        "--model",
        nargs="+",
        action="extend",
        type=str,
        metavar="NAME",
        dest="models",
        help="models that restore pictures; left out, the input alone is scored",
    )
    parser.add_argument("--limit", type=whole_number(1), metavar="N", help="only the first N pairs")
    parser.add_argument("--json", type=str, metavar="FILE", help="write the rows there too")
    return parser
