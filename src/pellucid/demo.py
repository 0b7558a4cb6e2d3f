"""The demonstration: a noisy DNG of the sample photograph, restored and compared with the truth."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.resources import as_file, files
from math import log2
from pathlib import Path
from time import perf_counter

import torch
from torch import Tensor

from pellucid.bayer import mosaic_of
from pellucid.data.cameras import XYZ_TO_CAM
from pellucid.data.synthesis import generator_of
from pellucid.io import read_picture, read_raw, replacing, write_mosaic, write_picture
from pellucid.io.dng import DngFields
from pellucid.isp import ISPConfig, Rendering, render_linear, unrender_linear
from pellucid.noise import add_noise
from pellucid.noise_laws import LogLinearLaw
from pellucid.raw import Camera, Noise
from pellucid.restore import Restorer, develop

SAMPLE = "seeding.jpg"
"""Seeding, by Clements Engelhardt (CC0); in no training set."""
SEED = 2026
SHOT = 8e-3
HEADROOM = 0.8
"""Light of the picture's white as a share of the sensor's limit: the shot is exposed so that no
channel is lost, because what a photograph no longer holds cannot be made up for its truth."""


@dataclass(frozen=True)
class DemoScores:
    """What `demo.json` holds."""

    psnr_noisy: float
    psnr_restored: float
    seconds: float
    """Of the restoration, without file access."""
    seed: int
    shot: float
    read: float


def run_demo(
    folder: Path, restorer: Restorer, progress: Callable[[int, int], object]
) -> DemoScores:
    """Write noisy.dng, noisy.png, restored.png, comparison.png and demo.json into a folder."""
    camera = Camera.of(torch.tensor(XYZ_TO_CAM["SonyA7R"]), torch.tensor([2.1, 1.0, 1.6]))
    noise = Noise(SHOT, LogLinearLaw().median_read(SHOT))
    light = unrender_linear(sample(), camera, Rendering(1 / HEADROOM))
    write_noisy_dng(folder / "noisy.dng", mosaic_of(light), camera, noise)
    raw = read_raw(folder / "noisy.dng")
    config = ISPConfig(highlights="rebuilt")  # as restored pictures are developed
    noisy, truth = develop(raw), render_linear(light, camera, Rendering(raw.exposure), config)
    start = perf_counter()
    restored = restorer(raw, progress=progress).srgb
    seconds = perf_counter() - start
    write_picture(folder / "noisy.png", noisy)
    write_picture(folder / "restored.png", restored)
    write_picture(folder / "comparison.png", side_by_side(noisy, restored))
    before, after = (_psnr(picture, truth) for picture in (noisy, restored))
    scores = DemoScores(before, after, seconds, SEED, SHOT, float(noise.read))
    with replacing(folder / "demo.json") as file:
        file.write(json.dumps(asdict(scores), indent=1).encode())
    return scores


def sample() -> Tensor:
    """The photograph in the package, (3, H, W) display values."""
    with as_file(files("pellucid") / "samples" / SAMPLE) as path:
        return read_picture(path)


def write_noisy_dng(path: Path, clean: Tensor, camera: Camera, noise: Noise) -> None:
    """A 14-bit DNG of a clean mosaic under noise of the demo's seed."""
    noisy = add_noise(clean, noise, generator=generator_of(SEED)).clamp(max=1)
    facts = DngFields(
        white=16383, baseline_exposure=-log2(HEADROOM), make="Pellucid", model="Demo", iso=25600
    )
    write_mosaic(path, noisy, camera, noise, facts)


def side_by_side(noisy: Tensor, restored: Tensor) -> Tensor:
    """Left half of the noisy picture, right half of the restored one, a white line between."""
    width = noisy.shape[-1]
    both = torch.cat([noisy[..., : width // 2], restored[..., width // 2 :]], dim=-1)
    both[..., width // 2 - 1 : width // 2 + 1] = 1.0
    return both


def _psnr(picture: Tensor, truth: Tensor) -> float:
    return -10 * torch.log10((picture.clamp(0, 1) - truth).square().mean()).item()
