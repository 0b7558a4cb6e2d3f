"""One picture of what all models made of all raws, the camera's own first.

Small pictures are kept while models run, so that no raw is restored twice.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from pellucid.benchmarks.benchmark import Model
from pellucid.benchmarks.crops import fitted
from pellucid.benchmarks.raw_models import RawShot
from pellucid.benchmarks.real import visible
from pellucid.errors import FileError
from pellucid.io import read_picture, write_picture
from pellucid.networks.dual_domain import Restored

CELL = 320
GAP = 6
CAMERA = "camera"


def watched(name: str, model: Model[RawShot, Restored], folder: Path) -> Model[RawShot, Restored]:
    """A model whose pictures are kept in a folder, small."""

    def restored(shots: Sequence[RawShot]) -> Sequence[Restored]:
        outputs = model(shots)
        for shot, output in zip(shots, outputs, strict=True):
            _keep(folder, name, shot, visible(output.srgb, shot))
            if shot.reference is not None:
                _keep(folder, CAMERA, shot, shot.reference)
        return outputs

    return restored


def _keep(folder: Path, name: str, shot: RawShot, picture: Tensor) -> None:
    path = _place(folder, name, shot.raw.path.name if shot.raw.path else "raw")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError.from_os(path.parent, error) from error
    write_picture(path, fitted(picture.clamp(0, 1), CELL))


def _place(folder: Path, name: str, item: str) -> Path:
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{item}-{name}")
    return folder / f"{plain[-120:]}.png"


def write_sheet(path: Path, folder: Path, items: Sequence[str], models: Sequence[str]) -> None:
    """A row for each raw: the camera's picture, then the models in their order."""
    rows = [
        torch.cat([_cell(_place(folder, name, item)) for name in (CAMERA, *models)], -1)
        for item in items
    ]
    write_picture(path, torch.cat(rows, -2))


def _cell(path: Path) -> Tensor:
    """A small picture in the middle of a grey square; grey alone where there is none."""
    square = torch.full((3, CELL + GAP, CELL + GAP), 0.2)
    if path.is_file():
        picture = read_picture(path)
        height, width = picture.shape[-2:]
        top, left = (CELL + GAP - height) // 2, (CELL + GAP - width) // 2
        square[:, top : top + height, left : left + width] = picture
    return square
