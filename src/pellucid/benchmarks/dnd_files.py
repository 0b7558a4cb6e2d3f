"""The files that DND's site takes: one of each box, and bundles of twenty.

SUBMISSION/Raw/0001_01.mat            Idenoised_crop, single (512, 512)
SUBMISSION/Raw/bundled/0001.mat       Idenoised, cell (1, 20); israw; eval_version "1.0"
SUBMISSION/sRGB/...                   likewise, (512, 512, 3)
"""
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from pathlib import Path

import numpy as np
from scipy.io import savemat
from torch import Tensor

from pellucid.benchmarks.mat_files import read_variable
from pellucid.errors import FileError
from pellucid.io import replacing

BOXES = 20
VERSION = "1.0"
TRACKS = {"Raw": True, "sRGB": False}
"""Folder of each track, and whether it is the raw one."""


def write_box(submission: Path, image: int, box: int, raw: Tensor, srgb: Tensor) -> None:
    """Both tracks of one box, numbered from 1."""
    for track, values in zip(TRACKS, (raw, srgb), strict=True):
        path = submission / track / f"{image:04}_{box:02}.mat"
        _make(path.parent)
        _write(path, {"Idenoised_crop": values.numpy().astype(np.float32)})


def write_bundles(submission: Path, images: int, boxes: int = BOXES) -> list[Path]:
    """The bundles of all images, from the files of their boxes."""
    return [
        _bundle(submission / track, image, boxes, israw)
        for track, israw in TRACKS.items()
        for image in range(1, images + 1)
    ]


def _bundle(folder: Path, image: int, boxes: int, israw: bool) -> Path:
    cell = np.empty((1, boxes), object)
    for box in range(boxes):
        path = folder / f"{image:04}_{box + 1:02}.mat"
        if not path.is_file():
            raise FileError.of(path, "no such file; expected every box, or another --out folder")
        cell[0, box] = read_variable(path, "Idenoised_crop")
    target = folder / "bundled" / f"{image:04}.mat"
    _make(target.parent)
    _write(target, {"Idenoised": cell, "israw": np.array([[israw]]), "eval_version": VERSION})
    return target


def _write(path: Path, variables: dict[str, object]) -> None:
    with replacing(path) as file:
        savemat(file, variables)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError.from_os(folder, error) from error
