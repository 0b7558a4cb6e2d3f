"""What `pellucid restore` can be told."""
# pyright: reportUnknownMemberType=false

from jsonargparse import ArgumentParser

from pellucid.cli.numbers import whole_number
from pellucid.cli.options.shared import add_bits, add_look, add_published, new_parser


def restore_options() -> ArgumentParser:
    """The options of `pellucid restore`."""
    parser = new_parser(
        "Clean pictures from noisy raw files, or with a network of pictures from those."
    )
    parser.add_argument(
        "inputs",
        nargs="+",
        type=str,
        metavar="IN",
        help="raw files; PNG, JPEG or TIFF where the model restores pictures",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=str,
        metavar="OUT",
        help="picture to write (.png, .jpg, .tif), or a folder, which gets a PNG of each input; "
        "left out, PHOTO-restored.png beside each input",
    )
    parser.add_argument(
        "--noise",
        type=str,
        metavar="SHOT,READ",
        help="noise level, variance = SHOT * x + READ for x from 0 (black) to 1 (white); "
        "left out, what the file says, else an estimate from the picture",
    )
    add_look(parser)
    add_bits(parser)
    parser.add_argument(
        "--model",
        type=str,
        default="default",
        help="shipped model, weights file (ours or published) or run folder; left out, the model "
        "that is shipped",
    )
    add_published(parser)
    parser.add_argument(
        "--tile",
        type=whole_number(2),
        default=1024,
        metavar="PIXELS",
        help="side of what is computed at once (%(default)s); smaller needs less memory",
    )
    parser.add_argument(
        "--device",
        type=str,
        default="cpu",
        help="where to compute: cpu, or cuda or mps where present (%(default)s)",
    )
    return parser
