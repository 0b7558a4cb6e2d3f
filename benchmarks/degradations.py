"""How alike simulated and measured degradations are: the tables of docs/degradations.md.

python benchmarks/degradations.py [--rain100h DIR] [--polyu DIR/CroppedImages]
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor

from pellucid.cli import exit_with
from pellucid.data.camera_noise import CameraNoise
from pellucid.data.pairs import LAYOUTS, read_pair
from pellucid.data.rain import HEAVY_RAIN
from pellucid.metrics import psnr
from pellucid.noise_laws import BoxLaw

SMOOTHING = ((0.0, 0.0), (0.5, 1.5), (0.7, 2.0))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rain100h", type=Path)
    parser.add_argument("--polyu", type=Path)
    args = parser.parse_args()
    if args.rain100h is not None:
        compare_rain(args.rain100h)
    if args.polyu is not None:
        compare_noise(args.polyu)


def compare_rain(folder: Path) -> None:
    """Rain100H's pairs 1, 4, ... 58, and their clean pictures under HEAVY_RAIN."""
    pairs = {pair.name: pair for pair in LAYOUTS["rain100h"].pairs(folder)}
    published, ours = [], []
    for number in range(1, 61, 3):
        rainy, clean = read_pair(pairs[str(number)])
        published.append(of_rain(rainy, clean))
        made = HEAVY_RAIN(clean, torch.Generator().manual_seed(number))
        ours.append(of_rain(made, clean))
    print(
        "rain: mean, deviation, 1 across, 2 across, 8 down, PSNR at the 10th, 50th, 90th percentile"
    )
    for name, rows in (("Rain100H", published), ("HEAVY_RAIN", ours)):
        print(name)
        for row in torch.tensor(rows).quantile(torch.tensor([0.1, 0.5, 0.9]), dim=0).tolist():
            print("  ", *(f"{value:6.2f}" for value in row))


def of_rain(rainy: Tensor, clean: Tensor) -> list[float]:
    """A row of the table."""
    added = rainy - clean
    grey = added.mean(0, keepdim=True)
    places = [correlation(grey, *step) for step in ((0, 1), (0, 2), (8, 0))]
    return [added.mean().item(), added.std().item(), *places, psnr(rainy, clean)]


def compare_noise(folder: Path) -> None:
    """The noise of every ninth of PolyU's pairs, and that of flat grey through CameraNoise."""
    pairs = LAYOUTS["polyu"].pairs(folder)[::9]
    rows = [of_noise(noisy - clean) for noisy, clean in map(read_pair, pairs)]
    print("noise: 1, 2, 3 across; the same of colours; grey share; medians")
    print("PolyU".ljust(22), *(f"{value:5.2f}" for value in torch.tensor(rows).median(0)[0]))
    flat, law = torch.full((3, 128, 128), 0.5), BoxLaw((1e-3, 1e-3), (1e-7, 1e-7))
    for luma, chroma in SMOOTHING:
        camera = CameraNoise(
            law, luma=(luma, luma), chroma=(chroma, chroma), sharpening=(0.2, 0.2), jpeg=(95, 95)
        )
        rows = [
            of_noise(camera(flat, torch.Generator().manual_seed(seed)) - flat) for seed in range(12)
        ]
        name = f"luma {luma} chroma {chroma}"
        print(name.ljust(22), *(f"{value:5.2f}" for value in torch.tensor(rows).median(0)[0]))


def of_noise(noise: Tensor) -> list[float]:
    """A row of the table."""
    noise = noise - noise.mean((1, 2), keepdim=True)
    grey = noise.mean(0)
    steps = [(0, step) for step in (1, 2, 3)]
    both = [correlation(part, *step) for part in (noise, noise - grey) for step in steps]
    return [*both, (grey.square().mean() / noise.square().mean()).item()]


def correlation(planes: Tensor, down: int, across: int) -> float:
    """Correlation of planes (C, H, W) with themselves so many pixels away."""
    planes = planes - planes.mean((1, 2), keepdim=True)
    height, width = planes.shape[1:]
    away = planes[:, down:, across:] * planes[:, : height - down, : width - across]
    return (away.mean() / planes.square().mean()).item()


if __name__ == "__main__":
    exit_with(main)
