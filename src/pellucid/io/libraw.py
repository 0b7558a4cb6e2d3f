"""Decoding with LibRaw, whose messages on stderr are caught and turned into errors."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

import os
import re
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rawpy

from pellucid.errors import FileError

_ONE_AT_A_TIME = threading.Lock()  # file descriptor 2 belongs to the whole process
_COMPLAINT = re.compile(rb"Unexpected end of file|data corrupted at -?\d+")


@dataclass(frozen=True, slots=True)
class Decoded:
    """What LibRaw says of a Bayer raw; four numbers are for R, G, B, second G."""

    sensor: npt.NDArray[np.uint16]
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


def decode(path: Path) -> Decoded:
    """Open and unpack a Bayer raw.

    Raises FileError where LibRaw refuses or complains, and where the pixels are no Bayer mosaic.
    """
    try:
        with _complaints() as complaints, rawpy.imread(str(path)) as raw:
            decoded = _decoded(raw, path)
    except (rawpy.LibRawError, rawpy.NotSupportedError) as error:
        raise FileError.of(
            path, f"no raw file, or a damaged one (LibRaw: {_words(error)})"
        ) from error
    except (UnicodeEncodeError, MemoryError, NotImplementedError, RuntimeError) as error:
        raise FileError.of(path, f"LibRaw cannot read it ({error})") from error
    if complaints:
        raise FileError.of(path, f"its pixel data is cut off or damaged (LibRaw: {complaints[0]})")
    return decoded


def _decoded(raw: rawpy.RawPy, path: Path) -> Decoded:
    sites = _bayer_sites(raw, path)
    sizes, other = raw.sizes, raw.other
    return Decoded(
        sensor=raw.raw_image.copy(),
        top=sizes.top_margin,
        left=sizes.left_margin,
        height=sizes.height,
        width=sizes.width,
        sites=sites,
        black=tuple(map(float, raw.black_level_per_channel)),
        white=float(raw.white_level),
        as_shot=tuple(map(float, raw.camera_whitebalance)),
        daylight=tuple(map(float, raw.daylight_whitebalance)),
        xyz_to_cam=np.array(raw.rgb_xyz_matrix[:3], dtype=np.float64),
        cam_to_srgb=np.array(raw.color_matrix[:3, :3], dtype=np.float64),
        flip=int(sizes.flip),
        iso=float(other.iso_speed),
        exposure_time=float(other.shutter_speed),
    )


def _bayer_sites(raw: rawpy.RawPy, path: Path) -> tuple[int, int, int, int]:
    """Colours of the visible area's first four sites."""
    if raw.raw_type != rawpy.RawType.Flat:
        raise not_bayer(
            path, "already have three colours each (linear DNG, film scan or layered sensor)"
        )
    pattern = np.asarray(raw.raw_pattern)
    colours = raw.color_desc.decode("ascii", "replace")
    if pattern.shape == (6, 6):
        raise not_bayer(path, "form an X-Trans mosaic")
    if pattern.shape == (1, 1) or raw.num_colors == 1:
        raise not_bayer(path, "are monochrome")
    rolled = np.roll(pattern, (-raw.sizes.top_margin, -raw.sizes.left_margin), (0, 1))
    sites = tuple(int(colour) for colour in rolled[:2, :2].flat)
    letters = sorted(colours[colour] for colour in sites if colour < len(colours))
    if pattern.shape != (2, 2) or letters != ["B", "G", "G", "R"]:
        raise not_bayer(path, f"form a {colours} mosaic of {pattern.shape[0]}x{pattern.shape[1]}")
    return sites[0], sites[1], sites[2], sites[3]


def not_bayer(path: Path, what: str) -> FileError:
    """The error of a raw whose pixels are of another kind."""
    return FileError.of(path, f"its pixels {what}; expected a Bayer mosaic")


def _words(error: Exception) -> str:
    first = error.args[0] if error.args else type(error).__name__
    return first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first)


@contextmanager
def _complaints() -> Generator[list[str]]:
    """Hold back file descriptor 2; the list holds LibRaw's complaints afterwards.

    What anyone else wrote there meanwhile is passed on.
    """
    complaints: list[str] = []
    with _ONE_AT_A_TIME, tempfile.TemporaryFile() as caught:
        kept = _redirect(caught.fileno())
        try:
            yield complaints
        finally:
            _restore(kept)
            caught.seek(0)
            for line in caught:
                if found := _COMPLAINT.search(line):
                    complaints.append(found.group().decode())
                elif kept is not None:
                    os.write(2, line)


def _redirect(target: int) -> int | None:
    """Point file descriptor 2 elsewhere; a copy of the old one, None where there is none."""
    if sys.stderr is not None:
        sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:
        return None
    os.dup2(target, 2)
    return kept


def _restore(kept: int | None) -> None:
    if kept is not None:
        os.dup2(kept, 2)
        os.close(kept)
