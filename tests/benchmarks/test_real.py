"""Raws with the camera's JPEGs: pairs, colour distance, the look, and the contact sheet."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from pellucid import Camera, read_raw, render, unrender, write_mosaic
from pellucid.benchmarks.contact_sheet import CELL, GAP
from pellucid.benchmarks.raw_models import RawShot, developed
from pellucid.benchmarks.real import colour_distance, pairs_of, real_benchmark
from pellucid.cli import main
from pellucid.data.cameras import XYZ_TO_CAM
from pellucid.errors import FileError
from pellucid.io import DngFields, read_picture, write_picture
from pellucid.isp import Rendering
from pellucid.noise import add_noise
from pellucid.raw import Noise

CAMERA = Camera.of(torch.tensor(XYZ_TO_CAM["SonyA7R"]), torch.tensor([2.0, 1.0, 1.6]))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two raws, one turned, one of which the camera rendered redder."""
    folder = tmp_path_factory.mktemp("real")
    (folder / "Raw").mkdir()
    (folder / "ref_sRGB").mkdir()
    generator = torch.Generator().manual_seed(0)
    for name, orientation in (("a", 1), ("b", 6)):
        small = torch.rand(1, 3, 12, 16, generator=generator)
        scene = F.interpolate(small, (192, 256), mode="bicubic")[0].clamp(0.05, 0.9)
        clean = unrender(scene, CAMERA)
        noise = Noise(1e-3, 1e-6)
        noisy = add_noise(clean, noise, generator=generator)
        fields = DngFields(orientation=orientation)
        write_mosaic(folder / "Raw" / f"{name}.dng", noisy, CAMERA, noise, fields)
        picture = render(clean, CAMERA) ** torch.tensor([0.7, 1.0, 1.0])[:, None, None]
        turned = picture if orientation == 1 else picture.rot90(-1, (-2, -1))
        write_picture(folder / "ref_sRGB" / f"{name}.jpg", turned)
    return folder


def test_lists_name_the_raws_and_jpegs_lie_in_either_place(data: Path, tmp_path: Path):
    assert [(raw.name, jpeg and jpeg.name) for raw, jpeg in pairs_of(data)] == [
        ("a.dng", "a.jpg"),
        ("b.dng", "b.jpg"),
    ]
    for source, target in (
        ("Raw/a.dng", "a.dng"),
        ("Raw/b.dng", "b.dng"),
        ("ref_sRGB/b.jpg", "b.JPG"),
    ):
        (tmp_path / target).write_bytes((data / source).read_bytes())
    assert [jpeg and jpeg.name for _, jpeg in pairs_of(tmp_path)] == [None, "b.JPG"]
    said = [path.name for path in real_benchmark(tmp_path, ["noise"]).files]
    assert said == ["a.dng", "b.dng", "b.JPG"]
    (tmp_path / "list_file").mkdir()
    (tmp_path / "list_file" / "val_list.txt").write_text("b.dng\n")
    assert [raw.name for raw, _ in pairs_of(tmp_path)] == ["b.dng"]


@pytest.mark.parametrize("name", ["a", "b"])
def test_colour_distance_sees_the_look_and_not_the_turn(data: Path, name: str):
    raw = read_raw(data / "Raw" / f"{name}.dng")
    shot = RawShot(raw, Rendering(), reference=read_picture(data / "ref_sRGB" / f"{name}.jpg"))
    picture = developed(shot).srgb
    redder = picture.clamp(1e-4, 1) ** torch.tensor([0.7, 1.0, 1.0])[:, None, None]
    far, near = colour_distance(picture, shot), colour_distance(redder, shot)
    # What is left is noise, which such small raws do not average away.
    assert near < 3 and far > 2 * near
    assert math.isnan(colour_distance(picture, replace(shot, reference=None)))


def test_measures_that_need_a_truth_are_refused(data: Path):
    with pytest.raises(FileError, match="has no truth, which psnr needs"):
        real_benchmark(data, ("psnr",))


def test_the_command_with_and_without_the_look(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "out"
    words = ["--data", str(data), "--model", "default", "--reference", "--measures", "noise"]
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", "real", *words, "--out", str(out), "--pictures", "1"])
    said = capsys.readouterr()
    assert stopped.value.code == 0, said.err
    rows = {line.split()[0]: line.split()[1:3] for line in said.out.splitlines()[1:4]}
    noise = {name: float(values[0]) for name, values in rows.items()}
    colour = {name: float(values[1]) for name, values in rows.items()}
    assert noise["default"] < 0.5 * noise["input"]
    assert colour["default+look"] < 0.6 * colour["default"]
    sheet = read_picture(out / "contact_sheet.jpg")
    assert sheet.shape == (3, 2 * (CELL + GAP), 4 * (CELL + GAP))
    assert (out / "index.html").is_file()
