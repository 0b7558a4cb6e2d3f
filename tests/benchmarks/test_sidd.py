"""SIDD: phases of five phones, blocks in and submissions out."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from scipy.io import savemat

from pellucid.bayer import pack, unpad
from pellucid.benchmarks.mat_files import read_variable, write_v73
from pellucid.benchmarks.raw_models import raw_models
from pellucid.benchmarks.running import each, run, untouched
from pellucid.benchmarks.sidd import raw_block, raw_blocks, srgb_blocks
from pellucid.benchmarks.sidd_files import block_path, write_submission
from pellucid.benchmarks.sidd_metadata import metadata_of
from pellucid.benchmarks.sidd_scenes import PHASES_OF, SCENES, phase_of
from pellucid.cli import main
from pellucid.errors import FileError, PellucidError

PHONES = [f"000{n}_001_{phone}_00100_00100_3200_L" for n, phone in enumerate(PHASES_OF, 1)]


def told(phase: str, seed: int = 0, side: int = 16) -> np.ndarray:
    """A block whose sites say their colours, and a little noise."""
    cell = np.array(["RGB".index(x) for x in phase]).reshape(2, 2)
    noise = np.random.default_rng(seed).random((side, side))
    return (0.1 + 0.25 * np.tile(cell, (side // 2, side // 2)) + 0.1 * noise).astype(np.float32)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Blocks of five images, raw as an array and as a cell, sRGB as bytes."""
    phases = list(PHASES_OF.values())
    noisy = np.stack([[told(p, 32 * n + b) for b in range(32)] for n, p in enumerate(phases)])
    cell = np.empty((5, 32), object)
    for place in np.ndindex(cell.shape):
        cell[place] = noisy[place]
    srgb = np.random.default_rng(1).integers(0, 256, (5, 32, 16, 16, 3), np.uint8)
    folder = tmp_path / "sidd"
    folder.mkdir()
    for name, values in (
        ("ValidationNoisyBlocksRaw", noisy),
        ("ValidationGtBlocksRaw", noisy - np.float32(0.01)),
        ("ValidationNoisyBlocksSrgb", srgb),
        ("ValidationGtBlocksSrgb", srgb),
        ("BenchmarkNoisyBlocksSrgb", srgb),
    ):
        savemat(folder / f"{name}.mat", {name: values})
    write_v73(folder / "BenchmarkNoisyBlocksRaw.mat", {"BenchmarkNoisyBlocksRaw": cell})
    (tmp_path / "scenes.txt").write_text("\n".join(PHONES))
    return folder


def command(*words: object) -> int:
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", "sidd", *map(str, words)])
    return int(stopped.value.code or 0)


@pytest.mark.parametrize("scene", PHONES)
def test_blocks_of_all_phones_are_packed_in_phase(scene: str):
    values = told(phase_of(scene))
    raw, padding = raw_block(values, scene)
    for plane, colour in zip(pack(raw.mosaic), (0, 1, 1, 2), strict=True):
        low = 0.1 + 0.25 * colour
        assert plane.min() >= low and plane.max() <= low + 0.1
    assert np.array_equal(unpad(raw.mosaic, padding)[0].numpy(), values)


def test_there_are_forty_scenes_of_five_phones():
    assert len(SCENES) == len(set(SCENES)) == 40
    assert {name.split("_")[2] for name in SCENES} == set(PHASES_OF)
    with pytest.raises(PellucidError, match="names no phone of SIDD"):
        phase_of("0001_001_XX_00100_00100_3200_L")


def test_validation_is_scored_in_both_tracks(data: Path):
    raw = list(run(raw_blocks(data, "Validation", PHONES), raw_models([])))
    assert len(raw) == 5 * 32
    assert all(one.scores["psnr"] == pytest.approx(40, abs=1e-3) for one in raw)
    assert {one.scene for one in raw} == set(PHONES)
    darker = each(lambda picture: picture - 10 / 255)
    srgb = list(run(srgb_blocks(data, "Validation", PHONES), {"input": untouched, "dark": darker}))
    assert srgb[0].scores["psnr"] > 80 and srgb[1].scores["psnr"] < 30


def test_scores_hang_on_blocks_metadata_and_scenes(data: Path, tmp_path: Path):
    metadata = tmp_path / "metadata" / "0002_METADATA_RAW_010.MAT"
    metadata.parent.mkdir()
    metadata.touch()
    raw = raw_blocks(data, "Validation", PHONES, metadata.parent)
    blocks = [data / f"Validation{kind}BlocksRaw.mat" for kind in ("Noisy", "Gt")]
    assert raw.files == [*blocks, metadata] and raw.facts["scenes"] == ", ".join(PHONES)
    srgb = srgb_blocks(data, "Benchmark", PHONES)
    assert srgb.files == [data / "BenchmarkNoisyBlocksSrgb.mat"]


@pytest.mark.parametrize("track", ["raw", "srgb"])
def test_a_submission_reads_back_equal(data: Path, tmp_path: Path, track: str, capsys):
    submission = tmp_path / "sub"
    words = ("--data", data, "--part", "benchmark", "--track", track, "--submission", submission)
    assert command(*words, "--scenes", tmp_path / "scenes.txt") == 0, capsys.readouterr().err
    name = track.capitalize()
    held = read_variable(submission / f"Submit{name}.mat", f"DenoisedBlocks{name}")
    given = read_variable(data / f"BenchmarkNoisyBlocks{name}.mat", f"BenchmarkNoisyBlocks{name}")
    assert held.shape == (5, 32) and held.dtype == object
    for place in np.ndindex(held.shape):
        assert held[place].dtype == np.float32
        expected = given[place] if track == "raw" else given[place].astype(np.float32) / 255
        assert np.array_equal(held[place], expected)
    with h5py.File(submission / f"Submit{name}.mat") as file:
        assert set(file) == {"#refs#", f"DenoisedBlocks{name}", f"TimeMP{name}", "OptionalData"}
        assert file[f"DenoisedBlocks{name}"].attrs["MATLAB_class"] == b"cell"
        assert file["OptionalData"].attrs["MATLAB_class"] == b"struct"
        assert file.userblock_size == 512
    head = (submission / f"Submit{name}.mat").read_bytes()[:128]
    assert head.startswith(b"MATLAB 7.3 MAT-file") and head[124:] == b"\x00\x02IM"


def test_an_empty_text_and_a_missing_block_are_told(tmp_path: Path):
    path = block_path(tmp_path, "Raw", 1, 1)
    path.parent.mkdir()
    np.save(path, np.zeros((4, 4), np.float32))
    said = {"MethodName": "mine", "Venue": ""}
    with h5py.File(write_submission(tmp_path, "Raw", (1, 1), 2.5, said)) as file:
        assert bytes(file["OptionalData/MethodName"][()].astype(np.uint8).ravel()) == b"mine"
        assert file["OptionalData/Venue"].attrs["MATLAB_empty"] == 1
        assert file["TimeMPRaw"][()].item() == 2.5
    with pytest.raises(FileError, match="0001_02.npy: no such file"):
        write_submission(tmp_path, "Raw", (1, 2), 1.0, said)


def test_metadata_says_noise_and_colour(tmp_path: Path):
    scene = PHONES[0]
    tags = np.zeros((1, 2), [("ID", object), ("Value", object)])
    tags[0, 0] = (50740.0, np.zeros((1, 2)))
    tags[0, 1] = (51041.0, np.array([[1e-3, 2e-6, 3e-3, 4e-6, 5e-3, 6e-6]]))
    held = {
        "UnknownTags": tags,
        "AsShotNeutral": np.array([[0.5, 1.0, 0.8]]),
        "ColorMatrix2": np.eye(3).reshape(1, 9),
    }
    savemat(tmp_path / "0001_METADATA_RAW_010.MAT", {"metadata": held})
    said = metadata_of(tmp_path, scene)
    assert said.noise is not None
    assert torch.allclose(said.noise.shot, torch.tensor([1e-3, 3e-3, 5e-3]))
    assert torch.allclose(said.noise.read, torch.tensor([2e-6, 4e-6, 6e-6]))
    assert torch.allclose(said.camera.white_balance, torch.tensor([2.0, 1.0, 1.25]))
    assert metadata_of(tmp_path, PHONES[1]).noise is None


def test_a_wrong_number_of_images_is_told(data: Path, capsys):
    assert command("--data", data) == 2
    assert "has 5 images; expected 40" in capsys.readouterr().err
