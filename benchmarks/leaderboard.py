"""The leaderboard of this repository: shipped models and their rivals on the data at hand.

    python benchmarks/leaderboard.py --kodak kodak24 --polyu polyu --rain100h rain100h \
        --levin levin_blur/levin

writes `benchmarks/leaderboard.md`. Sets that are not given are left out, and the page says so. Each
score goes into `benchmarks/results/leaderboard.json` when it is made, and the same command goes on
from there; what was made with other weights, packages or settings is made again, and `--fresh`
makes everything again. The rivals need the extra `[bench]`; without it their rows are not run, and
the page says so.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from leaderboard_page import SETS, heading, section
from leaderboard_raw import raw_table
from leaderboard_rows import LeaderboardRows
from leaderboard_tables import Table, blur_table, gaussian_table, polyu_table, rain_table
from torch import Tensor
from tqdm import tqdm

from pellucid.benchmarks.benchmark import Model
from pellucid.benchmarks.journal import Judged
from pellucid.benchmarks.models import INPUT
from pellucid.benchmarks.running import run
from pellucid.benchmarks.summary import Row, Summary, machine, summary
from pellucid.cli import exit_with
from pellucid.cli.numbers import whole_number
from pellucid.errors import FileError, PellucidError
from pellucid.io import replacing

HERE = Path(__file__).parent
TABLES = ("raw", "gaussian", "polyu", "rain", "blur")
AGREE = 1e-4
"""Decibels within which rows from elsewhere had the same input."""


def tables_of(said: argparse.Namespace) -> dict[str, Callable[[], Table]]:
    """The tables whose data are given."""
    unknown = [table for table, _ in said.also if table not in TABLES]
    if unknown:
        raise PellucidError(f"--also {unknown[0]}: expected one of {', '.join(TABLES)}")
    also = {name: [model for table, model in said.also if table == name] for name in TABLES}
    limit, classical = said.limit, said.classical
    every = {
        "raw": (said.kodak, lambda: raw_table(said.kodak, limit, classical, also["raw"])),
        "gaussian": (said.kodak, lambda: gaussian_table(said.kodak, limit, also["gaussian"])),
        "polyu": (said.polyu, lambda: polyu_table(said.polyu, limit, also["polyu"])),
        "rain": (said.rain100h, lambda: rain_table(said.rain100h, limit, also["rain"])),
        "blur": (said.levin, lambda: blur_table(said.levin, limit, also["blur"])),
    }
    return {name: build for name, (data, build) in every.items() if data is not None}


def fill(name: str, table: Table, wanted: Sequence[str] | None, held: LeaderboardRows) -> list[str]:
    """Judge what is missing of a table; its page."""
    asked = [row for row in table.entries if wanted is None or row in (INPUT, *wanted)]
    found = judge(name, table, [INPUT], held, {})
    reused = reusable(table, found, asked)
    known = {row.model for row in reused}
    absent: dict[str, str] = {}
    found = judge(name, table, [row for row in asked if row not in known], held, absent)
    said = in_order(summary(found, table.benchmark.columns).rows + reused, asked)
    made = {row: held.made(name, row) for row in asked}
    made |= {row: f"of {table.finished_in}" for row in known}
    return section(table, Summary(said, []), {row: made[row] for row in made if made[row]}, absent)


def judge(
    name: str,
    table: Table,
    rows: Sequence[str],
    held: LeaderboardRows,
    absent: dict[str, str],
) -> list[Judged]:
    """Scores of some rows; those that cannot be run are put into `absent`, with the reason."""
    models: dict[str, Model[Any, Tensor]] = {}
    versions: dict[str, str] = {}
    for row in rows:
        try:
            models[row], versions[row] = table.entries[row].load()
        except PellucidError as error:
            absent[row] = str(error)
    journal = held.journal(name, settings_of(table), versions)
    total = len(models) * len(table.benchmark.items)
    found: list[Judged] = []
    with tqdm(total=total, desc=name, unit="picture", leave=False, disable=None) as bar:
        known = len(journal.rows)
        for one in run(table.benchmark, models, journal, done=bar.update):
            found.append(one)
            if len(journal.rows) > known:
                known = len(journal.rows)
                held.write()
    return found


def settings_of(table: Table) -> dict[str, object]:
    """What a table's scores hang on, beside the models."""
    facts = {
        key: Path(value).name if key in ("data", "photos") else value
        for key, value in table.benchmark.facts.items()
    }
    return {**facts, "protocol": table.benchmark.protocol, **machine()}


def reusable(table: Table, inputs: Sequence[Judged], asked: Sequence[str]) -> list[Row]:
    """Finished rows from elsewhere, where every group is there and its input scored the same."""
    mine = {row.group: row.means["psnr"] for row in summary(inputs, table.benchmark.columns).rows}
    theirs = {row.group: row.means["psnr"] for row in table.finished if row.model == INPUT}
    if not theirs or any(abs(theirs.get(group, 0) - mine[group]) > AGREE for group in mine):
        return []
    names = {row.model for row in table.finished} & set(asked) - {INPUT, "default"}
    rows = {n: [row for row in table.finished if row.model == n] for n in names}
    return [row for each in rows.values() if {r.group for r in each} == set(mine) for row in each]


def in_order(rows: Sequence[Row], models: Sequence[str]) -> list[Row]:
    """By group, and as the table names its rows."""
    groups = list(dict.fromkeys(row.group for row in rows))
    return sorted(rows, key=lambda row: (groups.index(row.group), models.index(row.model)))


def make(said: argparse.Namespace) -> None:
    """Judge what is missing, then write the page."""
    builds = tables_of(said)
    if not builds:
        raise PellucidError(f"no data; expected some of --{', --'.join(SETS)}")
    folder = said.out / "results"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError.from_os(folder, error) from error
    tables = {name: build() for name, build in builds.items()}
    held = LeaderboardRows(folder / "leaderboard.json", said.fresh)
    lines = heading(said)
    for name, table in tables.items():
        lines += fill(name, table, said.rows, held)
        print(f"{name}: done", flush=True)
    target = said.out / "leaderboard.md"
    with replacing(target) as file:
        file.write(("\n".join(lines).rstrip() + "\n").encode())
    print(f"wrote {target}")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, what in SETS.items():
        parser.add_argument(f"--{name}", type=Path, metavar="DIR", help=what)
    parser.add_argument(
        "--limit",
        type=whole_number(1),
        metavar="N",
        help="only the first N items of each table; left out, 6 of raw noise and all of the others",
    )
    parser.add_argument("--rows", nargs="+", metavar="NAME", help="only these rows and input")
    parser.add_argument(
        "--also",
        nargs=2,
        action="append",
        default=[],
        metavar=("TABLE", "MODEL"),
        help=f"a row of another model; TABLE is one of {', '.join(TABLES)}",
    )
    parser.add_argument(
        "--classical",
        type=Path,
        default=HERE / "results" / "classical_kodak6.json",
        metavar="FILE",
        help="rows that classical.py has finished, taken where pictures, settings and input agree; "
        "a name without a file runs them anew",
    )
    parser.add_argument("--fresh", action="store_true", help="forget earlier rows")
    parser.add_argument("--out", type=Path, default=HERE, metavar="DIR", help="where the page goes")
    said = parser.parse_args()
    make(said)


if __name__ == "__main__":
    exit_with(main)
