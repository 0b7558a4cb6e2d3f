"""A DNG's integers as they are stored, where LibRaw cannot read them or changes what they mean."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tifffile import TiffFile, TiffPage

from pellucid.errors import FileError
from pellucid.io.black_deltas import shared_delta
from pellucid.io.libraw import Decoded
from pellucid.io.tiff_tags import TiffTags, directories, photograph_of

_MOST = 1 << 30  # values; hostile files claim any number
_INTERLEAVE_FACTORS = (50975, 52547)  # of rows, of columns
_LOSSY_JPEG = ((34892.0,),)


@dataclass(frozen=True, slots=True)
class StoredPixels:
    """The photograph's integers after its linearisation table, and their levels."""

    sensor: npt.NDArray[np.uint16]
    """(H, W), or (H, W, 3)."""
    levels: npt.NDArray[np.float64]
    """Black levels (rows, columns, samples) that repeat."""
    white: float

    @property
    def black(self) -> tuple[float, ...]:
        """The levels of R, G, B, and of G once more; of one sample, that four times."""
        return tuple(np.resize(self.levels.mean((0, 1)), 3)[[0, 1, 2, 1]].tolist())

    def black_by_site(self, sites: tuple[int, int, int, int]) -> tuple[float, ...]:
        """The levels of R, G, B, second G in a Bayer mosaic that has them at these sites."""
        even = np.tile(self.levels, (2, 2, 1))
        places = [divmod(sites.index(colour), 2) for colour in range(4)]
        return tuple(float(even[row::2, column::2].mean()) for row, column in places)


def stored_pixels(path: Path, tags: TiffTags, codec: str) -> StoredPixels:
    """Decode by tifffile and imagecodecs; raises FileError."""
    pixels = _pixels(path, codec)
    sensor = _linearized(_woven(pixels.astype(np.uint16), tags), tags)
    samples = 1 if sensor.ndim == 2 else 3
    return StoredPixels(sensor, _black_levels(tags, samples), _white(tags))


def is_lossy_jpeg(tags: TiffTags) -> bool:
    """Whether the photograph's pixels are in lossy JPEG."""
    return tags.is_dng and tags.numbers(259, 1) in _LOSSY_JPEG


def unmapped(path: Path, decoded: Decoded, tags: TiffTags) -> Decoded:
    """With the integers of a lossy JPEG in place of what LibRaw makes of them.

    LibRaw applies the polynomial to them before black is subtracted, where the specification has
    it the other way round, and keeps a few dozen levels of the shadows.
    """
    stored = stored_pixels(path, tags, "JPEG")
    return replace(decoded, sensor=stored.sensor, black=stored.black, white=stored.white)


def _pixels(path: Path, codec: str) -> npt.NDArray[np.uint8 | np.uint16]:
    try:
        with TiffFile(path) as tiff:
            page: TiffPage = photograph_of(list(directories(tiff.pages)))
            if page.size > _MOST:
                raise ValueError(f"{page.size} values are more than any camera's")
            pixels = np.asarray(page.asarray())
    except Exception as error:  # tifffile and the codec fail in many ways on damaged files
        raise FileError.of(path, f"its {codec} pixels cannot be decoded ({error})") from error
    if (
        pixels.dtype.name not in ("uint8", "uint16")
        or pixels.ndim < 2
        or pixels.shape[2:] not in ((), (3,))
    ):
        raise FileError.of(
            path, f"its pixels are {pixels.dtype} of shape {pixels.shape}; expected 8 or 16 bits"
        )
    return pixels


def _linearized(pixels: npt.NDArray[np.uint16], tags: TiffTags) -> npt.NDArray[np.uint16]:
    table = tags.numbers(50712)
    if not table:
        return pixels
    return np.clip(table, 0, 65535).astype(np.uint16)[np.minimum(pixels, len(table) - 1)]


def _woven(pixels: npt.NDArray[np.uint16], tags: TiffTags) -> npt.NDArray[np.uint16]:
    """Rows and columns at their places, of fields that are stored one after the other."""
    for axis, code in enumerate(_INTERLEAVE_FACTORS):
        factor = int((tags.numbers(code, 1) or (1.0,))[0])
        if factor > 1:
            stored = np.argsort(np.arange(pixels.shape[axis]) % factor, kind="stable")
            pixels = np.take(pixels, np.argsort(stored), axis)
    return pixels


def _black_levels(tags: TiffTags, samples: int) -> npt.NDArray[np.float64]:
    """Levels (rows, columns, samples) that repeat; of a wrong number of them, the mean."""
    levels = np.array(tags.numbers(50714) or (0.0,)) + shared_delta(tags)
    rows, columns = map(int, tags.numbers(50713, 2) or (1.0, 1.0))
    if levels.size != rows * columns * samples:
        return np.full((1, 1, samples), levels.mean())
    return levels.reshape(rows, columns, samples)


def _white(tags: TiffTags) -> float:
    """The white level; where none is said, the largest value that the bits or the table hold."""
    bits = (tags.numbers(258) or (16.0,))[0]
    largest = (tags.numbers(50712) or (2.0**bits - 1,))[-1]
    return (tags.numbers(50717) or (largest,))[0]
