"""`cc`: 15 crops of real noisy pictures and the means of 500 exposures (Nam et al. 2016).

Nam, Hwang, Matsushita and Kim, A Holistic Approach to Cross-Channel Image Noise Modeling and its
Application to Image Denoising, CVPR 2016. `5dmark3_iso3200_1_real.png` and `..._mean.png` of three
cameras, as Xu et al. (ICCV 2017) cut them.
"""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from pellucid.benchmarks.benchmark import Benchmark
from pellucid.benchmarks.pairs import benchmark_of_pairs, items_of, pairs_by_layout
from pellucid.data.pairs import Layout
from pellucid.metrics import MeasureName, Needs, Protocol

LAYOUTS = {"cc": Layout("*_real", "*_mean")}
PROTOCOL = Protocol()
MEASURES: tuple[MeasureName, ...] = ("psnr", "ssim")
SOURCE = "CC (Nam et al., CVPR 2016)"


def cc_benchmark(
    data: Path, measures: Sequence[MeasureName] = MEASURES, needs: Needs | None = None
) -> Benchmark[Tensor, Tensor]:
    """All crops."""
    _, pairs = pairs_by_layout(data, LAYOUTS)
    return benchmark_of_pairs(
        "cc", items_of(pairs), PROTOCOL, measures, needs or Needs(), SOURCE, {"data": data}
    )
