"""DNG's OpcodeList2 for pixels that have been demosaicked: gain maps by colour (DNG 1.7, ch. 7)."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pellucid.bayer import PHASES, Phase, red_offset

_GAIN_MAP = 9
_HEADER, _PARAMETERS, _GRID = ">4I", ">8I", ">2I4dI"


class Opcode(NamedTuple):
    """One opcode of a list."""

    number: int
    version: int
    flags: int
    data: bytes


def opcodes(data: bytes) -> Iterator[Opcode]:
    """The opcodes of a list, as many as are whole."""
    if len(data) < 4:
        return
    (count,), at = struct.unpack_from(">I", data), 4
    for _ in range(min(count, 1024)):
        if at + 16 > len(data):
            return
        number, version, flags, size = struct.unpack_from(_HEADER, data, at)
        if at + 16 + size > len(data):
            return
        yield Opcode(number, version, flags, data[at + 16 : at + 16 + size])
        at += 16 + size


def opcode_list(items: list[Opcode]) -> bytes:
    """The bytes of a list; none for no opcodes."""
    parts = [
        struct.pack(_HEADER, one.number, one.version, one.flags, len(one.data)) + one.data
        for one in items
    ]
    return struct.pack(">I", len(items)) + b"".join(parts) if items else b""


def per_plane(data: bytes, phase: Phase) -> bytes:
    """The list for demosaicked pixels of a mosaic whose active area has this phase.

    A gain map of one site becomes that of its colour, the greens' two being averaged. What else is
    meant for single sites of the mosaic is left out, and what is meant for all of them stays.
    """
    kept: list[Opcode] = []
    greens: list[Opcode] = []
    for one in opcodes(data):
        site = _site(one)
        if site is None:
            kept.append(one)
        elif site < 0:
            continue
        elif one.number == _GAIN_MAP and phase[site] == "G":
            greens.append(_of_plane(one, 1))
        elif one.number == _GAIN_MAP:
            kept.append(_of_plane(one, "RGB".index(phase[site])))
    return opcode_list([*kept, *_averaged(greens)])


def shifted_phase(phase: Phase, rows: int, columns: int) -> Phase:
    """The phase so many rows up and columns to the left."""
    row, column = red_offset(phase)
    return PHASES[(row + rows) % 2 * 2 + (column + columns) % 2]


def _site(one: Opcode) -> int | None:
    """Which of the four sites an opcode is for; None where it is for all, -1 for another share."""
    if len(one.data) < 32 or one.number not in (7, 8, _GAIN_MAP, 10, 11, 12, 13):
        return -1 if one.number in (4, 5) else None
    top, left, _, _, _, _, row_pitch, column_pitch = struct.unpack_from(_PARAMETERS, one.data)
    if (row_pitch, column_pitch) == (1, 1):
        return None
    return top % 2 * 2 + left % 2 if (row_pitch, column_pitch) == (2, 2) else -1


def _of_plane(one: Opcode, plane: int) -> Opcode:
    top, left, bottom, right = struct.unpack_from(">4I", one.data)
    area = struct.pack(_PARAMETERS, top - top % 2, left - left % 2, bottom, right, plane, 1, 1, 1)
    return one._replace(data=area + one.data[32:])


def _averaged(greens: list[Opcode]) -> list[Opcode]:
    """One map of two for the same points; the first alone where they differ in their points."""
    start = 32 + struct.calcsize(_GRID)
    if len(greens) != 2 or greens[0].data[32:start] != greens[1].data[32:start]:
        return greens[:1]
    first, second = (_gains(one.data[start:]) for one in greens)
    mean = ((first + second) / 2).astype(">f4").tobytes()
    return [greens[0]._replace(data=greens[0].data[:start] + mean)]


def _gains(data: bytes) -> npt.NDArray[np.float64]:
    return np.frombuffer(data, ">f4", len(data) // 4).astype(np.float64)
