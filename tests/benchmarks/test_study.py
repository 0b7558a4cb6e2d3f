import json
import sys
from pathlib import Path

import numpy as np
import study
import yaml
from PIL import Image

from pellucid.training.data import RawData
from pellucid.training.run import RunFolderCLI, Training

QUEUE = Path(__file__).parents[2] / "benchmarks" / "study_dual_domain.yaml"


def test_first_seeds_come_first_and_arms_are_equally_large():
    read = study.Study.read(QUEUE)
    arms = ["raw", "srgb", "dual", "srgb_scene", "dual_scene", "dual_short"]
    first = [(run.arm, run.seed) for run in read.runs[:12]]
    assert first == [(arm, seed) for seed in (0, 1) for arm in arms]
    assert {run.seed for run in read.runs[12:]} == {0}
    three = ["raw", "srgb", "dual"], ["raw_scene", "srgb_scene", "dual_scene"]
    sizes = {}
    for run in (run for run in read.runs if run.arm in sum(three, []) and run.seed == 0):
        words = [f"--config={read.recipe}", *run.options, "--trainer.logger=false"]
        cli = RunFolderCLI(Training, RawData, run=False, args=words, save_config_callback=None)
        sizes[run.arm] = sum(p.numel() for p in cli.model.net.parameters())
    for compared in three:
        alike = [sizes[arm] for arm in compared]
        assert max(alike) / min(alike) < 1.01, sizes


def test_the_queue_trains_scores_and_does_nothing_twice(tmp_path, monkeypatch):
    photos = tmp_path / "photos"
    photos.mkdir()
    pixels = np.random.RandomState(0).randint(0, 256, (140, 140, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(photos / "a.png")
    tiny = "--model.network.raw.widths=[4,6]", "--model.network.srgb.widths=[4,6]"
    queue = {
        "recipe": str(QUEUE.parents[1] / "recipes" / "study.yaml"),
        "noise_levels": [0.01],
        "tones": [0],
        "arms": {
            "dual": {"minutes": 0.005, "seeds": [0, 1], "options": [*tiny, "--data.patch=32"]},
        },
    }
    (tmp_path / "queue.yaml").write_text(yaml.safe_dump(queue))
    runs = tmp_path / "runs"
    words = [str(tmp_path / "queue.yaml"), "--photos", str(photos), "--test", str(photos)]
    monkeypatch.setattr(sys, "argv", ["study.py", *words, "--runs", str(runs)])
    study.main()
    assert json.loads((runs / "dual.plan.json").read_text())["seconds_per_step"] > 0
    scores = json.loads((runs / "dual-seed1" / "scores.json").read_text())
    assert scores["run"]["seed"] == 1
    assert {row["model"] for row in scores["rows"]} == {"input", "dual"}
    times = {path: path.stat().st_mtime_ns for path in runs.rglob("*") if path.is_file()}
    study.main()
    assert times == {path: path.stat().st_mtime_ns for path in runs.rglob("*") if path.is_file()}


def test_steps_are_counted_twice_and_shared_by_arms_of_one_pace(tmp_path, monkeypatch):
    arms = {
        "a": {"minutes": 1, "seeds": [0, 1], "options": ["--a"]},
        "b": {"minutes": 1, "seeds": [0], "options": ["--b"]},
        "like_b": {"minutes": 2, "seeds": [0], "pace": "b", "options": []},
    }
    runs, times = study.queue(arms), iter([0.5, 0.3, 0.2, 0.6])
    counted = []

    def seconds(recipe, words):
        counted.append("a" if "--a" in words else "b")
        return next(times)

    monkeypatch.setattr(study, "seconds_per_step", seconds)
    study.count(study.Study(Path("recipe"), [], [], runs), Path("photos"), tmp_path)
    assert counted == ["a", "b", "b", "a"]
    steps = {run.arm: study.plan(run, Path("recipe"), [], tmp_path) for run in runs}
    assert steps == {"a": 120, "b": 300, "like_b": 600}
