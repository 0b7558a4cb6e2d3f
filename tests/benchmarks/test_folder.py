import json
import math
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from pellucid.benchmarks.folder import folder_benchmark
from pellucid.benchmarks.running import each, run, untouched
from pellucid.benchmarks.summary import summary, write_json
from pellucid.cli.parser import parse
from pellucid.data.pairs import folder_pairs
from pellucid.errors import FileError, NetworkError, PellucidError
from pellucid.metrics.niqe import Niqe


@pytest.fixture
def folders(tmp_path):
    stream = np.random.RandomState(0)
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
    for name in ("1.png", "2.png", "10.png"):
        clean = stream.randint(20, 230, (24, 30, 3))
        noisy = clean + stream.normal(0, 9, clean.shape)
        Image.fromarray(clean.astype(np.uint8)).save(tmp_path / "out" / name)
        Image.fromarray(noisy.astype(np.uint8)).save(tmp_path / "in" / name)
    return tmp_path / "in", tmp_path / "out"


def judge(folders, **models):
    benchmark = folder_benchmark(*folders)
    judged = list(run(benchmark, models))
    return judged, summary(judged, benchmark.columns)


def test_scores_are_those_of_8_bit_rgb(folders):
    pairs = folder_pairs(*folders)
    judged, said = judge(folders, input=untouched, half=each(lambda p: p + 0.4 / 255))
    assert [one.item for one in judged] == ["1", "1", "2", "2", "10", "10"]
    for one, pair in zip(judged[::2], pairs, strict=True):
        given, target = (np.asarray(Image.open(path)) for path in pair[1:])
        psnr = peak_signal_noise_ratio(target, given)
        assert one.scores["psnr"] == pytest.approx(psnr, abs=1e-4)
        ssim = structural_similarity(
            target,
            given,
            channel_axis=-1,
            gaussian_weights=True,
            use_sample_covariance=False,
            sigma=1.5,
        )
        assert one.scores["ssim"] == pytest.approx(ssim, abs=5e-3)
    found, rounded = said.rows
    assert (found.model, rounded.model, found.n) == ("input", "half", 3)
    assert found.means["psnr"] == pytest.approx(np.mean([j.scores["psnr"] for j in judged[::2]]))
    # Less than half a level is rounded away, so both score the same.
    assert rounded.means == found.means


def test_restored_pictures_are_clipped(folders):
    wild = each(lambda p: torch.full_like(p, 5.0))
    white = each(lambda p: torch.ones_like(p))
    judged, _ = judge(folders, wild=wild, white=white)
    assert [one.scores for one in judged[::2]] == [one.scores for one in judged[1::2]]


def test_equal_pictures_are_null_in_json(folders, tmp_path):
    judged, said = judge((folders[1], folders[1]), input=untouched)
    means = said.rows[0].means
    assert math.isinf(means["psnr"]) and means["ssim"] == pytest.approx(1)
    write_json(tmp_path / "report.json", judged, said, {"benchmark": "folder"})
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["rows"][0]["psnr"] is None and report["pictures"][0]["psnr"] is None
    assert report["settings"]["benchmark"] == "folder"


def test_pictures_too_small_for_ssim_are_refused(tmp_path):
    Image.new("RGB", (30, 9)).save(tmp_path / "1.png")
    with pytest.raises(FileError, match=r"1.png: is 9x30; expected 11x11 or more"):
        judge((tmp_path, tmp_path), input=untouched)


def test_the_command_scores_the_input_and_writes_json(folders, tmp_path, capsys):
    words = ["evaluate", "folder", "--input", str(folders[0]), "--target", str(folders[1])]
    assert parse([*words, "--json", str(tmp_path / "scores.json"), "--limit", "2"])() == 0
    heading, row, protocol, _ = capsys.readouterr().out.splitlines()
    assert heading.split() == ["model", "PSNR", "SSIM", "seconds", "n"]
    assert protocol.startswith("protocol: clipped to [0, 1]; rounded to 8 bits;")
    report = json.loads((tmp_path / "scores.json").read_text())
    assert row.split()[0] == "input" and row.split()[-1] == "2"
    assert float(row.split()[1]) == pytest.approx(report["rows"][0]["psnr"], abs=0.01)
    assert [one["picture"] for one in report["pictures"]] == ["1", "2"]


def test_scores_of_changed_pictures_are_not_taken_for_those_of_the_new_ones(folders, tmp_path):
    def words(parent):
        sides = ["--input", str(parent / "in"), "--target", str(parent / "out")]
        return ["evaluate", "folder", *sides, "--out", str(tmp_path / "report")]

    assert parse([*words(tmp_path), "--limit", "2"])() == 0
    moved = tmp_path / "moved"
    for side in folders:
        shutil.copytree(side, moved / side.name)
    assert parse(words(moved))() == 0  # the same files, elsewhere
    scores = (tmp_path / "report" / "scores.csv").read_text()
    assert len(scores.splitlines()) == 4
    for changed in ("in/10.png", "out/1.png"):
        path = tmp_path / changed
        kept = path.read_bytes()
        Image.open(path).rotate(180).save(path)
        message = rf"holds scores of another evaluation: files: {changed} was \w+, is \w+; expected"
        with pytest.raises(PellucidError, match=message):
            parse(words(tmp_path))()
        path.write_bytes(kept)
    (folders[0] / "3.png").write_bytes((folders[0] / "1.png").read_bytes())
    (folders[1] / "3.png").write_bytes((folders[1] / "1.png").read_bytes())
    with pytest.raises(PellucidError, match=r"files: in/3.png was None, is \w+"):
        parse(words(tmp_path))()
    assert (tmp_path / "report" / "scores.csv").read_text() == scores


def test_a_model_of_niqe_that_changed_is_told(folders, tmp_path):
    niqe = tmp_path / "niqe.safetensors"
    Niqe(torch.zeros(36), torch.eye(36)).save(niqe)
    words = ["evaluate", "noreference", "--data", str(folders[0]), "--niqe", str(niqe)]
    words += ["--measures", "niqe", "--out", str(tmp_path / "report")]
    assert parse(words)() == 0
    Niqe(torch.ones(36), torch.eye(36)).save(niqe)
    with pytest.raises(PellucidError, match=r"measures: niqe.safetensors was \w+, is \w+"):
        parse(words)()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            ["--border", "7"],
            "out/1.png: is 24x30; expected 25x25 or more with a border of 7",
        ),
        (["--skip", "3"], "folder has no items left to judge; expected one or more"),
        (["--out", "in"], "in: holds other files; expected scores or a new folder"),
    ],
)
def test_what_leaves_nothing_to_score_or_would_fill_a_folder_is_one_line(
    folders, tmp_path, monkeypatch, more, message
):
    monkeypatch.chdir(tmp_path)
    words = ["evaluate", "folder", "--input", "in", "--target", "out"]
    with pytest.raises(PellucidError, match=f"^{message}$"):
        parse([*words, *more])()
    assert {path.name for path in folders[0].iterdir()} == {"1.png", "2.png", "10.png"}


def test_lists_of_paths_are_read_line_by_line(folders, tmp_path, capsys):
    names = ("10.png", "1.png", "2.png")
    for side in folders:
        lines = "".join(f"{side.name}/{name}\n" for name in names)
        (tmp_path / f"{side.name}.flist").write_text(lines)
    listed = [tmp_path / f"{side.name}.flist" for side in folders]
    judged, said = judge(listed, input=untouched)
    assert [one.item for one in judged] == ["10", "1", "2"]
    assert said.rows[0].means == pytest.approx(judge(folders, input=untouched)[1].rows[0].means)
    listed[1].write_text("out/1.png\n")
    with pytest.raises(FileError, match="names 3 pictures for 1 in .*; expected as many"):
        folder_benchmark(*listed)
    listed[1].write_text("out/9.png\n")
    with pytest.raises(FileError, match="names out/9.png, which is not there"):
        folder_benchmark(*listed)


def test_the_command_refuses_unpaired_folders_and_models_of_raws(folders):
    (folders[0] / "2.png").unlink()
    words = ["evaluate", "folder", "--input", str(folders[0]), "--target", str(folders[1])]
    with pytest.raises(FileError, match="lacks the partner of 2.png; expected pairs by name"):
        parse(words)()
    (folders[1] / "2.png").unlink()
    with pytest.raises(NetworkError, match="the model restores raw photographs"):
        parse([*words, "--model", "default"])()
