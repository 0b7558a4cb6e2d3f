"""Models on the items of a benchmark, one after the other, known results skipped."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from time import perf_counter
from typing import NamedTuple

from pellucid.benchmarks.benchmark import Benchmark, Given, Item, Model, Output, Sample
from pellucid.benchmarks.journal import Journal, Judged


class Result(NamedTuple):
    """What a model made of a few items, and how long it took for one."""

    outputs: Sequence[object]
    seconds: float


def run(
    benchmark: Benchmark[Given, Output],
    models: Mapping[str, Model[Given, Output]],
    journal: Journal | None = None,
    batch: int = 1,
    done: Callable[[], object] = lambda: None,
) -> Iterator[Judged]:
    """Every model on every item; what the journal knows is taken from there.

    Items are loaded `batch` at a time, never across groups, so that an interrupted run gives the
    same batches again, and the same numbers. `done` is called after each item and model.
    """
    journal = journal or Journal()
    for items in batches(benchmark.items, batch):
        missing = [name for name in models if not all(journal.knows(name, i) for i in items)]
        samples = [item.load() for item in items] if missing else []
        for name, model in models.items():
            if name in missing:
                for one in _judged(benchmark, name, model, items, samples):
                    journal.add(one)
            for item in items:
                yield journal.found(name, item)
                done()


def batches(items: Sequence[Item[Given]], size: int) -> Iterator[list[Item[Given]]]:
    """So many items at a time, of one group."""
    for _, group in groupby(items, key=lambda item: item.group):
        members = list(group)
        yield from (members[start : start + size] for start in range(0, len(members), size))


def _judged(
    benchmark: Benchmark[Given, Output],
    name: str,
    model: Model[Given, Output],
    items: Sequence[Item[Given]],
    samples: Sequence[Sample[Given]],
) -> Iterator[Judged]:
    start = perf_counter()
    outputs = model([sample.given for sample in samples])
    seconds = (perf_counter() - start) / len(samples)
    for item, sample, output in zip(items, samples, outputs, strict=True):
        scores = dict(benchmark.score(output, sample))
        yield Judged(name, item.group, item.name, item.scene or item.name, seconds, scores)


def each(model: Callable[[Given], Output]) -> Model[Given, Output]:
    """A model that takes one at a time."""
    return lambda given: [model(one) for one in given]


def untouched(given: Sequence[Given]) -> Sequence[Given]:
    """The model `input`."""
    return given
