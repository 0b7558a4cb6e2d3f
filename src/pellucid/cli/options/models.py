"""What `pellucid models` and its actions can be told."""
# pyright: reportUnknownMemberType=false

from jsonargparse import ArgumentParser

from pellucid.cli.options.shared import add_published, new_parser


def models_options() -> ArgumentParser:
    """What `pellucid models` says before an action is named."""
    return new_parser("The models that ship; or what a weights file holds.")


def show_options() -> ArgumentParser:
    """The options of `pellucid models show`."""
    parser = new_parser("Architecture, parameters and training of a model.")
    parser.add_argument(
        "model", type=str, metavar="MODEL", help="shipped model, weights file or run folder"
    )
    add_published(parser)
    return parser


def convert_options() -> ArgumentParser:
    """The options of `pellucid models convert`."""
    parser = new_parser(
        "Write a model in Pellucid's own format, which needs no options to be read."
    )
    parser.add_argument(
        "model", type=str, metavar="MODEL", help="weights file, such as net_g_latest.pth"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=str,
        required=True,
        metavar="OUT",
        help="file to write (.safetensors)",
    )
    parser.add_argument(
        "--full-precision",
        action="store_true",
        help="keep 32 bits per weight; left out, 16",
    )
    add_published(parser)
    return parser
