"""`dual`: one score in the raw domain and one in sRGB for each camera pipeline.

DualDn's authors planned such a benchmark and published none. A network of raws is judged by its
mosaic; by its own picture, with our pipeline, or by its mosaic in that one where it mends
demosaicking; and by what other pipelines make of the mosaic that it left. A network of pictures is
judged by what it makes of their noisy pictures.
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

from torch import Tensor

from pellucid.benchmarks.benchmark import Benchmark, Item, Model, Sample
from pellucid.benchmarks.dual_build import (
    FORMAT,
    MANIFEST,
    DualIsp,
    developed,
    write_dual_dng,
)
from pellucid.benchmarks.models import INPUT
from pellucid.benchmarks.raw_models import RawModel, RawShot
from pellucid.benchmarks.running import each
from pellucid.choices import Truth
from pellucid.errors import FileError
from pellucid.io import read_picture, read_raw
from pellucid.io.checksums import sha256_of
from pellucid.isp import ISPConfig, Rendering
from pellucid.metrics import Column, Protocol, psnr
from pellucid.metrics.fidelity import cropped
from pellucid.metrics.similarity import ssim

PROTOCOL = Protocol(rounded=False, border=8)
RAW_COLUMNS = (Column("psnr_raw", "PSNR-raw", 2), Column("ssim_raw", "SSIM-raw"))
SOURCE = "the dual benchmark of Pellucid, after the plan of Li et al. (ECCV 2024)"


class DualOutput(NamedTuple):
    """What is judged of one raw."""

    mosaic: Tensor
    """(1, H, W)"""
    pictures: dict[DualIsp, Tensor]
    """(3, H, W) by each pipeline."""


@dataclass(frozen=True)
class DualShot(RawShot):
    """A noisy raw with its pictures by each pipeline."""

    pictures: Mapping[DualIsp, Tensor] = field(default_factory=dict[DualIsp, Tensor])
    truth: Truth = "mosaic"


@dataclass(frozen=True)
class DualSample(Sample[DualShot]):
    """An item in memory: `truth` is our pipeline's picture, `other` the clean mosaic."""

    truths: Mapping[DualIsp, Tensor] = field(default_factory=dict[DualIsp, Tensor])


def dual_benchmark(data: Path) -> Benchmark[DualShot, DualOutput]:
    """The items of a set, whose files are checked against its manifest."""
    manifest = read_manifest(data)
    isps = isps_of(manifest)
    load = partial(_load, data, manifest["sha256"], isps)
    items = [Item(str(one["name"]), partial(load, one)) for one in manifest["items"]]
    columns = (*RAW_COLUMNS, *(column for isp in isps for column in _columns(isp)))
    facts: dict[str, object] = {
        "data": data,
        "seed": manifest["seed"],
        "manifest": sha256_of(data / MANIFEST),
        "made_by": manifest["made_by"],
    }
    files = [data / name for name in manifest["sha256"]]
    return Benchmark("dual", items, columns, _score, _words(isps), SOURCE, facts, files=files)


def _columns(isp: DualIsp) -> tuple[Column, Column]:
    return Column(f"psnr_{isp}", f"PSNR-{isp}", 2), Column(f"ssim_{isp}", f"SSIM-{isp}")


def _words(isps: Sequence[DualIsp]) -> str:
    return (
        f"{PROTOCOL.words()}; raw scores of the RGGB mosaic, SSIM as MATLAB's of a grey picture; "
        f"pipelines {', '.join(isps)}"
    )


def read_manifest(data: Path) -> dict[str, Any]:
    """What a set says of itself."""
    path = data / MANIFEST
    try:
        held = cast(dict[str, Any], json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise FileError.from_os(path, error) from error
    except ValueError as error:
        raise FileError.of(path, f"cannot be read: {error}") from error
    if held.get("format") != FORMAT:
        raise FileError.of(path, f"has format {held.get('format')}; expected {FORMAT}")
    return held


def isps_of(manifest: Mapping[str, Any]) -> list[DualIsp]:
    """The pipelines of a set."""
    return list(manifest["made_by"]["isps"])


def _load(
    data: Path, sums: Mapping[str, str], isps: Sequence[DualIsp], said: Mapping[str, Any]
) -> Sample[DualShot]:
    def file(*parts: str) -> Path:
        path = data.joinpath(*parts)
        if sha256_of(path) != sums.get("/".join(parts)):
            raise FileError.of(path, f"is not the file that {MANIFEST} has the checksum of")
        return path

    name = str(said["name"])
    raw = read_raw(file("noisy", f"{name}.dng"))
    clean = read_raw(file("clean", f"{name}.dng")).mosaic
    noisy: dict[DualIsp, Tensor] = {}
    truths: dict[DualIsp, Tensor] = {}
    for isp in isps:
        noisy[isp] = read_picture(file("input", isp, f"{name}.png"))
        truths[isp] = read_picture(file("truth", isp, f"{name}.png"))
    rendering = Rendering(raw.exposure, float(said["tone"]))
    shot = DualShot(raw, rendering, _ours, pictures=noisy)
    return DualSample(shot, truths.get("ours"), clean, truths)


def _ours(_: ISPConfig) -> ISPConfig:
    """The pipeline that the set was made with."""
    return ISPConfig()


def _score(output: DualOutput, sample: Sample[DualShot]) -> Mapping[str, float]:
    assert isinstance(sample, DualSample) and sample.other is not None
    raw, clean = (PROTOCOL.prepared(mosaic) for mosaic in (output.mosaic, sample.other))
    raw, clean = cropped(raw, PROTOCOL.border), cropped(clean, PROTOCOL.border)
    scores = {"psnr_raw": psnr(raw, clean), "ssim_raw": ssim(raw, clean, "padded")}
    for isp, truth in sample.truths.items():
        compared = PROTOCOL.compared(output.pictures[isp], truth)
        assert compared.truth is not None
        scores[f"psnr_{isp}"] = psnr(compared.restored, compared.truth)
        scores[f"ssim_{isp}"] = ssim(compared.restored, compared.truth, PROTOCOL.window)
    return scores


# -- models ----------------------------------------------------------------------------------------


def dual_models(
    names: Sequence[str], tile: int, device: str
) -> dict[str, Model[DualShot, DualOutput]]:
    """The input first, then each name once."""
    models: dict[str, Model[DualShot, DualOutput]] = {INPUT: each(untouched)}
    for name in names:
        if name not in models:
            models[name] = each(partial(_restored, RawModel(name, tile, device)))
    return models


def untouched(shot: DualShot) -> DualOutput:
    """The noisy mosaic, and what each pipeline made of it."""
    return DualOutput(shot.raw.mosaic, dict(shot.pictures))


def _restored(model: RawModel, shot: DualShot) -> DualOutput:
    if model.is_of_pictures:
        restore = model.restorer.restore_picture
        return DualOutput(
            shot.raw.mosaic, {isp: restore(picture) for isp, picture in shot.pictures.items()}
        )
    restored = model([shot])[0]
    others: list[DualIsp] = [isp for isp in shot.pictures if isp != "ours"]
    made = by_pipelines(restored.mosaic, shot, others)
    return DualOutput(restored.mosaic, {"ours": restored.srgb, **made})


def by_pipelines(mosaic: Tensor, shot: DualShot, isps: Sequence[DualIsp]) -> dict[DualIsp, Tensor]:
    """What other programs make of a restored mosaic (1, H, W)."""
    if not isps:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        dng = Path(folder) / "restored.dng"
        write_dual_dng(dng, mosaic, shot.raw.camera, shot.raw.noise)
        return {isp: developed(dng, isp, shot.rendering.tone.item()) for isp in isps}


def pictured(
    models: Mapping[str, Model[DualShot, DualOutput]],
) -> dict[str, Model[DualShot, Tensor]]:
    """The models' pictures alone, of our pipeline or else of the first."""
    return {name: _pictures(model) for name, model in models.items()}


def _pictures(model: Model[DualShot, DualOutput]) -> Model[DualShot, Tensor]:
    return lambda shots: [next(iter(output.pictures.values())) for output in model(shots)]
