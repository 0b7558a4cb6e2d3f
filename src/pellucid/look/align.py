"""Colour alignment by a bilateral grid of affine transforms (Chen et al. 2016; DualDn's BGU).

A grid is a tensor (3, 4, D, gh, gw): at each place and luma the rows of an affine transform of
RGB. It is fitted on small pictures and sliced at any size, guided by the picture's own luma.
"""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from pellucid.look.grid_system import add_smoothness, assemble, solve, tent

BAND = 64
"""Rows that are sliced at once: 12 coefficients of every pixel would fill the memory."""
_LUMA = (0.25, 0.5, 0.25)


@dataclass(frozen=True)
class GridConfig:
    """How a grid is laid over a picture and how smooth it is.

    Weights are those of squared differences, beside a data term of 1 for each pixel and channel.
    """

    cell: float = 16
    """Pixels of the picture that it is fitted on, for each place along a side."""
    depth: int = 8
    spatial: float = 1.0
    """Of differences between neighbouring places."""
    bend: float = 10.0
    """Of second differences along luma."""
    ridge: float = 1e-2
    """Of the distance from `prior`."""
    prior: Literal["affine", "zero"] = "affine"
    """What fills places where nothing was seen: one transform for the whole picture, or black."""
    ends: Literal["free", "published"] = "free"
    """How differences end: `published` drops the last place's part, which pulls there to zero."""
    tolerance: float = 1e-3
    """Where conjugate gradients stop, relative to the residual that they start with."""
    steps: int = 200

    @classmethod
    def dualdn(cls, height: int, width: int) -> "GridConfig":
        """DualDn's system for a picture of this size, whose LSQR stops before it has converged.

        The ridge makes up for that: without it places that no pixel saw have no solution.
        """
        gh, gw = cls(cell=16).shape(height, width)
        y, x, depth = height / gh, width / gw, 8
        return cls(
            cell=16,
            spatial=1 / depth**2,  # their weight is x * z / y, of cells that are nearly square
            bend=(x * y * depth**2 * 4e-7) ** 2,
            ridge=1e-4,
            prior="zero",
            ends="published",
            tolerance=1e-4,
        )

    def shape(self, height: int, width: int) -> tuple[int, int]:
        """Places along the sides of a picture."""
        return max(2, round(height / self.cell)), max(2, round(width / self.cell))


def luma(picture: Tensor) -> Tensor:
    """Guide (..., H, W) of a picture (..., 3, H, W)."""
    weight = picture.new_tensor(_LUMA)[:, None, None]
    return (picture * weight).sum(-3)


def fit_grid(
    source: Tensor, target: Tensor, config: GridConfig | None = None, weight: Tensor | None = None
) -> Tensor:
    """Grid (3, 4, D, gh, gw) that brings one picture (3, H, W) nearest to another.

    `weight` (H, W) says how much each pixel counts. Computed in the pictures' precision.
    """
    config = config or GridConfig()
    height, width = source.shape[-2:]
    rows, columns = middles(height, source), middles(width, source)
    seen = Seen(features(source, config.depth), rows, columns)
    return fit_seen(seen, target, config.shape(height, width), config, weight)


class Seen(NamedTuple):
    """What pixels of a target show of a source."""

    features: Tensor
    """(h, w, 4 D), as `features` has them, or their means over what a larger pixel covers."""
    rows: Tensor
    """(h,): where in the source, from 0 to 1"""
    columns: Tensor
    """(w,)"""


def features(source: Tensor, depth: int) -> Tensor:
    """What a grid's transforms at one place are multiplied with (H, W, 4 D): RGB and 1, by luma."""
    pixels = torch.cat([source, torch.ones_like(source[:1])]).permute(1, 2, 0)
    depths = tent(luma(source) * (depth - 1), depth)
    return (depths[..., None] * pixels[..., None, :]).flatten(-2)


def fit_seen(
    seen: Seen,
    target: Tensor,
    shape: tuple[int, int],
    config: GridConfig,
    weight: Tensor | None = None,
) -> Tensor:
    """Grid (3, 4, D, *shape) whose transforms of what is seen come nearest to a target (3, h, w).

    Both sides are means over a pixel of the target: what a curve makes of texture finer than that
    is right too, as it is not where a grid is fitted on a source that was averaged first.
    """
    root = torch.ones_like(target[0]) if weight is None else weight.sqrt()
    pixels = seen.features.unflatten(-1, (config.depth, 4)).sum(-2)
    prior = target.new_zeros(3, 4)
    if config.prior == "affine":
        prior = _affine(pixels, target.permute(1, 2, 0), root)
    missing = (target.permute(1, 2, 0) - pixels @ prior.mT) * root[..., None]
    system = assemble(seen.features * root[..., None], missing, seen.rows, seen.columns, shape)
    add_smoothness(system, *_penalties(config, shape, target))
    grid = solve(system, config.tolerance, config.steps).unflatten(2, (config.depth, 4))
    return grid.permute(4, 3, 2, 0, 1) + prior[:, :, None, None, None]


def _affine(pixels: Tensor, target: Tensor, root: Tensor) -> Tensor:
    """The one transform (3, 4) that is best for the whole picture."""
    left, right = ((part * root[..., None]).flatten(0, 1) for part in (pixels, target))
    products = left.mT @ left
    products += 1e-6 * products.trace() * torch.eye(4, dtype=left.dtype, device=left.device)
    return torch.linalg.solve(products, left.mT @ right).mT


def _penalties(
    config: GridConfig, shape: tuple[int, int], like: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Products of the differences along rows and columns, and of all within a place."""
    cut = config.ends == "published"
    rows, columns = (config.spatial * _products(_slopes(n, cut)) for n in shape)
    within = config.bend * _products(_bends(config.depth, cut))
    own = torch.kron(within, torch.eye(4)) + config.ridge * torch.eye(4 * config.depth)
    return rows.to(like), columns.to(like), own.to(like)


def _products(differences: Tensor) -> Tensor:
    return differences.mT @ differences


def _slopes(count: int, cut: bool) -> Tensor:
    """First differences (count - 1, count)."""
    slopes = torch.eye(count).diff(dim=0)
    if cut:
        slopes[-1, -1] = 0
    return slopes


def _bends(count: int, cut: bool) -> Tensor:
    """Second differences (count - 2, count); as published, one more row for each end."""
    bends = torch.eye(count).diff(n=2, dim=0)
    if not cut:
        return bends
    bends[:, -2:] = 0
    ends = torch.zeros(2, count)
    ends[0, 0], ends[1, -2] = -1, 1
    return torch.cat([bends, ends])


def slice_grid(grid: Tensor, guide: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Transforms (3, 4, h, w) at places of a picture, trilinear.

    `guide` (h, w), clipped to [0, 1]; `rows` and `columns` (h, w), or what broadcasts to it, say
    where in the picture, from 0 to 1.
    """
    depth, gh, gw = grid.shape[-3:]
    where = torch.stack(torch.broadcast_tensors(columns, rows, guide), dim=-1) * 2 - 1
    volume = grid.reshape(1, 12, depth, gh, gw)
    # A row is a sample of its own: torch shares samples between cores, not pixels.
    volume = volume.expand(len(where), -1, -1, -1, -1)
    sliced = F.grid_sample(volume, where[:, None, None], padding_mode="border", align_corners=True)
    return sliced[:, :, 0, 0].transpose(0, 1).unflatten(0, (3, 4))


def apply_grid(grid: Tensor, picture: Tensor) -> Tensor:
    """Aligned picture (3, H, W) of a picture (3, H, W), in bands of bounded memory."""
    result = torch.empty_like(picture)
    for band, transform in _bands(grid, picture):
        part = torch.einsum("ijhw,jhw->ihw", transform[:, :3], picture[:, band])
        result[:, band] = part + transform[:, 3]
    return result


def _bands(grid: Tensor, picture: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Bands of a picture with their transforms."""
    height, width = picture.shape[-2:]
    rows, columns = middles(height, picture), middles(width, picture)
    for top in range(0, height, BAND):
        band = slice(top, min(top + BAND, height))
        guide = luma(picture[:, band])
        yield band, slice_grid(grid, guide, rows[band, None], columns)


def middles(length: int, like: Tensor) -> Tensor:
    """Middles of the pixels of a side, from 0 to 1."""
    return (torch.arange(length, dtype=like.dtype, device=like.device) + 0.5) / length


def apply_to_difference(grid: Tensor, picture: Tensor, difference: Tensor) -> Tensor:
    """What a small difference (3, H, W) of a picture becomes: the transforms without offset."""
    result = torch.empty_like(difference)
    for band, transform in _bands(grid, picture):
        result[:, band] = torch.einsum("ijhw,jhw->ihw", transform[:, :3], difference[:, band])
    return result


def apply_to_std(grid: Tensor, picture: Tensor, std: Tensor) -> Tensor:
    """What the standard deviation (3, H, W) of a picture's noise becomes: in quadrature.

    The colours' noise is taken to be independent, and the picture that guides to be denoised.
    """
    result = torch.empty_like(std)
    for band, transform in _bands(grid, picture):
        squares = transform[:, :3].square()
        result[:, band] = torch.einsum("ijhw,jhw->ihw", squares, std[:, band].square()).sqrt()
    return result
