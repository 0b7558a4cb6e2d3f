"""Reading TIFF directories byte by byte, as they stand in the file: nothing is interpreted."""

import math
import mmap
import struct
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pellucid.io.tiff_writer import Entry, Order

Bytes = bytes | mmap.mmap

# Bytes of one value by TIFF's number of its kind; 13 is IFD, 16 to 18 are BigTIFF's.
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_NUMBERS = {
    1: "B", 3: "H", 4: "I", 5: "I", 6: "b", 8: "h", 9: "i", 10: "i", 11: "f", 12: "d", 13: "I",
}  # fmt: skip
_RATIONALS = (5, 10)
_MAGIC = (42, 85, 0x4F52, 0x5352)  # TIFF, Panasonic RW2, Olympus ORF
_MOST_ENTRIES = 4096

Trouble = Literal["beyond the file", "of an unknown kind", "twice", "out of order"]


@dataclass(frozen=True, slots=True)
class Directory:
    """One directory of a file."""

    offset: int
    order: Order
    entries: dict[int, Entry]
    """By code; `at` is where longer values stand in the file."""
    next: int = 0
    """Where the next directory of the chain stands; 0 for none."""
    troubles: tuple[tuple[int, Trouble], ...] = ()
    """What is wrong with entries, which are left out where they cannot be read."""

    def numbers(self, code: int) -> tuple[float, ...]:
        """An entry's numbers, rationals divided; none where absent or text, NaN for n/0."""
        entry = self.entries.get(code)
        if entry is None or entry.kind not in _NUMBERS:
            return ()
        return numbers_of(entry, self.order)

    def number(self, code: int, otherwise: int = 0) -> int:
        """An entry's first number as an integer."""
        values = self.integers(code)
        return values[0] if values else otherwise

    def integers(self, code: int) -> tuple[int, ...]:
        """An entry's numbers as integers; none where one of them is not finite."""
        values = self.numbers(code)
        return tuple(map(int, values)) if all(map(math.isfinite, values)) else ()

    def words(self, code: int) -> str:
        """An entry's text up to its closing zero; empty where absent."""
        entry = self.entries.get(code)
        return entry.data.split(b"\0")[0].decode("latin-1").strip() if entry else ""


@contextmanager
def mapped(path: Path) -> Generator[Bytes]:
    """A file's bytes without reading them all; of an empty file, none."""
    with path.open("rb") as file:
        if not file.seek(0, 2):
            yield b""
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield data


def numbers_of(entry: Entry, order: Order) -> tuple[float, ...]:
    """The numbers of an entry's bytes."""
    letter = _NUMBERS[entry.kind]
    count = len(entry.data) // struct.calcsize(f"{order}{letter}")
    values = struct.unpack_from(f"{order}{count}{letter}", entry.data)
    if entry.kind in _RATIONALS:
        pairs = zip(values[::2], values[1::2], strict=False)
        return tuple(above / below if below else float("nan") for above, below in pairs)
    return values


def byte_order(data: Bytes, start: int = 0) -> Order | None:
    """Byte order of a TIFF header at `start`; None where there is none."""
    head = data[start : start + 4]
    order: Order = "<" if head[:2] == b"II" else ">"
    known = head[:2] in (b"II", b"MM") and len(head) == 4
    return order if known and struct.unpack(f"{order}H", head[2:])[0] in _MAGIC else None


def first_directory(data: Bytes, order: Order, start: int = 0) -> int:
    """Where the header's first directory stands, counted from `start`."""
    return struct.unpack_from(f"{order}I", data, start + 4)[0] if len(data) >= start + 8 else 0


def read_directory(data: Bytes, offset: int, order: Order, start: int = 0) -> Directory | None:
    """The directory at `start + offset`; None where the file ends before it does."""
    at = start + offset
    if offset <= 0 or at + 2 > len(data):
        return None
    (count,) = struct.unpack_from(f"{order}H", data, at)
    if count > _MOST_ENTRIES or at + 2 + 12 * count > len(data):
        return None
    end = at + 2 + 12 * count
    following = struct.unpack_from(f"{order}I", data, end)[0] if end + 4 <= len(data) else 0
    entries: dict[int, Entry] = {}
    troubles: list[tuple[int, Trouble]] = []
    last = -1
    for line in range(at + 2, end, 12):
        entry, trouble = _entry(data, line, order, start)
        if entry.code in entries:
            trouble = "twice"
        elif trouble is None:
            entries[entry.code] = entry
        if trouble is None and entry.code < last:
            trouble = "out of order"
        last = max(last, entry.code)
        if trouble is not None:
            troubles.append((entry.code, trouble))
    return Directory(offset, order, entries, following, tuple(troubles))


def _entry(data: Bytes, line: int, order: Order, start: int) -> tuple[Entry, Trouble | None]:
    code, kind, count = struct.unpack_from(f"{order}HHI", data, line)
    if kind not in SIZES:
        return Entry(code, kind, count, b""), "of an unknown kind"
    size = SIZES[kind] * count
    if size <= 4:
        return Entry(code, kind, count, data[line + 8 : line + 8 + size]), None
    (at,) = struct.unpack_from(f"{order}I", data, line + 8)
    if start + at + size > len(data):
        return Entry(code, kind, count, b"", at), "beyond the file"
    return Entry(code, kind, count, data[start + at : start + at + size], at), None


def subdirectories(
    data: Bytes, directory: Directory, code: int, start: int = 0
) -> Iterator[Directory]:
    """The directories that an entry points to, those that can be read."""
    for offset in directory.integers(code)[:64]:
        found = read_directory(data, offset, directory.order, start)
        if found is not None:
            yield found


def pixel_blocks(data: Bytes, directory: Directory) -> list[bytes]:
    """A directory's strips or tiles, as many of their bytes as the file has."""
    codes = (324, 325) if 324 in directory.entries else (273, 279)
    offsets, counts = (directory.integers(code) for code in codes)
    return [data[at : at + count] for at, count in zip(offsets, counts, strict=False)]
