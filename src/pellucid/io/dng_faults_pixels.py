"""Faults of how a DNG's raw pixels are stored: strips, tiles, byte counts, areas, pattern."""

import math
from collections.abc import Iterator

from pellucid.io.dng_fault import ALL, SDK, Finding, Subject
from pellucid.io.dng_source import active_area
from pellucid.io.lossless_jpeg import LOSSLESS, jpeg_frame
from pellucid.io.tiff_reader import Directory

_UNCOMPRESSED, _JPEG = 1, 7
_COMPRESSIONS = (1, 7, 8, 34892, 52546)
_CFA = 32803
_BAYER = ((0, 1, 1, 2), (1, 0, 2, 1), (1, 2, 0, 1), (2, 1, 1, 0))


def pixel_faults(subject: Subject, raw: Directory) -> Iterator[Finding]:
    """What is wrong with the main picture's storage."""
    for directory in subject.directories:
        yield from _block_faults(subject, directory)
    if raw.number(259, 1) not in _COMPRESSIONS:
        found = f"Compression is {raw.number(259)}"
        yield Finding("error", "raw", found, f"one of {_COMPRESSIONS}", ALL)
    if raw.number(259) == _JPEG:
        yield from _jpeg_faults(subject, raw)
    yield from _area_faults(raw)
    if raw.number(262) == _CFA:
        yield from _pattern_faults(raw)


def _block_faults(subject: Subject, directory: Directory) -> Iterator[Finding]:
    tiled = 324 in directory.entries
    what, codes = ("tile", (324, 325)) if tiled else ("strip", (273, 279))
    offsets, counts = (directory.integers(code) for code in codes)
    where, expected = subject.name(directory), _block_count(directory, tiled)
    if not directory.number(256):
        return
    if len(offsets) != len(counts) or len(offsets) != expected:
        found = f"{len(offsets)} {what} offsets and {len(counts)} byte counts"
        yield Finding("error", where, found, f"{expected} of each", ALL)
    size = len(subject.data)
    short = sum(at + count > size for at, count in zip(offsets, counts, strict=False))
    if short:
        found = f"{short} of {len(offsets)} {what}s reach beyond the file's {size} bytes"
        yield Finding("error", where, found, f"whole {what}s", ALL)
    if 0 in counts:
        yield Finding("error", where, f"a {what} has 0 bytes", "the bytes that it takes", ALL)
    if tiled and (directory.number(322) % 16 or directory.number(323) % 16):
        found = f"tiles of {directory.number(322)}x{directory.number(323)} pixels"
        severity = "warning" if where != "raw" or len(offsets) > 1 else "note"
        yield Finding(severity, where, found, "sides that are multiples of 16", "strict readers")
    if directory.number(259, 1) == _UNCOMPRESSED and len(counts) == expected:
        yield from _count_faults(directory, where, what, counts)


def _block_count(directory: Directory, tiled: bool) -> int:
    width, height = directory.number(256), directory.number(257)
    planes = directory.number(277, 1) if directory.number(284, 1) == 2 else 1
    if tiled:
        across = math.ceil(width / max(directory.number(322), 1))
        return planes * across * math.ceil(height / max(directory.number(323), 1))
    return planes * math.ceil(height / max(directory.number(278, height) or height, 1))


def _count_faults(
    directory: Directory, where: str, what: str, counts: tuple[int, ...]
) -> Iterator[Finding]:
    """An uncompressed block's bytes follow from its sides."""
    bits = directory.number(258, 1) * directory.number(277, 1)
    height = directory.number(257)
    if what == "tile":
        rows = [directory.number(323)] * len(counts)
        line = math.ceil(directory.number(322) * bits / 8)
    else:
        step = min(directory.number(278, height) or height, height)
        rows = [min(step, height - n * step) for n in range(len(counts))]
        line = math.ceil(directory.number(256) * bits / 8)
    wrong = [(count, n * line) for count, n in zip(counts, rows, strict=True) if count < n * line]
    if wrong and directory.number(284, 1) == 1:
        found = f"{len(wrong)} {what}s are too short, the first with {wrong[0][0]} bytes"
        yield Finding("error", where, found, f"{wrong[0][1]} bytes", ALL)
    elif any(count > n * line for count, n in zip(counts, rows, strict=True)):
        found = f"{what}s are longer than their pixels take ({counts[0]} bytes)"
        yield Finding("note", where, found, f"{rows[0] * line} bytes", "strict TIFF readers")


def _jpeg_faults(subject: Subject, raw: Directory) -> Iterator[Finding]:
    """The first block's frame header against the block's sides."""
    tiled = 324 in raw.entries
    at = raw.number(324 if tiled else 273)
    head = bytes(subject.data[at : at + 65536])
    frame = jpeg_frame(head)
    if frame is None:
        yield Finding("error", "raw", "its pixels are no JPEG", "a JPEG (Compression 7)", ALL)
        return
    kind, precision, height, width, components = frame
    if kind != LOSSLESS:
        found = f"its JPEG of {precision} bits is a lossy one (SOF{kind - 0xC0})"
        expected = "a lossless one (SOF3) under Compression 7"
        yield Finding("error", "raw", found, expected, "darktable; LibRaw reads it")
        return
    if precision > raw.number(258):
        found = f"its JPEG has {precision} bits, BitsPerSample says {raw.number(258)}"
        yield Finding("warning", "raw", found, "BitsPerSample no smaller", "LibRaw, dcraw")
    samples = raw.number(277, 1) * (
        raw.number(322) * raw.number(323)
        if tiled
        else raw.number(256) * min(raw.number(278, raw.number(257)), raw.number(257))
    )
    if height * width * components < samples:
        found = f"its JPEG holds {width}x{height} pixels of {components} components"
        yield Finding("error", "raw", found, f"{samples} samples", ALL)


def _area_faults(raw: Directory) -> Iterator[Finding]:
    height, width = raw.number(257), raw.number(256)
    top, left, bottom, right = area = active_area(raw)
    if not (0 <= top < bottom <= height and 0 <= left < right <= width):
        found = f"ActiveArea {tuple(area)} of {height}x{width} pixels"
        yield Finding("error", "raw", found, "an area within the sensor", ALL)
        return
    if (top % 2 or left % 2) and raw.number(262) == _CFA:
        found = f"ActiveArea begins at an odd row or column ({top}, {left})"
        readers = "LibRaw starts one later; darktable took pattern and black from elsewhere"
        yield Finding("note", "raw", found, "even ones", readers)
    if ((bottom - top) % 2 or (right - left) % 2) and raw.number(262) == _CFA:
        found = f"the active area has {bottom - top}x{right - left} pixels"
        yield Finding("note", "raw", found, "even sides", "tools that pack the mosaic in 2x2 cells")
    yield from _crop_faults(raw, bottom - top, right - left)


def _crop_faults(raw: Directory, height: int, width: int) -> Iterator[Finding]:
    start, size = raw.numbers(50719), raw.numbers(50720)
    if (len(start) == 2) != (len(size) == 2):
        found = "only one of DefaultCropOrigin and DefaultCropSize is there"
        yield Finding("warning", "raw", found, "both or none", SDK)
    elif len(start) == 2:
        outside = min(start) < 0 or start[0] + size[0] > width or start[1] + size[1] > height
        if outside or not min(size) > 0:
            found = (
                f"the default crop of {size[0]:g}x{size[1]:g} pixels at {start[0]:g}, {start[1]:g} "
                f"leaves the active area of {width}x{height}"
            )
            yield Finding("error", "raw", found, "a crop within the active area", SDK)


def _pattern_faults(raw: Directory) -> Iterator[Finding]:
    sides, pattern = raw.numbers(33421), raw.numbers(33422)
    if len(sides) != 2:
        found = "CFARepeatPatternDim is missing"
        yield Finding("error", "raw", found, "2 2 for a Bayer mosaic", ALL)
    elif len(pattern) != sides[0] * sides[1]:
        found = f"CFAPattern has {len(pattern)} sites"
        yield Finding("error", "raw", found, f"{sides[0]:g} times {sides[1]:g}", ALL)
    elif sides == (2, 2) and tuple(pattern) not in _BAYER:
        found = f"CFAPattern is {' '.join(f'{site:g}' for site in pattern)}"
        yield Finding("warning", "raw", found, "0, 2 on one diagonal, 1 on the other", ALL)
