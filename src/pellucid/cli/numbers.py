"""Numbers on the command line, whose range is checked where they come in."""

from argparse import ArgumentTypeError
from collections.abc import Callable


def number(low: float, high: float) -> Callable[[str], float]:
    """What reads a number between two, both included."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise ArgumentTypeError(f"{text}: expected a number from {low:g} to {high:g}")
        return value

    return read


def whole_number(least: int) -> Callable[[str], int]:
    """What reads a whole number that is not below another."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and int(text) >= least):
            raise ArgumentTypeError(f"{text}: expected a whole number, {least} or more")
        return int(text)

    return read


def numbers(low: float, high: float) -> Callable[[str], list[float]]:
    """What reads numbers between two with commas between."""
    read = number(low, high)
    return lambda text: [read(part) for part in text.split(",")]
