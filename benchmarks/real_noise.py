"""Everything that docs/real_noise.md shows of two real raw photographs.

    python benchmarks/real_noise.py colorchart.dng Blackmagic.dng [--model default]
        [--results benchmarks/results] [--docs docs/images]

Figures: `chart.py`'s of the first; of the second, how much another tile size changes, and how far
blocks of 32x32 unclipped pixels drift (blotches). Pictures: both files' crops, the chart's edges.
"""

import argparse
import json
from pathlib import Path
from typing import NamedTuple

import chart
import matplotlib.pyplot as plt
import numpy as np
from edges import BIN, BINS, FIRST, MIX, STRONG, edge_curve, find_borders
from numpy.typing import NDArray
from PIL import Image

from pellucid import RawImage, Rendering, Restorer, develop, read_raw
from pellucid.batch.job import describe
from pellucid.calibration.known_noise import KnownNoise, settle_noise
from pellucid.cli import exit_with

Picture = NDArray[np.float64]
BRIGHTER = 6.0
"""The chart was underexposed; its crops are shown with this gain."""
CHART_CROPS = ((884, 850), (1240, 770), (860, 590))
"""Upper left corners: grey patches with their frame, print, a hot pixel."""
CROPS = ((1700, 1850), (1800, 1560), (60, 1380), (3700, 210), (1350, 1150))
"""Texture, edges with a saturated lamp, dark noise, highlights, and thin twigs on bright water."""
SIZE = 110, 180
ZOOM = 2
BLOCK = 32


class Pair(NamedTuple):
    """Display values (H, W, 3) of a photograph developed as it is, and restored."""

    noisy: Picture
    restored: Picture


def pictures(raw: RawImage, restorer: Restorer, known: KnownNoise, gain: float = 1.0) -> Pair:
    """A photograph, `gain` times as bright as the file asks for."""
    rendering = Rendering(raw.exposure * gain)
    both = develop(raw, rendering), restorer(raw, known.noise, rendering).srgb
    return Pair(*(raw.trim(p).clamp(0, 1).permute(1, 2, 0).double().numpy() for p in both))


def write_crops(path: Path, pair: Pair, corners: tuple[tuple[int, int], ...]) -> None:
    """Crops below each other, as it is at the left, restored at the right, nearest neighbour."""
    height, width = SIZE
    rows = []
    for x, y in corners:
        left, right = (picture[y : y + height, x : x + width] for picture in pair)
        row = np.concatenate([left, np.ones((height, 3, 3)), right], axis=1)
        rows += [row, np.ones((3, row.shape[1], 3))]
    sheet = Image.fromarray((np.concatenate(rows[:-1]) * 255).round().astype(np.uint8))
    zoomed = sheet.resize((sheet.width * ZOOM, sheet.height * ZOOM), Image.Resampling.NEAREST)
    zoomed.save(path, quality=88, subsampling=0, optimize=True)


def plot_edges(path: Path, borders: Picture) -> None:
    """Mean edge-spread function of the strong edges in each channel."""
    figure, panels = plt.subplots(1, len(MIX), figsize=(9, 2.6), sharey=True, layout="constrained")
    place = FIRST + BIN * (np.arange(BINS) + 0.5)
    for panel, (name, mix) in zip(panels, MIX.items(), strict=True):
        curves, steps = edge_curve(borders.sum(2), mix)
        for curve, style, label in zip(curves, ("k-", "C1--"), ("noisy", "restored"), strict=True):
            panel.plot(place, curve[abs(steps[0]) >= STRONG].mean(0), style, label=label)
        panel.set(title=name, xlabel="pixels", yticks=(0, 0.1, 0.9, 1))
        panel.grid(alpha=0.3)
    panels[0].legend()
    figure.savefig(path, dpi=80)
    plt.close(figure)


def block_means(picture: Picture) -> Picture:
    """Means (rows, columns, 3) of whole blocks."""
    rows, columns = (side // BLOCK for side in picture.shape[:2])
    whole = picture[: rows * BLOCK, : columns * BLOCK]
    return whole.reshape(rows, BLOCK, columns, BLOCK, 3).mean((1, 3))


def drift(pair: Pair) -> dict[str, float]:
    """How far restoring moves the means of blocks that are clipped nowhere."""
    clipped = (pair.noisy < 0.002) | (pair.noisy > 0.998)
    kept = block_means(clipped.astype(float)).max(-1) == 0
    moved = abs(block_means(pair.restored) - block_means(pair.noisy))[kept]
    return {
        "blocks": int(kept.sum()),
        "median": round(float(np.median(moved)), 5),
        "largest": round(float(moved.max()), 5),
    }


def measure(raw: RawImage, pair: Pair, known: KnownNoise, model: str) -> dict[str, object]:
    """Figures of a photograph without a chart."""
    retiled = pictures(raw, Restorer.load(model, tile=640), known).restored
    return {
        "noise": describe(known.noise),
        "noise_origin": known.origin,
        "largest_change_by_tile_640": float(abs(retiled - pair.restored).max()),
        "drift_of_block_means": drift(pair),
    }


def main() -> None:
    """Measure, draw and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chart", type=Path)
    parser.add_argument("photograph", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("--docs", type=Path, default=Path("docs/images"))
    said = parser.parse_args()
    restorer = Restorer.load(said.model)

    raw = read_raw(said.chart)
    known = settle_noise(raw)
    write_crops(said.docs / "real_chart.jpg", pictures(raw, restorer, known, BRIGHTER), CHART_CROPS)
    restored = pictures(raw, restorer, known).restored
    linear = chart.linear_pictures(raw, restored)
    plot_edges(said.docs / "real_edges.png", find_borders(*map(chart.strips, linear)))
    figures = {"chart": chart.measure(said.chart, said.model)}

    raw = read_raw(said.photograph)
    known = settle_noise(raw)
    pair = pictures(raw, restorer, known)
    write_crops(said.docs / "real_crops.jpg", pair, CROPS)
    figures["real_photograph"] = measure(raw, pair, known, said.model)
    for name, result in figures.items():
        text = json.dumps(result, indent=1)
        print(text)
        (said.results / f"{name}.json").write_text(text)


if __name__ == "__main__":
    exit_with(main)
