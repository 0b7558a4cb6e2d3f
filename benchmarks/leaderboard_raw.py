"""The leaderboard's table of raws: known noise, one pipeline."""

from collections.abc import Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import rivals
import torch
from classical import bm3d_filter, cell, cell_of, classical_models, finished_rows
from leaderboard_tables import (
    BM3D,
    Entry,
    Table,
    first_of,
    nlm_version,
    own_command,
    wavelets_version,
)
from torch import Tensor

from pellucid.benchmarks.benchmark import Model
from pellucid.benchmarks.models import INPUT, fingerprint
from pellucid.benchmarks.summary import Row
from pellucid.benchmarks.synthetic import (
    COLUMNS,
    Setting,
    framed,
    isp_alone,
    settings_of,
    synthetic_benchmark,
)
from pellucid.cli.evaluate import judged
from pellucid.data.photos import photographs
from pellucid.errors import FileError

LEVELS, TONE = [0.0002, 0.002, 0.02], 0.5
PICTURES = 6
"""Of how many photographs the table is, unless told otherwise: BM3D is slow."""


def raw_table(photos: Path, limit: int | None, classical: Path, also: Sequence[str]) -> Table:
    """Synthetic raw noise that everybody is told, through one pipeline."""
    limit, whole = limit or PICTURES, settings_of(LEVELS, [TONE])
    settings = dict(list(whole.items())[: len(LEVELS)])  # without the two of real cameras
    benchmark = synthetic_benchmark(photos, settings, limit)
    levels = ",".join(f"{level:g}" for level in LEVELS)
    told = f"--photos {photos.name} --limit {limit} --noise-levels {levels} --tones {TONE}"
    evaluated = f"pellucid evaluate synthetic {told} --model "
    entries = {INPUT: Entry(evaluated + "default", lambda: (framed(isp_alone), INPUT))}
    for name in ("default", *also):
        entries[name] = Entry(evaluated + name, partial(_raw_model, name))
    for name in classical_models(_nothing):
        command = f"python benchmarks/classical.py {told} --json FILE"
        entries[name] = Entry(command, partial(_bm3d_model, name))
    for name in rivals.raw_rivals():
        entries[name] = Entry(own_command("kodak", photos, name, limit), partial(_raw_rival, name))
    return Table(
        "Raw noise",
        benchmark,
        f"{first_of(limit, len(photographs(photos)))} pictures of {photos.name}, made raw",
        entries,
        (
            "All rows are told the true noise level and share one pipeline; the row `input` is the "
            f"pipeline alone. {BM3D}. Of `gat_nlm` and `gat_wavelets` see `benchmarks/rivals.py`.",
        ),
        _finished(classical, photos, limit, settings),
        classical.name,
    )


def _nothing(planes: Any, noise: Any) -> Any:
    """A filter for the names of what filters."""
    del noise
    return planes


def _raw_model(name: str) -> tuple[Model[Any, Tensor], str]:
    return framed(judged(name)), fingerprint(name)


def _bm3d_model(name: str) -> tuple[Model[Any, Tensor], str]:
    return framed(classical_models(bm3d_filter())[name]), f"bm3d {version('bm3d')}"


def _raw_rival(name: str) -> tuple[Model[Any, Tensor], str]:
    said = nlm_version(rivals.PLANES) if name == "gat_nlm" else wavelets_version()
    return framed(rivals.raw_rivals()[name]), said


def _finished(
    path: Path, photos: Path, limit: int, settings: Mapping[str, Setting]
) -> Sequence[Row]:
    """Rows of classical.py's file, where it would go on with them itself."""
    asked = {"photos": photos.name, "limit": limit, "threads": torch.get_num_threads()}
    try:
        rows = finished_rows(path, {**asked, "weights": None})
    except FileError as error:
        print(f"raw: {error}; so the classical rows are made anew")
        return []
    names = [column.name for column in COLUMNS]
    groups = {cell("", *one.noise, one.tone)[1:]: group for group, one in settings.items()}
    return [
        Row(
            row.model,
            groups[cell_of(row)[1:]],
            {name: getattr(row, name) for name in names},
            dict.fromkeys(names),
            row.seconds,
            row.n,
            row.n,
        )
        for row in rows
        if cell_of(row)[1:] in groups and row.psnr_colour is not None
    ]
