"""The leaderboard's page in Markdown."""

import argparse
import platform
from collections.abc import Mapping
from datetime import date
from importlib.metadata import version
from pathlib import Path

from leaderboard_rows import commit
from leaderboard_tables import Table

from pellucid.benchmarks.summary import Summary, machine
from pellucid.benchmarks.tables import markdown

SETS = {
    "kodak": "Kodak24: raw and Gaussian noise",
    "polyu": "PolyU: real noise",
    "rain100h": "Rain100H: rain",
    "levin": "Levin's: blur",
}
"""Options with folders, and what for."""
HOW_TO_READ = (
    "- In brackets: 95 % bootstrap intervals over scenes. Bold: the best of its group.",
    "- Seconds: the median of a picture, without file access; the machine may have had other work.",
    "- Under each table: the commit and the day each row was made (a + says that the commit had "
    "changes on it), and the command that makes it.",
    "- The shipped models saw no picture of these sets in training; their cards in "
    "`src/pellucid/weights` say what they saw.",
)


def section(
    table: Table, said: Summary, made: Mapping[str, str], absent: Mapping[str, str]
) -> list[str]:
    """A table, what must be known of it, and the command of every row."""
    lines = [f"## {table.title}", ""]
    lines += [f"- Split: {table.split}.", f"- Protocol: {table.benchmark.protocol}."]
    lines += [f"- Source: {table.benchmark.source}.", *(f"- {note}" for note in table.notes), ""]
    lines += [markdown(said, table.benchmark.columns)]
    lines += [f"- `{row}` ({made[row]}): `{table.entries[row].command}`" for row in made]
    lines += [f"- `{row}` was not run: {reason}." for row, reason in absent.items()]
    return [*lines, ""]


def heading(said: argparse.Namespace) -> list[str]:
    """What holds for all tables."""
    given = {name: getattr(said, name) for name in SETS}
    words = [f"--{name} {folder.name}" for name, folder in given.items() if folder is not None]
    words += [f"--limit {said.limit}"] if said.limit else []
    words += [f"--also {table} {Path(model).name}" for table, model in said.also]
    words += [f"--rows {' '.join(said.rows)}"] if said.rows else []
    facts = machine()
    missing = [f"{what} (`--{name}`)" for name, what in SETS.items() if given[name] is None]
    return [
        "# Leaderboard",
        "",
        f"Written on {date.today().isoformat()} at commit {commit()} by",
        "",
        f"    python benchmarks/leaderboard.py {' '.join(words)}",
        "",
        f"on {processor()} ({facts['machine']}), threads: {facts['threads']}, "
        f"torch {facts['torch']}, pellucid {version('pellucid')}.",
        "",
        *HOW_TO_READ,
        "",
        *([f"Not given, so not here: {'; '.join(missing)}.", ""] if missing else []),
    ]


def processor() -> str:
    """The processor's name, where the system tells."""
    cpus = Path("/proc/cpuinfo")
    lines = cpus.read_text().splitlines() if cpus.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "a processor without a name"
