"""DNG's MapPolynomial: what makes light of the integers of a lossy file (DNG 1.7, chapter 7)."""

import struct
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pellucid.io.gain_opcodes import Opcode, opcode_list, opcodes
from pellucid.io.tiff_tags import TiffTags

_NUMBER, _LIST = 8, 51009
_AREA = ">9I"
_FIXED = struct.calcsize(_AREA)
_MOST_DEGREE = 8

Values = npt.NDArray[np.float32]


class _Polynomial(NamedTuple):
    """A polynomial for every pixel of an area, counted in the active one, and of some planes."""

    top: int
    left: int
    bottom: int
    right: int
    plane: int
    planes: int
    coefficients: tuple[float, ...]


def map_values(values: Values, tags: TiffTags, top: int, left: int) -> None:
    """Apply OpcodeList2's polynomials, in place, to values (H, W[, 3]): 0 is black and 1 white.

    They begin `top` rows and `left` columns within the active area.
    """
    data = tags.tags.get(_LIST)
    planes = np.atleast_3d(values)
    for one in opcodes(data) if isinstance(data, bytes) else ():
        if (said := _polynomial(one)) is None:
            continue
        rows = slice(max(said.top - top, 0), max(said.bottom - top, 0))
        columns = slice(max(said.left - left, 0), max(said.right - left, 0))
        part = planes[rows, columns, said.plane : said.plane + said.planes]
        part[...] = _value(part, said.coefficients)


def without_polynomials(data: bytes) -> bytes:
    """An opcode list without those that `map_values` applies; none where nothing is left."""
    return opcode_list([one for one in opcodes(data) if not is_polynomial(one)])


def is_polynomial(one: Opcode) -> bool:
    """Whether an opcode is one of those that `map_values` applies."""
    return _polynomial(one) is not None


def _polynomial(one: Opcode) -> _Polynomial | None:
    """None where it is another opcode, for some rows or columns only, or damaged."""
    if one.number != _NUMBER or len(one.data) < _FIXED:
        return None
    top, left, bottom, right, plane, planes, *pitch, degree = struct.unpack_from(_AREA, one.data)
    if pitch != [1, 1] or degree > _MOST_DEGREE or len(one.data) < _FIXED + 8 * (degree + 1):
        return None
    coefficients = struct.unpack_from(f">{degree + 1}d", one.data, _FIXED)
    if not np.isfinite(coefficients).all():
        return None
    return _Polynomial(top, left, bottom, right, plane, planes, coefficients)


def _value(values: Values, coefficients: tuple[float, ...]) -> Values:
    """The polynomial from 0 to 1; turned about black for what noise leaves below it."""
    constant, *higher = coefficients
    size = np.minimum(np.abs(values), 1)
    rise = np.zeros_like(values)
    for coefficient in reversed(higher):
        rise = (rise + np.float32(coefficient)) * size
    return np.float32(constant) + np.copysign(1, values) * rise
