"""A small writer of little-endian TIFF directories (TIFF 6.0, section 2)."""

import struct
from collections.abc import Sequence
from fractions import Fraction
from typing import Literal, NamedTuple

Kind = Literal["byte", "ascii", "short", "long", "rational", "undefined", "srational", "double"]
Value = int | float | Fraction

_NUMBERS: dict[Kind, int] = {
    "byte": 1, "ascii": 2, "short": 3, "long": 4, "rational": 5, "undefined": 7, "srational": 10,
    "double": 12,
}  # fmt: skip
_FORMATS: dict[Kind, str] = {
    "byte": "B", "ascii": "B", "short": "H", "long": "I", "rational": "I", "undefined": "B",
    "srational": "i", "double": "d",
}  # fmt: skip
_LIMITS: dict[Kind, int] = {"rational": 2**32 - 1, "srational": 2**31 - 1}


class Field(NamedTuple):
    """One entry of a directory."""

    code: int
    kind: Kind
    values: Sequence[Value]


def text(code: int, words: str) -> Field:
    """A field of ASCII text, with the closing zero that TIFF asks for."""
    return Field(code, "ascii", words.encode("ascii", "replace") + b"\0")


def ratio(value: Value, kind: Kind) -> tuple[int, int]:
    """Numerator and denominator that fit the kind, as near the value as they can be."""
    fraction, limit = Fraction(value), _LIMITS[kind]
    if abs(fraction) > limit or (kind == "rational" and fraction < 0):
        raise ValueError(f"{value} does not fit a TIFF {kind}")
    largest = max(1, min(10**7, int(limit / max(abs(float(fraction)), 1.0))))
    near = fraction.limit_denominator(largest)
    return near.numerator, near.denominator


def _packed(field: Field) -> bytes:
    values: Sequence[Value] = field.values
    if field.kind in _LIMITS:
        values = [part for value in values for part in ratio(value, field.kind)]
    return struct.pack(f"<{len(values)}{_FORMATS[field.kind]}", *values)


def directory_size(fields: Sequence[Field]) -> int:
    """Bytes of a directory and of the values that do not fit into it."""
    return len(directory(fields, 0))


def directory(fields: Sequence[Field], offset: int) -> bytes:
    """A directory that will stand at `offset`, followed by its longer values; no next directory."""
    ordered = sorted(fields, key=lambda field: field.code)
    beyond = offset + 2 + 12 * len(ordered) + 4
    entries, long_values = b"", b""
    for field in ordered:
        data = _packed(field)
        entries += struct.pack("<HHI", field.code, _NUMBERS[field.kind], len(field.values))
        if len(data) <= 4:
            entries += data.ljust(4, b"\0")
        else:
            entries += struct.pack("<I", beyond + len(long_values))
            long_values += data + b"\0" * (-len(data) % 8)  # keeps every value aligned
    head = struct.pack("<H", len(ordered)) + entries + struct.pack("<I", 0)
    return (head + long_values).ljust(-(-(len(head) + len(long_values)) // 8) * 8, b"\0")
