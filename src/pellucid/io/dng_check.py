"""What readers would trip over in a DNG: faults that are found in the field."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pellucid.errors import FileError
from pellucid.io.dng_fault import Finding, Subject
from pellucid.io.dng_faults_colour import colour_faults
from pellucid.io.dng_faults_layout import layout_faults
from pellucid.io.dng_faults_levels import level_faults
from pellucid.io.dng_faults_pixels import pixel_faults
from pellucid.io.dng_faults_preview import preview_faults
from pellucid.io.dng_faults_shot import shot_faults
from pellucid.io.libraw import Decoded, decode
from pellucid.io.linear_images import filters_of
from pellucid.io.raw_origin import photographs
from pellucid.io.tiff_reader import (
    Bytes,
    Directory,
    byte_order,
    first_directory,
    mapped,
    read_directory,
    subdirectories,
)
from pellucid.io.tiff_tags import read_tags

_EXIF, _DNG_VERSION, _CFA, _LINEAR_RAW = 34665, 50706, 32803, 34892


def check_dng(path: str | Path) -> list[Finding]:
    """Every finding, the worst first; none of a DNG that readers agree on.

    Raises FileError where the file cannot be read, or is no DNG.
    """
    path = Path(path)
    try:
        with mapped(path) as data:
            found = list(_findings(path, data))
    except OSError as error:
        raise FileError.from_os(path, error) from error
    ranks = {"error": 0, "warning": 1, "note": 2}
    return sorted(dict.fromkeys(found), key=lambda finding: ranks[finding.severity])


def _findings(path: Path, data: Bytes) -> Iterator[Finding]:
    subject = _subject(path, data)
    yield from layout_faults(subject)
    if subject.raw is None:
        return
    yield from pixel_faults(subject, subject.raw)
    yield from colour_faults(subject)
    yield from shot_faults(subject)
    decoded = _decoded(path)
    if decoded is None and subject.raw.number(262) == _CFA:
        yield Finding(
            "error", "raw", "LibRaw cannot decode the pixels", "pixels that decode", "LibRaw"
        )
    yield from level_faults(subject.raw, decoded)
    if decoded is not None or subject.raw.number(262) == _LINEAR_RAW:
        yield from preview_faults(subject, subject.raw)


def _subject(path: Path, data: Bytes) -> Subject:
    order = byte_order(data)
    if order is None:
        raise FileError.of(path, "is no TIFF file; expected a DNG, which begins with II or MM")
    first = read_directory(data, first_directory(data, order), order)
    if first is None:
        raise FileError.of(path, "its first directory lies beyond the file; expected a whole DNG")
    directories = list(photographs(data, first))
    if not any(_DNG_VERSION in one.entries for one in directories):
        raise FileError.of(path, "has no DNGVersion (tag 50706); expected a DNG")
    exif = next(subdirectories(data, first, _EXIF), None)
    return Subject(path, data, first, directories, _raw(directories), exif)


def _raw(directories: list[Directory]) -> Directory | None:
    """The main picture: the largest of raw pixels."""
    raw = [one for one in directories if one.number(262) in (_CFA, _LINEAR_RAW)]
    return max(raw, key=lambda one: one.number(256) * one.number(257), default=None)


def _decoded(path: Path) -> Decoded | None:
    """The pixels, where LibRaw decodes them."""
    with suppress(FileError), path.open("rb") as file:
        return decode(path, filters_of(read_tags(file)))
    return None
