"""The dual benchmark: built twice the same, scored in both domains."""

import json
import shutil
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from pellucid import Camera, DualDomainConfig, UNetConfig, unrender
from pellucid.bayer import pack
from pellucid.benchmarks import foreign_isps
from pellucid.benchmarks.dual import dual_benchmark, dual_models
from pellucid.benchmarks.dual_build import (
    DualConfig,
    build_dual,
    corner_gain,
    taken,
    write_dual_dng,
)
from pellucid.benchmarks.running import run
from pellucid.checkpoint import save_network
from pellucid.cli import main
from pellucid.data.cameras import XYZ_TO_CAM
from pellucid.data.synthesis import generator_of
from pellucid.errors import FileError, PellucidError
from pellucid.io import read_raw, write_picture


def photograph(seed: int, size: tuple[int, int] = (160, 224)) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    small = torch.rand(1, 3, 7, 8, generator=generator)
    return F.interpolate(small, size, mode="bicubic")[0].clamp(0, 1)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for seed in (1, 2):
        write_picture(folder / f"{seed}.png", photograph(seed))
    return folder


@pytest.fixture(scope="module")
def built(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("sets") / "set"
    build_dual(photos, output, DualConfig(seed=3, size=64))
    return output


def manifest(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text())


def test_built_twice_the_checksums_are_equal(photos: Path, built: Path, tmp_path: Path):
    build_dual(photos, tmp_path / "again", DualConfig(seed=3, size=64))
    assert manifest(tmp_path / "again") == manifest(built)
    assert len(manifest(built)["sha256"]) == 2 * (2 + 2 * 2)
    build_dual(photos, tmp_path / "other", DualConfig(seed=4, size=64))
    assert not set(manifest(tmp_path / "other")["sha256"].values()) & {
        *manifest(built)["sha256"].values()
    }


def test_raws_say_their_noise_and_keep_their_range(built: Path):
    said = manifest(built)["items"][0]
    noisy, clean = (read_raw(built / part / "0001.dng") for part in ("noisy", "clean"))
    assert noisy.noise is not None
    assert noisy.noise.shot.item() == pytest.approx(said["shot"], rel=1e-5)
    assert noisy.mosaic.shape == (1, 64, 64) and clean.mosaic.max() <= 1
    spread = (noisy.mosaic - clean.mosaic).square().mean()
    law = said["shot"] * clean.mosaic.mean() + said["read"]
    assert 0.8 * law < spread < said["shading"] ** 2 * 1.2 * law


def test_noise_is_stronger_in_corners_and_shared_by_rows(tmp_path: Path):
    write_picture(tmp_path / "grey.png", torch.full((3, 512, 512), 0.5))
    found = 0
    for n in range(12):
        shot = taken(tmp_path / "grey.png", generator_of(0, n), 256)
        if shot.shading > 1.3:
            found += 1
            error = pack(shot.noisy - shot.clean).square().mean(0)
            middle = error[48:80, 48:80].mean()
            corner = torch.stack([error[:24, :24], error[-24:, -24:], error[:24, -24:]]).mean()
            assert corner > 1.1 * middle
    assert found
    assert corner_gain(torch.zeros(1, 8, 8), 1.5)[0, 0, 0] == pytest.approx(1.5)


def test_the_truth_scores_best_and_input_worse(built: Path):
    benchmark = dual_benchmark(built)
    sample = benchmark.items[0].load()
    from pellucid.benchmarks.dual import DualOutput, DualSample

    assert isinstance(sample, DualSample) and sample.other is not None
    best = benchmark.score(DualOutput(sample.other, dict(sample.truths)), sample)
    given = benchmark.score(
        DualOutput(sample.given.raw.mosaic, dict(sample.given.pictures)), sample
    )
    assert set(best) == {column.name for column in benchmark.columns}
    assert all(best[name] > given[name] for name in best)
    assert best["ssim_raw"] == pytest.approx(1) and best["psnr_libraw"] > 100


def test_a_network_of_raws_is_scored_through_every_pipeline(built: Path, tmp_path: Path):
    config = DualDomainConfig(UNetConfig(widths=(4, 6)), None)
    torch.manual_seed(0)
    net = config.build()
    for weight in net.parameters():
        torch.nn.init.normal_(weight, std=0.05)
    save_network(net, config, tmp_path / "net.safetensors")
    name = str(tmp_path / "net.safetensors")
    one, two = list(run(dual_benchmark(built), dual_models([name], 1024, "cpu")))[:2]
    assert {key for key in one.scores if one.scores[key] != two.scores[key]} == set(one.scores)


def test_scores_hang_on_every_file(built: Path):
    names = {path.relative_to(built).as_posix() for path in dual_benchmark(built).files}
    assert names == set(manifest(built)["sha256"])


def test_a_changed_file_is_told(built: Path, tmp_path: Path):
    shutil.copytree(built, tmp_path / "set")
    write_picture(tmp_path / "set" / "truth" / "ours" / "0001.png", photograph(1))
    with pytest.raises(FileError, match="is not the file that manifest.json has"):
        dual_benchmark(tmp_path / "set").items[0].load()


def test_a_set_of_clean_raws(built: Path, tmp_path: Path):
    (tmp_path / "raws").mkdir()
    shutil.copy(built / "clean" / "0001.dng", tmp_path / "raws")
    build_dual(tmp_path / "raws", tmp_path / "set", DualConfig(size=64, isps=("ours",)))
    made = read_raw(tmp_path / "set" / "clean" / "0001.dng")
    camera = read_raw(built / "clean" / "0001.dng").camera
    assert made.mosaic.shape == (1, 32, 32)
    assert torch.allclose(made.camera.white_balance, camera.white_balance, atol=1e-4)


def test_foreign_pipelines_that_are_not_installed_are_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(PellucidError, match="darktable-cli is not installed"):
        foreign_isps.version_of("darktable")


@pytest.mark.skipif(shutil.which("rawtherapee-cli") is None, reason="no RawTherapee")
def test_rawtherapee_develops_alike_twice(tmp_path: Path):
    picture = photograph(1, (256, 256))
    camera = Camera.of(torch.tensor(XYZ_TO_CAM["SonyA7R"]), torch.tensor([2.0, 1.0, 1.6]))
    write_dual_dng(tmp_path / "a.dng", unrender(picture, camera), camera, None)
    first, second = (foreign_isps.develop_dng(tmp_path / "a.dng", "rawtherapee") for _ in range(2))
    assert torch.equal(first, second)
    assert (first.mean() - picture.mean()).abs() < 0.15


def test_the_commands(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    def call(*words: str) -> int:
        with pytest.raises(SystemExit) as stopped:
            main(["evaluate", *words])
        return int(stopped.value.code or 0)

    target, out = str(tmp_path / "set"), str(tmp_path / "out")
    build = ("build-dual", "--photos", str(photos), "-o", target, "--size", "64")
    assert call(*build) == 0
    assert call(*build) == 2
    assert "holds a set already" in capsys.readouterr().err
    assert call(*build[:-4], "-o", str(tmp_path / "b"), "--isps", "adobe") == 2
    assert "--isps adobe: expected some of" in capsys.readouterr().err
    assert call("dual", "--data", target, "--limit", "1", "--out", out) == 0
    said = capsys.readouterr().out
    assert "PSNR-raw" in said and "PSNR-libraw" in said
    assert (tmp_path / "out" / "index.html").is_file()
