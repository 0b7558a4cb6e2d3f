"""What a raw or a picture holds beside its pixels, as bytes that a file made of it carries over."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pellucid.errors import FileError
from pellucid.io.dng_tags import KEPT_PICTURES
from pellucid.io.tiff_reader import (
    Bytes,
    Directory,
    byte_order,
    first_directory,
    mapped,
    pixel_blocks,
    read_directory,
    subdirectories,
)
from pellucid.io.tiff_writer import Order

_EXIF, _GPS, _INTEROP, _SUBIFDS = 34665, 34853, 40965, 330
_HEAD = 1 << 20
_CFA, _LINEAR_RAW = 32803, 34892


@dataclass(frozen=True, slots=True)
class Origin:
    """A raw file's directories."""

    order: Order = "<"
    is_dng: bool = False
    first: Directory | None = None
    photograph: Directory | None = None
    """Of a DNG, the directory of the raw pixels; it may be the first one."""
    exif: Directory | None = None
    gps: Directory | None = None
    interop: Directory | None = None
    pixels: Sequence[bytes] = ()
    """The photograph's strips or tiles, where they were asked for."""
    masks: Sequence[tuple[Directory, Sequence[bytes]]] = ()
    """Other pictures that a DNG keeps, such as depth, with their strips or tiles."""


def read_origin(path: Path, pixels: bool = False) -> Origin:
    """The directories of a raw file; empty where it is no TIFF and holds none that is known.

    Raises FileError where the file cannot be opened.
    """
    try:
        with mapped(path) as data:
            return _read(data, pixels)
    except OSError as error:
        raise FileError.from_os(path, error) from error


def _read(data: Bytes, pixels: bool) -> Origin:
    starts = [0, *_embedded(data)]
    found = [_tiff(data, start, pixels) for start in starts]
    told = [origin for origin in found if origin.exif] or [one for one in found if one.first]
    best = told[0] if told else found[0]
    if best.first is None or not best.is_dng:
        return _joined(found, best)
    return best


def _joined(found: list[Origin], best: Origin) -> Origin:
    """Names, EXIF and GPS, which Canon's CR3 keeps in TIFFs of their own, of one byte order."""
    same = [origin for origin in found if origin.order == best.order]
    names = [origin.first for origin in same if origin.first and 271 in origin.first.entries]
    gps = [origin.gps for origin in same if origin.gps]
    return Origin(
        order=best.order,
        first=names[0] if names else best.first,
        exif=best.exif,
        gps=gps[0] if gps else None,
        interop=best.interop,
    )


def _tiff(data: Bytes, start: int, pixels: bool) -> Origin:
    order = byte_order(data, start)
    if order is None:
        return Origin()
    first = read_directory(data, first_directory(data, order, start), order, start)
    if first is None:
        return Origin(order)
    if 33434 in first.entries and start:  # a CR3's TIFF of EXIF alone
        return Origin(order, exif=first)
    if {0, 1, 2} <= first.entries.keys() and start:  # and that of GPS
        return Origin(order, gps=first)
    exif = next(subdirectories(data, first, _EXIF, start), None)
    directories = [] if start else list(photographs(data, first))
    photograph = _photograph(directories)
    return Origin(
        order=order,
        is_dng=50706 in first.entries,
        first=first,
        photograph=photograph,
        exif=exif,
        gps=next(subdirectories(data, first, _GPS, start), None),
        interop=next(subdirectories(data, exif, _INTEROP, start), None) if exif else None,
        pixels=pixel_blocks(data, photograph) if pixels and photograph else (),
        masks=[(one, pixel_blocks(data, one)) for one in directories if _is_mask(one)],
    )


def photographs(data: Bytes, first: Directory, most: int = 64) -> Iterator[Directory]:
    """The first directory, those that it points to, and those that are chained to it."""
    seen: set[int] = set()
    waiting = [first]
    while waiting and len(seen) < most:
        directory = waiting.pop(0)
        if directory.offset in seen:
            continue
        seen.add(directory.offset)
        yield directory
        waiting += subdirectories(data, directory, _SUBIFDS)
        following = read_directory(data, directory.next, directory.order)
        waiting += [following] if following else []


def _photograph(directories: list[Directory]) -> Directory | None:
    """The largest directory of raw pixels."""
    raw = [one for one in directories if one.number(262) in (_CFA, _LINEAR_RAW)]
    return max(raw, key=lambda one: one.number(256) * one.number(257), default=None)


def _is_mask(directory: Directory) -> bool:
    return directory.number(254) in KEPT_PICTURES


def _embedded(data: Bytes) -> Iterator[int]:
    """Where TIFF headers stand in containers of other kinds: cameras', and finished pictures."""
    head = bytes(data[:_HEAD])
    if head.startswith(b"FUJIFILMCCD-RAW") and len(head) > 92:
        jpeg = struct.unpack_from(">I", head, 84)[0]
        yield from _in_jpeg(data, jpeg)
    elif head[4:12] == b"ftypcrx ":
        for name in (b"CMT1", b"CMT2", b"CMT4"):
            at = head.find(name)
            if at >= 0:
                yield at + 4
    elif head.startswith(b"\xff\xd8\xff"):
        yield from _in_jpeg(data, 0)
    elif head.startswith(b"\x89PNG\r\n\x1a\n"):
        yield from _in_png(data)
    elif head[:4] == b"IIU\0":
        yield from _in_jpeg(data, head.find(b"\xff\xd8\xff"))


def _in_jpeg(data: Bytes, at: int) -> Iterator[int]:
    """The TIFF header of a JPEG's EXIF."""
    found = data.find(b"Exif\0\0", at, at + 65536) if at >= 0 else -1
    if found >= 0:
        yield found + 6


def _in_png(data: Bytes) -> Iterator[int]:
    """What stands in a PNG's eXIf chunk, before the pixels or after them."""
    at = 8
    while at + 8 <= len(data):
        (size,) = struct.unpack_from(">I", data, at)
        if data[at + 4 : at + 8] == b"eXIf":
            yield at + 8
            return
        at += size + 12
