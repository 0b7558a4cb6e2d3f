"""What a written picture says of its shot: the EXIF of its source, where it is true of the new one.

Left out are the maker's note and the thumbnail, whose places in the file change, and packets such
as XMP, which may ask viewers to turn or to develop the picture once more.
"""

from collections.abc import Set
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from pellucid.errors import FileError
from pellucid.io.dng_source import exif_fields
from pellucid.io.dng_tags import EVERYWHERE, POINTERS
from pellucid.io.raw_origin import Origin, read_origin
from pellucid.io.tiff_reader import Directory
from pellucid.io.tiff_writer import Entry, Field, Order, Tree, entry_of, text, write_tree
from pellucid.raw import RawImage

_EXIF, _GPS = 34665, 34853
_WORDS = EVERYWHERE - {700, 33723, 34377}
_MAKER_NOTE = 37500
_COLOUR_SPACE, _WIDTH, _HEIGHT = range(40961, 40964)
_SENSITIVITY = {34855, 34864, 34866}  # an ISO and of which kind it is, from one source
_MOST = 20_000  # bytes of one of three directories; JPEG has room for 65 533

Entries = dict[int, Field | Entry]


class PictureFacts(NamedTuple):
    """A TIFF directory without pixels."""

    entries: list[Field | Entry]
    below: dict[int, list[Tree]]
    """EXIF and GPS."""
    order: Order

    def block(self) -> bytes:
        """A whole TIFF file, which is what PNG and JPEG hold."""
        file = BytesIO()
        write_tree(file, Tree(self.entries, below=self.below), self.order)
        return file.getvalue()


def picture_facts(
    source: RawImage | Path | None, height: int, width: int, *, srgb: bool
) -> PictureFacts:
    """Facts of an upright picture of these sides that was made of a raw, or of a picture file."""
    raw = source if isinstance(source, RawImage) else None
    origin = _origin(source.path if isinstance(source, RawImage) else source)
    main = _kept(origin.first, _WORDS)
    shot = _kept(origin.exif, without=POINTERS | {_MAKER_NOTE})
    if raw is not None:
        names = {271: raw.make, 272: raw.model}
        main = {code: text(code, name) for code, name in names.items() if name} | main
        known = {field.code: field for field in exif_fields(raw)}
        stated = _SENSITIVITY if 34855 in shot else set[int]()
        shot = {code: field for code, field in known.items() if code not in stated} | shot
    main = _resolution() | main | {274: Field(274, "short", [1]), 305: text(305, "Pellucid")}
    if shot:
        shot |= _of_pixels(height, width, srgb)
    gps = _kept(origin.gps, without=POINTERS)
    below = {code: [Tree(_fitting(said))] for code, said in ((_EXIF, shot), (_GPS, gps)) if said}
    return PictureFacts(_fitting(main), below, origin.order)


def _origin(path: Path | None) -> Origin:
    """The source's directories; none where it is gone, which is no reason to write no picture."""
    try:
        return Origin() if path is None else read_origin(path)
    except FileError:
        return Origin()


def _kept(
    directory: Directory | None, only: Set[int] | None = None, without: Set[int] = frozenset()
) -> Entries:
    entries = directory.entries if directory else {}
    return {
        code: entry._replace(at=None)
        for code, entry in entries.items()
        if code not in without and (only is None or code in only)
    }


def _resolution() -> Entries:
    """72 pixels per inch, which EXIF gives where none is known; TIFF asks for some."""
    inch = {code: Field(code, "rational", [72]) for code in (282, 283)}
    return {**inch, 296: Field(296, "short", [2])}


def _of_pixels(height: int, width: int, srgb: bool) -> Entries:
    """Facts of the new pixels; a colour space other than sRGB is its profile's to name."""
    return {
        _COLOUR_SPACE: Field(_COLOUR_SPACE, "short", [1 if srgb else 65535]),
        _WIDTH: Field(_WIDTH, "long", [width]),
        _HEIGHT: Field(_HEIGHT, "long", [height]),
    }


def _fitting(said: Entries) -> list[Field | Entry]:
    """The entries, short ones first, until the directory is full."""
    kept: list[Field | Entry] = []
    room = _MOST
    for one in sorted(said.values(), key=_size):
        room -= _size(one)
        if room >= 0:
            kept.append(one)
    return kept


def _size(one: Field | Entry) -> int:
    return 20 + len(entry_of(one).data)
