"""Black, white and the integers of a clean DNG's mosaic."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

import math

import numpy as np
import numpy.typing as npt
from torch import Tensor

from pellucid.bayer import unpad
from pellucid.io.dng import quantise
from pellucid.io.gain_opcodes import opcodes
from pellucid.io.tiff_reader import Directory, numbers_of
from pellucid.io.tiff_writer import Entry, Field
from pellucid.raw import SensorFrame

_BLACK_REPEAT, _BLACK, _DELTA_H, _DELTA_V, _WHITE = range(50713, 50718)
_MAPPING = (7, 8, 10, 11)  # MapTable, MapPolynomial, DeltaPerRow, DeltaPerColumn
_FLOAT_SAMPLES = 3
_ENOUGH = 1 << 13  # white levels from here on take 14 bits: one step is finer than a clean picture


def level_factor(source: SensorFrame) -> int:
    """A power of two that uses 16 bits, where a clean picture needs finer steps than the source's.

    That is below 14 bits, and with a linearisation table, whose steps are uneven. Opcodes that map
    the file's integers would take others for what they are not.
    """
    if _is_mapped(source) or (source.white >= _ENOUGH and source.linearization is None):
        return 1
    return 1 << max(0, int(math.log2(65535 / source.white)))


def _is_mapped(source: SensorFrame) -> bool:
    """Whether OpcodeList1, which a clean DNG keeps, maps integers or adds to them."""
    data = source.tags.get(51008)
    numbers = {one.number for one in opcodes(data)} if isinstance(data, bytes) else set[int]()
    return not numbers.isdisjoint(_MAPPING)


def clean_sensor(
    source: SensorFrame, before: Tensor, restored: Tensor, strength: float, factor: int
) -> npt.NDArray[np.uint16]:
    """Integers (H, W) of the whole sensor: the restored mosaic, within the source's own borders.

    `before` and `restored` (1, H, W) are in the frame of the raw's mosaic.
    """
    blended = unpad(before.double().lerp(restored.double(), strength), source.padding)
    scaled = tuple(level * factor for level in source.black)
    sensor = np.minimum(source.sensor.astype(np.uint32) * factor, 65535).astype(np.uint16)
    rows = slice(source.top, source.top + source.height)
    columns = slice(source.left, source.left + source.width)
    deltas = [one * factor for one in source.deltas]
    sensor[rows, columns] = quantise(blended, scaled, source.white * factor, deltas)
    return sensor


def scaled_levels(source: SensorFrame, photograph: Directory, factor: int) -> list[Field]:
    """A DNG's own levels times the factor; LibRaw's where it has none or counts in fractions."""
    if photograph.number(339) == _FLOAT_SAMPLES:
        return frame_levels(source, factor)
    fields = [Field(_WHITE, "long", [round(source.white * factor)])]
    black = photograph.numbers(_BLACK)
    repeat = photograph.entries.get(_BLACK_REPEAT)
    if repeat is not None and repeat.kind in (3, 4):
        fields.append(Field(_BLACK_REPEAT, "short", photograph.integers(50713)))
    if black:
        fields.append(_levels(_BLACK, [value * factor for value in black]))
    for code in (_DELTA_H, _DELTA_V):
        if code in photograph.entries:
            deltas = numbers_of(photograph.entries[code], photograph.order)
            fields.append(Field(code, "srational", [value * factor for value in deltas]))
    return fields


def frame_levels(source: SensorFrame, factor: int) -> list[Field]:
    """Levels of the visible area's four sites, and white."""
    return [
        Field(_BLACK_REPEAT, "short", [2, 2]),
        _levels(_BLACK, [level * factor for level in source.black]),
        Field(_WHITE, "long", [round(source.white * factor)]),
    ]


def without(entries: dict[int, Entry], codes: frozenset[int] | set[int]) -> list[Entry]:
    """Entries but those of the codes, their data to be placed anew."""
    return [entry._replace(at=None) for code, entry in entries.items() if code not in codes]


def _levels(code: int, values: list[float]) -> Field:
    whole = all(value == int(value) for value in values)
    return Field(code, "long" if whole else "rational", [int(v) if whole else v for v in values])
