"""`rain`: Rain100H and Rain100L, the test sets of Rain13k, and SPA.

PSNR and SSIM are of Y, rounded to bytes, as the MATLAB scripts of MPRNet and Restormer (Zamir et
al. 2021, 2022) print them for Rain13k; those of RGB stand beside them.
"""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from pellucid.benchmarks.benchmark import Benchmark, Item
from pellucid.benchmarks.pairs import benchmark_of_pairs, items_of, pairs_by_layout
from pellucid.data.pairs import LAYOUTS as KNOWN
from pellucid.data.pairs import Layout, listed_pairs
from pellucid.metrics import MeasureName, Needs, Protocol

LAYOUTS = {
    "rain13k": KNOWN["rain13k"],
    "rain100h": KNOWN["rain100h"],
    "rain100": Layout("rain-*", "norain-*"),
    "rain100x2": Layout("rainy/rain-*", "norain-*"),
    "real_rain": KNOWN["real_rain"],
}
PROTOCOL = Protocol(luma_rounded=True)
MEASURES: tuple[MeasureName, ...] = ("psnr_y", "ssim_y", "psnr", "ssim")
SOURCE = (
    "Rain100H/L (Yang et al., CVPR 2017), Rain13k (Zamir et al., CVPR 2021), "
    "SPA (Wang et al., CVPR 2019)"
)


def rain_benchmark(
    data: Path,
    list_file: Path | None = None,
    measures: Sequence[MeasureName] = MEASURES,
    needs: Needs | None = None,
) -> Benchmark[Tensor, Tensor]:
    """One set, or every set in a folder, each with a row; `list_file` is SPA's, inputs first."""
    facts: dict[str, object] = {"data": data, "list": list_file}
    items = _items(data) if list_file is None else items_of(listed_pairs(list_file, data, "input"))
    return benchmark_of_pairs("rain", items, PROTOCOL, measures, needs or Needs(), SOURCE, facts)


def _items(data: Path) -> list[Item[Tensor]]:
    """Of the folder itself, or of those in it."""
    sets = sorted(path.parent for path in data.glob("*/input") if path.is_dir())
    if (data / "input").is_dir() or not sets:
        return items_of(pairs_by_layout(data, LAYOUTS)[1])
    return [
        item
        for folder in sets
        for item in items_of(KNOWN["rain13k"].pairs(folder), group=folder.name)
    ]
