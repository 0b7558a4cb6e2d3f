"""The leaderboard of a tiny data set: whole, said, resumed."""

import json
import sys
from types import SimpleNamespace

import leaderboard
import leaderboard_rows
import leaderboard_tables
import numpy as np
import pytest
import rivals
from PIL import Image

from pellucid.benchmarks.models import INPUT
from pellucid.errors import PellucidError

SETS = {"kodak": "kodak", "polyu": "polyu", "rain100h": "rain", "levin": "levin"}


def put(path, seed, noise=0):
    stream = np.random.RandomState(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    small = Image.fromarray(stream.randint(40, 216, (5, 5, 3), dtype=np.uint8))
    clean = np.asarray(small.resize((64, 64), Image.Resampling.BICUBIC)).astype(float)
    noisy = clean + noise * np.random.RandomState(seed + 100).normal(size=clean.shape)
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(path)


@pytest.fixture
def data(tmp_path):
    for n in range(2):
        put(tmp_path / "kodak" / f"{n}.png", n)
        put(tmp_path / "levin" / f"im1_kernel{n}_img.png", 9, 5)
        for place in "abcd":
            stem = f"cam_{place}_{n}"
            put(tmp_path / "polyu" / f"{stem}_real.JPG", n, 15)
            put(tmp_path / "polyu" / f"{stem}_mean.JPG", n)
    put(tmp_path / "levin" / "gt" / "im1.png", 9)
    for n in range(3):
        put(tmp_path / "rain" / "inputcrop" / f"{n}.png", n, 30)
        put(tmp_path / "rain" / "cleancrop" / f"{n}.png", n)
    return tmp_path


@pytest.fixture
def board(monkeypatch):
    """The script, its rivals replaced by a blur, BM3D absent."""

    def blurred(pixels, *told):
        return ((pixels + np.roll(pixels, 1, 0).astype(float)) / 2).astype(pixels.dtype)

    cv2 = SimpleNamespace(
        fastNlMeansDenoising=lambda pixels, strengths: blurred(pixels),
        fastNlMeansDenoisingColored=blurred,
        __version__="0",
    )
    shrink = SimpleNamespace(denoise_wavelet=lambda pixels, sigma, **how: blurred(pixels))
    monkeypatch.setattr(rivals, "opencv", lambda: cv2)
    skimage = SimpleNamespace(restoration=shrink, __version__="0")
    monkeypatch.setattr(rivals, "scikit_image", lambda: skimage)
    monkeypatch.setattr(leaderboard_tables, "TRAINED_ON", 1)
    monkeypatch.setitem(sys.modules, "bm3d", None)
    return leaderboard


def arguments(data, *words, sets=SETS):
    given = [word for name in sets for word in (f"--{name}", str(data / SETS[name]))]
    return ["leaderboard.py", *given, "--classical", "none.json", "--out", str(data), *words]


def run(board, monkeypatch, data, *words, sets=SETS):
    monkeypatch.setattr(sys, "argv", arguments(data, *words, sets=sets))
    board.main()
    rows = json.loads((data / "results" / "leaderboard.json").read_text())["rows"]
    return (data / "leaderboard.md").read_text(), rows


def test_one_command_makes_the_whole_page(board, data, monkeypatch):
    page, rows = run(board, monkeypatch, data, "--limit", "2")
    made = {table: {row["model"] for row in each} for table, each in rows.items()}
    assert made == {
        "raw": {INPUT, "default", "gat_nlm", "gat_wavelets"},
        "gaussian": {INPUT, "denoise", "nlm", "wavelets"},
        "polyu": {INPUT, "denoise", "nlm", "wavelets"},
        "rain": {INPUT, "derain"},
        "blur": {INPUT, "deblur"},
    }
    assert {table: len(each) for table, each in rows.items()} == {
        "raw": 2 * 3 * 4, "gaussian": 8, "polyu": 8, "rain": 4, "blur": 4,
    }  # fmt: skip
    assert page.count("\n## ") == page.count("\n- Split: ") == page.count("\n- Protocol: ") == 5
    commands = [line for line in page.splitlines() if line.startswith("- `") and ", 20" in line]
    assert len(commands) == sum(map(len, made.values()))
    assert "- `cbm3d` was not run: bm3d is not installed" in page
    assert "Not given" not in page and str(data) not in page
    assert "pellucid evaluate rain --data rain --skip 1 --limit 2 --model derain" in page
    assert "first 2 of 4 pairs" in page and "All 2 pictures" in page


def test_what_is_not_given_is_said(board, data, monkeypatch):
    page, rows = run(board, monkeypatch, data, sets=["levin"])
    assert list(rows) == ["blur"] and page.count("\n## ") == 1
    (line,) = (line for line in page.splitlines() if line.startswith("Not given"))
    assert all(f"--{name}" in line for name in ("kodak", "polyu", "rain100h"))
    with pytest.raises(PellucidError, match="no data; expected some of --kodak"):
        run(board, monkeypatch, data, sets=[])


def test_an_interrupted_run_goes_on(board, data, monkeypatch):
    sets = ["polyu"]
    whole, rows = run(board, monkeypatch, data, "--fresh", sets=sets)
    (data / "results" / "leaderboard.json").unlink()
    calls, nlm = [], rivals.nlm

    def counted(picture, sigma):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return nlm(picture, sigma)

    monkeypatch.setattr(rivals, "nlm", counted)
    with pytest.raises(KeyboardInterrupt):
        run(board, monkeypatch, data, sets=sets)
    kept = json.loads((data / "results" / "leaderboard.json").read_text())["rows"]["polyu"]
    assert sum(row["model"] == "nlm" for row in kept) == 2
    page, again = run(board, monkeypatch, data, sets=sets)
    assert len(calls) == 3 + 4 - 2
    scores = [
        {(r["model"], r["item"]): r["scores"] for r in each["polyu"]} for each in (rows, again)
    ]
    assert scores[0] == scores[1] and len(scores[0]) == 16
    assert [row for row in again["polyu"] if row in kept] == kept
    calls.clear()
    run(board, monkeypatch, data, sets=sets)
    assert calls == []


def test_rows_of_other_packages_or_settings_are_made_again(board, data, monkeypatch, capsys):
    _, rows = run(board, monkeypatch, data, sets=["polyu"])
    path = data / "results" / "leaderboard.json"
    held = json.loads(path.read_text())
    for row in held["rows"]["polyu"]:
        row["commit"] = "before"
    path.write_text(json.dumps(held))
    rivals.opencv().__version__ = "1"
    page, rows = run(board, monkeypatch, data, sets=["polyu"])
    commits = {row["model"]: row["commit"] for row in rows["polyu"]}
    assert commits["nlm"] != "before" == commits["wavelets"] == commits["denoise"]
    assert "- `denoise` (before, " in page and "nlm again" in capsys.readouterr().out
    held["settings"]["polyu"]["threads"] = -1
    path.write_text(json.dumps(held))
    _, rows = run(board, monkeypatch, data, sets=["polyu"])
    assert "before" not in {row["commit"] for row in rows["polyu"]}
    assert "all rows again, for threads was -1" in capsys.readouterr().out
    path.write_text("{}")
    with pytest.raises(PellucidError, match="--fresh"):
        run(board, monkeypatch, data, sets=["polyu"])


def test_classical_rows_count_only_where_their_input_agrees(board, data, monkeypatch):
    page, rows = run(board, monkeypatch, data, sets=["kodak"])
    groups = {row["group"]: 0.0 for row in rows["raw"]}
    inputs = {g: [] for g in groups}
    for row in rows["raw"]:
        if row["model"] == INPUT:
            inputs[row["group"]].append(row["scores"]["psnr"])
    classical = data / "classical.json"

    def write(shift, **known):
        found = []
        for group, values in inputs.items():
            shot, read, tone = (float(word.split()[1]) for word in group.split(", "))
            level = {"noise_level": shot, "read": read, "tone": tone, "ssim": 0.5, "n": 2}
            level |= {"seconds": 1.0, **known}
            mean = sum(values) / len(values) + shift
            found.append({"model": INPUT, "psnr": mean, **level})
            found.append({"model": "cbm3d", "psnr": 12.34, **level})
        settings = {"photos": "kodak", "limit": 6, "threads": board.machine()["threads"]}
        classical.write_text(json.dumps({"settings": settings, "rows": found}))

    write(0.0)  # as older files are: without PSNR to the scene
    page, _ = run(board, monkeypatch, data, "--classical", str(classical), sets=["kodak"])
    assert "12.34" not in page
    write(0.0, psnr_colour=11.5)
    page, _ = run(board, monkeypatch, data, "--classical", str(classical), sets=["kodak"])
    assert page.count("cbm3d | 12.34") == 3 and "`cbm3d` (of classical.json)" in page
    write(0.01, psnr_colour=11.5)
    page, _ = run(board, monkeypatch, data, "--classical", str(classical), sets=["kodak"])
    assert "12.34" not in page and "`cbm3d` was not run" in page


def test_more_models_and_fewer_rows(board, data, monkeypatch):
    words = ["--also", "blur", "denoise", "--rows", "denoise"]
    page, rows = run(board, monkeypatch, data, *words, sets=["levin", "polyu"])
    assert {row["model"] for row in rows["blur"]} == {INPUT, "denoise"}
    assert {row["model"] for row in rows["polyu"]} == {INPUT, "denoise"}
    assert "pellucid evaluate blur --data levin --model denoise" in page
    words = ["--also", "blur", "nothing.pth"]
    page, _ = run(board, monkeypatch, data, *words, sets=["levin"])
    assert "`nothing.pth` was not run: nothing.pth: no such model" in page
    with pytest.raises(PellucidError, match="^--also fog: expected one of raw"):
        run(board, monkeypatch, data, "--also", "fog", "denoise", sets=["levin"])


def test_the_row_store_refuses_what_it_did_not_write(board, tmp_path):
    (tmp_path / "a.json").write_text('{"rows": {"raw": [{"model": "x"}]}}')
    with pytest.raises(PellucidError, match="holds no leaderboard"):
        leaderboard_rows.LeaderboardRows(tmp_path / "a.json")
    assert leaderboard_rows.LeaderboardRows(tmp_path / "a.json", fresh=True).journals == {}
