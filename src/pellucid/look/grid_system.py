"""The least-squares system of a bilateral grid of affine transforms, and its solution.

Chen et al. 2016, eq. 5: trilinear data term plus smoothness. The unknowns of one place (depth * 4
for each output) couple only with those of the eight places around it, so the normal equations are
a 3x3 stencil of small dense blocks, and conjugate gradients converge in some ten steps once each
place's own block is inverted (block Jacobi).
"""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

from typing import NamedTuple

import torch
from torch import Tensor


class GridSystem(NamedTuple):
    """Normal equations of a grid with gh x gw places of K unknowns each, for C outputs."""

    stencil: Tensor
    """(gh, gw, K, 3, 3, K): what each place's equations take from itself and its neighbours."""
    right: Tensor
    """(gh, gw, K, C)"""


class Bins(NamedTuple):
    """Pixels between two neighbouring places along one side, padded to equal numbers."""

    pixels: Tensor
    """(places - 1, n)"""
    weight: Tensor
    """(2, places - 1, n): of the lower and of the upper place; 0 for what pads."""


def tent(position: Tensor, count: int) -> Tensor:
    """Linear weights (..., count) of the places around each position; none outside."""
    nodes = torch.arange(count, dtype=position.dtype, device=position.device)
    return (1 - (position[..., None] - nodes).abs()).clamp(min=0)


def bins(position: Tensor, count: int) -> Bins:
    """Pixels of a side at ascending positions, 0 to count - 1, sorted by the places around them."""
    position = position.clamp(0, count - 1)
    lower = position.floor().long().clamp(max=count - 2)
    sizes = torch.bincount(lower, minlength=count - 1)
    most = int(sizes.max())
    start = sizes.cumsum(0) - sizes
    slot = torch.arange(most, device=position.device)
    index = (start[:, None] + slot).clamp(max=len(position) - 1)
    upper = position[index] - torch.arange(count - 1, device=position.device)[:, None]
    used = slot < sizes[:, None]
    return Bins(index, torch.stack([1 - upper, upper]) * used)


def assemble(
    features: Tensor, target: Tensor, down: Tensor, across: Tensor, shape: tuple[int, int]
) -> GridSystem:
    """Data term: features (H, W, K) of each pixel, the target (H, W, C), the places (gh, gw).

    `down` (H,) and `across` (W,) say where rows and columns lie on the grid, from 0 to 1.
    """
    (gh, gw), k = shape, features.shape[-1]
    rows, columns = bins(down * (gh - 1), gh), bins(across * (gw - 1), gw)
    stencil = features.new_zeros(gh, gw, k, 3, 3, k)
    right = features.new_zeros(gh, gw, k, target.shape[-1])
    for i in range(gh - 1):
        block = _of_bins(features[rows.pixels[i]], columns.pixels)
        known = _of_bins(target[rows.pixels[i]], columns.pixels)
        pairs = _outer(_pairs(rows.weight[:, i]), _pairs(columns.weight))
        products = _weighted(block, pairs).mT @ block
        _add(stencil[i : i + 2], products.unflatten(1, (3, 3, k)))
        corners = _outer(rows.weight[:, i], columns.weight)
        parts = (block.mT @ _weighted(known, corners)).unflatten(2, (4, -1))
        for corner, part in enumerate(parts.unbind(2)):
            a, b = divmod(corner, 2)
            right[i + a, b : b + gw - 1] += part
    return GridSystem(stencil, right)


def _pairs(weight: Tensor) -> Tensor:
    """Products (3, ...) of the weights of the lower and the upper place: LL, LU, UU."""
    lower, upper = weight
    return torch.stack([lower * lower, lower * upper, upper * upper])


def _weighted(values: Tensor, weight: Tensor) -> Tensor:
    """Values (bins, n, C) under each of some weights (bins, n, W): (bins, n, W * C)."""
    return (weight[..., None] * values[:, :, None]).flatten(2)


def _outer(rows: Tensor, columns: Tensor) -> Tensor:
    """Weights (bins, pixels, R * C) of a row of bins, from those of rows (R, n) and of columns."""
    both = rows[:, None, None, :, None] * columns[None, :, :, None, :]
    # What is weighted takes over how this lies, and would have to be copied.
    return both.permute(2, 3, 4, 0, 1).flatten(1, 2).flatten(2).contiguous()


def _of_bins(rows: Tensor, index: Tensor) -> Tensor:
    """Pixels (bins, n, C) of some rows (h, W, C)."""
    return rows[:, index].transpose(0, 1).flatten(1, 2)


def _add(stencil: Tensor, products: Tensor) -> None:
    """Put the products (bins, 3, 3, K, K) of a row of bins where they belong."""
    count = products.shape[0]
    for one in range(4):
        for other in range(4):
            (a, b), (c, d) = divmod(one, 2), divmod(other, 2)
            stencil[a, b : b + count, :, c - a + 1, d - b + 1] += products[:, a + c, b + d]


def add_smoothness(system: GridSystem, rows: Tensor, columns: Tensor, own: Tensor) -> None:
    """Add penalties, each a matrix of products: along rows, along columns, within a place.

    `rows` (gh, gh) and `columns` (gw, gw) are tridiagonal, `own` is (K, K).
    """
    stencil = system.stencil.permute(3, 4, 0, 1, 2, 5)
    eye = torch.eye(own.shape[0], dtype=own.dtype, device=own.device)
    for step in (-1, 0, 1):
        down, across = (torch.diagonal(matrix, step) for matrix in (rows, columns))
        first = max(0, -step)
        stencil[step + 1, 1, first : first + len(down)] += down[:, None, None, None] * eye
        stencil[1, step + 1, :, first : first + len(across)] += across[:, None, None] * eye
    stencil[1, 1] += own


def solve(system: GridSystem, tolerance: float, most: int) -> Tensor:
    """Unknowns (gh, gw, K, C) by conjugate gradients, until the residual's norm has shrunk."""
    stencil, residual = system.stencil.flatten(3), system.right.clone()
    own = system.stencil[:, :, :, 1, 1]
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(own))
    result = torch.zeros_like(residual)
    direction = _thin(inverse, residual)
    start = size = (residual * direction).sum((0, 1, 2))
    for _ in range(most):
        if bool((size <= tolerance**2 * start).all()):
            break
        image = _apply(stencil, direction)
        step = size / (direction * image).sum((0, 1, 2)).clamp(min=1e-30)
        result += step * direction
        residual -= step * image
        better = _thin(inverse, residual)
        before, size = size, (residual * better).sum((0, 1, 2))
        direction = better + size / before.clamp(min=1e-30) * direction
    return result


def _apply(stencil: Tensor, unknowns: Tensor) -> Tensor:
    """The system's matrix (gh, gw, K, 9 K) times unknowns (gh, gw, K, C)."""
    gh, gw, k, outputs = unknowns.shape
    padded = unknowns.new_zeros(gh + 2, gw + 2, k, outputs)
    padded[1:-1, 1:-1] = unknowns
    around = padded.unfold(0, 3, 1).unfold(1, 3, 1).permute(0, 1, 3, 4, 5, 2)
    return stencil @ around.reshape(gh, gw, outputs, 9 * k).mT


def _thin(matrix: Tensor, right: Tensor) -> Tensor:
    """Products with few columns, three times as fast where each lies together."""
    return matrix @ right.mT.contiguous().mT
