"""A benchmark: what lies where, what one item of it is, how that is scored, and who says so.

A benchmark of its own is a function that returns one, in a small file; `run` does the rest.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from torch import Tensor

from pellucid.errors import PellucidError
from pellucid.metrics import Column, Measure, Protocol

Given = TypeVar("Given")
"""What a model is given: a picture (3, H, W), or a raw with its rendering."""
Output = TypeVar("Output")
"""What it makes of that."""

Model = Callable[[Sequence[Given]], Sequence[Output]]
"""What is judged: it takes several at a time, and may restore them together."""


@dataclass(frozen=True)
class Sample(Generic[Given]):
    """One item in memory."""

    given: Given
    truth: Tensor | None
    """None where nobody knows it."""
    other: Tensor | None = None
    """A second truth, for benchmarks that have two."""


@dataclass(frozen=True)
class Item(Generic[Given]):
    """One item of a benchmark, on the disk."""

    name: str
    """No other item of the group has it."""
    load: Callable[[], Sample[Given]]
    group: str = ""
    """The part of the benchmark that gets a row of its own."""
    scene: str = ""
    """Items of one scene say little more than one of them: intervals and tests go by scenes. Left
    out, the item is its own."""
    files: tuple[Path, ...] = ()
    """What it is loaded from."""


@dataclass(frozen=True)
class Benchmark(Generic[Given, Output]):
    """Items, and how they are scored."""

    name: str
    items: Sequence[Item[Given]]
    columns: Sequence[Column]
    """What is shown of the scores; the first is what models are compared by."""
    score: Callable[[Output, Sample[Given]], Mapping[str, float]]
    """Value of each column. What cannot be measured of an item is not a number."""
    protocol: str
    """How the numbers are made, in words that are printed beside them."""
    source: str
    """Where benchmark and protocol were published."""
    facts: Mapping[str, object] = field(default_factory=dict[str, object])
    """What else decides the numbers: splits, options; a `Path` only says where the files lie."""
    shown: Callable[[Given], Tensor | None] = lambda _: None
    """A picture (3, H, W) of what is given, for reports."""
    files: Sequence[Path] = ()
    """Those of all items, even where only some are judged: scores hang on what they hold."""

    def __post_init__(self) -> None:
        """Check that there is something to judge."""
        if not self.items:
            raise PellucidError(f"{self.name} has no items left to judge; expected one or more")


def pictures_of(
    name: str,
    items: Sequence[Item[Tensor]],
    protocol: Protocol,
    measures: Sequence[Measure],
    source: str,
    facts: Mapping[str, object],
) -> Benchmark[Tensor, Tensor]:
    """A benchmark from pictures to pictures, scored by a protocol."""
    blind = [one.name for one in measures if one.needs_truth]
    if name == "noreference" and blind:
        raise PellucidError(f"{blind[0]} needs a truth; expected measures that need none")

    def score(output: Tensor, sample: Sample[Tensor]) -> Mapping[str, float]:
        compared = protocol.compared(output, sample.truth, sample.given)
        return {one.name: one.of(compared) for one in measures}

    on_luma = any("_y" in one.name for one in measures)
    said = [protocol.words(), *([protocol.luma_words()] if on_luma else [])]
    said += [*dict.fromkeys(one.words for one in measures if one.words)]
    words, files = "; ".join(said), all_files(items)
    return Benchmark(name, items, measures, score, words, source, facts, lambda given: given, files)


def all_files(items: Iterable[Item[Given]]) -> list[Path]:
    """The files of all items, each once."""
    return list(dict.fromkeys(file for item in items for file in item.files))
