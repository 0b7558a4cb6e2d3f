"""`blur`: GoPro, RealBlur and Levin's, each by its own protocol.

GoPro (Nah et al., CVPR 2017): RGB, and SSIM as MATLAB's `ssim` of an RGB array, which is what
papers since MPRNet print. RealBlur (Rim et al., ECCV 2020): the restored picture is scaled in
brightness and warped to the truth. Levin et al. (CVPR 2009): moved by up to 5 pixels in quarters
of one, 15 pixels left out.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from torch import Tensor

from pellucid.benchmarks.benchmark import Benchmark
from pellucid.benchmarks.pairs import benchmark_of_pairs, items_of, pairs_by_layout
from pellucid.data.pairs import LAYOUTS as KNOWN
from pellucid.data.pairs import Layout, Pair, listed_pairs, scene_of
from pellucid.metrics import MeasureName, Needs, Protocol

BlurSet = Literal["gopro", "realblur", "levin"]
LAYOUTS: dict[BlurSet | Literal["restormer"], Layout] = {
    "realblur": KNOWN["realblur"],
    "gopro": KNOWN["gopro"],
    "levin": KNOWN["levin"],
    "restormer": KNOWN["rain13k"],
}
PROTOCOLS: dict[BlurSet, Protocol] = {
    "gopro": Protocol(window="volume"),
    "realblur": Protocol(alignment="homography"),
    "levin": Protocol(alignment="shift", border=15),
}
SOURCES: dict[BlurSet, str] = {
    "gopro": "GoPro (Nah et al., CVPR 2017)",
    "realblur": "RealBlur (Rim et al., ECCV 2020)",
    "levin": "Levin et al. (CVPR 2009)",
}
MEASURES: tuple[MeasureName, ...] = ("psnr", "ssim")


def blur_benchmark(
    data: Path,
    which: BlurSet | None = None,
    list_file: Path | None = None,
    measures: Sequence[MeasureName] = MEASURES,
    needs: Needs | None = None,
) -> Benchmark[Tensor, Tensor]:
    """The set that the folder is laid out like, or `which`; `list_file` is RealBlur's own.

    A folder with `input` and `target` is GoPro's unless told otherwise.
    """
    known, pairs = _pairs(data, list_file)
    which = which or known
    facts: dict[str, object] = {
        "data": data,
        "set": which,
        "list": list_file,
    }
    items = items_of(pairs, scene=scene_of_frame, border=PROTOCOLS[which].border)
    return benchmark_of_pairs(
        "blur", items, PROTOCOLS[which], measures, needs or Needs(), SOURCES[which], facts
    )


def _pairs(data: Path, list_file: Path | None) -> tuple[BlurSet, list[Pair]]:
    if list_file is not None:
        return "realblur", listed_pairs(list_file, data, "target")
    layout, pairs = pairs_by_layout(data, LAYOUTS)
    return "gopro" if layout == "restormer" else layout, pairs


def scene_of_frame(name: str) -> str:
    """The frames of a film are one scene, and so are Levin's pictures under all kernels."""
    folder = Path(name).parent.as_posix().removesuffix("/blur")
    return scene_of(name) if folder == "." else folder
