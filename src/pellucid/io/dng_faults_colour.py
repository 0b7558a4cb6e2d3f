"""Faults of what a DNG says of colour: matrices, lights, the photograph's white, names."""

import math
from collections.abc import Iterator

import numpy as np

from pellucid.io.dng_fault import SDK, Finding, Subject
from pellucid.io.tiff_reader import Directory

_MODEL, _NEUTRAL, _WHITE_XY = 50708, 50728, 50729
_MATRICES = {1: 50721, 2: 50722, 3: 52531}
_LIGHTS = {1: 50778, 2: 50779, 3: 52529}
_FORWARD = {1: 50964, 2: 50965, 3: 52532}
_D50 = (0.9642, 1.0, 0.8249)
_MAKER = "darktable, Lightroom: no camera or lens profile"
_LIGHT = "readers guess D65, D50 or nothing"


def colour_faults(subject: Subject) -> Iterator[Finding]:
    """What is wrong with colour and names in the first directory."""
    first = subject.first
    yield from _name_faults(first)
    if subject.raw is not None and _planes(subject.raw) == 1:
        return  # monochrome has no matrix and no white
    yield from _matrix_faults(first)
    yield from _forward_faults(first)
    yield from _white_faults(first)


def _planes(raw: Directory) -> int:
    if raw.number(262) == 34892:
        return raw.number(277, 1)
    return len(set(raw.numbers(33422))) or 3


def _name_faults(first: Directory) -> Iterator[Finding]:
    if not first.words(_MODEL):
        found = "UniqueCameraModel (tag 50708) is missing"
        yield Finding("error", "IFD0", found, "a name, which DNG requires", f"{SDK}, exiftool")
    for code, name in ((271, "Make"), (272, "Model")):
        if not first.words(code):
            found = f"{name} (tag {code}) is missing"
            yield Finding("warning", "IFD0", found, "the camera's name", _MAKER)
    orientation = first.number(274)
    if not 1 <= orientation <= 8:
        found = "Orientation is " + (str(orientation) if 274 in first.entries else "missing")
        yield Finding("warning", "IFD0", found, "1 to 8", "readers differ in what they assume")


def _matrix_faults(first: Directory) -> Iterator[Finding]:
    if _MATRICES[1] not in first.entries:
        yield Finding("error", "colour", "ColorMatrix1 is missing", "9 numbers", SDK)
    for number, code in _MATRICES.items():
        if code not in first.entries:
            continue
        values = first.numbers(code)
        square = len(values) == 9 and all(map(math.isfinite, values))
        if not square or abs(np.linalg.det(np.reshape(values, (3, 3)))) < 1e-6:
            found = f"ColorMatrix{number} cannot be inverted"
            yield Finding("error", "colour", found, "XYZ to camera, 3 by 3", "all colour")
        light = first.number(_LIGHTS[number])
        if not light:
            found = f"CalibrationIlluminant{number} is missing or unknown (0)"
            expected = f"the light of ColorMatrix{number}, such as 21 for D65"
            yield Finding("warning", "colour", found, expected, _LIGHT)
    lights = [first.number(_LIGHTS[n]) for n in (1, 2) if _MATRICES[n] in first.entries]
    if len(lights) == 2 and lights[0] == lights[1] != 0:
        found = f"both matrices are for light {lights[0]}"
        yield Finding("warning", "colour", found, "two lights", SDK)


def _forward_faults(first: Directory) -> Iterator[Finding]:
    """Rows of a ForwardMatrix sum to D50: balanced white becomes white."""
    for number, code in _FORWARD.items():
        values = first.numbers(code)
        if code not in first.entries:
            continue
        if len(values) != 9:
            found = f"ForwardMatrix{number} has {len(values)} numbers"
            yield Finding("error", "colour", found, "9", SDK)
            continue
        sums = np.reshape(values, (3, 3)).sum(1)
        if not np.allclose(sums, _D50, atol=0.02):
            found = f"rows of ForwardMatrix{number} sum to {sums.round(3).tolist()}"
            yield Finding("warning", "colour", found, f"white of D50, {list(_D50)}", SDK)


def _white_faults(first: Directory) -> Iterator[Finding]:
    neutral = first.numbers(_NEUTRAL)
    if not {_NEUTRAL, _WHITE_XY} & set(first.entries):
        found = "neither AsShotNeutral nor AsShotWhiteXY is there"
        yield Finding("warning", "colour", found, "one of them", "readers guess the white balance")
    elif neutral and not all(value > 0 and math.isfinite(value) for value in neutral):
        found = f"AsShotNeutral is {' '.join(f'{value:g}' for value in neutral)}"
        yield Finding("error", "colour", found, "numbers above 0", "LibRaw, darktable")
    elif {_NEUTRAL, _WHITE_XY} <= set(first.entries):
        found = "AsShotNeutral and AsShotWhiteXY are both there"
        yield Finding("warning", "colour", found, "one of them", "readers differ in which they use")
    for code, name in ((50727, "AnalogBalance"), (50730, "BaselineExposure")):
        values = first.numbers(code)
        bad = [v for v in values if not math.isfinite(v) or (code == 50727 and v <= 0)]
        if bad:
            found = f"{name} is {' '.join(f'{v:g}' for v in values)}"
            yield Finding("warning", "colour", found, "numbers", "readers that divide 0 by 0")
