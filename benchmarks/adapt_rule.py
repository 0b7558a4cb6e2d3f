"""Whether the rule that ends `pellucid adapt` follows PSNR, where the truth is known.

    python benchmarks/adapt_rule.py --folder runs/adapt_camera --model MODEL ... --json FILE

Of networks of many qualities the rule's gain on the raws of `FOLDER/adapt` (whose truth it does not
know), and PSNR on those of `FOLDER/noisy` with their truth: the default model; it with noise on its
weights; its residual made weaker and stronger; and steps along the way from it to each `--model`
and past it. `adapt_camera.py` makes the folder.
"""

import argparse
import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from adapt_camera import means, scored
from scipy.stats import pearsonr, spearmanr

from pellucid import Restorer, load_network
from pellucid.adapt.files import files_of, gather_raws
from pellucid.adapt.judge import Bench
from pellucid.adapt.material import of_raws
from pellucid.adapt.raw_levels import SIDE
from pellucid.checkpoint import Network
from pellucid.cli import exit_with
from pellucid.data.synthesis import generator_of
from pellucid.data.unpaired import Draw
from pellucid.io import replacing
from pellucid.models import load_model

ALONG = (-1.0, 0.5, 1.0, 2.0, 4.0)
"""Of the way from the default to another model."""
DISTURBED = (0.01, 0.02, 0.04, 0.08)
"""Noise on weights, as a share of each tensor's own deviation."""
SCALED = (0.7, 0.85, 1.1)
"""Of what the networks change."""


def between(start: Network, other: Network, share: float) -> Network:
    """A part of the way from one to another, or past it."""
    net = deepcopy(start)
    for value, end in zip(net.parameters(), other.parameters(), strict=True):
        value.data.lerp_(end.data, share)
    return net


def disturbed(start: Network, share: float) -> Network:
    """The same every time."""
    net, generator = deepcopy(start), generator_of(round(1e4 * share))
    for value in net.parameters():
        noise = torch.randn(value.shape, generator=generator)
        value.data += share * value.data.std(correction=0) * noise
    return net


def scaled(start: Network, share: float) -> Network:
    """One that restores too little, or too much."""
    net = deepcopy(start)
    for domain in (net.raw_net, net.srgb_net):
        for value in domain.body.head.parameters():
            value.data *= share
    return net


def networks(models: list[Path]) -> Iterator[tuple[str, Network]]:
    """Each with its name; the first is where the gain is 0."""
    start = load_model("default")
    yield "default", start
    for share in DISTURBED:
        yield f"disturbed {share:g}", disturbed(start, share)
    for share in SCALED:
        yield f"scaled {share:g}", scaled(start, share)
    for path in models:
        other = load_network(path)
        for share in ALONG:
            yield f"{path.stem} {share:g}", between(start, other, share)


def bench_of(folder: Path, patches: int) -> Bench:
    """What judges an adaptation to the raws of a folder."""
    raws = gather_raws(files_of(folder, "raws"), None, print)
    held = of_raws(raws.items, 0, print).held
    return Bench(
        [held.patch(SIDE, Draw(1, "real", n)) for n in range(patches)], load_model("default")
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--model", type=Path, nargs="*", default=[])
    parser.add_argument("--patches", type=int, default=64)
    parser.add_argument("--json", type=Path)
    said = parser.parse_args()
    bench, rows = bench_of(said.folder / "adapt", said.patches), []
    for name, net in networks(said.model):
        gain = bench.verdict(net.eval(), 0).gain
        scores = scored(Restorer(net, highlights="roll"), said.folder)
        rows.append({"network": name, "gain": gain, **means(scores)})
        print(rows[-1], flush=True)
    found = correlations(rows)
    print(found)
    if said.json:
        with replacing(said.json) as file:
            file.write((json.dumps({"rows": rows, **found}, indent=1) + "\n").encode())


def correlations(rows: list[dict]) -> dict[str, float]:
    """Of the gain with the fall of the true squared error, and with PSNR by rank."""
    gains, psnrs = (np.array([row[key] for row in rows]) for key in ("gain", "psnr"))
    fall = 10 ** (-psnrs[0] / 10) - 10 ** (-psnrs / 10)
    return {
        "pearson": round(float(pearsonr(gains, fall).statistic), 3),
        "spearman": round(float(spearmanr(gains, psnrs).statistic), 3),
        "networks": len(rows),
    }


if __name__ == "__main__":
    exit_with(main)
