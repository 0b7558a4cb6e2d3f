"""A recipe that trains in a second, its run folder, and raws to train on."""

import csv
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import yaml

from pellucid import Camera, unrender, write_mosaic

CAMERA = Camera.of(
    torch.tensor([[0.6461, -0.1164, -0.0857], [-0.3825, 1.1597, 0.2534], [-0.0416, 0.154, 0.6039]]),
    torch.tensor([2.0, 1.0, 1.6]),
)
TINY: dict[str, Any] = {
    "seed_everything": 0,
    "model": {
        "network": {
            "raw": {"widths": [4, 6]},
            "srgb": {"shuffle": 2, "widths": [4, 6]},
        },
        "schedule": {"warmup_steps": 2},
    },
    "data": {"patch": 16, "batch_size": 2, "validation_samples": 2},
    "checkpoint_every": 2,
    "trainer": {
        "max_steps": 7,
        "accelerator": "cpu",
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "enable_checkpointing": False,
        "num_sanity_val_steps": 0,
        "val_check_interval": 5,
        "check_val_every_n_epoch": None,
        "gradient_clip_val": 1.0,
        "log_every_n_steps": 1,
        "callbacks": [
            {
                "class_path": "lightning.pytorch.callbacks.EMAWeightAveraging",
                "init_args": {"decay": 0.9},
            }
        ],
    },
}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many tests a browser ran, which machines without one skip."""
    said = []
    for words, outcomes in {
        "ran": ("passed", "failed"),
        "skipped: no Chromium": ("skipped",),
    }.items():
        reports = (one for name in outcomes for one in terminalreporter.stats.get(name, ()))
        count = sum("browser" in one.keywords for one in reports)
        said += [f"{count} {words}"] if count else []
    if said:
        terminalreporter.write_line(f"browser tests: {', '.join(said)}")


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A file with that recipe."""
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(TINY))
    return path


@pytest.fixture
def logged():
    """Gives the values that all sittings of a run logged of a metric, by step."""

    def read(folder: Path, metric: str = "train/loss") -> dict[int, list[float]]:
        values: dict[int, list[float]] = {}
        for path in sorted((folder / "log").rglob("metrics.csv")):
            for row in csv.DictReader(path.read_text().splitlines()):
                if row.get(metric):
                    values.setdefault(int(row["step"]), []).append(float(row[metric]))
        return values

    return read


def write_raw(path: Path, seed: int, size: tuple[int, int] = (64, 96)) -> None:
    """A clean DNG of a smooth scene."""
    generator = torch.Generator().manual_seed(seed)
    picture = F.interpolate(torch.rand(1, 3, 5, 7, generator=generator), size, mode="bilinear")
    write_mosaic(path, unrender(picture[0], CAMERA), CAMERA)


@pytest.fixture
def raws(tmp_path: Path) -> Path:
    """Three clean DNGs."""
    folder = tmp_path / "raws"
    folder.mkdir()
    for seed, name in enumerate(("x.dng", "y.dng", "z.dng")):
        write_raw(folder / name, seed)
    return folder


@pytest.fixture
def fivek(tmp_path: Path) -> Path:
    """FiveK's layout as DualDn has it: four to train on, two to watch, one invalid in a list."""
    folder = tmp_path / "datasets" / "fivek"
    (folder / "Raw").mkdir(parents=True)
    (folder / "list_file").mkdir()
    names = [f"a{number:04}-test_{number}.dng" for number in range(1, 8)]
    for seed, name in enumerate(names):
        write_raw(folder / "Raw" / name, seed)
    (folder / "Raw" / names[6]).write_text("no raw photograph")
    lists = {"train": [*names[:4], names[6]], "val": names[4:6], "invalid": names[6:]}
    for name, listed in lists.items():
        (folder / "list_file" / f"{name}_list.txt").write_text("\n".join(listed) + "\n")
    return folder
