import json
from pathlib import Path

import numpy as np
import pytest
import study_adaptation as study
import study_adaptation_report
import study_tests
import torch
import yaml
from PIL import Image

from pellucid import read_raw
from pellucid.training.recipe import Call
from pellucid.training.run import RunFolderCLI, classes_of

FOLDER = Path(__file__).parents[2] / "benchmarks"
QUEUE = FOLDER / "study_adaptation.yaml"


class Parser(RunFolderCLI):
    """Reads the command line and builds nothing."""

    def instantiate_classes(self) -> None:
        pass


def test_starts_come_before_what_goes_on_from_them_and_minutes_are_equal():
    read = study.Study.read(QUEUE)
    places = {(run.arm, run.seed): place for place, run in enumerate(read.runs)}
    totals: dict[str, set[float]] = {}
    for run in read.runs:
        start = read.arms[run.arm].start
        assert run.minutes <= 20
        if start is not None:
            assert places[start, run.seed] < places[run.arm, run.seed]
            domain = read.said["arms"][run.arm]["domain"]
            totals.setdefault(domain, set()).add(run.minutes)
    assert all(len(minutes) == 1 for minutes in totals.values()), totals
    ablation = [
        run for run in read.runs if run.arm.startswith("camera_") and "start" not in run.arm
    ]
    assert len(ablation) == 12


KINDS = "camera_none camera_low_t camera_adapted polyu_swapped rain_swapped blur_swapped raw_start "
KINDS += "raw_swapped dncnn_start restormer_start"


def test_arms_say_what_a_recipe_may_say():
    read = study.Study.read(QUEUE)
    folders = {name: "." for name in ("source", "target", "polyu", "levin", "target_raws")}
    for name in KINDS.split():
        arm = read.arms[name]
        words = [f"--config={arm.recipe}", "--trainer.logger=false"]
        words += [study.filled(each, folders | {"runs": "r", "seed": "1"}) for each in arm.options]
        classes = classes_of(Call.of(words).training)
        config = Parser(*classes, run=False, save_config_callback=None, args=words).config
        about = read.said["arms"][name]
        if "adaptation" in about:
            adaptation = config.model.adaptation
            assert adaptation.arrange == about["adaptation"].get("arrange", "shuffled")
            assert (adaptation.contrast is None) == ("contrast" in about["adaptation"])
            assert adaptation.critic.shuffle == 2 and config.data.real is not None
        assert (config.model.weights is not None) == ("start" in about)


def test_the_same_bad_pictures_and_raws_are_made_once(tmp_path):
    made_once = study_tests
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("a", "b", "c"):
        pixels = np.random.RandomState(0).randint(0, 256, (48, 52, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(photos / f"{name}.png")
    made = tmp_path / "made"
    stores = made_once.halves(photos, made, ["c.png"])
    raws = made_once.make_raws(Path(stores["target"]), [photos / "a.png"], made)
    said = {"tests": {"bad": {"clean": "$photos", "degradation": {"kind": "rain"}}}}
    tests = study.tests_of(said, ["bad"], {"photos": str(photos)})
    pairs = made_once.pairs_of("bad", tests["bad"], made)
    assert [pair.name for pair in pairs] == ["a", "b", "c"]
    files = {path: path.stat().st_mtime_ns for path in made.rglob("*.[dp]n[g]")}
    assert len(files) > 25
    made_once.make_raws(Path(stores["target"]), [photos / "a.png"], made)
    made_once.pairs_of("bad", tests["bad"], made)
    assert files == {path: path.stat().st_mtime_ns for path in made.rglob("*.[dp]n[g]")}
    (truth,) = (Path(raws["target_raws"]) / "clean").iterdir()
    noisy, clean = (read_raw(truth.parents[1] / k / truth.name) for k in ("noisy", "clean"))
    error = noisy.mosaic - clean.mosaic
    # Black is not where the file says, and rows have offsets of their own.
    assert error.mean() > 1e-3 and noisy.noise is None
    rows = error.mean((0, 2))
    assert rows.std() > 1.1 * error.std() / error.shape[-1] ** 0.5


def test_a_missing_folder_is_asked_for():
    with pytest.raises(SystemExit, match="expected --folder polyu=DIR"):
        study.filled("$polyu/x", {"levin": "."})
    assert json.loads(study.filled(json.dumps({"a": "$levin"}), {"levin": "."})) == {"a": "."}
    assert yaml.safe_load(QUEUE.read_text())["domains"] and torch.get_num_threads() > 0


def test_the_report_says_what_adapting_gains_and_what_is_missing(tmp_path):
    report = study_adaptation_report
    read = study.Study.read(QUEUE)
    values = {"camera_start": 20.0, "camera_none": 21.0, "camera_swapped": 23.0}
    for run in read.runs:
        if run.arm in values:
            psnr = values[run.arm] + (0.5 * run.seed if run.arm == "camera_swapped" else 0)
            rows = [{"model": "input", "psnr": 15.0}, {"model": run.arm, "psnr": psnr}]
            folder = run.folder(tmp_path)
            folder.mkdir()
            tests = dict.fromkeys(read.arms[run.arm].tests, rows)
            (folder / "scores.json").write_text(json.dumps({"tests": tests}))
    table = report.domain_table(read, tmp_path, "camera").splitlines()
    assert table[2].startswith("| (input) | | 15.00 | 15.00")
    assert table[3].startswith("| camera_start | 2 | 20.00 ± 0.00 |")
    assert table[5].startswith("| camera_swapped | 2 | 23.25 (**+2.25** ± 0.25) |")
    assert len(table) == 6
    assert report.domain_table(read, tmp_path, "rain") == "Not run yet."


def test_a_shard_has_the_starts_of_all_its_runs():
    read = study.Study.read(QUEUE)
    starts = {name: arm.start for name, arm in read.arms.items()}
    shards = [study.share(read.runs, starts, first, 2) for first in range(2)]
    assert all(shards) and sorted(map(str, shards[0] + shards[1])) == sorted(map(str, read.runs))
    for runs in shards:
        held = {(run.arm, run.seed) for run in runs}
        begins = {(starts[run.arm], run.seed) for run in runs if starts[run.arm]}
        assert begins <= held
