"""DNG's corrections of lens shading, as gains: GainMap and FixVignetteRadial (DNG 1.7, ch. 7)."""

import struct
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from pellucid.bayer import Phase
from pellucid.io.gain_opcodes import Opcode, opcodes
from pellucid.io.map_polynomial import is_polynomial
from pellucid.io.tiff_tags import TiffTags

_VIGNETTE, _GAIN_MAP = 3, 9
_KEPT = {
    1: "WarpRectilinear", 2: "WarpFisheye", 7: "MapTable", 8: "MapPolynomial", 10: "DeltaPerRow",
    11: "DeltaPerColumn", 12: "ScalePerRow", 13: "ScalePerColumn", 14: "WarpRectilinear2",
}  # fmt: skip
_LISTS = (51008, 51009, 51022)
_TABLES = {52525: "ProfileGainTableMap", 52544: "ProfileGainTableMap2"}
_MOST_POINTS, _MOST_PLANES = 1024, 4
_FIXED = 76  # bytes of a gain map before its gains

Gains = npt.NDArray[np.float32]


class Frame(NamedTuple):
    """The visible pixels within the area that opcodes count in."""

    height: int
    width: int
    top: int
    left: int
    """Where the visible pixels begin within the active area."""
    active: tuple[int, int]
    """Height and width of the active area."""
    kind: Literal["bayer", "pattern", "linear"]
    channels: int
    """Of the gains: 1 for a Bayer mosaic and for grey, else 3."""
    phase: Phase


class _Map(NamedTuple):
    """One gain map."""

    top: int
    left: int
    bottom: int
    right: int
    plane: int
    planes: int
    down: int
    across: int
    fields: tuple[Gains, ...]
    """(H, W) for each plane, over the whole frame."""


def shading_of(tags: TiffTags, frame: Frame) -> Gains | None:
    """Gains (channels, H, W) of the visible pixels; None where the file has none."""
    gains = np.ones((frame.channels, frame.height, frame.width), np.float32)
    found = False
    for code in _LISTS[1:]:
        for one in _opcodes(tags, code):
            if one.number == _VIGNETTE and len(one.data) >= 56:
                gains *= _vignette(one.data, frame)
                found = True
            elif one.number == _GAIN_MAP and (read := _read_map(one.data, frame)):
                found = _apply(gains, read, frame, demosaicked=code == _LISTS[2]) or found
    return gains if found else None


def kept_corrections(tags: TiffTags, *, mapped: bool) -> tuple[str, ...]:
    """Names of the corrections that a file asks for and developing does not apply.

    `mapped` where OpcodeList2's polynomials have been applied.
    """
    numbers = {
        one.number
        for code in _LISTS
        for one in _opcodes(tags, code)
        if not (mapped and code == _LISTS[1] and is_polynomial(one))
    }
    maps = [name for code, name in _TABLES.items() if code in tags.tags]
    return (*(name for number, name in _KEPT.items() if number in numbers), *maps)


def _opcodes(tags: TiffTags, code: int) -> list[Opcode]:
    data = tags.tags.get(code)
    return list(opcodes(data)) if isinstance(data, bytes) else []


def _read_map(data: bytes, frame: Frame) -> _Map | None:
    """A map with its fields; None where it is damaged."""
    if len(data) < _FIXED:
        return None
    area = struct.unpack_from(">8I", data)
    rows, columns, *floats, depth = struct.unpack_from(">2I4dI", data, 32)
    count = rows * columns * depth
    # Hostile files ask for more than any lens needs.
    whole = 0 < count and max(rows, columns) <= _MOST_POINTS and depth <= _MOST_PLANES
    whole = whole and len(data) >= _FIXED + 4 * count
    if not whole or not np.isfinite(floats).all() or not (area[6] and area[7]):
        return None
    points = np.frombuffer(data, ">f4", count, _FIXED).reshape(rows, columns, depth)
    step_y, step_x, from_y, from_x = floats
    y, x = _places(frame)
    down = _weights((y - from_y) / (step_y or 1), rows)
    across = _weights((x - from_x) / (step_x or 1), columns)
    planes = np.moveaxis(points, 2, 0)
    fields = ((down @ plane @ across.T).astype(np.float32) for plane in planes)
    return _Map(*area, tuple(fields)) if np.isfinite(points).all() else None


def _apply(gains: Gains, one: _Map, frame: Frame, demosaicked: bool) -> bool:
    """Multiply by a map; False where it is for single sites that are no more."""
    single = (one.down, one.across) != (1, 1)
    if single and frame.kind != "bayer":
        return False
    y, x = (np.arange(frame.height) + frame.top, np.arange(frame.width) + frame.left)
    rows = (y >= one.top) & (y < one.bottom) & ((y - one.top) % one.down == 0)
    columns = (x >= one.left) & (x < one.right) & ((x - one.left) % one.across == 0)
    inside = rows[:, None] & columns
    for plane in range(one.plane, min(one.plane + one.planes, 3)):
        field = one.fields[min(plane - one.plane, len(one.fields) - 1)]
        if frame.kind == "bayer":
            there = inside & _sites(frame, plane) if demosaicked else inside
            gains[0][there] *= field[there]
        elif frame.kind == "pattern" and not demosaicked:
            gains[:, inside] *= field[inside]
        elif plane < len(gains):
            gains[plane][inside] *= field[inside]
    return True


def _sites(frame: Frame, colour: int) -> npt.NDArray[np.bool_]:
    """Where a Bayer mosaic has a colour."""
    letters = np.array(list(frame.phase)).reshape(2, 2)
    whole = np.tile(letters, (frame.height // 2 + 1, frame.width // 2 + 1))
    return whole[: frame.height, : frame.width] == "RGB"[colour]


def _places(frame: Frame) -> tuple[Gains, Gains]:
    """Centres of rows and columns, from 0 to 1 over the active area."""
    y = (np.arange(frame.height) + frame.top + 0.5) / frame.active[0]
    x = (np.arange(frame.width) + frame.left + 0.5) / frame.active[1]
    return y.astype(np.float32), x.astype(np.float32)


def _weights(places: Gains, points: int) -> Gains:
    """How much each of the points counts at places (N,), linear between two: (N, points)."""
    near = np.clip(places, 0, points - 1)
    return np.maximum(1 - np.abs(near[:, None] - np.arange(points)), 0).astype(np.float32)


def _vignette(data: bytes, frame: Frame) -> Gains:
    """Gain 1 + k0 r^2 + ... + k4 r^10, r being 1 at the corner farthest from the centre."""
    *powers, centre_x, centre_y = struct.unpack_from(">7d", data)
    high, wide = frame.active
    y, x = _places(frame)
    farthest = np.hypot(max(centre_x, 1 - centre_x) * wide, max(centre_y, 1 - centre_y) * high)
    squared = (((y[:, None] - centre_y) * high) ** 2 + ((x - centre_x) * wide) ** 2) / farthest**2
    gain = sum(k * squared ** (power + 1) for power, k in enumerate(powers)) + 1
    return np.asarray(gain, dtype=np.float32)
