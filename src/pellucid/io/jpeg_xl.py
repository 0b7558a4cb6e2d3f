"""DNGs in JPEG XL, as iPhones write them, which LibRaw cannot read: by tifffile and imagecodecs."""
# pyright: reportUnknownMemberType=false

from pathlib import Path

import imagecodecs
import numpy as np

from pellucid.bayer import PHASES
from pellucid.errors import FileError
from pellucid.io.libraw import Decoded
from pellucid.io.stored_pixels import stored_pixels
from pellucid.io.tiff_tags import TiffTags

Sites = tuple[int, int, int, int]

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
    stored = stored_pixels(path, tags, "JPEG XL")
    filters = filters if stored.sensor.ndim == 2 else ()
    if len(filters) == 2 and "".join(filters) not in PHASES:
        raise FileError.of(path, f"its pixels form a {'/'.join(filters)} mosaic; expected a Bayer")
    height, width = stored.sensor.shape[:2]
    area = tags.numbers(50829, 4) or (0.0, 0.0, float(height), float(width))
    top, left, bottom, right = map(int, area)
    neutral = tags.numbers(50728, 3)
    gains = tuple(1 / max(value, 1e-6) for value in neutral) if neutral else (0.0, 0.0, 0.0)
    sites = _sites("".join(filters)) if len(filters) == 2 else None
    return Decoded(
        sensor=stored.sensor,
        top=top,
        left=left,
        height=bottom - top,
        width=right - left,
        sites=sites or _sites("RGGB"),
        black=stored.black_by_site(sites) if sites else stored.black,
        white=stored.white,
        as_shot=(*gains, 0.0),
        daylight=(0.0, 0.0, 0.0, 0.0),
        xyz_to_cam=np.zeros((3, 3)),
        cam_to_srgb=np.zeros((3, 3)),
        flip=0,
        iso=0.0,
        exposure_time=0.0,
        pattern=filters,
    )


def _sites(phase: str) -> Sites:
    """Which of LibRaw's four colours stands where; the second green is the last of them."""
    red, greens = PHASES.index(phase), iter((1, 3))
    first, second, third, fourth = (
        0 if site == red else 2 if site == 3 - red else next(greens) for site in range(4)
    )
    return first, second, third, fourth
