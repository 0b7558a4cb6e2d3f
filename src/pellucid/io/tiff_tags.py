"""The tags of TIFF-like raw files, and whether their pixels are all there."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

import logging
import math
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
from tifffile import TiffFile, TiffFrame, TiffPage, TiffTag

# Its warnings would otherwise reach stderr; whoever sets up logging still sees them.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

_CFA, _LINEAR_RAW = 32803, 34892
_MOST_DIRECTORIES = 64  # hostile files chain them without end


@dataclass(frozen=True, slots=True)
class TiffTags:
    """Tags by number, those of the photograph's own directory over those of the first one."""

    tags: dict[int, object] = field(default_factory=dict[int, object])
    exif: dict[str, object] = field(default_factory=dict[str, object])
    """EXIF values by their standard names."""
    rationals: frozenset[int] = frozenset()
    """Tags whose values are numerator, denominator, numerator, ..."""
    missing_bytes: int = 0
    """How much of the photograph's pixel data lies beyond the end of the file."""

    @property
    def is_dng(self) -> bool:
        """Whether the file says that it is a DNG."""
        return 50706 in self.tags

    def numbers(self, code: int, count: int | None = None) -> tuple[float, ...] | None:
        """A tag's numbers, rationals divided; None where absent, not finite or not `count` many."""
        values = _numbers(self.tags.get(code), code in self.rationals)
        right = values and all(map(math.isfinite, values)) and count in (None, len(values))
        return values if right else None

    def text(self, code: int) -> str:
        """A tag's words, empty where absent."""
        value = self.tags.get(code)
        return value.strip("\0 ").split("\0")[0] if isinstance(value, str) else ""

    def exif_number(self, *names: str) -> float | None:
        """The first of the named EXIF values that is a positive number."""
        for name in names:
            value = self.exif.get(name)
            values = _numbers(value, isinstance(value, tuple) and len(value) == 2)
            if values and 0 < values[0] < math.inf:
                return values[0]
        return None


def read_tags(file: BinaryIO) -> TiffTags:
    """Tags of an open file; none where it is not a TIFF that tifffile understands."""
    size = file.seek(0, 2)
    file.seek(0)
    try:
        with TiffFile(file) as tiff:
            pages: list[TiffPage] = []
            with suppress(Exception):  # a damaged directory ends the chain
                for page in directories(tiff.pages):
                    pages.append(page)
            return _read(pages, size) if pages else TiffTags()
    except Exception:  # damaged files fail in many ways; LibRaw has the last word on them
        return TiffTags()


def directories(
    pages: Iterable[TiffPage | TiffFrame], most: int = _MOST_DIRECTORIES
) -> Iterator[TiffPage]:
    """Every directory with its subdirectories, in file order."""
    for page in pages:
        if most <= 0:
            return
        if isinstance(page, TiffPage):
            yield page
            most -= 1
            if page.pages is not None:
                yield from directories(page.pages, min(most, 8))


def _read(pages: list[TiffPage], size: int) -> TiffTags:
    photograph = photograph_of(pages)
    kept = {tag.code: tag for page in (pages[0], photograph) for tag in page.tags}
    tags = {code: _value(tag) for code, tag in kept.items()}
    exif = tags.get(34665)
    return TiffTags(
        tags=tags,
        exif=dict(exif) if isinstance(exif, dict) else {},
        rationals=frozenset(code for code, tag in kept.items() if tag.dtype in (5, 10)),
        missing_bytes=_missing_bytes(photograph, size) if _is_sensor(photograph) else 0,
    )


def photograph_of(pages: list[TiffPage]) -> TiffPage:
    """The largest of the sensor's own directories, or of all where none is marked."""
    marked = [page for page in pages if _is_sensor(page)]
    return max(marked or pages, key=lambda page: int(page.imagewidth) * int(page.imagelength))


def _is_sensor(page: TiffPage) -> bool:
    """Whether a directory says that it holds raw data; only there are offsets sure to be TIFF's."""
    return page.photometric in (_CFA, _LINEAR_RAW)


def _value(tag: TiffTag) -> object:
    """A tag's value; none where it lies beyond the file or is damaged."""
    try:
        return tag.value
    except Exception:  # tifffile reads long values late, and fails in many ways
        return None


def _missing_bytes(page: TiffPage, size: int) -> int:
    """How far the page's strips or tiles reach beyond the end of the file."""
    ends = [at + count for at, count in zip(page.dataoffsets, page.databytecounts, strict=False)]
    return max(0, max(ends, default=0) - size)


def _numbers(value: object, rational: bool) -> tuple[float, ...] | None:
    match value:
        case int() | float() | np.number():
            flat = [float(value)]
        case tuple() | list() | np.ndarray() | bytes():
            flat = [float(part) for part in value]
        case _:
            return None
    if rational and len(flat) % 2 == 0:
        return tuple(a / b if b else math.nan for a, b in zip(flat[::2], flat[1::2], strict=True))
    return tuple(flat)
