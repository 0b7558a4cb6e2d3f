"""Flats, darks and ordinary shots, told apart by what is on them."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import math
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from pellucid.bayer import pack
from pellucid.calibration.photon_transfer import DARKEST_FLAT
from pellucid.io import read_bayer
from pellucid.raw import RawImage

FrameKind = Literal["flat", "dark", "shot"]

CELLS = 16
"""A frame is looked at in so many cells each way."""
SHADING = 4
"""Light falls off towards the corners as a polynomial of this degree does."""
UNEVEN = 0.01
"""Of its level, what a flat may differ from its shading."""
GLOW = 0.0005
"""What a dark's cells may differ by: amplifiers glow."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A raw file as a calibration sees it."""

    path: Path
    make: str
    model: str
    iso: float | None
    kind: FrameKind
    level: float
    """Mean signal."""


def look_at(path: Path) -> Frame:
    """Read a raw and say what is on it; raises FileError where it is none."""
    raw = read_bayer(path)
    return frame_of(raw, path)


def frame_of(raw: RawImage, path: Path) -> Frame:
    """What is on a raw."""
    kind, level = kind_of(raw.mosaic), float(raw.mosaic.mean())
    return Frame(path, raw.make, raw.model, raw.iso, kind, level)


def kind_of(mosaic: Tensor) -> FrameKind:
    """What is on a mosaic (1, H, W): nothing, even light, or something."""
    planes = pack(mosaic).double()
    cells, noise = _cells(planes)
    if float(cells.mean()) < DARKEST_FLAT:
        off = (cells - cells.median()).abs().amax()
        return "dark" if float(off) < GLOW + 6 * noise else "shot"
    return "flat" if _uneven(cells) < UNEVEN + 2 * noise / float(cells.mean()) else "shot"


def _cells(planes: Tensor) -> tuple[Tensor, float]:
    """Medians of cells (4, rows, columns), which hot pixels leave alone, and their own noise."""
    height, width = planes.shape[-2:]
    side = max(1, min(height, width) // CELLS, min(4, height, width))
    tiles = planes.unfold(-2, side, side).unfold(-2, side, side).flatten(3)
    steps = planes[..., 1:] - planes[..., :-1]
    sigma = 1.4826 * float(steps.abs().median()) / math.sqrt(2) if width > 1 else 0.0
    return tiles.median(-1).values, 1.25 * sigma / side


def _uneven(cells: Tensor) -> float:
    """Root mean square of what no smooth shading explains, over the level; the worst plane."""
    rows, columns = cells.shape[-2:]
    y, x = torch.linspace(-1, 1, rows).double(), torch.linspace(-1, 1, columns).double()
    degree = SHADING if rows * columns >= 45 else 2
    powers = [(i, j) for i, j in product(range(degree + 1), repeat=2) if i + j <= degree]
    smooth = torch.stack([(y[:, None] ** i * x**j).flatten() for i, j in powers], 1)
    basis = torch.linalg.qr(smooth).Q
    values = cells.flatten(1).T
    left = values - basis @ (basis.T @ values)
    return float((left.square().mean(0).sqrt() / values.mean(0).clamp(min=1e-6)).amax())
