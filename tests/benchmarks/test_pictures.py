"""The benchmarks of pictures: what they find in each layout, and their commands."""

import csv
import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from pellucid import UNetConfig
from pellucid.benchmarks import running
from pellucid.benchmarks.blur import blur_benchmark
from pellucid.benchmarks.cc import cc_benchmark
from pellucid.benchmarks.models import PictureModel, fingerprint
from pellucid.benchmarks.nam import nam_benchmark
from pellucid.benchmarks.polyu import polyu_benchmark
from pellucid.benchmarks.rain import rain_benchmark
from pellucid.benchmarks.running import run, untouched
from pellucid.checkpoint import save_network
from pellucid.cli.parser import parse
from pellucid.data.pairs import LAYOUTS, split_by_scene
from pellucid.data.picture_sets import Scenes
from pellucid.errors import FileError, PellucidError
from pellucid.io import write_picture
from pellucid.networks.picture import PictureConfig


def picture(seed: int, size: tuple[int, int] = (40, 48)) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    small = torch.rand(1, 3, 7, 8, generator=generator)
    return F.interpolate(small, size, mode="bicubic")[0].clamp(0, 1)


def write(folder: Path, *pairs: str, size: tuple[int, int] = (40, 48)) -> Path:
    """Pairs `input target`, the first with noise."""
    for seed, pair in enumerate(pairs):
        clean = picture(seed, size)
        noise = 0.05 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(99))
        for name, values in zip(pair.split(), (clean + noise, clean), strict=True):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            write_picture(folder / name, values.clamp(0, 1))
    return folder


@pytest.fixture
def net(tmp_path: Path) -> str:
    """Weights of a small network of pictures that is not the identity."""
    config = PictureConfig(UNetConfig(shuffle=2, widths=(4, 6)))
    torch.manual_seed(0)
    network = config.build()
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.05)
    save_network(network, config, tmp_path / "net.safetensors")
    return str(tmp_path / "net.safetensors")


@pytest.fixture
def polyu(tmp_path: Path) -> Path:
    scenes = [f"Sony_{scene}_{n}" for scene in "abcd" for n in (1, 2)]
    return write(tmp_path / "polyu", *(f"{s}_real.png {s}_mean.png" for s in scenes))


def found(benchmark) -> list[tuple[str, str, str]]:
    return [(item.group, item.name, item.scene) for item in benchmark.items]


# -- what is found ---------------------------------------------------------------------------------


def test_polyus_default_rows_are_the_scenes_that_recipes_hold_out(polyu):
    kept, held = split_by_scene(LAYOUTS["polyu"].pairs(polyu), 0.5)
    names = {
        part: [name for _, name, _ in found(polyu_benchmark(polyu, scenes))]
        for part, scenes in (
            ("kept", Scenes("kept")),
            ("held_out", Scenes("held_out")),
            ("all", None),
        )
    }
    assert names["held_out"] == [pair.name for pair in held]
    assert names["kept"] == [pair.name for pair in kept]
    assert sorted(names["kept"] + names["held_out"]) == sorted(names["all"])
    scenes = [scene for _, _, scene in found(polyu_benchmark(polyu, Scenes("held_out")))]
    assert len(set(scenes)) == 2 and len(scenes) == 4
    (polyu / "CroppedImages").mkdir()
    for path in list(polyu.glob("*.png")):
        path.rename(polyu / "CroppedImages" / path.name)
    assert [n for _, n, _ in found(polyu_benchmark(polyu, None))] == names["all"]


def test_cc_and_nam(tmp_path):
    name = "5dmark3_iso3200_1"
    cc = write(tmp_path / "cc", f"{name}_real.png {name}_mean.png")
    assert found(cc_benchmark(cc)) == [("", name, name)]
    cameras = write(tmp_path / "nam", "D800/C_1_real.png D800/C_1_mean.png")
    assert found(nam_benchmark(cameras)) == [("", "D800/C_1", "D800/C")]
    folders = write(tmp_path / "cut", "noisy/1.png clean/1.png")
    assert [name for _, name, _ in found(nam_benchmark(folders))] == ["1"]
    with pytest.raises(FileError, match="unlike this benchmark; expected .*_real and .*_mean"):
        cc_benchmark(folders)
    (cc / f"{name}_mean.png").unlink()
    with pytest.raises(FileError, match=f"lacks .*_mean of {name}_real.png"):
        cc_benchmark(cc)


def test_rain_sets_are_groups_and_lists_are_read(tmp_path):
    sets = write(
        tmp_path / "test",
        "Rain100H/input/1.png Rain100H/target/1.png",
        "Rain100L/input/1.png Rain100L/target/1.png",
    )
    assert found(rain_benchmark(sets)) == [("Rain100H", "1", "1"), ("Rain100L", "1", "1")]
    assert found(rain_benchmark(sets / "Rain100L")) == [("", "1", "1")]
    crops = write(tmp_path / "r100h", "inputcrop/7.png cleancrop/7.png")
    assert found(rain_benchmark(crops)) == [("", "7", "7")]
    spa = write(tmp_path / "spa", "rain/1.png gt/1gt.png")
    (spa / "list.txt").write_text("/rain/1.png /gt/1gt.png\n")
    assert found(rain_benchmark(spa, spa / "list.txt")) == [("", "rain/1", "rain/1")]
    columns = [one.name for one in rain_benchmark(sets).columns]
    assert columns == ["psnr_y", "ssim_y", "psnr", "ssim"]


def test_blur_sets_are_told_apart_by_their_layout(tmp_path):
    gopro = write(tmp_path / "gopro", "G_11/blur/01.png G_11/sharp/01.png")
    realblur = write(tmp_path / "realblur", "scene5/blur/blur_7.png scene5/gt/gt_7.png")
    levin = write(tmp_path / "levin", "im1_kernel2_img.png gt/im1.png")
    cut = write(tmp_path / "cut", "input/G_11-01.png target/G_11-01.png")
    (realblur / "list.txt").write_text("scene5/gt/gt_7.png scene5/blur/blur_7.png 0.5\n")
    known = {
        "gopro": (blur_benchmark(gopro), "G_11", "11x11x11 Gaussian"),
        "realblur": (blur_benchmark(realblur), "scene5", "warped to the truth"),
        "listed": (blur_benchmark(realblur, None, realblur / "list.txt"), "scene5", "warped"),
        "levin": (blur_benchmark(levin), "1", "moved by up to 5 pixels"),
        "cut": (blur_benchmark(cut), "G_11", "11x11x11 Gaussian"),
        "told": (blur_benchmark(cut, "realblur"), "G_11", "warped to the truth"),
    }
    for name, (benchmark, scene, words) in known.items():
        assert [item.scene for item in benchmark.items] == [scene], name
        assert words in benchmark.protocol, name


def test_levins_shift_is_undone(tmp_path):
    folder = tmp_path / "levin"
    clean = picture(3, (80, 80))
    (folder / "gt").mkdir(parents=True)
    write_picture(folder / "gt" / "im1.png", clean[:, 5:-5, 5:-5])
    write_picture(folder / "im1_kernel1_img.png", clean[:, 8:-2, 3:-7])
    (one,) = run(blur_benchmark(folder), {"input": untouched})
    assert one.scores["psnr"] == float("inf") and one.scores["ssim"] == pytest.approx(1)


# -- models ----------------------------------------------------------------------------------------


def test_pictures_restored_together_are_those_restored_alone(net):
    model = PictureModel(net, tile=32)
    pictures = [picture(seed) for seed in range(3)]
    together, alone = model(pictures), [model([one])[0] for one in pictures]
    for one, other, given in zip(together, alone, pictures, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=0)
        assert (one - given).abs().max() > 1e-3
    mixed = model([pictures[0], picture(1, (30, 31))])
    assert [one.shape for one in mixed] == [(3, 40, 48), (3, 30, 31)]
    assert fingerprint(net) != fingerprint("default") and fingerprint("input") == "input"


# -- commands --------------------------------------------------------------------------------------


def scores(folder: Path) -> list[dict[str, str]]:
    """All but the seconds."""
    rows = csv.DictReader((folder / "scores.csv").read_text().splitlines())
    return sorted(({k: v for k, v in row.items() if k != "seconds"} for row in rows), key=str)


def test_an_interrupted_command_goes_on_and_two_agree(polyu, net, tmp_path, monkeypatch, capsys):
    words = ["evaluate", "polyu", "--data", str(polyu), "--scenes", "all", "--model", net]
    words += ["--pictures", "1", "--batch", "2"]
    assert parse([*words, "--out", str(tmp_path / "whole")])() == 0
    real, calls = running.perf_counter, iter(range(9))

    def clock() -> float:
        if next(calls) > 4:
            raise KeyboardInterrupt
        return real()

    with monkeypatch.context() as patch:
        patch.setattr(running, "perf_counter", clock)
        with pytest.raises(KeyboardInterrupt):
            parse([*words, "--out", str(tmp_path / "part")])()
    assert 0 < len(scores(tmp_path / "part")) < 16
    assert not (tmp_path / "part" / "index.html").exists()
    assert parse([*words, "--out", str(tmp_path / "part")])() == 0
    assert scores(tmp_path / "part") == scores(tmp_path / "whole")
    reports = [
        json.loads((tmp_path / name / "summary.json").read_text()) for name in ("part", "whole")
    ]
    assert reports[0]["pictures"] == reports[1]["pictures"]
    assert reports[0]["comparisons"] == reports[1]["comparisons"]
    capsys.readouterr()
    with pytest.raises(PellucidError, match="holds scores of another evaluation: scenes was all"):
        parse([*words[:4], "--out", str(tmp_path / "part")])()
    assert sorted(p.name for p in (tmp_path / "part").iterdir()) == [
        "index.html",
        "pictures",
        "scores.csv",
        "settings.json",
        "summary.json",
        "table.md",
        "table.tex",
    ]


def test_pictures_without_truth_are_measured(tmp_path, net, capsys):
    for seed in range(2):
        (tmp_path / "in").mkdir(exist_ok=True)
        write_picture(tmp_path / "in" / f"{seed}.png", picture(seed, (110, 120)))
    (tmp_path / "few.flist").write_text("in/1.png\n")
    words = ["evaluate", "noreference", "--model", net, "--out", str(tmp_path / "out")]
    assert parse([*words, "--data", str(tmp_path / "in"), "--tile", "64"])() == 0
    heading, *rows = capsys.readouterr().out.splitlines()[:3]
    assert heading.split()[1:4] == ["NIQE", "noise", "edges"] and rows[0].split()[-1] == "2"
    page = (tmp_path / "out" / "index.html").read_text()
    assert page.count("<img") == 4 and "largest error" not in page
    words = ["evaluate", "noreference", "--data", str(tmp_path / "few.flist"), "--model", net]
    assert parse([*words, "--measures", "seams", "--tile", "64"])() == 0
    heading, given, restored = capsys.readouterr().out.splitlines()[:3]
    # The network knows its neighbours' pixels, so its tiles leave no seam.
    assert heading.split()[1] == "seams" and 0 < float(restored.split()[1]) < 3
    with pytest.raises(PellucidError, match="psnr needs a truth"):
        parse([*words, "--measures", "psnr"])()


def test_a_model_of_niqe_is_fitted(tmp_path, capsys):
    (tmp_path / "photos").mkdir()
    for seed in range(2):
        noise = torch.rand(3, 800, 700, generator=torch.Generator().manual_seed(seed))
        write_picture(tmp_path / "photos" / f"{seed}.png", noise)
    model = str(tmp_path / "niqe.safetensors")
    words = ["evaluate", "fit-niqe", str(tmp_path / "photos"), "--reduce", "1", "-o", model]
    assert parse(words)() == 0 and "of 2 photographs" in capsys.readouterr().out
    words = ["evaluate", "noreference", "--data", str(tmp_path / "photos"), "--niqe", model]
    assert parse([*words, "--measures", "niqe"])() == 0
    heading, row, protocol = capsys.readouterr().out.splitlines()[:3]
    assert float(row.split()[1]) < 5 and f"NIQE by {model}" in protocol


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--measures sharpness", "--measures sharpness: expected some of psnr, ssim"),
        ("--measures lpips", "lpips needs weights; expected --lpips FILE,FILE"),
        ("--model missing", "missing: no such model"),
        ("--device moon", "--device moon: not on this machine"),
        ("--out no/such/net.safetensors/x", "no"),
        ("--json no/rows.json", "the folder no does not exist"),
        ("--model default", "the model restores raw photographs; expected a raw"),
    ],
)
def test_what_makes_no_sense_is_refused(polyu, words, said, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "no").write_text("a file")
    if "--json" in words:
        (tmp_path / "no").unlink()
    with pytest.raises(PellucidError, match=said):
        parse(["evaluate", "polyu", "--data", str(polyu), *words.split()])()


def test_the_faulty_metric_stands_beside_the_right_one(polyu, capsys):
    words = ["evaluate", "polyu", "--data", str(polyu), "--measures", "psnr_noiseda"]
    assert parse(words)() == 0
    heading, _, protocol = capsys.readouterr().out.splitlines()[:3]
    assert heading.split()[1:3] == ["PSNR", "PSNR-noiseda"] and "faulty" in protocol
