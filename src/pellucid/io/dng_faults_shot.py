"""Faults of what a DNG says of the photograph: EXIF, noise, corrections."""

import math
import struct
from collections.abc import Iterator

from pellucid.io.dng_fault import SDK, Finding, Subject
from pellucid.io.gain_opcodes import opcodes
from pellucid.io.tiff_reader import Directory

_ISO, _SECONDS, _DATE = 34855, 33434, 36867
_NOISE = 51041
_LISTS = {51008: 1, 51009: 2, 51022: 3}


def shot_faults(subject: Subject) -> Iterator[Finding]:
    """What is wrong with EXIF, NoiseProfile and opcode lists."""
    yield from _exif_faults(subject)
    for directory in subject.directories:
        where = subject.name(directory)
        if _NOISE in directory.entries:
            yield from _noise_faults(subject, directory, where)
        for code, number in _LISTS.items():
            if code in directory.entries:
                yield from _opcode_faults(directory, code, number, where)


def _exif_faults(subject: Subject) -> Iterator[Finding]:
    # TIFF/EP keeps the same tags in the first directory.
    where = subject.exif or subject.first
    if subject.exif is None and _ISO not in subject.first.entries:
        found = "there is no EXIF directory"
        readers = "LibRaw sees ISO 0; noise and lens profiles are not found"
        yield Finding("warning", "EXIF", found, "ISO, exposure time and date", readers)
        return
    iso = where.number(_ISO)
    if iso <= 0:
        found = "ISO is " + ("0" if _ISO in where.entries else "missing")
        yield Finding(
            "warning", "EXIF", found, "the sensitivity", "noise profiles by ISO (darktable)"
        )
    seconds = where.numbers(_SECONDS)
    if not seconds or not seconds[0] > 0:
        found = "ExposureTime is " + ("0" if seconds else "missing")
        yield Finding("note", "EXIF", found, "seconds", "catalogues")
    if not where.words(_DATE):
        found = "DateTimeOriginal is missing or empty"
        yield Finding("note", "EXIF", found, "the date of the photograph", "catalogues")


def _noise_faults(subject: Subject, directory: Directory, where: str) -> Iterator[Finding]:
    values = directory.numbers(_NOISE)
    raw = subject.raw
    planes = len(set(raw.numbers(33422))) or raw.number(277, 1) if raw is not None else 3
    if len(values) not in (2, 2 * planes):
        found = f"NoiseProfile has {len(values)} numbers"
        expected = f"2, or {2 * planes} for {planes} colours"
        yield Finding("warning", where, found, expected, f"{SDK}, which ignore it")
    elif not all(math.isfinite(value) and value >= 0 for value in values) or not any(values):
        found = f"NoiseProfile is {' '.join(f'{value:g}' for value in values)}"
        yield Finding("warning", where, found, "numbers from 0 on, not all 0", SDK)
    elif max(values) > 1:
        found = f"NoiseProfile has {max(values):g}"
        expected = "variances of signals in [0, 1]: below 1"
        yield Finding("warning", where, found, expected, "profiled denoising")


def _opcode_faults(directory: Directory, code: int, number: int, where: str) -> Iterator[Finding]:
    data = directory.entries[code].data
    said = struct.unpack_from(">I", data)[0] if len(data) >= 4 else 0
    whole = list(opcodes(data))
    size = 4 + sum(16 + len(one.data) for one in whole)
    if len(whole) != said or size != len(data):
        found = f"OpcodeList{number} holds {len(whole)} whole opcodes of {said}"
        yield Finding("error", where, found, "as many as it says, big-endian", SDK)
