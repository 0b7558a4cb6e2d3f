"""What `pellucid adapt` can be told."""
# pyright: reportUnknownMemberType=false

from jsonargparse import ArgumentParser

from pellucid.cli.numbers import number, whole_number
from pellucid.cli.options.shared import new_parser


def adapt_options() -> ArgumentParser:
    """The options of `pellucid adapt`."""
    parser = new_parser(
        "Adapt a model to your own noisy raws or pictures, of which you have no clean ones. "
        "Interrupted, the same command goes on. Exit code 1: nothing was gained, no model is "
        "written."
    )
    parser.add_argument(
        "--real",
        type=str,
        required=True,
        metavar="DIR",
        help="your noisy raws, or pictures, best of one camera; or one file",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=str,
        required=True,
        metavar="FILE",
        help="weights file to write, such as mycamera.safetensors; beside it, mycamera.run",
    )
    parser.add_argument(
        "--model",
        type=str,
        default="default",
        help="model to begin from: a shipped one, a weights file or a run folder (%(default)s)",
    )
    parser.add_argument(
        "--photos",
        type=str,
        metavar="DIR",
        help="clean photographs of anything, or their packed store, to learn from",
    )
    parser.add_argument(
        "--camera", type=str, metavar="NAME", help="take the files of one camera of several"
    )
    parser.add_argument(
        "--minutes",
        type=number(0.01, 1e5),
        default=10.0,
        metavar="M",
        help="at most so long, the time before interruptions included (%(default)g)",
    )
    parser.add_argument(
        "--steps", type=whole_number(1), metavar="N", help="at most so many steps, for any time"
    )
    parser.add_argument(
        "--terms",
        choices=("pairs", "critic", "own", "all"),
        help="what is minimised: the error on clean pictures under noise like that of your files "
        "(pairs), with noise-space adaptation besides (critic), the error that your files' own "
        "noise shows (own), or all of it; left out, pairs with --photos and own without",
    )
    parser.add_argument(
        "--seed", type=whole_number(0), default=0, metavar="N", help="of all chance"
    )
    return parser
