"""What a restoration leaves: stars at full strength, and the time of another strength.

python benchmarks/control.py [--preset normal] [--json FILE]

A star on a dark sky is 3 to 20 standard deviations of the sky's noise high: a square of 1 or 2
whole pixels, or a Gaussian of 1, 1.5 or 2 pixels across anywhere between pixels, whose highest
pixel may then be half as high. Its flux is measured under its own shape, above the sky around it,
and compared with the same of the noisy mosaic, and with the truth.
"""

import argparse
import json
from pathlib import Path
from time import perf_counter

import torch
from torch import Tensor

from pellucid import Camera, Noise, RawImage, Restorer
from pellucid.bayer import mosaic_of
from pellucid.cli import exit_with
from pellucid.control import Strength
from pellucid.data.cameras import XYZ_TO_CAM
from pellucid.data.synthesis import generator_of
from pellucid.noise import add_noise

CAMERA = Camera.of(torch.tensor(XYZ_TO_CAM["SonyA7R"]), torch.tensor([2.1, 1.0, 1.6]))
SIDE, STEP, SKY = 1024, 32, 0.004
NOISES = (Noise(1e-3, 1e-6), Noise(5e-3, 1e-5))
SIZES = ((1.0, True), (2.0, True), (1.0, False), (1.5, False), (2.0, False))


def stars(across: float, square: bool, noise: Noise) -> tuple[Tensor, Tensor, Tensor]:
    """Shape of each star, light of the scene, both (SIDE, SIDE), and heights in sigma."""
    generator, count = generator_of(3), SIDE // STEP
    middle = torch.arange(count) * STEP + STEP / 2
    y = middle[:, None] + torch.rand(count, count, generator=generator) * 4 - 2
    x = middle + torch.rand(count, count, generator=generator) * 4 - 2
    heights = 3 + 17 * torch.rand(count, count, generator=generator)
    place = torch.arange(SIDE)
    if square:
        down, right = (place[:, None] - spread(y).floor(), place - spread(x).floor())
        shape = ((down >= 0) & (down < across) & (right >= 0) & (right < across)).float()
    else:
        far = (place[:, None] - spread(y)) ** 2 + (place - spread(x)) ** 2
        shape = torch.exp(-far / (2 * (across / 2.355) ** 2))
    sigma = float(noise.shot * SKY + noise.read) ** 0.5
    return shape, SKY + sigma * spread(heights) * shape, heights


def spread(values: Tensor) -> Tensor:
    """A value of each star over the pixels around it."""
    return values.repeat_interleave(STEP, 0).repeat_interleave(STEP, 1)


def total(pixels: Tensor) -> Tensor:
    """Sum over the pixels around each star."""
    return pixels.unflatten(1, (-1, STEP)).unflatten(0, (-1, STEP)).sum((1, 3))


def flux(mosaic: Tensor, shape: Tensor) -> Tensor:
    """Light of each star in a balanced mosaic (1, SIDE, SIDE)."""
    ring = (shape < 1e-4).float()
    ground = total(mosaic[0] * ring) / total(ring)
    return total((mosaic[0] - spread(ground)) * shape)


def star_field(
    restorer: Restorer, across: float, square: bool, noise: Noise
) -> dict[str, float | str]:
    """Shares of the stars above 6 sigma that keep 80 % of their flux."""
    shape, light, heights = stars(across, square, noise)
    gains = CAMERA.white_balance[:, None, None].expand(3, SIDE, SIDE)
    clean = mosaic_of(light / gains)
    noisy = add_noise(clean, noise, generator=generator_of(103))
    restored = restorer(RawImage(noisy, CAMERA, noise)).mosaic
    balance = mosaic_of(gains)
    left, before, truth = (flux(each * balance, shape) for each in (restored, noisy, clean))
    high = heights > 6
    return {
        "shot": round(float(noise.shot), 6),
        "shape": "square" if square else "gaussian",
        "pixels_across": across,
        "stars": int(high.sum()),
        "kept_of_the_noisy": round(float((left / before > 0.8)[high].float().mean()), 3),
        "kept_of_the_truth": round(float((left / truth > 0.8)[high].float().mean()), 3),
        "noisy_of_the_truth": round(float((before / truth > 0.8)[high].float().mean()), 3),
        "median": round(float((left / truth)[high].median()), 3),
    }


def another_strength(restorer: Restorer) -> dict[str, float]:
    """Seconds of a fresh run and of a blend of what it kept."""
    raw = RawImage(torch.rand(1, 2048, 2048, generator=generator_of(0)) * 0.2, CAMERA, NOISES[0])
    start = perf_counter()
    kept = restorer.keep(raw)
    middle = perf_counter()
    kept.at(Strength(0.5, 0.8))
    fresh, blend = middle - start, perf_counter() - middle
    return {"fresh": round(fresh, 2), "blend": round(blend, 3), "ratio": round(fresh / blend, 1)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="normal")
    parser.add_argument("--json", type=Path)
    said = parser.parse_args()
    restorer = Restorer.load(preset=said.preset)
    result = {
        "stars": [
            star_field(restorer, size, square, noise) for noise in NOISES for size, square in SIZES
        ],
        "strength": another_strength(restorer),
    }
    print(json.dumps(result, indent=1))
    if said.json:
        said.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    exit_with(main)
