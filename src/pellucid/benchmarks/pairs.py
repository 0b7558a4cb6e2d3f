"""Benchmarks whose items are pairs of pictures."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from torch import Tensor

from pellucid.benchmarks.benchmark import Benchmark, Item, Sample, pictures_of
from pellucid.data.degradations import eight_bits
from pellucid.data.pairs import Layout, Pair, read_pair
from pellucid.errors import FileError
from pellucid.metrics import MeasureName, Needs, Protocol, measures_of
from pellucid.metrics.similarity import SMALLEST

Name = TypeVar("Name", bound=str)
"""Of a layout."""


def benchmark_of_pairs(
    name: str,
    items: Sequence[Item[Tensor]],
    protocol: Protocol,
    measures: Sequence[MeasureName],
    needs: Needs,
    source: str,
    facts: Mapping[str, object],
) -> Benchmark[Tensor, Tensor]:
    """A benchmark of pairs with measures by name."""
    loaded = measures_of(measures, needs)
    return pictures_of(name, items, protocol, loaded, source, facts)


def items_of(
    pairs: Iterable[Pair], group: str = "", scene: Callable[[str], str] = str, border: int = 0
) -> list[Item[Tensor]]:
    """An item of each pair; `border` is what its protocol leaves out."""
    return [
        Item(p.name, partial(load_pair, p, border), group, scene(p.name), (p.input, p.target))
        for p in pairs
    ]


def load_pair(pair: Pair, border: int = 0) -> Sample[Tensor]:
    """Both pictures at 8 bits; raises `FileError` where they differ in size or are too small."""
    degraded, target = map(eight_bits, read_pair(pair))
    least = SMALLEST + 2 * border
    if min(target.shape[-2:]) < least:
        got = f"{target.shape[-2]}x{target.shape[-1]}"
        why = f" with a border of {border}" if border else ""
        raise FileError.of(pair.target, f"is {got}; expected {least}x{least} or more{why}")
    return Sample(degraded, target)


def pairs_by_layout(folder: Path, layouts: Mapping[Name, Layout]) -> tuple[Name, list[Pair]]:
    """The first layout that a folder has files of, and its pairs; raises `FileError`."""
    if not folder.is_dir():
        raise FileError.of(folder, "no such folder; expected one of pictures")
    for name, layout in layouts.items():
        try:
            return name, layout.pairs(folder)
        except FileError as error:
            # Another layout; but a lonely picture of this one is the user's to mend.
            if "holds no picture" not in str(error):
                raise
    expected = ", or ".join(f"{each.input} and {each.target}" for each in layouts.values())
    raise FileError.of(folder, f"is laid out unlike this benchmark; expected {expected}")
