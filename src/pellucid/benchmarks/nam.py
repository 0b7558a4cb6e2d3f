"""`nam`: the whole scenes of Nam et al. (2016), of which `cc` has crops.

A folder for each camera or none, with `*_real` and `*_mean` pictures; or `noisy` and `clean`
folders, as cut sets of it have.
"""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from pellucid.benchmarks.benchmark import Benchmark
from pellucid.benchmarks.pairs import benchmark_of_pairs, items_of, pairs_by_layout
from pellucid.data.pairs import Layout, scene_of
from pellucid.metrics import MeasureName, Needs, Protocol

LAYOUTS = {
    "crops": Layout("*_real", "*_mean"),
    "cameras": Layout("*/*_real", "*/*_mean"),
    "folders": Layout("noisy/*", "clean/*"),
}
PROTOCOL = Protocol()
MEASURES: tuple[MeasureName, ...] = ("psnr", "ssim")
SOURCE = "Nam (Nam et al., CVPR 2016)"


def nam_benchmark(
    data: Path, measures: Sequence[MeasureName] = MEASURES, needs: Needs | None = None
) -> Benchmark[Tensor, Tensor]:
    """All pictures; crops that differ by their last number are one scene."""
    _, pairs = pairs_by_layout(data, LAYOUTS)
    items = items_of(pairs, scene=scene_of)
    return benchmark_of_pairs(
        "nam", items, PROTOCOL, measures, needs or Needs(), SOURCE, {"data": data}
    )
