"""`folder`: any pairs of pictures, of two folders or two lists of paths.

PSNR and SSIM (Wang et al. 2004) of 8-bit RGB; SSIM as torchmetrics has it.
"""

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from pellucid.benchmarks.benchmark import Benchmark
from pellucid.benchmarks.pairs import benchmark_of_pairs, items_of
from pellucid.data.pairs import Pair, folder_pairs
from pellucid.data.path_lists import is_path_list, pictures_in
from pellucid.errors import FileError
from pellucid.metrics import MeasureName, Needs, Protocol

PROTOCOL = Protocol(window="mirrored")
MEASURES: tuple[MeasureName, ...] = ("psnr", "ssim")
SOURCE = "pairs of the user"


def folder_benchmark(
    inputs: Path,
    targets: Path,
    protocol: Protocol = PROTOCOL,
    measures: Sequence[MeasureName] = MEASURES,
    needs: Needs | None = None,
) -> Benchmark[Tensor, Tensor]:
    """Pairs by name, or in order; two lists are taken line by line."""
    facts: dict[str, object] = {"input": inputs, "target": targets}
    items = items_of(pairs_in(inputs, targets), border=protocol.border)
    return benchmark_of_pairs("folder", items, protocol, measures, needs or Needs(), SOURCE, facts)


def pairs_in(inputs: Path, targets: Path) -> list[Pair]:
    """The pairs of two folders, or of two lists."""
    if not (is_path_list(inputs) or is_path_list(targets)):
        return folder_pairs(inputs, targets)
    sides = pictures_in(inputs), pictures_in(targets)
    if len(sides[0]) != len(sides[1]):
        counts = f"{len(sides[0])} pictures for {len(sides[1])} in {targets}"
        raise FileError.of(inputs, f"names {counts}; expected as many")
    stems = [path.stem for path in sides[0]]
    unique = len(set(stems)) == len(stems)
    names = stems if unique else [path.with_suffix("").as_posix() for path in sides[0]]
    return [Pair(*each) for each in zip(names, *sides, strict=True)]
