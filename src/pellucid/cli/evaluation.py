"""What the evaluations share: running a benchmark, its table, its report, its options."""
# pyright: reportUnknownMemberType=false

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from jsonargparse import Namespace
from torch import Tensor
from tqdm import tqdm

from pellucid.errors import PellucidError

if TYPE_CHECKING:
    from pellucid.benchmarks.benchmark import Benchmark, Given, Model, Output
    from pellucid.benchmarks.journal import Journal, Judged
    from pellucid.metrics import MeasureName, Needs


def judge(
    benchmark: "Benchmark[Given, Output]",
    models: "Mapping[str, Model[Given, Output]]",
    said: Namespace,
    batch: int = 1,
) -> "list[Judged]":
    """Every model on every item; the table is printed, and written to --json."""
    from pellucid.benchmarks import summary, tables

    with closing(journal_of(benchmark, models, said)) as journal:
        found = list(running(benchmark, models, journal, batch))
    result = summary.summary(found, benchmark.columns)
    print("\n".join(tables.text(result, benchmark.columns)))
    print(f"protocol: {benchmark.protocol}")
    for line in tables.interval_lines(result, benchmark.columns):
        print(f"95 % interval: {line}")
    for line in tables.comparison_lines(result, benchmark.columns):
        print(f"paired: {line}")
    if said.json is not None:
        names: list[str] = said.models or []
        facts = {"benchmark": benchmark.name, **benchmark.facts, "models": names}
        facts |= {"skip": said.get("skip", 0), "limit": said.limit, "protocol": benchmark.protocol}
        summary.write_json(Path(said.json), found, result, facts)
    return found


def measures_of(said: Namespace, usual: "Sequence[MeasureName]") -> "Sequence[MeasureName]":
    """The measures that are asked for, checked; left out, those of the benchmark."""
    from pellucid.metrics import MeasureName

    names: list[str] = said.measures or list(usual)
    known: tuple[MeasureName, ...] = get_args(MeasureName)
    for name in names:
        if name not in known:
            raise PellucidError(f"--measures {name}: expected some of {', '.join(known)}")
    return [one for name in names for one in known if one == name]


def needs_of(said: Namespace) -> "Needs":
    """The files that some measures need."""
    from pellucid.metrics import Needs

    lpips, dists = (tuple(text.split(",")) if text else () for text in (said.lpips, said.dists))
    return Needs(lpips, dists, said.niqe, said.tile)


def path_or_none(text: str | None) -> Path | None:
    """A path, where one is given."""
    return None if text is None else Path(text)


def journal_of(
    benchmark: "Benchmark[Given, Output]", models: Mapping[str, object], said: Namespace
) -> "Journal":
    """The scores that --out has already; without it an empty journal that nobody keeps."""
    from pellucid.benchmarks.contents import contents
    from pellucid.benchmarks.journal import Journal
    from pellucid.benchmarks.models import fingerprint
    from pellucid.benchmarks.summary import machine

    if said.out is None:
        return Journal()
    # The files themselves are compared, wherever they lie.
    facts = {name: fact for name, fact in benchmark.facts.items() if not isinstance(fact, Path)}
    facts |= {"benchmark": benchmark.name, "protocol": benchmark.protocol}
    asked = {key: said[key] for key in ("tile", "batch", "device") if key in said}
    asked |= {"measures": contents(measuring_files(said)), "files": contents(benchmark.files)}
    return Journal.open(
        Path(said.out),
        {**facts, **asked, **machine()},
        {name: fingerprint(name) for name in models},
        [column.name for column in benchmark.columns],
    )


def measuring_files(said: Namespace) -> list[Path]:
    """The files that measures were given."""
    texts: list[str | None] = [said.get(key) for key in ("niqe", "lpips", "dists")]
    return [Path(name) for text in texts if text for name in text.split(",")]


def running(
    benchmark: "Benchmark[Given, Output]",
    models: "Mapping[str, Model[Given, Output]]",
    journal: "Journal",
    batch: int,
) -> "Iterator[Judged]":
    """Every model on every item, under a bar."""
    from pellucid.benchmarks.running import run

    total = len(benchmark.items) * len(models)
    with tqdm(total=total, unit="picture", leave=False, disable=None) as bar:
        yield from run(benchmark, models, journal, batch, bar.update)


def kept(judged: "Iterable[Judged]", found: "list[Judged]") -> "Iterator[Judged]":
    """What goes by, which is also kept."""
    for one in judged:
        found.append(one)
        yield one


def report(
    benchmark: "Benchmark[Given, Tensor]",
    models: "Mapping[str, Model[Given, Tensor]]",
    found: "Sequence[Judged]",
    said: Namespace,
) -> None:
    """Tables and the report beside the scores."""
    from pellucid.benchmarks.report import write_report

    write_report(Path(said.out), benchmark, models, found, said.pictures)
    print(f"wrote {Path(said.out) / 'index.html'}")
