"""Calibrating a camera: its frames at each ISO become noise levels, rows and hot pixels."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import Generator, Tensor

from pellucid.bayer import Padding
from pellucid.calibration.blind import block_sums
from pellucid.calibration.frame_kinds import Frame, FrameKind
from pellucid.calibration.noise_line import Levels, Sums, darkest_variance, levels_of
from pellucid.calibration.photon_transfer import (
    Tiles,
    joined,
    row_variance,
    stand_out,
    sums_of,
    tiles_of,
)
from pellucid.calibration.profile import CalibratedCamera, Frames, HotPixels, IsoNoise
from pellucid.calibration.scene_levels import with_one_gain, with_one_slope, with_usual_read
from pellucid.errors import FileError, PellucidError
from pellucid.io import read_bayer
from pellucid.noise import standard_deviation
from pellucid.planes import local_mean
from pellucid.raw import Noise, RawImage

Way = Literal["flats", "shots"]

SAME_LIGHT = 0.2
"""Of their level, what two flats of a pair may differ by."""
GAINS_DIFFER = 0.25
"""Of their level, what channels differ by where a camera multiplies some. Scenes have grain and
texture in some channels more than in others: from shots nothing smaller is believed."""
HOT = 5.0
"""Standard deviations by which a hot pixel stands out in every frame."""
MOST_PLACES = 1000
FEWEST_SHOTS = 3
"""Fewer shots than this may have a bright speck at the same place by chance."""


class Measured(NamedTuple):
    """Noise at one ISO with what it was fitted to."""

    noise: IsoNoise
    levels: Levels
    sums: Sums


@dataclass(frozen=True)
class Calibration:
    """A camera with what stands behind it, and what was left out."""

    camera: CalibratedCamera
    measured: tuple[Measured, ...]
    remarks: tuple[str, ...]


def calibrations(
    frames: list[Frame], way: Way | None, done: Callable[[], object] = lambda: None
) -> Iterator[Calibration]:
    """Each camera of the frames; `done` is called after each ISO.

    `way` says what all frames with light are; without it `Frame.kind` does. Raises PellucidError
    where an ISO has too few frames.
    """
    ordered = sorted(frames, key=lambda frame: (frame.make, frame.model, iso_of(frame)))
    for (make, model), group in groupby(ordered, lambda frame: (frame.make, frame.model)):
        remarks: list[str] = []
        measured: list[Measured] = []
        for iso, of_iso in groupby(group, iso_of):
            measured.append(_measure(iso, _sorted(list(of_iso), way), remarks))
            done()
        measured = _by_iso_laws(measured)
        camera = CalibratedCamera(make, model, tuple(one.noise for one in measured))
        yield Calibration(camera, tuple(measured), tuple(remarks))


def _by_iso_laws(measured: list[Measured]) -> list[Measured]:
    """ISOs that were measured from shots inform each other; flats and darks know better."""
    shots = _under(measured, with_one_gain, lambda frames: not frames.flats)
    return _under(shots, with_one_slope, lambda frames: not frames.flats and not frames.darks)


def _under(
    measured: list[Measured],
    law: Callable[[list[float], list[Levels]], list[Levels]],
    told: Callable[[Frames], bool],
) -> list[Measured]:
    """Those that are told, as a law over ISOs has them, and the others."""
    mine = [one for one in measured if told(one.noise.frames)]
    levels = law([one.noise.iso for one in mine], [one.levels for one in mine])
    better = {one.noise.iso: level for one, level in zip(mine, levels, strict=True)}
    return [_with_levels(one, better.get(one.noise.iso, one.levels)) for one in measured]


def _with_levels(one: Measured, levels: Levels) -> Measured:
    return Measured(replace(one.noise, shot=levels.shot, read=levels.read), levels, one.sums)


def iso_of(frame: Frame) -> float:
    """ISO of a frame; raises FileError where it says none."""
    if frame.iso is None:
        raise FileError.of(frame.path, "says no ISO; expected one in the file or by --iso")
    return frame.iso


class _Sorted(NamedTuple):
    flats: list[Frame]
    darks: list[Frame]
    shots: list[Frame]


def _sorted(frames: list[Frame], way: Way | None) -> _Sorted:
    """Frames by kind, those with light as the user says."""

    def kind(frame: Frame) -> FrameKind:
        told: dict[Way | None, FrameKind] = {"flats": "flat", "shots": "shot", None: frame.kind}
        return "dark" if frame.kind == "dark" else told[way]

    flats, darks, shots = (
        sorted((f for f in frames if kind(f) == wanted), key=lambda f: f.level)
        for wanted in ("flat", "dark", "shot")
    )
    if len(flats) == 1 and way is None:
        # One flat has no partner, but is as good as any shot.
        return _Sorted([], darks, sorted([*flats, *shots], key=lambda f: f.level))
    return _Sorted(flats, darks, shots)


def _measure(iso: float, frames: _Sorted, remarks: list[str]) -> Measured:
    flats, darks, shots = frames
    try:
        if flats:
            if shots:
                remarks.append(f"ISO {iso:g}: {len(shots)} shots left out, as there are flats")
            return _from_pairs(iso, flats, darks, remarks)
        if shots:
            return _from_shots(iso, shots, darks)
    except FileError:
        raise
    except PellucidError as error:
        raise PellucidError(f"ISO {iso:g}: {error}") from error
    raise PellucidError(f"ISO {iso:g}: {len(darks)} darks alone; expected flats or shots as well")


# -- flats and darks ------------------------------------------------------------------------------


def _from_pairs(iso: float, flats: list[Frame], darks: list[Frame], remarks: list[str]) -> Measured:
    lit, unlit = list(_pairs(flats, SAME_LIGHT)), list(_pairs(darks, float("inf")))
    if not lit:
        raise PellucidError("no two flats have the same light; expected pairs of flats")
    parts: list[Tiles] = []
    rows: list[float] = []
    for pair in [*lit, *unlit]:
        first, second = _two_mosaics(pair)
        parts.append(tiles_of(first, second))
        # In the light rows carry what flickered while they were read.
        if pair in unlit or not unlit:
            rows.append(row_variance(first, second))
    if unlit and not any(bool(part.sites.any()) for part in parts[len(lit) :]):
        remarks.append(f"ISO {iso:g}: the darks are clipped at black; read noise is the flats'")
    tiles = joined(parts)
    sums = sums_of(tiles)
    levels = levels_of(sums, tiles.band, _generator())
    noise = _iso_noise(iso, levels, flats[0], Frames(len(flats), len(darks), 0))
    row = (sum(rows) / len(rows)) ** 0.5
    hot = _hot_pixels(darks, noise.noise) if len(darks) > 1 else None
    return Measured(replace(noise, row=row, hot_pixels=hot), levels, sums)


def _pairs(frames: list[Frame], apart: float) -> Iterator[tuple[Frame, Frame]]:
    """Neighbours in level; of an odd number the last but one is used twice."""
    left = frames
    while len(left) > 1:
        first, second = left[:2]
        if second.level - first.level > apart * abs(second.level):  # darks lie about 0
            left = left[1:]
            continue
        yield first, second
        left = left[2:] if len(left) != 3 else left[1:]


def _two_mosaics(pair: tuple[Frame, Frame]) -> tuple[Tensor, Tensor]:
    first, second = (read_bayer(frame.path).mosaic for frame in pair)
    if first.shape != second.shape:
        sizes = [f"{m.shape[1]}x{m.shape[2]}" for m in (first, second)]
        raise FileError.of(pair[1].path, f"has {sizes[1]} pixels; expected {sizes[0]}")
    return first, second


# -- ordinary shots -------------------------------------------------------------------------------


def _from_shots(iso: float, shots: list[Frame], darks: list[Frame]) -> Measured:
    lit, unlit = ((read_bayer(f.path).mosaic for f in part) for part in (shots, darks))
    sums, frame_of = block_sums(lit, len(shots), unlit)
    levels = levels_of(sums, frame_of, _generator(), GAINS_DIFFER)
    counts = Frames(0, len(darks), len(shots))
    if not darks:
        levels = with_usual_read(levels, darkest_variance(sums))
    noise = _iso_noise(iso, levels, shots[0], counts)
    enough = len(shots) >= FEWEST_SHOTS
    hot = _hot_pixels(shots, noise.noise) if enough else None
    return Measured(replace(noise, hot_pixels=hot), levels, sums)


# -- both -----------------------------------------------------------------------------------------


def _iso_noise(iso: float, levels: Levels, frame: Frame, counts: Frames) -> IsoNoise:
    source = read_bayer(frame.path).source
    assert source is not None  # of a file
    span = source.white - sum(source.black) / 4
    return IsoNoise(iso, levels.shot, levels.read, None, None, span, counts)


def _hot_pixels(frames: Iterable[Frame], noise: Noise) -> HotPixels | None:
    """Sites that stand out in every frame; None where the frames differ in size."""
    least: Tensor | None = None
    padding = Padding()
    for frame in frames:
        raw = read_bayer(frame.path)
        found = stand_out(raw.mosaic, standard_deviation(_smooth(raw), noise))
        if least is not None and least.shape != found.shape:
            return None
        least = found if least is None else torch.minimum(least, found)
        padding = raw.source.padding if raw.source else padding
    assert least is not None
    return _places(least, padding)


def _smooth(raw: RawImage) -> Tensor:
    """A hot pixel must not hide behind its own shot noise."""
    return local_mean(raw.mosaic, 5)


def _places(least: Tensor, padding: Padding) -> HotPixels:
    height, width = least.shape[-2:]
    inside = torch.full_like(least, -torch.inf)
    rows = slice(padding.top, height - padding.bottom)
    columns = slice(padding.left, width - padding.right)
    inside[:, rows, columns] = least[:, rows, columns]
    where = (inside[0] > HOT).nonzero()
    order = inside[0][where[:, 0], where[:, 1]].argsort(descending=True)[:MOST_PLACES]
    offset = where.new_tensor([padding.top, padding.left])
    places = (where[order] - offset).tolist()
    return HotPixels(HOT, len(where), tuple((row, column) for row, column in places))


def _generator() -> Generator:
    """The same frames always give the same intervals."""
    return Generator().manual_seed(0)


def profile_name(camera: CalibratedCamera) -> Path:
    """The file of a camera in the user's own folder."""
    words = "".join(c if c.isalnum() or c in "-+" else "_" for c in camera.name)
    return Path(f"{words}.json")
