"""A raw file's own frame: areas, phase, black, white, orientation and linearisation table."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pellucid.bayer import PHASES, rggb_padding
from pellucid.errors import FileError
from pellucid.io.black_deltas import black_deltas, shared_delta
from pellucid.io.dng_fields import Area
from pellucid.io.libraw import Decoded
from pellucid.io.orientation import is_orientation, orientation_of_flip
from pellucid.io.saturation import seen_white
from pellucid.io.tiff_tags import TiffTags
from pellucid.raw import Deltas, SensorFrame

_LEAST = 12  # pixels of a side: two periods of X-Trans, and what the filters need

Black = tuple[float, float, float, float]


def sensor_frame(
    path: Path, decoded: Decoded, tags: TiffTags
) -> tuple[SensorFrame, tuple[str, ...]]:
    """The file's own frame, and a remark where its white level was none."""
    phase = PHASES[decoded.sites.index(0)]
    black = _black(decoded, tags) if decoded.is_bayer else _four([decoded.black[0]] * 4)
    _check_numbers(path, decoded, black)
    source = SensorFrame(
        sensor=decoded.sensor,
        top=decoded.top,
        left=decoded.left,
        height=decoded.height,
        width=decoded.width,
        phase=phase,
        padding=rggb_padding(phase, decoded.height, decoded.width),
        black=black,
        white=decoded.white,
        orientation=_orientation(decoded, tags),
        linearization=_linearization(tags),
        deltas=_deltas(decoded, tags),
        tags=tags.tags if tags.is_dng else {},
    )
    return _settled(source) if decoded.is_bayer else (source, ())


def _settled(source: SensorFrame) -> tuple[SensorFrame, tuple[str, ...]]:
    """With the white level at which the sensor is seen to saturate, where that is a lower one."""
    rows = slice(source.top, source.top + source.height)
    columns = slice(source.left, source.left + source.width)
    seen = seen_white(source.sensor[rows, columns], source.phase, max(source.black), source.white)
    if seen is None:
        return source, ()
    remark = (
        f"White level {source.white:g} lies above where the sensor saturates: {seen:g} is taken."
    )
    return replace(source, white=seen), (remark,)


def _linearization(tags: TiffTags) -> npt.NDArray[np.uint16] | None:
    table = tags.numbers(50712)
    return None if table is None else np.clip(table, 0, 65535).astype(np.uint16)


def _check_numbers(path: Path, decoded: Decoded, black: Black) -> None:
    sides = (decoded.top + decoded.height, decoded.left + decoded.width)
    if min(decoded.height, decoded.width) < _LEAST or any(
        a > b for a, b in zip(sides, decoded.sensor.shape[:2], strict=True)
    ):
        height, width = decoded.sensor.shape[:2]
        raise FileError.of(
            path,
            f"its visible area of {decoded.height}x{decoded.width} pixels makes no sense; expected "
            f"{_LEAST} or more a side, on the sensor's {height}x{width}",
        )
    if decoded.sensor.ndim == 3 and int(decoded.sensor.max()) > 2 * decoded.white:
        raise FileError.of(
            path,
            f"its pixels have three colours each, with values to {decoded.sensor.max()} and a white"
            f" level of {decoded.white:g}: a film scan; expected a camera's raw",
        )
    if not max(black) < decoded.white:
        raise FileError.of(
            path, f"its white level {decoded.white:g} is not above its black level {max(black):g}"
        )


def _black(decoded: Decoded, tags: TiffTags) -> Black:
    """Black of the visible sites.

    LibRaw starts an odd ActiveArea one site later but leaves the levels where they were, so that a
    DNG's own tags say better which level belongs where; LibRaw says which levels there are.
    """
    said = _four([decoded.black[colour] for colour in decoded.sites])
    levels, repeat = tags.numbers(50714), tags.numbers(50713, 2) or (1.0, 1.0)
    if not tags.is_dng or levels is None or repeat != (2.0, 2.0) or len(levels) != 4:
        return said
    active = active_area(tags, *decoded.sensor.shape[:2])
    rolled = np.roll(
        np.reshape(levels, (2, 2)) + shared_delta(tags),
        (active.top - decoded.top, active.left - decoded.left),
        (0, 1),
    )
    if not np.allclose(np.sort(rolled, axis=None), sorted(said), atol=1):
        return said
    return _four(rolled.ravel().tolist())


def _deltas(decoded: Decoded, tags: TiffTags) -> tuple[Deltas, Deltas]:
    top, left = decoded.top, decoded.left
    visible = Area(top, left, top + decoded.height, left + decoded.width)
    active = active_area(tags, *decoded.sensor.shape[:2])
    return black_deltas(tags if tags.is_dng else TiffTags(), active, visible)


def active_area(tags: TiffTags, height: int, width: int) -> Area:
    """A DNG's active area, or the whole sensor where it says none that lies on it."""
    said = tags.numbers(50829, 4) if tags.is_dng else None
    area = Area(*map(int, said)) if said else Area(0, 0, 0, 0)
    inside = 0 <= area.top < area.bottom <= height and 0 <= area.left < area.right <= width
    return area if inside else Area(0, 0, height, width)


def _four(values: Sequence[float]) -> Black:
    first, second, third, fourth = values
    return first, second, third, fourth


def _orientation(decoded: Decoded, tags: TiffTags) -> int:
    """A DNG's own tag; LibRaw's flip elsewhere, because it knows the makers' notes."""
    if not tags.is_dng:
        return orientation_of_flip(decoded.flip)
    value = tags.tags.get(274)
    return value if is_orientation(value) else 1
