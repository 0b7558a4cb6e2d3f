"""DNGs in JPEG XL, as iPhones write them, which LibRaw cannot read: by tifffile and imagecodecs."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

from pathlib import Path

import imagecodecs
import numpy as np
import numpy.typing as npt
from tifffile import TiffFile, TiffPage

from pellucid.bayer import PHASES
from pellucid.errors import FileError
from pellucid.io.libraw import Decoded
from pellucid.io.tiff_tags import TiffTags, directories, photograph_of

_MOST = 1 << 30  # values; hostile files claim any number
_JPEG_XL = ((52546.0,), (50002.0,))


def is_jpeg_xl(tags: TiffTags) -> bool:
    """Whether the photograph's pixels are in JPEG XL."""
    return tags.is_dng and tags.numbers(259, 1) in _JPEG_XL


def decode_jpeg_xl(path: Path, tags: TiffTags, filters: tuple[str, ...]) -> Decoded:
    """What LibRaw would say of the file, from its tags; raises FileError."""
    if not imagecodecs.JPEGXL.available:
        raise FileError.of(
            path, "its pixels are in JPEG XL; expected imagecodecs with it: pip install imagecodecs"
        )
    sensor = _linearized(_pixels(path), tags)
    filters = filters if sensor.ndim == 2 else ()
    if len(filters) == 2 and "".join(filters) not in PHASES:
        raise FileError.of(path, f"its pixels form a {'/'.join(filters)} mosaic; expected a Bayer")
    height, width = sensor.shape[:2]
    area = tags.numbers(50829, 4) or (0.0, 0.0, float(height), float(width))
    top, left, bottom, right = map(int, area)
    neutral = tags.numbers(50728, 3)
    gains = tuple(1 / max(value, 1e-6) for value in neutral) if neutral else (0.0, 0.0, 0.0)
    white = (tags.numbers(50717) or (65535.0,))[0]
    colours = {"R": 0, "G": 1, "B": 2}
    sites = [colours[letter] for row in filters for letter in row] if len(filters) == 2 else []
    return Decoded(
        sensor=sensor,
        top=top,
        left=left,
        height=bottom - top,
        width=right - left,
        sites=(sites[0], sites[1], sites[2], sites[3]) if sites else (0, 1, 1, 2),
        black=_black(tags),
        white=white,
        as_shot=(*gains, 0.0),
        daylight=(0.0, 0.0, 0.0, 0.0),
        xyz_to_cam=np.zeros((3, 3)),
        cam_to_srgb=np.zeros((3, 3)),
        flip=0,
        iso=0.0,
        exposure_time=0.0,
        pattern=filters,
    )


def _pixels(path: Path) -> npt.NDArray[np.uint16]:
    try:
        with TiffFile(path) as tiff:
            page: TiffPage = photograph_of(list(directories(tiff.pages)))
            if page.size > _MOST:
                raise ValueError(f"{page.size} values are more than any camera's")
            pixels = np.asarray(page.asarray())
    except Exception as error:  # tifffile and the codec fail in many ways on damaged files
        raise FileError.of(path, f"its JPEG XL pixels cannot be decoded ({error})") from error
    if (
        pixels.dtype.name not in ("uint8", "uint16")
        or pixels.ndim < 2
        or pixels.shape[2:] not in ((), (3,))
    ):
        raise FileError.of(
            path, f"its pixels are {pixels.dtype} of shape {pixels.shape}; expected 8 or 16 bits"
        )
    return pixels.astype(np.uint16)


def _linearized(pixels: npt.NDArray[np.uint16], tags: TiffTags) -> npt.NDArray[np.uint16]:
    table = tags.numbers(50712)
    if not table:
        return pixels
    return np.clip(table, 0, 65535).astype(np.uint16)[np.minimum(pixels, len(table) - 1)]


def _black(tags: TiffTags) -> tuple[float, ...]:
    """One level for all: the mean of what is said."""
    return (float(np.mean(tags.numbers(50714) or (0.0,))),) * 4
