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
from pellucid.io.black_deltas import shared_delta
from pellucid.io.libraw import Decoded
from pellucid.io.tiff_tags import TiffTags, directories, photograph_of

Sites = tuple[int, int, int, int]

_MOST = 1 << 30  # values; hostile files claim any number
_JPEG_XL = ((52546.0,), (50002.0,))
_INTERLEAVE_FACTORS = (50975, 52547)  # of rows, of columns


def is_jpeg_xl(tags: TiffTags) -> bool:
    """Whether the photograph's pixels are in JPEG XL."""
    return tags.is_dng and tags.numbers(259, 1) in _JPEG_XL


def decode_jpeg_xl(path: Path, tags: TiffTags, filters: tuple[str, ...]) -> Decoded:
    """What LibRaw would say of the file, from its tags; raises FileError."""
    if not imagecodecs.JPEGXL.available:
        raise FileError.of(
            path, "its pixels are in JPEG XL; expected imagecodecs with it: pip install imagecodecs"
        )
    sensor = _linearized(_woven(_pixels(path), tags), tags)
    filters = filters if sensor.ndim == 2 else ()
    if len(filters) == 2 and "".join(filters) not in PHASES:
        raise FileError.of(path, f"its pixels form a {'/'.join(filters)} mosaic; expected a Bayer")
    height, width = sensor.shape[:2]
    area = tags.numbers(50829, 4) or (0.0, 0.0, float(height), float(width))
    top, left, bottom, right = map(int, area)
    neutral = tags.numbers(50728, 3)
    gains = tuple(1 / max(value, 1e-6) for value in neutral) if neutral else (0.0, 0.0, 0.0)
    sites = _sites("".join(filters)) if len(filters) == 2 else None
    return Decoded(
        sensor=sensor,
        top=top,
        left=left,
        height=bottom - top,
        width=right - left,
        sites=sites or _sites("RGGB"),
        black=_black(tags, sites, 1 if sensor.ndim == 2 else 3),
        white=_white(tags),
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


def _woven(pixels: npt.NDArray[np.uint16], tags: TiffTags) -> npt.NDArray[np.uint16]:
    """Rows and columns at their places, of fields that are stored one after the other."""
    for axis, code in enumerate(_INTERLEAVE_FACTORS):
        factor = int((tags.numbers(code, 1) or (1.0,))[0])
        if factor > 1:
            stored = np.argsort(np.arange(pixels.shape[axis]) % factor, kind="stable")
            pixels = np.take(pixels, np.argsort(stored), axis)
    return pixels


def _linearized(pixels: npt.NDArray[np.uint16], tags: TiffTags) -> npt.NDArray[np.uint16]:
    table = tags.numbers(50712)
    if not table:
        return pixels
    return np.clip(table, 0, 65535).astype(np.uint16)[np.minimum(pixels, len(table) - 1)]


def _sites(phase: str) -> Sites:
    """Which of LibRaw's four colours stands where; the second green is the last of them."""
    red, greens = PHASES.index(phase), iter((1, 3))
    first, second, third, fourth = (
        0 if site == red else 2 if site == 3 - red else next(greens) for site in range(4)
    )
    return first, second, third, fourth


def _black(tags: TiffTags, sites: Sites | None, samples: int) -> tuple[float, ...]:
    """Levels of R, G, B, second G: by the sites of a Bayer mosaic, else by the samples."""
    levels = _black_levels(tags, samples)
    if sites is None:
        return tuple(np.resize(levels.mean((0, 1)), 3)[[0, 1, 2, 1]].tolist())
    even = np.tile(levels, (2, 2, 1))
    places = [divmod(sites.index(colour), 2) for colour in range(4)]
    return tuple(float(even[row::2, column::2].mean()) for row, column in places)


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
