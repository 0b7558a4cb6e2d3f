"""`real`: raws with the camera's own JPEGs, as DualDn's real-captured set (Li et al., ECCV 2024).

    DATA/Raw/Xiaomi_0001.dng ...
    DATA/ref_sRGB/Xiaomi_0001.jpg ...
    DATA/list_file/val_list.txt             one file a line; left out, all raws

Nobody knows the truth: noise, edges and NIQE of the picture, and how far its colours are from the
camera's, both small enough that noise and sharpening do not count.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from torch import Tensor

from pellucid.benchmarks.benchmark import Benchmark, Item, Model, Sample, all_files
from pellucid.benchmarks.raw_models import RawShot, developed
from pellucid.data.fivek import listed
from pellucid.data.raws import raw_files
from pellucid.errors import FileError
from pellucid.io import read_picture, read_raw
from pellucid.io.orientation import upright
from pellucid.isp import Rendering
from pellucid.look.reference import ALIKE
from pellucid.look.registration import find_place, fitting, shrink, warp
from pellucid.metrics import Column, MeasureName, Needs, Protocol, measures_of
from pellucid.metrics.color_difference import ciede2000
from pellucid.networks.dual_domain import Restored

PROTOCOL = Protocol()
MEASURES: tuple[MeasureName, ...] = ("niqe", "noise", "edges")
COLOUR = Column(
    "colour",
    "colour",
    2,
    False,
    "colour: CIEDE2000 to the camera's JPEG, laid over it, both 128 pixels at most",
)
SOURCE = "DualDn's real-captured protocol (Li et al., ECCV 2024)"
LONGEST = 128
JPEGS = (".jpg", ".JPG", ".jpeg", ".JPEG", ".png")


def pairs_of(data: Path) -> list[tuple[Path, Path | None]]:
    """Each raw and its camera's picture, in DualDn's layout or side by side."""
    inner = data / "Raw"
    raws = raw_files(inner if inner.is_dir() else data)
    wanted = data / "list_file" / "val_list.txt"
    if wanted.is_file():
        names = set(listed(wanted))
        raws = [path for path in raws if path.name in names]
    if not raws:
        raise FileError.of(data, "has no raws; expected Raw and ref_sRGB, or raws with JPEGs")
    return [(path, _picture_of(path, data)) for path in raws]


def _picture_of(raw: Path, data: Path) -> Path | None:
    places = [data / "ref_sRGB" / raw.stem, raw.with_suffix("")]
    paths = (place.parent / f"{place.name}{suffix}" for place in places for suffix in JPEGS)
    return next((path for path in paths if path.is_file()), None)


def real_benchmark(
    data: Path, measures: Sequence[MeasureName] = MEASURES, needs: Needs | None = None
) -> Benchmark[RawShot, Restored]:
    """All raws that the list names."""
    items = [
        Item(raw.name, partial(_load, raw, jpeg), files=(raw, jpeg) if jpeg else (raw,))
        for raw, jpeg in pairs_of(data)
    ]
    loaded = measures_of(measures, needs)
    blind = [one.name for one in loaded if one.needs_truth]
    if blind:
        raise FileError.of(data, f"has no truth, which {blind[0]} needs")

    def score(output: Restored, sample: Sample[RawShot]) -> Mapping[str, float]:
        # Places to look at are chosen in the input, the same for every model.
        given = visible(developed(sample.given).srgb, sample.given)
        compared = PROTOCOL.compared(visible(output.srgb, sample.given), None, given)
        scores = {one.name: one.of(compared) for one in loaded}
        return {**scores, COLOUR.name: colour_distance(output.srgb, sample.given)}

    words = [PROTOCOL.words(), *(one.words for one in loaded if one.words), COLOUR.words]
    return Benchmark(
        "real",
        items,
        (*loaded, COLOUR),
        score,
        "; ".join(words),
        SOURCE,
        {"data": data},
        files=all_files(items),
    )


def _load(path: Path, jpeg: Path | None) -> Sample[RawShot]:
    raw = read_raw(path)
    reference = None if jpeg is None else read_picture(jpeg)
    return Sample(RawShot(raw, Rendering(raw.exposure), reference=reference), None)


def without_reference(model: Model[RawShot, Restored]) -> Model[RawShot, Restored]:
    """The model with its own colours."""
    return lambda shots: model([replace(shot, reference=None) for shot in shots])


def colour_distance(picture: Tensor, shot: RawShot) -> float:
    """CIEDE2000 between a picture and the camera's, laid over it; not a number without one."""
    if shot.reference is None:
        return math.nan
    shown = visible(picture, shot).clamp(0, 1)
    place = find_place(shown, shot.reference)
    if place.score < ALIKE:
        return math.nan
    height, width = fitting(shown, LONGEST)
    small = shrink(shot.reference, *fitting(shot.reference, LONGEST))
    laid, inside = warp(small, place.affine, height, width)
    return ciede2000(shrink(shown, height, width).clamp(0, 1), laid, inside.float())


def visible(picture: Tensor, shot: RawShot) -> Tensor:
    """Upright, without what was mirrored around it."""
    source = shot.raw.source
    shown = shot.raw.trim(picture)
    return shown if source is None else upright(shown, source.orientation)
