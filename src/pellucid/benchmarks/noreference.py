"""`noreference`: a folder of pictures whose truth nobody knows.

Noise left in flat areas, rise of edges, and NIQE (Mittal et al. 2013) by Pellucid's own model: read
together, for a blurred picture has little noise and a noisy one steep edges.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from torch import Tensor

from pellucid.benchmarks.benchmark import Benchmark, Item, Sample, pictures_of
from pellucid.data.degradations import eight_bits
from pellucid.data.path_lists import pictures_in
from pellucid.io import read_picture
from pellucid.metrics import MeasureName, Needs, Protocol, measures_of

PROTOCOL = Protocol()
MEASURES: tuple[MeasureName, ...] = ("niqe", "noise", "edges")
SOURCE = "pictures of the user"


def noreference_benchmark(
    data: Path, measures: Sequence[MeasureName] = MEASURES, needs: Needs | None = None
) -> Benchmark[Tensor, Tensor]:
    """The pictures of a folder, or of a list of paths."""
    paths = pictures_in(data)
    unique = len({path.name for path in paths}) == len(paths)
    items = [
        Item(path.name if unique else path.as_posix(), partial(_load, path), files=(path,))
        for path in paths
    ]
    loaded = measures_of(measures, needs)
    return pictures_of("noreference", items, PROTOCOL, loaded, SOURCE, {"data": data})


def _load(path: Path) -> Sample[Tensor]:
    return Sample(eight_bits(read_picture(path)), None)
