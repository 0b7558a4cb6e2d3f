"""What a benchmark's scores come to: rows of means, and models against each other."""

import json
import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import combinations
from pathlib import Path
from statistics import median

import torch

from pellucid.benchmarks.journal import Judged
from pellucid.benchmarks.statistics import Interval, Paired, interval, mean_of, paired
from pellucid.io import replacing
from pellucid.metrics import Column


@dataclass(frozen=True)
class Row:
    """Means of one model over one group."""

    model: str
    group: str
    means: dict[str, float]
    intervals: dict[str, Interval | None]
    seconds: float
    """Median of an item, without file access."""
    n: int
    scenes: int


@dataclass(frozen=True)
class Comparison:
    """One model against another over one group, by one column."""

    group: str
    column: str
    model: str
    other: str
    paired: Paired


@dataclass(frozen=True)
class Summary:
    """All that tables and reports show."""

    rows: list[Row]
    comparisons: list[Comparison]


def summary(judged: Sequence[Judged], columns: Sequence[Column]) -> Summary:
    """Rows by group and model, in the order of their first items; every two models compared."""
    by_row: dict[tuple[str, str], list[Judged]] = {}
    for one in judged:
        by_row.setdefault((one.group, one.model), []).append(one)
    order = {group: n for n, group in enumerate(dict.fromkeys(one.group for one in judged))}
    keys = sorted(by_row, key=lambda key: order[key[0]])
    rows = [_row(group, model, by_row[group, model], columns) for group, model in keys]
    pairs = [(a, b) for a, b in combinations(keys, 2) if a[0] == b[0]]
    compared = [
        Comparison(a[0], column.name, a[1], b[1], _paired(by_row[a], by_row[b], column.name))
        for a, b in pairs
        for column in columns[:2]
    ]
    return Summary(rows, compared)


def _row(group: str, model: str, mine: Sequence[Judged], columns: Sequence[Column]) -> Row:
    scenes = [one.scene for one in mine]
    values = {column.name: [one.scores[column.name] for one in mine] for column in columns}
    return Row(
        model,
        group,
        {name: mean_of(each) for name, each in values.items()},
        {name: interval(each, scenes) for name, each in values.items()},
        median(one.seconds for one in mine),
        len(mine),
        len(set(scenes)),
    )


def _paired(one: Sequence[Judged], other: Sequence[Judged], column: str) -> Paired:
    """Of the items that both have."""
    theirs = {each.item: each for each in other}
    both = [(each, theirs[each.item]) for each in one if each.item in theirs]
    values = [[judged.scores[column] for judged in side] for side in zip(*both, strict=True)]
    return paired(values[0], values[1], [a.scene for a, _ in both])


def machine() -> dict[str, object]:
    """What besides the settings may change the last digits, and the seconds."""
    return {
        "machine": platform.machine(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def write_json(
    path: Path, judged: Sequence[Judged], said: Summary, settings: Mapping[str, object]
) -> None:
    """Settings, machine, rows, comparisons, and the scores of every item."""
    facts = {"pellucid": version("pellucid"), **settings, **machine()}
    pictures = [
        {"model": one.model, "picture": one.item, "group": one.group, **one.scores}
        for one in judged
    ]
    compared = [
        {
            "group": each.group,
            "column": each.column,
            "model": each.model,
            "other": each.other,
            **each.paired._asdict(),
        }
        for each in said.comparisons
    ]
    report = {
        "settings": facts,
        "rows": [row_facts(row) for row in said.rows],
        "comparisons": compared,
        "pictures": pictures,
    }
    with replacing(path) as file:
        file.write(json.dumps(_finite(report), indent=1, allow_nan=False).encode())


def row_facts(row: Row) -> dict[str, object]:
    """A row, flat."""
    return {
        "model": row.model,
        **row.means,
        "seconds": row.seconds,
        "n": row.n,
        "group": row.group,
        "scenes": row.scenes,
        "intervals": row.intervals,
    }


def _finite(said: object) -> object:
    """JSON knows no paths and no infinity: null is the PSNR of a picture equal to its target."""
    match said:
        case float() if not math.isfinite(said):
            return None
        case dict():
            return {str(key): _finite(value) for key, value in said.items()}  # pyright: ignore
        case list() | tuple():
            return [_finite(value) for value in said]  # pyright: ignore
        case Path():
            return str(said)
        case _:
            return said
