"""Folders of photographs and of raws, and FiveK's layout, all generated."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from pellucid import Camera, unrender, write_mosaic

CAMERA = Camera.of(
    torch.tensor([[0.6461, -0.1164, -0.0857], [-0.3825, 1.1597, 0.2534], [-0.0416, 0.154, 0.6039]]),
    torch.tensor([2.0, 1.0, 1.6]),
)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three photographs of different sizes, one of them JPEG."""
    folder = tmp_path / "photos"
    folder.mkdir()
    stream = np.random.RandomState(0)
    for name, size in {"a.png": (150, 190), "b.jpg": (130, 200), "c.png": (300, 141)}.items():
        pixels = stream.randint(0, 256, (*size, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


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
