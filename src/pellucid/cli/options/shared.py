"""Options that several commands have, and the parser they start from."""
# pyright: reportUnknownMemberType=false

from argparse import BooleanOptionalAction, HelpFormatter
from typing import get_args

from jsonargparse import ArgumentParser

from pellucid.choices import ISPChoice, Task
from pellucid.cli.numbers import number, whole_number


def new_parser(description: str) -> ArgumentParser:
    """An empty parser that raises instead of leaving the process."""
    # The formatter of argparse: jsonargparse's own adds the types of Python to every text.
    return ArgumentParser(
        description=description, exit_on_error=False, formatter_class=HelpFormatter
    )


def add_look(parser: ArgumentParser) -> None:
    """Exposure and tone."""
    parser.add_argument(
        "--exposure",
        type=number(-10, 10),
        default=0.0,
        metavar="EV",
        help="stops brighter, or darker where negative (0)",
    )
    parser.add_argument(
        "--tone",
        type=number(0, 1),
        default=0.0,
        metavar="LIFT",
        help="how much the mid-tones are lifted, 0 to 1 (0)",
    )


def add_bits(parser: ArgumentParser) -> None:
    """Bits per channel of the picture."""
    parser.add_argument(
        "--bits",
        type=whole_number(8),
        choices=(8, 16),
        help="bits per channel; left out, 8 for PNG and JPEG, 16 for TIFF",
    )


def add_published(parser: ArgumentParser) -> None:
    """What published weights do not tell."""
    parser.add_argument(
        "--task",
        choices=get_args(Task),
        help="what a finished picture suffers from; also what published weights of Noise-DA are "
        "for, which they do not tell",
    )
    parser.add_argument(
        "--noise-map",
        action=BooleanOptionalAction,
        default=True,
        help="whether published weights of DualDn were trained with a noise map (they were)",
    )
    parser.add_argument(
        "--isp",
        choices=get_args(ISPChoice),
        default="dualdn",
        help="camera pipeline around published weights of DualDn (%(default)s)",
    )
