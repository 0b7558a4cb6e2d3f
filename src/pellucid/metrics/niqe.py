"""NIQE (Mittal et al. 2013): how far a picture's statistics are from those of good photographs.

The model that ships was fitted by `pellucid evaluate fit-niqe` on free photographs, not on the
authors' pictures, so its numbers are comparable among themselves and to no paper's.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from pellucid.errors import FileError, PellucidError
from pellucid.io import replacing
from pellucid.metrics.fidelity import luma

BLOCK = 96
_SHARP = 0.75
_RADIUS = 3
_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))


@dataclass(frozen=True)
class Niqe:
    """The distribution of 36 statistics over the blocks of good photographs."""

    mean: Tensor
    """(36,)"""
    covariance: Tensor
    """(36, 36)"""

    @classmethod
    def load(cls, path: str | Path | None = None) -> "Niqe":
        """A fitted model; left out, the one that ships. Raises `FileError`."""
        if path is None:
            with as_file(files("pellucid") / "metrics" / "niqe.safetensors") as shipped:
                return cls.load(shipped)
        try:
            held = load_file(path)
            return cls(held["mean"].double(), held["covariance"].double())
        except OSError as error:
            raise FileError.from_os(path, error) from error
        except (SafetensorError, KeyError) as error:
            raise FileError.of(path, f"holds no model of NIQE ({error})") from error

    @classmethod
    def fit(cls, pictures: Iterable[Tensor]) -> "Niqe":
        """The model of sRGB pictures (3, H, W): of the blocks with 3/4 of the sharpest's detail."""
        found = [
            kept
            for picture in pictures
            if min(picture.shape[-2:]) >= BLOCK and len(kept := _sharp_statistics(picture))
        ]
        if sum(map(len, found)) < 37:
            got = sum(map(len, found))
            raise PellucidError(f"got {got} sharp blocks of {BLOCK}x{BLOCK}; expected 37 or more")
        statistics = torch.cat(found)
        return cls(statistics.mean(0), statistics.T.cov())

    def save(self, path: Path) -> None:
        """Write the model."""
        with replacing(path) as file:
            file.write(save({"mean": self.mean, "covariance": self.covariance}))

    def __call__(self, picture: Tensor) -> float:
        """The distance of a picture (3, H, W), least is best; not a number without a block."""
        if min(picture.shape[-2:]) < BLOCK:
            return math.nan
        mine = block_statistics(picture)[0]
        mine = mine[mine.isfinite().all(1)]
        if not len(mine):
            return math.nan
        spread = mine.T.cov() if len(mine) > 1 else torch.zeros_like(self.covariance)
        apart = self.mean - mine.mean(0)
        inverse = torch.linalg.pinv((self.covariance + spread) / 2, hermitian=True)
        return (apart @ inverse @ apart).clamp(min=0).sqrt().item()


def _sharp_statistics(picture: Tensor) -> Tensor:
    statistics, detail = block_statistics(picture)
    kept = statistics[detail > _SHARP * detail.max()]
    return kept[kept.isfinite().all(1)]


def block_statistics(picture: Tensor) -> tuple[Tensor, Tensor]:
    """36 statistics of each block of 96x96 (blocks, 36), and how much detail it has (blocks,)."""
    levels = (luma(picture) * 255).round()
    height, width = (side // BLOCK * BLOCK for side in levels.shape[-2:])
    levels = levels[None, :, :height, :width]
    found: list[Tensor] = []
    detail = torch.zeros(0)
    for scale in (1, 2):
        normal, spread = _normalised(levels)
        side = BLOCK // scale
        found.append(_statistics(_blocks(normal, side)))
        if scale == 1:
            detail = _blocks(spread, side).mean((-2, -1))
            levels = F.interpolate(levels, scale_factor=0.5, mode="bicubic", antialias=True)
    return torch.cat(found, 1), detail


def _normalised(levels: Tensor) -> tuple[Tensor, Tensor]:
    """Each pixel's distance from its surroundings' mean, in their deviations; and the latter."""
    place = torch.arange(-_RADIUS, _RADIUS + 1, dtype=torch.float64)
    weights = (-place.square() / (2 * (7 / 6) ** 2)).exp()
    weights = weights / weights.sum()

    def averaged(values: Tensor) -> Tensor:
        padded = F.pad(values, (_RADIUS,) * 4, mode="replicate")
        return F.conv2d(F.conv2d(padded, weights.view(1, 1, -1, 1)), weights.view(1, 1, 1, -1))

    mean = averaged(levels)
    spread = (averaged(levels.square()) - mean.square()).abs().sqrt()
    return (levels - mean) / (spread + 1), spread


def _blocks(values: Tensor, side: int) -> Tensor:
    """(blocks, side, side)"""
    return values[0, 0].unfold(0, side, side).unfold(1, side, side).reshape(-1, side, side)


def _statistics(blocks: Tensor) -> Tensor:
    """18 of each block: its own distribution, and those of products of neighbours."""
    found = list(_shape_and_sides(blocks)[:1]) + [_mean_side(blocks)]
    for down, across in _NEIGHBOURS:
        product = blocks * blocks.roll((down, across), (-2, -1))
        shape, left, right = _shape_and_sides(product)
        gain = (torch.lgamma(2 / shape) - torch.lgamma(1 / shape)).exp()
        found += [shape, (right - left) * gain, left, right]
    return torch.stack(found, 1)


def _mean_side(blocks: Tensor) -> Tensor:
    _, left, right = _shape_and_sides(blocks)
    return (left + right) / 2


def _shape_and_sides(values: Tensor) -> Sequence[Tensor]:
    """Shape and both scales of an asymmetric generalised Gaussian (Lasmar et al. 2009)."""
    flat = values.flatten(1)
    left, right = (
        ((flat.square() * side).sum(1) / side.sum(1)).sqrt() for side in (flat < 0, flat > 0)
    )
    ratio = left / right
    shape_ratio = flat.abs().mean(1).square() / flat.square().mean(1)
    wanted = shape_ratio * (ratio**3 + 1) * (ratio + 1) / (ratio.square() + 1).square()
    shape = _SHAPES[(wanted[:, None] - _RATIOS).square().argmin(1)]
    shape = shape.where(wanted.isfinite(), math.nan)
    scale = ((torch.lgamma(1 / shape) - torch.lgamma(3 / shape)) / 2).exp()
    return shape, left * scale, right * scale


_SHAPES = torch.arange(0.2, 10.001, 0.001, dtype=torch.float64)
_RATIOS = (
    2 * torch.lgamma(2 / _SHAPES) - torch.lgamma(1 / _SHAPES) - torch.lgamma(3 / _SHAPES)
).exp()
