"""Numbers on the command line, whose range is checked where they come in.

Each reader also takes what it returned: jsonargparse checks a value by reading it once more.
"""

from argparse import ArgumentTypeError
from collections.abc import Callable


def number(low: float, high: float) -> Callable[[str | float], float]:
    """What reads a number between two, both included."""

    def read(said: str | float) -> float:
        try:
            value = float(said)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise ArgumentTypeError(f"{said}: expected a number from {low:g} to {high:g}")
        return value

    return read


def whole_number(least: int) -> Callable[[str | int], int]:
    """What reads a whole number that is not below another."""

    def read(said: str | int) -> int:
        try:
            value = int(said)
        except ValueError:
            value = least - 1
        if value < least:
            raise ArgumentTypeError(f"{said}: expected a whole number, {least} or more")
        return value

    return read


def numbers(low: float, high: float) -> Callable[[str | list[float]], list[float]]:
    """What reads numbers between two with commas between."""
    one = number(low, high)
    return lambda said: [one(part) for part in (said.split(",") if isinstance(said, str) else said)]
