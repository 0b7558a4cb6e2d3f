"""Decoding with LibRaw, whose messages on stderr are caught and turned into errors."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

import os
import re
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rawpy

from pellucid.errors import FileError
from pellucid.io.held_stderr import held_stderr

_COMPLAINT = re.compile(
    rb"Unexpected end of file|data corrupted at -?\d+"
    rb"|Corrupt JPEG data|Premature end of JPEG file"  # libjpeg's, inside of lossy DNGs
)


@dataclass(frozen=True, slots=True)
class Decoded:
    """What LibRaw says of a raw; four numbers are for R, G, B, second G."""

    sensor: npt.NDArray[np.uint16]
    """(H, W) of a mosaic or of grey pixels, (H, W, 3) of pixels with all their colours."""
    top: int
    left: int
    height: int
    width: int
    sites: tuple[int, int, int, int]
    """Which of the four colours stands at the visible sites (0,0), (0,1), (1,0), (1,1)."""
    black: tuple[float, ...]
    white: float
    as_shot: tuple[float, ...]
    daylight: tuple[float, ...]
    xyz_to_cam: npt.NDArray[np.float64]
    """(3, 3), from LibRaw's own table; zero where the camera is not in it."""
    cam_to_srgb: npt.NDArray[np.float64]
    """(3, 3), from the file; zero where it has none."""
    flip: int
    iso: float
    exposure_time: float
    pattern: tuple[str, ...] = ("RG", "GB")
    """Rows of the visible area's filters, a Bayer's in any phase; () where there are none."""

    @property
    def is_bayer(self) -> bool:
        """Whether the pixels form a Bayer mosaic."""
        return len(self.pattern) == 2


def decode(path: Path, filters: tuple[str, ...] = ()) -> Decoded:
    """Open and unpack a raw.

    `filters` is the pattern by the file's own tags, taken where LibRaw cannot hold it; () for none.
    Raises FileError where LibRaw refuses or complains, and where it knows colours but R, G, B.
    """
    try:
        with _complaints() as complaints, opened(path) as raw:
            decoded = _decoded(raw, path, filters)
    except (rawpy.LibRawError, rawpy.NotSupportedError) as error:
        raise FileError.of(
            path, f"no raw file, or a damaged one (LibRaw: {_words(error)})"
        ) from error
    except (MemoryError, NotImplementedError, RuntimeError) as error:
        raise FileError.of(path, f"LibRaw cannot read it ({error})") from error
    if complaints:
        raise FileError.of(path, f"its pixel data is cut off or damaged (LibRaw: {complaints[0]})")
    return decoded


@contextmanager
def opened(path: Path) -> Generator[rawpy.RawPy]:
    """The raw itself; LibRaw takes names in UTF-8, and of a file with another one its bytes."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        with path.open("rb") as file, rawpy.imread(file) as raw:
            yield raw
    else:
        with rawpy.imread(str(path)) as raw:
            yield raw


def _decoded(raw: rawpy.RawPy, path: Path, filters: tuple[str, ...]) -> Decoded:
    pattern = _pattern(raw, path, filters)
    sizes, other = raw.sizes, raw.other
    return Decoded(
        sensor=(raw.raw_image[..., :3] if raw.raw_image.ndim == 3 else raw.raw_image).copy(),
        top=sizes.top_margin,
        left=sizes.left_margin,
        height=sizes.height,
        width=sizes.width,
        sites=_sites(raw, pattern),
        black=tuple(map(float, raw.black_level_per_channel)),
        white=float(raw.white_level),
        as_shot=tuple(map(float, raw.camera_whitebalance)),
        daylight=tuple(map(float, raw.daylight_whitebalance)),
        xyz_to_cam=np.array(raw.rgb_xyz_matrix[:3], dtype=np.float64),
        cam_to_srgb=np.array(raw.color_matrix[:3, :3], dtype=np.float64),
        flip=int(sizes.flip),
        iso=float(other.iso_speed),
        exposure_time=float(other.shutter_speed),
        pattern=pattern,
    )


def _pattern(raw: rawpy.RawPy, path: Path, filters: tuple[str, ...]) -> tuple[str, ...]:
    """Rows of the visible area's filters."""
    if raw.raw_type != rawpy.RawType.Flat or raw.num_colors == 1:
        return ()
    rolled, colours = _colours(raw), raw.color_desc.decode("ascii", "replace")
    if len(filters) > 2:
        return filters
    letters = sorted(colours[colour] if colour < len(colours) else "?" for colour in rolled.flat)
    if rolled.shape == (6, 6) and set(letters) == set("RGB"):
        return tuple("".join("RGBG"[colour] for colour in row) for row in rolled)
    if rolled.shape != (2, 2) or letters != ["B", "G", "G", "R"]:
        rows, columns = rolled.shape
        raise FileError.of(
            path,
            f"its pixels form a {colours} mosaic of {rows}x{columns}; expected R, G, B in a Bayer, "
            "quad-Bayer or X-Trans mosaic, grey, or all three of each pixel",
        )
    return tuple("".join(colours[colour] for colour in row) for row in rolled)


def _colours(raw: rawpy.RawPy) -> npt.NDArray[np.uint8]:
    """The pattern of the visible area, as numbers of colours."""
    margins = (-raw.sizes.top_margin, -raw.sizes.left_margin)
    return np.roll(np.asarray(raw.raw_pattern), margins, (0, 1))


def _sites(raw: rawpy.RawPy, pattern: tuple[str, ...]) -> tuple[int, int, int, int]:
    if len(pattern) != 2:
        return 0, 1, 1, 2
    first, second, third, fourth = (int(colour) for colour in _colours(raw).flat)
    return first, second, third, fourth


def _words(error: Exception) -> str:
    first = error.args[0] if error.args else type(error).__name__
    return first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first)


@contextmanager
def _complaints() -> Generator[list[str]]:
    """Hold back file descriptor 2; the list holds LibRaw's complaints afterwards.

    What anyone else wrote there meanwhile is passed on.
    """
    complaints: list[str] = []
    lines: list[bytes] = []
    try:
        with held_stderr() as lines:
            yield complaints
    finally:
        for line in lines:
            if found := _COMPLAINT.search(line):
                complaints.append(found.group().decode())
            else:
                with suppress(OSError):  # it may be closed
                    os.write(2, line)
