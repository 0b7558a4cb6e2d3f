"""`sidd`: 40 images of five phones, 32 blocks of each (Abdelhamed, Lin and Brown, CVPR 2018).

Validation blocks have a truth and are scored here; benchmark blocks have none and become the files
that the site takes. The raw track is for networks of raws, the sRGB track for networks of pictures.
"""

# pyright: reportUnknownMemberType=false

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from pellucid.bayer import Padding, pad, rggb_padding, unpad
from pellucid.benchmarks.benchmark import Benchmark, Given, Item, Sample, all_files, pictures_of
from pellucid.benchmarks.mat_files import MatArray, read_variable
from pellucid.benchmarks.raw_models import RawShot
from pellucid.benchmarks.sidd_files import write_block
from pellucid.benchmarks.sidd_metadata import metadata_of, metadata_path
from pellucid.benchmarks.sidd_scenes import SCENES, phase_of
from pellucid.data.degradations import eight_bits
from pellucid.errors import FileError
from pellucid.isp import Rendering
from pellucid.metrics import Column, MeasureName, Needs, Protocol, measures_of, psnr
from pellucid.metrics.similarity import ssim
from pellucid.networks.dual_domain import Restored
from pellucid.raw import RawImage

Part = Literal["Validation", "Benchmark"]
Track = Literal["Raw", "Srgb"]

BLOCKS = 32
PROTOCOL = Protocol(window="volume")
MEASURES: tuple[MeasureName, ...] = ("psnr", "ssim")
RAW_COLUMNS = (Column("psnr", "PSNR-raw", 2), Column("ssim", "SSIM-raw"))
RAW_WORDS = (
    "raw blocks in their own phase; clipped to [0, 1]; not rounded; no border cut; data range 1; "
    "SSIM as MATLAB's of a grey picture"
)
BLIND_COLUMNS = (
    Column("change", "change", 2, False, "change: RMS of what was changed, in 8-bit levels"),
)
BLIND_WORDS = (
    "no truth is published: the site scores the submission; change is the RMS of what was changed, "
    "in 8-bit levels"
)
SOURCE = "SIDD (Abdelhamed, Lin and Brown, CVPR 2018)"


@dataclass(frozen=True)
class Blocks:
    """The blocks of one file, which are read when the first is asked for."""

    path: Path

    @cached_property
    def values(self) -> MatArray:
        """(images, blocks, 256, 256[, 3]), or a cell (images, blocks)."""
        values = read_variable(self.path, self.path.stem)
        if values.ndim not in (2, 4, 5):
            raise FileError.of(self.path, f"has blocks of shape {values.shape}; expected 40x32x...")
        return values

    def block(self, image: int, number: int) -> MatArray:
        """One of them."""
        return np.ascontiguousarray(self.values[image, number])


@dataclass(frozen=True)
class Block(Sample[Given]):
    """A block with its place in the files, both numbers from 1."""

    image: int = 0
    number: int = 0
    padding: Padding = Padding()
    """What a raw block got to be RGGB."""


def files_of(data: Path, part: Part, track: Track) -> tuple[Path | None, Path | None]:
    """The noisy blocks and their truth, wherever they lie in the folder; None for what is not."""
    names = f"{part}NoisyBlocks{track}.mat", f"{part}GtBlocks{track}.mat"
    noisy, truth = (next(iter(sorted(data.rglob(name))), None) for name in names)
    return noisy, truth


def raw_block(
    values: MatArray, scene: str, metadata: Path | None = None
) -> tuple[RawImage, Padding]:
    """A block of a scene's phone as RGGB, and what was added around it."""
    known = metadata_of(metadata, scene)
    mosaic = torch.from_numpy(values.astype(np.float32))[None]
    padding = rggb_padding(phase_of(scene), *mosaic.shape[-2:])
    return RawImage(pad(mosaic, padding), known.camera, known.noise), padding


def raw_blocks(
    data: Path,
    part: Part,
    scenes: Sequence[str],
    metadata: Path | None = None,
    submission: Path | None = None,
) -> Benchmark[RawShot, Restored]:
    """The raw track; with `submission`, restored blocks are kept there."""
    noisy, truth = _found(data, part, "Raw", scenes)
    load = partial(_load_raw, noisy, truth, metadata, scenes)
    columns, words = (RAW_COLUMNS, RAW_WORDS) if truth else (BLIND_COLUMNS, BLIND_WORDS)
    found = [path for scene in scenes if (path := metadata_path(metadata, scene))]
    items = _items(scenes, load, noisy, truth, *found)
    facts = _facts(data, part, scenes, submission)
    score, files = partial(_score_raw, submission), all_files(items)
    return Benchmark("sidd-raw", items, columns, score, words, SOURCE, facts, files=files)


def srgb_blocks(
    data: Path, part: Part, scenes: Sequence[str], submission: Path | None = None
) -> Benchmark[Tensor, Tensor]:
    """The sRGB track; with `submission`, restored blocks are kept there."""
    noisy, truth = _found(data, part, "Srgb", scenes)
    facts = _facts(data, part, scenes, submission)
    measures = measures_of(MEASURES, Needs()) if truth else []
    items = _items(scenes, partial(_load_srgb, noisy, truth), noisy, truth)
    scored = pictures_of("sidd-srgb", items, PROTOCOL, measures, SOURCE, facts)
    if truth is None:
        scored = replace(scored, columns=BLIND_COLUMNS, protocol=BLIND_WORDS)
    return replace(scored, score=partial(_score_srgb, submission, scored.score))


def _found(
    data: Path, part: Part, track: Track, scenes: Sequence[str]
) -> tuple[Blocks, Blocks | None]:
    noisy, truth = (Blocks(path) if path else None for path in files_of(data, part, track))
    if noisy is None:
        raise FileError.of(data, f"has no {part}NoisyBlocks{track}.mat")
    if len(noisy.values) != len(scenes):
        raise FileError.of(
            noisy.path, f"has {len(noisy.values)} images; expected {len(scenes)}, one of each scene"
        )
    return noisy, truth


def _facts(
    data: Path, part: Part, scenes: Sequence[str], submission: Path | None
) -> dict[str, object]:
    """What decides the numbers; a scene says how a block's cells lie."""
    named = "SIDD_Benchmark_Data's" if tuple(scenes) == SCENES else ", ".join(scenes)
    return {"data": data, "part": part, "scenes": named, "submission": str(submission)}


def _items(
    scenes: Sequence[str],
    load: Callable[[int, int], Sample[Given]],
    noisy: Blocks,
    truth: Blocks | None,
    *metadata: Path,
) -> list[Item[Given]]:
    """All blocks of all images; those of one image are one scene to the intervals."""
    files = (noisy.path, *([truth.path] if truth else []), *metadata)
    return [
        Item(f"{image + 1:04}_{block + 1:02}", partial(load, image, block), "", name, files)
        for image, name in enumerate(scenes)
        for block in range(BLOCKS)
    ]


def _load_raw(
    noisy: Blocks,
    truth: Blocks | None,
    metadata: Path | None,
    scenes: Sequence[str],
    image: int,
    block: int,
) -> Sample[RawShot]:
    raw, padding = raw_block(noisy.block(image, block), scenes[image], metadata)
    clean = torch.from_numpy(truth.block(image, block).astype(np.float32))[None] if truth else None
    return Block(RawShot(raw, Rendering()), None, clean, image + 1, block + 1, padding)


def _score_raw(
    submission: Path | None, output: Restored, sample: Sample[RawShot]
) -> Mapping[str, float]:
    assert isinstance(sample, Block)
    restored = unpad(output.mosaic, sample.padding).clamp(0, 1)
    if submission is not None:
        write_block(submission, "Raw", sample.image, sample.number, restored[0])
    if sample.other is None:
        return {"change": _change(restored, unpad(sample.given.raw.mosaic, sample.padding))}
    truth = sample.other.clamp(0, 1)
    return {"psnr": psnr(restored, truth), "ssim": ssim(restored, truth, "padded")}


def _load_srgb(noisy: Blocks, truth: Blocks | None, image: int, block: int) -> Sample[Tensor]:
    clean = _picture(truth.block(image, block)) if truth else None
    return Block(_picture(noisy.block(image, block)), clean, None, image + 1, block + 1)


def _picture(values: MatArray) -> Tensor:
    return torch.from_numpy(values.astype(np.float32) / 255).permute(2, 0, 1).contiguous()


def _score_srgb(
    submission: Path | None,
    score: Callable[[Tensor, Sample[Tensor]], Mapping[str, float]],
    output: Tensor,
    sample: Sample[Tensor],
) -> Mapping[str, float]:
    assert isinstance(sample, Block)
    if submission is not None:
        restored = eight_bits(output).permute(1, 2, 0)
        write_block(submission, "Srgb", sample.image, sample.number, restored)
    if sample.truth is None:
        return {"change": _change(output.clamp(0, 1), sample.given)}
    return score(output, sample)


def _change(restored: Tensor, given: Tensor) -> float:
    return 255 * (restored - given).square().mean().sqrt().item()
