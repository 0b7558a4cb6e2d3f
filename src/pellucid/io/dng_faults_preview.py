"""Faults of a DNG's previews: missing, turned, or of another state of the picture."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

import math
from collections.abc import Iterator
from io import BytesIO

import numpy as np
import numpy.typing as npt
import rawpy
from PIL import Image

from pellucid.io.dng_fault import Finding, Subject
from pellucid.io.dng_source import active_area
from pellucid.io.libraw import opened
from pellucid.io.tiff_reader import Directory, pixel_blocks

_JPEGS = (6, 7, 34892)
_RAW = (32803, 34892)
_LEAST = 16  # pixels of a side; less says nothing
_VIEWERS = "viewers and file managers"
Grey = npt.NDArray[np.float64]


def preview_faults(subject: Subject, raw: Directory) -> Iterator[Finding]:
    """What is wrong with the largest preview, against a quick rendering of the raw."""
    previews = [picture for one in subject.directories if (picture := _preview(subject, one))]
    if not previews:
        yield Finding("note", "preview", "there is none", "a JPEG of the picture", _VIEWERS)
        return
    shown = max(previews, key=lambda picture: picture.width * picture.height)
    rendered = _rendered(subject, raw)
    if rendered is None:
        return
    if abs(np.log(shown.width / shown.height / (rendered.width / rendered.height))) > 0.1:
        found = f"it has {shown.width}x{shown.height} pixels"
        expected = f"the shape of the raw, which renders as {rendered.width}x{rendered.height}"
        yield Finding("warning", "preview", found, expected, _VIEWERS)
        return
    yield from _stale_faults(shown, rendered)


def _stale_faults(shown: Image.Image, rendered: Image.Image) -> Iterator[Finding]:
    size = _common_size(shown, rendered)
    if min(size) < _LEAST:
        return
    one, other = _grey(shown, size), _grey(rendered, size)
    likeness = _likeness(one, other)
    if likeness < 0.7:
        found = f"it is stale: its correlation with a rendering of the raw is {likeness:.2f}"
        yield Finding("warning", "preview", found, "a picture of these pixels", _VIEWERS)
        return
    noise, rest = _noise(one), _noise(other)
    if noise > 3 * rest + 0.004:
        found = f"it is stale: its noise is {noise:.3f}, that of a rendering of the raw {rest:.3f}"
        yield Finding("warning", "preview", found, "a picture of these pixels", _VIEWERS)


def _preview(subject: Subject, directory: Directory) -> Image.Image | None:
    """A directory's picture, if it is a JPEG or plain RGB that is no raw."""
    if directory.number(262) in _RAW or not directory.number(256) * directory.number(257):
        return None
    blocks = pixel_blocks(subject.data, directory)
    try:
        if directory.number(259) in _JPEGS and len(blocks) == 1:
            return Image.open(BytesIO(blocks[0])).convert("RGB")
        if directory.number(259) == 1 and directory.number(277) == 3:
            size = directory.number(256), directory.number(257)
            return Image.frombytes("RGB", size, b"".join(blocks))
    except Exception:  # damaged pictures fail in many ways
        return None
    return None


def _rendered(subject: Subject, raw: Directory) -> Image.Image | None:
    """LibRaw's rendering of the default crop at half size, in the sensor's own orientation."""
    try:
        with opened(subject.path) as file:
            pixels = file.postprocess(
                half_size=True, use_camera_wb=True, user_flip=0, output_bps=8,
                demosaic_algorithm=rawpy.DemosaicAlgorithm.LINEAR,
            )  # fmt: skip
    except (rawpy.LibRawError, OSError, MemoryError, RuntimeError, ValueError):
        return None
    return _cropped(Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels), raw)


def _cropped(rendered: Image.Image, raw: Directory) -> Image.Image:
    """What of a rendering of the active area lies in the default crop; all where that is none."""
    said = (*raw.numbers(50719), *raw.numbers(50720))
    top, left, bottom, right = active_area(raw)
    if len(said) != 4 or not all(map(math.isfinite, said)) or top >= bottom or left >= right:
        return rendered
    x, y, wide, high = said
    across, down = rendered.width / (right - left), rendered.height / (bottom - top)
    columns = [min(max(round(at * across), 0), rendered.width) for at in (x, x + wide)]
    rows = [min(max(round(at * down), 0), rendered.height) for at in (y, y + high)]
    box = (columns[0], rows[0], columns[1], rows[1])
    return rendered.crop(box) if box[0] < box[2] and box[1] < box[3] else rendered


def _common_size(one: Image.Image, other: Image.Image) -> tuple[int, int]:
    """The size of the smaller one, so that noise is averaged alike."""
    small = min((one, other), key=lambda picture: picture.width)
    return small.size


def _grey(picture: Image.Image, size: tuple[int, int]) -> Grey:
    return np.asarray(picture.resize(size, Image.Resampling.BOX).convert("L")) / 255


def _likeness(one: Grey, other: Grey) -> float:
    """Correlation of ranks of small versions, which tone curves leave alone."""
    first, second = (_ranks(_shrunk(picture)) for picture in (one, other))
    return float(np.corrcoef(first, second)[0, 1])


def _shrunk(grey: Grey) -> Grey:
    picture = Image.fromarray((grey * 255).astype(np.uint8))
    return np.asarray(picture.resize((32, 32), Image.Resampling.BOX)).astype(np.float64)


def _ranks(values: Grey) -> Grey:
    return values.ravel().argsort().argsort().astype(np.float64)


def _noise(grey: Grey) -> float:
    """Robust standard deviation of what the second difference along both axes leaves."""
    rows = grey[:-2] - 2 * grey[1:-1] + grey[2:]
    both = rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]
    return float(np.median(np.abs(both)) * 1.4826 / 6)
