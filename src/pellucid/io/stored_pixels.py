"""A DNG's integers as they are stored, where LibRaw cannot read them or changes what they mean."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tifffile import TiffFile, TiffPage

from pellucid.errors import FileError
from pellucid.io.libraw import Decoded
from pellucid.io.tiff_tags import TiffTags, directories, photograph_of

_MOST = 1 << 30  # values; hostile files claim any number
_LOSSY_JPEG = ((34892.0,),)


@dataclass(frozen=True, slots=True)
class StoredPixels:
    """The photograph's integers after its linearisation table, and their levels."""

    sensor: npt.NDArray[np.uint16]
    """(H, W), or (H, W, 3)."""
    black: tuple[float, ...]
    """One level, the mean of what is said, four times."""
    white: float


def stored_pixels(path: Path, tags: TiffTags, codec: str) -> StoredPixels:
    """Decode by tifffile and imagecodecs; raises FileError."""
    pixels = _pixels(path, codec)
    return StoredPixels(
        _linearized(pixels.astype(np.uint16), tags),
        (float(np.mean(tags.numbers(50714) or (0.0,))),) * 4,
        (tags.numbers(50717) or (float(np.iinfo(pixels.dtype.name).max),))[0],
    )


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
