"""A small writer of TIFF directories and of whole files made of them (TIFF 6.0, section 2)."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import BinaryIO, Literal, NamedTuple

Order = Literal["<", ">"]
"""Little-endian, the first bytes of the file being II, or big-endian, MM."""
Kind = Literal[
    "byte", "ascii", "short", "long", "rational", "undefined", "srational", "float", "double"
]
Value = int | float | Fraction

_NUMBERS: dict[Kind, int] = {
    "byte": 1, "ascii": 2, "short": 3, "long": 4, "rational": 5, "undefined": 7, "srational": 10,
    "float": 11, "double": 12,
}  # fmt: skip
_FORMATS: dict[Kind, str] = {
    "byte": "B", "ascii": "B", "short": "H", "long": "I", "rational": "I", "undefined": "B",
    "srational": "i", "float": "f", "double": "d",
}  # fmt: skip
_LIMITS: dict[Kind, int] = {"rational": 2**32 - 1, "srational": 2**31 - 1}
_STRIPS, _TILES = (273, 279), (324, 325)
_HEADER = 8


class Field(NamedTuple):
    """One entry of a directory."""

    code: int
    kind: Kind
    values: Sequence[Value]


class Entry(NamedTuple):
    """One entry of a directory as the file's own bytes."""

    code: int
    kind: int
    number: int
    """How many values there are."""
    data: bytes
    at: int | None = None
    """Where in the file the data must stand; None leaves it to the writer."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A directory with the pixels and the directories that it points to."""

    entries: Sequence[Field | Entry]
    blocks: Sequence[bytes] = ()
    """Strips, or tiles."""
    tiled: bool = False
    below: dict[int, list["Tree"]] = field(default_factory=dict[int, list["Tree"]])
    """Directories by the tag that points to them."""


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


def entry_of(said: Field | Entry, order: Order = "<") -> Entry:
    """A field's bytes; an entry stays what it is."""
    if isinstance(said, Entry):
        return said
    values: Sequence[Value] = said.values
    if said.kind in _LIMITS:
        values = [part for value in values for part in ratio(value, said.kind)]
    data = struct.pack(f"{order}{len(values)}{_FORMATS[said.kind]}", *values)
    return Entry(said.code, _NUMBERS[said.kind], len(said.values), data)


def directory_size(fields: Sequence[Field | Entry]) -> int:
    """Bytes of a directory and of the values that do not fit into it."""
    return len(directory(fields, 0))


def directory(fields: Sequence[Field | Entry], offset: int, order: Order = "<") -> bytes:
    """A directory that will stand at `offset`, followed by its longer values; no next directory."""
    entries = sorted((entry_of(said, order) for said in fields), key=lambda entry: entry.code)
    beyond = offset + 2 + 12 * len(entries) + 4
    lines, long_values = b"", b""
    for code, kind, count, data, at in entries:
        lines += struct.pack(f"{order}HHI", code, kind, count)
        if len(data) <= 4:
            lines += data.ljust(4, b"\0")
        elif at is not None:
            lines += struct.pack(f"{order}I", at)
        else:
            lines += struct.pack(f"{order}I", beyond + len(long_values))
            long_values += data + b"\0" * (-len(data) % 8)  # keeps every value aligned
    head = struct.pack(f"{order}H", len(entries)) + lines + bytes(4)
    return (head + long_values).ljust(-(-(len(head) + len(long_values)) // 8) * 8, b"\0")


def write_tree(file: BinaryIO, tree: Tree, order: Order) -> None:
    """Write a whole TIFF file: header, entries with a place of their own, directories, pixels."""
    trees = list(_walk(tree))
    fixed = sorted(_fixed(trees), key=lambda entry: entry.at or 0)
    starts: dict[int, int] = {}
    end = max([_HEADER, *(entry.at + len(entry.data) for entry in fixed if entry.at)])
    first = end = -(-end // 8) * 8
    for one in trees:
        starts[id(one)] = end
        end += directory_size(_pointed(one, starts, [0] * len(one.blocks), order))
    file.write(struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, first))
    for entry in fixed:
        file.write(bytes((entry.at or 0) - file.tell()) + entry.data)
    file.write(bytes(first - file.tell()))
    for one in trees:
        offsets = [end + sum(map(_even, one.blocks[:n])) for n in range(len(one.blocks))]
        end += sum(map(_even, one.blocks))
        file.write(directory(_pointed(one, starts, offsets, order), starts[id(one)], order))
    for block in (block for one in trees for block in one.blocks):
        file.write(block + bytes(_even(block) - len(block)))


def _walk(tree: Tree) -> Iterator[Tree]:
    yield tree
    for below in tree.below.values():
        for one in below:
            yield from _walk(one)


def _fixed(trees: Sequence[Tree]) -> Iterator[Entry]:
    for tree in trees:
        for said in tree.entries:
            if isinstance(said, Entry) and said.at is not None and len(said.data) > 4:
                yield said


def _even(block: bytes) -> int:
    """Pixels begin at even offsets (TIFF 6.0, section 2)."""
    return len(block) + len(block) % 2


def _pointed(
    tree: Tree, starts: dict[int, int], offsets: Sequence[int], order: Order
) -> list[Field | Entry]:
    """The directory's entries and its pointers; to directories without a start yet, 0."""
    fields: list[Field | Entry] = list(tree.entries)
    for code, below in tree.below.items():
        fields.append(Field(code, "long", [starts.get(id(one), 0) for one in below]))
    if tree.blocks:
        codes = _TILES if tree.tiled else _STRIPS
        fields.append(Field(codes[0], "long", offsets))
        fields.append(Field(codes[1], "long", [len(block) for block in tree.blocks]))
    return fields
