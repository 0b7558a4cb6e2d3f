"""Pixels that a DNG says are bad: FixBadPixelsConstant and FixBadPixelsList (DNG 1.7, ch. 7)."""

import struct

import numpy as np
import numpy.typing as npt

from pellucid.io.gain_opcodes import opcodes
from pellucid.io.tiff_tags import TiffTags
from pellucid.raw import SensorFrame

_CONSTANT, _LIST = 4, 5
_FIRST = 51008
_LISTS = (_FIRST, 51009)

Mask = npt.NDArray[np.bool_]


def bad_pixels(tags: TiffTags, source: SensorFrame, top: int, left: int) -> Mask | None:
    """Which sites of the sensor are bad, its active area beginning there; None for none."""
    bad = np.zeros(source.sensor.shape, bool)
    for code in _LISTS:
        data = tags.tags.get(code)
        for one in opcodes(data) if isinstance(data, bytes) else ():
            if one.number == _CONSTANT and len(one.data) >= 8:
                (constant,) = struct.unpack_from(">I", one.data)
                linear = _linearized(constant, source) if code == _FIRST else constant
                bad |= source.sensor == linear
            elif one.number == _LIST:
                _mark(bad, one.data, top, left)
    return bad if bad.any() else None


def _linearized(constant: int, source: SensorFrame) -> int:
    """What the table makes of an integer of the file, which the first list counts in."""
    table = source.linearization
    return constant if table is None else int(table[min(constant, len(table) - 1)])


def _mark(bad: Mask, data: bytes, top: int, left: int) -> None:
    """Mark the points and rectangles of a list, which count from the active area."""
    if len(data) < 12:
        return
    _, points, areas = struct.unpack_from(">3I", data)
    if len(data) < 12 + 8 * points + 16 * areas:
        return
    numbers = np.frombuffer(data, ">u4", 2 * points + 4 * areas, 12).astype(np.int64)
    for y, x in numbers[: 2 * points].reshape(-1, 2):
        bad[top + y : top + y + 1, left + x : left + x + 1] = True
    for first, begin, last, end in numbers[2 * points :].reshape(-1, 4):
        bad[top + first : top + last, left + begin : left + end] = True


def mended(mosaic: npt.NDArray[np.float32], bad: Mask, period: int) -> npt.NDArray[np.float32]:
    """Mosaic (H, W) whose bad sites have the mean of the nearest good ones `period` sites away."""
    good = np.where(bad, np.nan, mosaic)
    for _ in range(8):
        holes = np.isnan(good)
        if not holes.any():
            break
        padded = np.pad(good, period, constant_values=np.nan)
        height, width = mosaic.shape
        moves = ((0, period), (0, -period), (period, 0), (-period, 0))
        sides = [
            padded[period + down : period + down + height, period + right : period + right + width]
            for down, right in moves
        ]
        sides = np.stack(sides)[:, holes]
        there = ~np.isnan(sides)
        means = np.nansum(sides, axis=0) / np.maximum(there.sum(0), 1)
        good[holes] = np.where(there.any(0), means, np.nan)
    return np.where(np.isnan(good), mosaic, good).astype(np.float32)
