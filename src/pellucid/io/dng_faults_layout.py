"""Faults of a DNG's directories and of the places where its pixels stand."""

from collections.abc import Iterator

from pellucid.io.dng_fault import ALL, SDK, Finding, Subject
from pellucid.io.raw_origin import photographs
from pellucid.io.tiff_reader import Directory, read_directory

_SUBFILE, _SUBIFDS, _EXIF, _GPS = 254, 330, 34665, 34853
_CFA, _LINEAR_RAW = 32803, 34892
_JXL = 52546


def layout_faults(subject: Subject) -> Iterator[Finding]:
    """What is wrong with the directories themselves."""
    for directory in [*subject.directories, *([subject.exif] if subject.exif else [])]:
        where = "EXIF" if directory is subject.exif else subject.name(directory)
        yield from _entry_faults(directory, where)
    yield from _chain_faults(subject)
    yield from _pointer_faults(subject)
    yield from _main_faults(subject)
    yield from _version_faults(subject)


def _entry_faults(directory: Directory, where: str) -> Iterator[Finding]:
    expected = {
        "beyond the file": "values within the file",
        "of an unknown kind": "one of TIFF's kinds of value",
        "twice": "each tag once",
        "out of order": "tags in rising order, as TIFF asks",
    }
    for code, trouble in directory.troubles:
        severity = "error" if trouble == "beyond the file" else "warning"
        found = f"tag {code} is {trouble}"
        yield Finding(severity, where, found, expected[trouble], "strict TIFF readers")


def _chain_faults(subject: Subject) -> Iterator[Finding]:
    """DNG keeps its pictures in SubIFDs; what is chained to the first directory is TIFF's way."""
    if not subject.first.next:
        return
    following = read_directory(subject.data, subject.first.next, subject.first.order)
    if following is None or following.offset == subject.first.offset:
        found = f"the chain goes on at byte {subject.first.next}, where no other directory is"
        yield Finding("error", "IFD0", found, "0 at its end", "strict TIFF readers")
        return
    pictures = [one for one in photographs(subject.data, following) if one.number(256)]
    found = f"{len(pictures)} more directories are chained to it"
    yield Finding("warning", "IFD0", found, "pictures in SubIFDs (tag 330)", SDK)


def _pointer_faults(subject: Subject) -> Iterator[Finding]:
    names = {_SUBIFDS: "SubIFDs", _EXIF: "the EXIF directory", _GPS: "the GPS directory"}
    for code, name in names.items():
        for offset in subject.first.integers(code):
            if read_directory(subject.data, offset, subject.first.order) is None:
                found = (
                    f"{name} (tag {code}) is said to stand at byte {offset}, where there is none"
                )
                yield Finding("error", "IFD0", found, "a directory", ALL)


def _main_faults(subject: Subject) -> Iterator[Finding]:
    main = [
        one
        for one in subject.directories
        if one.number(_SUBFILE, -1) == 0 and one.number(262) in (_CFA, _LINEAR_RAW)
    ]
    if subject.raw is None:
        found = "no directory holds raw pixels"
        yield Finding("error", "file", found, "PhotometricInterpretation 32803 or 34892", ALL)
    elif _SUBFILE not in subject.raw.entries or not main:
        kind = subject.raw.number(_SUBFILE, -1)
        found = "NewSubfileType is " + ("missing" if kind < 0 else str(kind))
        yield Finding("warning", "raw", found, "0, the main picture", SDK)
    elif len(main) > 1:
        found = f"{len(main)} directories say that they are the main picture"
        yield Finding("warning", "file", found, "NewSubfileType 0 in one of them", SDK)


def _version_faults(subject: Subject) -> Iterator[Finding]:
    first = subject.first
    version = first.integers(50706)
    backward = first.integers(50707)
    if len(version) != 4 or version[0] != 1:
        found = f"DNGVersion is {_dotted(version) or 'not in this directory'}"
        yield Finding("error", "IFD0", found, "four bytes such as 1.4.0.0", SDK)
    if backward > version:
        found = f"DNGBackwardVersion {_dotted(backward)} is above DNGVersion {_dotted(version)}"
        yield Finding("warning", "IFD0", found, "the oldest version that can read it", SDK)
    newest = max((one.number(259) for one in subject.directories), default=0)
    if newest == _JXL:
        found = "pixels are JPEG-XL (Compression 52546)"
        yield Finding(
            "note", "file", found, "a reader of DNG 1.7", "LibRaw built without Adobe's DNG SDK"
        )
    if subject.raw is not None and version < (1, 3) and {51008, 51009, 51022} & _codes(subject.raw):
        found = f"opcode lists in a DNG {_dotted(version)}"
        yield Finding("warning", "raw", found, "DNGVersion 1.3.0.0 or later", SDK)


def _codes(directory: Directory) -> set[int]:
    return set(directory.entries)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
