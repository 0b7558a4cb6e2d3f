"""Faults of a DNG's levels and pattern, as its pixels show them."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from pellucid.io.dng_fault import ALL, SDK, Finding
from pellucid.io.dng_source import active_area
from pellucid.io.libraw import Decoded
from pellucid.io.tiff_reader import Directory

_CFA, _LINEAR_RAW = 32803, 34892
_ENOUGH = 64  # pixels of a side; in fewer, chance decides which sites are alike
_BLACK_REPEAT, _BLACK, _WHITE, _TABLE = 50713, 50714, 50717, 50712


def level_faults(raw: Directory, decoded: Decoded | None) -> Iterator[Finding]:
    """Levels that contradict each other, or the pixels; `decoded` where LibRaw knows them."""
    yield from _number_faults(raw)
    if decoded is None:
        return
    pixels = _active(raw, decoded)
    if min(pixels.shape) >= 16 and raw.number(262) == _CFA:
        yield from _range_faults(raw, pixels, decoded)
        yield from _pattern_faults(raw, pixels)


def _most(raw: Directory) -> int:
    """What BitsPerSample can hold."""
    return 2 ** min(raw.number(258, 16), 32) - 1


def _number_faults(raw: Directory) -> Iterator[Finding]:
    black, white = raw.numbers(_BLACK), raw.numbers(_WHITE)
    repeat = raw.integers(_BLACK_REPEAT) or (1, 1)
    count = repeat[0] * repeat[1] * raw.number(277, 1) if len(repeat) == 2 else 0
    if black and len(black) != count:
        found = f"BlackLevel has {len(black)} numbers"
        yield Finding("error", "levels", found, f"{count}, by BlackLevelRepeatDim", ALL)
    full = _most(raw)
    table = raw.numbers(_TABLE)
    most = max(table) if table else full
    top = white[0] if white else full
    if black and max(black) >= top:
        found = f"black {max(black):g} is not below white {top:g}"
        yield Finding("error", "levels", found, "black below white", ALL)
    if raw.number(339, 1) == 1 and top > most * 1.01:
        found = f"WhiteLevel {top:g} is above what the pixels can hold, {most:g}"
        yield Finding("error", "levels", found, "a level that saturated pixels reach", ALL)
    if len(table) > full + 1:
        found = f"LinearizationTable has {len(table)} values"
        yield Finding("warning", "levels", found, f"{full + 1} at most", "strict readers")
    if raw.number(262) == _LINEAR_RAW and any(black):
        found = f"LinearRaw has a black level of {max(black):g}"
        readers = "darktable and RawTherapee do not subtract it"
        yield Finding("warning", "levels", found, "0", readers)
    yield from _repeat_faults(raw, repeat)


def _repeat_faults(raw: Directory, repeat: tuple[int, ...]) -> Iterator[Finding]:
    """Levels per site count from the active area, where an odd origin leads readers astray."""
    area = active_area(raw)
    if (area.top % 2 or area.left % 2) and max(repeat) > 1 and len(set(raw.numbers(_BLACK))) > 1:
        found = "black levels differ by site, and the active area begins at an odd one"
        readers = "LibRaw leaves them where they were"
        yield Finding("warning", "levels", found, "an even origin, or one level", readers)


def _active(raw: Directory, decoded: Decoded) -> npt.NDArray[np.uint16]:
    top, left, bottom, right = active_area(raw)
    return decoded.sensor[top:bottom, left:right]


def _range_faults(
    raw: Directory, pixels: npt.NDArray[np.uint16], decoded: Decoded
) -> Iterator[Finding]:
    white = (raw.numbers(_WHITE) or (decoded.white,))[0]
    black = max(raw.numbers(_BLACK) or (0.0,))
    above = float((pixels > white).mean())
    if above > 0.01:
        found = f"{above:.1%} of the pixels are above WhiteLevel {white:g}"
        yield Finding("warning", "levels", found, "the level at which the sensor saturates", ALL)
    if float(np.median(pixels)) < black * 0.98:
        found = f"half of the pixels are below black {black:g} (median {np.median(pixels):g})"
        yield Finding("warning", "levels", found, "the level of no light", ALL)
    if _WHITE not in raw.entries and int(pixels.max()) * 4 < _most(raw):
        found = f"WhiteLevel is missing, and no pixel is above {pixels.max()}"
        expected = f"the sensor's white; readers assume {_most(raw)}"
        yield Finding("warning", "levels", found, expected, ALL)


def _pattern_faults(raw: Directory, pixels: npt.NDArray[np.uint16]) -> Iterator[Finding]:
    """Neighbouring greens are alike: of two diagonals, the greens' differs less.

    A pattern that counts from another origin than the active area's puts red and blue there. One
    that is off by a row and a column swaps red and blue, which no level shows.
    """
    pattern = raw.numbers(33422)
    known = raw.numbers(33421) == (2, 2) and sorted(pattern) == [0, 1, 1, 2]
    if not known or min(pixels.shape) < _ENOUGH:
        return
    even = pixels[: pixels.shape[0] // 2 * 2, : pixels.shape[1] // 2 * 2].astype(np.float64)
    sites = [_blocks(even[site // 2 :: 2, site % 2 :: 2]) for site in range(4)]
    falling = float(np.abs(sites[0] - sites[3]).mean())
    rising = float(np.abs(sites[1] - sites[2]).mean())
    green, other = (falling, rising) if pattern[0] == 1 else (rising, falling)
    if green > 3 * other + 1:
        found = f"the greens of CFAPattern differ by {green:.0f}, red and blue by {other:.0f}"
        expected = "a pattern that counts from the active area's origin"
        yield Finding("error", "levels", found, expected, f"{SDK} and all others: wrong colours")


def _blocks(plane: npt.NDArray[np.float64], side: int = 8) -> npt.NDArray[np.float64]:
    """Means of blocks, in which noise and edges matter less."""
    height, width = (extent // side * side for extent in plane.shape)
    cells = plane[:height, :width].reshape(height // side, side, width // side, side)
    return cells.mean((1, 3))
