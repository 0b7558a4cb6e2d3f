import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import study_report as report
from PIL import Image

MARKERS = ("main", "scene", "ablations")
FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def runs(tmp_path):
    """Scores of a study whose dual arm gains 1 dB, give or take 0.1, and whose ahd gains 2 dB."""
    study = report.Study.read(FOLDER / "study_dual_domain.yaml")
    base = {"raw": 30.0, "srgb": 29.0, "dual": 31.0, "dual_short": 30.5, "loss_l1": 30.55}
    colours = {"demosaic_ahd": 28.0, "truth_colour_ahd": 28.0}
    colours |= {"srgb_scene": 27.0, "dual_scene": 28.5}
    for run in study.runs:
        value = base.get(run.arm, 30.0) + (0.1 if run.arm == "dual" else 0) * (2 * run.seed - 1)
        rows = [
            {"model": name, "noise_level": k, "tone": a, "psnr": value, "psnr_colour": colour}
            for k in (*study.noise_levels, 1e-5)
            for a in study.tones
            for name, colour in ((run.arm, colours.get(run.arm, 26.0)), ("input", 1.0))
        ]
        folder = run.folder(tmp_path)
        folder.mkdir()
        (folder / "scores.json").write_text(json.dumps({"rows": rows}))
        (tmp_path / f"{run.arm}.plan.json").write_text('{"seconds_per_step": 0.2}')
    return study, tmp_path


def test_the_main_table_says_what_dual_gains_and_how_far_seeds_spread(runs):
    table = report.main_table(*runs)
    assert table.count("| 30.00 | 29.00 | 31.00 | +1.00 ± 0.10 |") == 12
    assert "+1.00 dB at tone 0.5" in table


def test_ablations_below_the_spread_are_ties_and_demosaickers_are_judged_in_colour(runs):
    lines = {line.split("|")[1].strip(): line for line in report.ablation_table(*runs).split("\n")}
    assert lines["loss_l1"].count("+0.05 (tie)") == 3
    assert lines["demosaic_ahd"].count("+2.00 |") == 3
    assert lines["demosaic_nearest"].count("+0.00 (tie)") == 3
    assert lines["map_none"].count("-0.50 |") == 3
    assert "dual_short" not in lines and "raw" not in lines


def test_arms_of_the_scene_are_judged_by_it_among_themselves(runs):
    study, folder = runs
    table = report.main_table(study, folder, report.SCENE)
    assert table.count("| 26.00 | 27.00 | 28.50 | +1.50 ± 0.00 |") == 12
    assert "scene" not in report.ablation_table(study, folder)


def test_a_seed_that_has_not_run_is_not_compared(runs):
    study, folder = runs
    (folder / "dual-seed1" / "scores.json").unlink()
    table = report.main_table(study, folder)
    assert table.count("| 30.00 | 29.00 | 30.90 | +0.90 |") == 12
    assert "Seeds of raw only, sRGB only, dual: 2, 2, 1." in table


def test_an_arm_that_has_not_run_is_left_out(runs):
    study, folder = runs
    (folder / "map_none-seed0" / "scores.json").unlink()
    assert "map_none" not in report.ablation_table(study, folder)


def test_the_page_keeps_what_is_written_by_hand(runs, tmp_path, monkeypatch):
    study, folder = runs
    page = tmp_path / "page.md"
    marks = "".join(f"<!-- {name} -->old<!-- /{name} -->\n" for name in MARKERS)
    page.write_text(f"By hand.\n{marks}Also by hand.")
    (tmp_path / "images").mkdir()
    words = [str(FOLDER / "study_dual_domain.yaml"), "--runs", str(folder), "--docs", str(page)]
    words += ["--record", str(tmp_path / "all.json")]
    monkeypatch.setattr(sys, "argv", ["study_report.py", *words])
    report.main()
    text = page.read_text()
    assert text.startswith("By hand.") and text.endswith("Also by hand.") and "old" not in text
    kept = json.loads((tmp_path / "all.json").read_text())
    assert kept["dual-seed1"] == json.loads((folder / "dual-seed1/scores.json").read_text())
    assert (tmp_path / "images" / "study_gains.png").stat().st_size > 1000
    with pytest.raises(SystemExit, match="expected both markers"):
        report.between("nothing", "main", "")


def test_a_record_brings_scores_and_paces_to_another_machine(runs, tmp_path, monkeypatch):
    study, folder = runs
    record, elsewhere, page = (tmp_path / name for name in ("all.json", "elsewhere", "page.md"))
    report.write_record(record, study.runs, folder)
    # There, one arm was scored anew, and those that the study compares are not known.
    changed = {
        name: scores
        for name, scores in json.loads(record.read_text()).items()
        if name.rsplit("-")[0] not in (*report.MOSAIC.arms, *report.SCENE.arms)
    }
    record.write_text(json.dumps(changed))
    anew = elsewhere / "map_none-seed0" / "scores.json"
    anew.parent.mkdir(parents=True)
    anew.write_text((folder / "dual_short-seed0" / "scores.json").read_text())
    marks = "".join(f"<!-- {name} -->kept<!-- /{name} -->" for name in MARKERS)
    page.write_text(marks)
    words = [str(FOLDER / "study_dual_domain.yaml"), "--runs", str(elsewhere), "--docs", str(page)]
    monkeypatch.setattr(sys, "argv", ["study_report.py", *words, "--record", str(record)])
    report.main()
    assert "kept" in page.read_text() and "| loss_l1 | +0.05 |" in page.read_text()
    assert json.loads(record.read_text()) == {
        **changed,
        "map_none-seed0": json.loads(anew.read_text()),
    }
    plan = json.loads((elsewhere / "demosaic_ahd.plan.json").read_text())
    assert plan["seconds_per_step"] == 0.2
    assert not (tmp_path / "images").exists()


def test_the_pictures_show_arms_as_the_truth_is_rendered(runs, tmp_path, monkeypatch):
    shades, asked = np.random.RandomState(0).randint(0, 256, (160, 160, 3), np.uint8), []
    (tmp_path / "photos").mkdir()
    for number in range(19):
        Image.fromarray(shades).save(tmp_path / "photos" / f"{number:02}.png")

    def load(folder, highlights="rebuilt"):
        asked.append(highlights)
        return lambda raw, _, rendering: SimpleNamespace(srgb=report.isp_alone(raw, rendering))

    monkeypatch.setattr(report, "Restorer", SimpleNamespace(load=load))
    report.pictures(*runs, tmp_path / "photos", tmp_path / "crops.jpg", report.SCENE)
    assert asked == ["roll"] * 3
    with Image.open(tmp_path / "crops.jpg") as sheet:
        assert sheet.width == 5 * 256
