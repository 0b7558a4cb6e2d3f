"""The look and the strength that the command line asks for, as records."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from jsonargparse import Namespace

from pellucid.control import Strength
from pellucid.errors import PellucidError
from pellucid.look.white_balance import WhiteBalance


def strength_of(options: Namespace) -> Strength:
    """Luma and chroma, each as said or as --strength."""
    luma, chroma = (
        options.strength if said is None else said for said in (options.luma, options.chroma)
    )
    return Strength(luma, chroma)


def white_balance_of(text: str) -> WhiteBalance:
    """A name, or three gains."""
    match text:
        case "camera" | "daylight" | "auto":
            return text
        case _:
            return _gains(text)


def _gains(text: str) -> tuple[float, float, float]:
    try:
        red, green, blue = (float(part) for part in text.split(","))
    except ValueError:
        red = green = blue = 0.0
    if not all(0.01 <= gain <= 100 for gain in (red, green, blue)):
        raise PellucidError(
            f"--white-balance {text}: expected camera, daylight, auto, or three gains R,G,B from "
            "0.01 to 100, such as 2.1,1,1.6"
        )
    return red, green, blue
