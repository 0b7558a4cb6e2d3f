"""Scores as they come in, in a file that an interrupted evaluation goes on with."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol, TextIO, cast

from pellucid.errors import FileError, PellucidError
from pellucid.io import replacing

SCORES, SETTINGS = "scores.csv", "settings.json"
_FIRST = ("model", "group", "item", "scene", "seconds")


class Judged(NamedTuple):
    """One item as one model restored it."""

    model: str
    group: str
    item: str
    scene: str
    seconds: float
    """Without file access; of several restored together, each one's share."""
    scores: dict[str, float]


class _Named(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def group(self) -> str: ...


@dataclass
class Journal:
    """What has been judged so far; with a file, also by earlier runs."""

    rows: dict[tuple[str, str, str], Judged] = field(
        default_factory=dict[tuple[str, str, str], Judged]
    )
    file: TextIO | None = None

    @classmethod
    def open(
        cls,
        folder: Path,
        settings: Mapping[str, object],
        models: Mapping[str, str],
        columns: Sequence[str],
    ) -> "Journal":
        """The journal of a folder, which is made if need be.

        `models` are names with what tells their weights. Models may be added to a folder; raises
        PellucidError where anything else differs from what its scores were made with, or where it
        holds something else.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not (folder / SETTINGS).exists() and any(folder.iterdir()):
                raise FileError.of(folder, "holds other files; expected scores or a new folder")
            _check(folder, json.loads(json.dumps(settings)), dict(models))
            rows = _read(folder / SCORES, columns)
            file = (folder / SCORES).open("a", encoding="utf-8", newline="")
        except OSError as error:
            raise FileError.from_os(folder, error) from error
        if not file.tell():
            file.write(",".join((*_FIRST, *columns)) + "\n")
        return cls({(one.model, one.group, one.item): one for one in rows}, file)

    def knows(self, model: str, item: _Named) -> bool:
        """Whether an item has been judged."""
        return (model, item.group, item.name) in self.rows

    def found(self, model: str, item: _Named) -> Judged:
        """What was judged of it."""
        return self.rows[model, item.group, item.name]

    def add(self, one: Judged) -> None:
        """Keep a result, on the disk before the next one is begun."""
        known = self.rows.setdefault((one.model, one.group, one.item), one)
        if known is not one or self.file is None:
            return
        line = io.StringIO()
        # repr of a float reads back as the same float.
        values = [repr(value) for value in (one.seconds, *one.scores.values())]
        csv.writer(line, lineterminator="\n").writerow((*one[:4], *values))
        self.file.write(line.getvalue())
        self.file.flush()

    def close(self) -> None:
        """Let go of the file."""
        if self.file is not None:
            self.file.close()


def _check(folder: Path, settings: dict[str, object], models: dict[str, str]) -> None:
    """Compare with what the folder's scores were made with, and write down what is new."""
    path = folder / SETTINGS
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else "{}"
        held = cast(dict[str, dict[str, object]], json.loads(text))
        before, known = _flat(held.get("settings", settings)), held.get("models", {})
    except (ValueError, AttributeError) as error:
        raise FileError.of(path, f"cannot be read ({error}); expected another folder") from error
    now = _flat(settings)
    different = [key for key in now | before if now.get(key) != before.get(key)]
    if different:
        key = different[0]
        raise PellucidError(
            f"{folder} holds scores of another evaluation: {key} was {before.get(key)}, "
            f"is {now.get(key)}; expected the same, or another folder"
        )
    changed = [name for name in models if known.get(name, models[name]) != models[name]]
    if changed:
        raise PellucidError(
            f"{folder} holds scores of other weights of {changed[0]}; expected another folder"
        )
    with replacing(path) as file:
        held = {"settings": settings, "models": known | models}
        file.write(json.dumps(held, indent=1).encode())


def _flat(settings: Mapping[str, object]) -> dict[str, object]:
    """Settings by one name each, so that of many files the one that differs is told."""
    flat: dict[str, object] = {}
    for key, value in settings.items():
        inner = cast(dict[str, object], value) if isinstance(value, dict) else None
        flat |= {key: value} if inner is None else {f"{key}: {k}": v for k, v in inner.items()}
    return flat


def _read(path: Path, columns: Sequence[str]) -> list[Judged]:
    """Whole lines; what an interruption cut is taken away."""
    if not path.exists():
        return []
    text = path.read_bytes()
    whole = text[: text.rfind(b"\n") + 1]
    if whole != text:
        with replacing(path) as file:
            file.write(whole)
    lines = list(csv.reader(io.StringIO(whole.decode("utf-8"), newline="")))
    if not lines:
        return []
    if tuple(lines[0]) != (*_FIRST, *columns):
        raise FileError.of(path, f"has columns {', '.join(lines[0])}; expected another folder")
    try:
        return [_row(line, columns) for line in lines[1:]]
    except (ValueError, TypeError) as error:
        raise FileError.of(path, f"is damaged ({error}); expected another folder") from error


def _row(line: Sequence[str], columns: Sequence[str]) -> Judged:
    model, group, item, scene, seconds, *values = line
    scores = dict(zip(columns, map(float, values), strict=True))
    return Judged(model, group, item, scene, float(seconds), scores)
