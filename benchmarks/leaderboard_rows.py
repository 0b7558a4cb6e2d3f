"""The leaderboard's rows in a file, each with the commit and the day it was made."""

import json
import subprocess
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from pellucid.benchmarks.journal import Journal, Judged
from pellucid.errors import FileError
from pellucid.io import replacing

HERE = Path(__file__).parent
Facts = Mapping[str, object]
Key = tuple[str, str, str]
"""Model, group and item."""


class LeaderboardRows:
    """Scores of items by table; whoever reads the file finds it whole at any time."""

    def __init__(self, path: Path, fresh: bool = False) -> None:
        """Of a file that need not exist; `fresh` forgets what it holds."""
        self.path, self.stamp = path, {"commit": commit(), "date": date.today().isoformat()}
        held = {} if fresh or not path.exists() else _read(path)
        self.settings: dict[str, Facts] = held.get("settings", {})
        self.versions: dict[str, dict[str, str]] = held.get("versions", {})
        self.journals = {
            table: Journal({one[:3]: one for one in map(_judged, rows)})
            for table, rows in held.get("rows", {}).items()
        }
        self.stamps = {
            (table, *_judged(row)[:3]): {key: row[key] for key in self.stamp}
            for table, rows in held.get("rows", {}).items()
            for row in rows
        }

    def journal(self, table: str, settings: Facts, versions: Mapping[str, str]) -> Journal:
        """What is known of a table's models; what was made otherwise is forgotten."""
        journal = self.journals.setdefault(table, Journal())
        before, known = self.settings.get(table, settings), self.versions.get(table, {})
        if before != settings:
            print(f"{table}: all rows again, for {_change(before, settings)}")
            journal.rows.clear()
        changed = {name for name in versions if known.get(name, versions[name]) != versions[name]}
        if changed:
            print(f"{table}: {', '.join(sorted(changed))} again, for other weights or packages")
        for key in [key for key in journal.rows if key[0] in changed]:
            del journal.rows[key]
        self.stamps = {key: s for key, s in self.stamps.items() if self._has(key[0], key[1:])}
        self.settings[table], self.versions[table] = settings, {**known, **versions}
        return journal

    def write(self) -> None:
        """Put all rows into the file."""
        rows = {
            table: [
                {**one._asdict(), **self.stamps.setdefault((table, *key), self.stamp)}
                for key, one in journal.rows.items()
            ]
            for table, journal in self.journals.items()
        }
        held = {"settings": self.settings, "versions": self.versions, "rows": rows}
        with replacing(self.path) as file:
            file.write(json.dumps(held, indent=1).encode())

    def made(self, table: str, model: str) -> str:
        """By which commits, and when, a model's rows were made."""
        stamps = [s for key, s in self.stamps.items() if key[:2] == (table, model)]
        return "; ".join(sorted({f"{s['commit']}, {s['date']}" for s in stamps}))

    def _has(self, table: str, key: Key) -> bool:
        return key in self.journals[table].rows


def commit() -> str:
    """The commit of this checkout, with a + where its code was changed since."""
    try:
        name = _git("rev-parse", "--short", "HEAD")
        return name + ("+" if _git("status", "--porcelain", "--", "../src", "*.py") else "")
    except (OSError, subprocess.CalledProcessError):
        return "no commit"


def _git(*words: str) -> str:
    run = subprocess.run(["git", *words], cwd=HERE, capture_output=True, text=True, check=True)
    return run.stdout.strip()


def _read(path: Path) -> dict[str, dict[str, object]]:
    try:
        held = json.loads(path.read_text())
        for rows in held["rows"].values():
            for row in rows:
                _judged(row), row["commit"], row["date"]
        return held
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileError.of(path, f"holds no leaderboard ({error}); expected --fresh") from error


def _judged(row: Mapping[str, object]) -> Judged:
    return Judged(**{name: row[name] for name in Judged._fields})


def _change(before: Facts, now: Facts) -> str:
    names = [name for name in now | before if now.get(name) != before.get(name)]
    return f"{names[0]} was {before.get(names[0])}, is {now.get(names[0])}"
