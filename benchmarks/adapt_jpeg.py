"""How far the rule of `pellucid adapt` can be trusted on JPEGs of cameras, where truth is known.

    python benchmarks/adapt_jpeg.py --polyu POLYU/CroppedImages [--every 4] [--json FILE]

Of the noisy pictures of PolyU some are gathered as `pellucid adapt` does it. Printed: how much
stronger their noise is than the rule takes it to be; and for networks that remove less or more
than `denoise`, the rule's gain at each of the strengths of noise at which it must hold, beside the
true gain on the same patches.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import default_collate

from pellucid import read_picture
from pellucid.adapt.files import PictureFile, gather_pictures
from pellucid.adapt.judge import BATCH, STRENGTHS, Bench
from pellucid.adapt.raw_levels import SIDE
from pellucid.adapt.recorrupted import AROUND, UNCLIPPED, NoisyPicture
from pellucid.adapt.streams import NoisyPictures, noise_of_picture
from pellucid.cli import exit_with
from pellucid.data.unpaired import Draw
from pellucid.io import replacing
from pellucid.models import load_model
from pellucid.planes import local_mean

SHARES = (1.0, 0.0, 0.7, 0.85, 1.1, 1.2)
"""Of what `denoise` changes; the first is what all are compared with."""


def truth_of(file: PictureFile, folder: Path) -> PictureFile:
    """The mean of many shots of the same scene."""
    picture = read_picture(folder / file.name.replace("_real", "_mean")).numpy()
    return file._replace(pixels=np.rint(picture * 65535).astype(np.uint16))


def stronger(noisy: PictureFile, clean: PictureFile, deviation: float) -> float:
    """True standard deviation over the measured one."""
    error = (noisy.pixels.astype(np.float64) - clean.pixels) / 65535
    return float(error.std(axis=(1, 2)).mean()) / max(deviation, 1e-4)


def true_risk(net: Callable[[Tensor], Tensor], noisy: Tensor, clean: Tensor) -> Tensor:
    """Squared error (B,) where the rule looks."""
    seen = local_mean(noisy, AROUND)
    inside = (seen > UNCLIPPED[0]) & (seen < UNCLIPPED[1])
    return ((net(noisy) - clean).square() * inside).mean((1, 2, 3))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--polyu", type=Path, required=True)
    parser.add_argument("--every", type=int, default=4, help="one of so many pictures")
    parser.add_argument("--patches", type=int, default=96)
    parser.add_argument("--json", type=Path)
    said = parser.parse_args()
    paths = sorted(said.polyu.glob("*_real.JPG"))[:: said.every]
    files = gather_pictures(paths, None, print).items
    noises = [noise_of_picture(file, 0) for file in files]
    clean = [truth_of(file, said.polyu) for file in files]
    factors = [
        stronger(noisy, true, noise.shades.deviations.mean().item())
        for noisy, true, noise in zip(files, clean, noises, strict=True)
    ]
    draws = [Draw(1, "real", n) for n in range(said.patches)]
    noisy, true = (
        [NoisyPictures(part, noises).patch(SIDE, draw) for draw in draws] for part in (files, clean)
    )
    start = load_model("denoise").eval()
    bench = Bench(noisy, start)
    truths = [default_collate(true[n : n + BATCH]).picture for n in range(0, said.patches, BATCH)]
    rows: list[dict[str, float]] = []
    risks: list[tuple[Tensor, Tensor]] = []
    with torch.no_grad():
        for share in SHARES:
            risks.append(judged(share, start, bench, truths))
            gains = [begun - risk for begun, risk in zip(risks[0], risks[-1], strict=True)]
            at = [round(float(gain), 8) for gain in gains[0].mean(1)]
            row = {f"at {factor:g}": gain for factor, gain in zip(STRENGTHS, at, strict=True)}
            psnr = -10 * torch.log10(risks[-1][1].mean()).item()
            rows.append(
                {"share": share, **row, "true": float(gains[1].mean()), "psnr": round(psnr, 2)}
            )
            print(rows[-1], flush=True)
    spread = {"least": min(factors), "median": median(factors), "most": max(factors)}
    result = {"files": len(files), "noise over measured": spread, "networks": rows}
    print(spread)
    if said.json:
        with replacing(said.json) as file:
            file.write((json.dumps(result, indent=1) + "\n").encode())


def judged(
    share: float, start: torch.nn.Module, bench: Bench, truths: list[Tensor]
) -> tuple[Tensor, Tensor]:
    """The rule's risk (K, N) and the true one (N,) of a network that changes a share as much."""

    class Scaled(torch.nn.Module):
        def forward(self, picture: Tensor) -> Tensor:
            return picture + share * (start(picture) - picture)

    net = Scaled()
    pairs = zip(bench.batches, truths, strict=True)
    true = [true_risk(net, NoisyPicture(*batch).picture, clean) for batch, clean in pairs]
    return bench.risk(net), torch.cat(true)


if __name__ == "__main__":
    exit_with(main)
