"""`polyu`: 100 real noisy pictures and their means over hundreds of exposures (Xu et al. 2018).

Xu, Li, Liang, Zhang and Zhang, Real-world Noisy Image Denoising: A New Benchmark, arXiv 1804.02603.
The crops `*_real.JPG` and `*_mean.JPG` of `CroppedImages`. Several are of one scene, so a network
that saw one crop has seen the scene: the default rows are of the scenes that `Scenes()` of a recipe
holds out.
"""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from pellucid.benchmarks.benchmark import Benchmark
from pellucid.benchmarks.pairs import benchmark_of_pairs, items_of
from pellucid.data.pairs import LAYOUTS, scene_of, split_by_scene
from pellucid.data.picture_sets import Scenes
from pellucid.errors import FileError
from pellucid.metrics import MeasureName, Needs, Protocol

PROTOCOL = Protocol()
MEASURES: tuple[MeasureName, ...] = ("psnr", "ssim")
SOURCE = "PolyU (Xu et al. 2018, arXiv 1804.02603)"


def polyu_benchmark(
    data: Path,
    scenes: Scenes | None,
    measures: Sequence[MeasureName] = MEASURES,
    needs: Needs | None = None,
) -> Benchmark[Tensor, Tensor]:
    """The held-out or kept scenes; with None all, of which a network may have seen some."""
    inner = data / "CroppedImages"
    pairs = LAYOUTS["polyu"].pairs(inner if inner.is_dir() else data)
    if scenes is not None:
        kept, held = split_by_scene(pairs, scenes.share, scenes.seed)
        pairs = kept if scenes.part == "kept" else held
    if not pairs:
        raise FileError.of(data, "has no scene in this part; expected several scenes")
    facts: dict[str, object] = {"data": data, "scenes": _words(scenes)}
    items = items_of(pairs, scene=scene_of)
    return benchmark_of_pairs("polyu", items, PROTOCOL, measures, needs or Needs(), SOURCE, facts)


def _words(scenes: Scenes | None) -> str:
    if scenes is None:
        return "all"
    return f"{scenes.part}, share {scenes.share:g}, seed {scenes.seed}"
