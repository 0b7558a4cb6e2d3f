"""Photon transfer: noise of a sensor from pairs of flats and of darks (Janesick 2007, ch. 5).

Half the variance of the difference of two frames of the same scene is that of one of them: fixed
patterns cancel. A frame is cut into tiles, each with its own signal, so that shading of the light
or the lens gives many signals instead of one smeared one.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from pellucid.bayer import pack
from pellucid.calibration.noise_line import Sums, line_of
from pellucid.errors import PellucidError
from pellucid.planes import shuffle

TILE = 32
"""Side of a tile in a packed plane."""
BRIGHTEST = 0.9
"""Sensors bend before they saturate."""
DARKEST_FLAT = 0.01
"""Pairs below this mean are differenced as they are: a ratio of two darks says nothing."""
PINNED = 1 / 16
"""More of a tile at the frame's highest or lowest value is clipping."""
OUTLIER = 5.5
"""Standard deviations beyond which a site (hot, or hit by a particle) or a tile is left out."""


class Tiles(NamedTuple):
    """Signal and variance of tiles and planes (N, 4), and how many sites each stands on."""

    signal: Tensor
    variance: Tensor
    sites: Tensor
    """0 where clipping or bending forbids the tile."""
    band: Tensor
    """(N,): tiles of one band have the same rows, and so their offsets."""


def tiles_of(first: Tensor, second: Tensor) -> Tiles:
    """The tiles of two mosaics (1, H, W) of the same scene.

    Light that flickers is taken out as a factor for each plane.
    """
    one, other = _tiled(first), _tiled(second)
    level, beside = one.mean((0, 2)), other.mean((0, 2))
    lit = (level > DARKEST_FLAT) & (beside > DARKEST_FLAT)
    ratio = torch.where(lit, level / beside, 1)
    difference = one - ratio[:, None] * other
    # A hot pixel, whose difference is like any, would lift the signal of a dark.
    kept = _near(difference) & _near(one) & _near(other)
    sites = kept.sum(2)
    mean = (difference * kept).sum(2) / sites
    squares = ((difference - mean[..., None]) * kept).square().sum(2)
    signal = (one * kept).sum(2) / sites
    # var = shot * x + read + ratio^2 * (shot * x / ratio + read), as one sensor's line again.
    scale = 1 + ratio**2
    bad = _clipped(one) | _clipped(other) | (signal > BRIGHTEST)
    return Tiles(
        signal * (1 + ratio) / scale,
        squares / (sites - 1).clamp(min=1) / scale,
        torch.where(bad, 0, sites).double(),
        torch.arange(len(signal)) // (first.shape[-1] // 2 // _side(first)),
    )


def _side(mosaic: Tensor) -> int:
    return min(TILE, mosaic.shape[-2] // 2, mosaic.shape[-1] // 2)


def _tiled(mosaic: Tensor) -> Tensor:
    """Packed tiles (N, 4, sites), row by row."""
    planes, side = pack(mosaic), _side(mosaic)
    tiles = planes.unfold(-2, side, side).unfold(-2, side, side)
    return tiles.permute(1, 2, 0, 3, 4).reshape(-1, 4, side * side).double()


def _near(difference: Tensor) -> Tensor:
    """The sites that are no outliers of their tile."""
    centre = difference.median(2, keepdim=True).values
    off = (difference - centre).abs()
    spread = 1.4826 * off.median(2, keepdim=True).values
    # Differences of whole numbers may well have a median of none.
    return off <= OUTLIER * torch.maximum(spread, off.mean(2, keepdim=True))


def _clipped(tiles: Tensor) -> Tensor:
    """Tiles and planes (N, 4) where the sensor, the file or black subtraction cut values off."""
    lowest, highest = tiles.amin((0, 2), keepdim=True), tiles.amax((0, 2), keepdim=True)
    pinned = ((tiles == lowest) | (tiles == highest)).double().mean(2) > PINNED
    return pinned | (tiles >= 1).any(2) | ~tiles.isfinite().all(2)


def joined(parts: list[Tiles]) -> Tiles:
    """The tiles of several pairs, whose bands are different ones."""
    band = torch.cat([part.band + 100_000 * number for number, part in enumerate(parts)])
    whole = Tiles(*(torch.cat(part) for part in zip(*parts, strict=True)))
    return whole._replace(band=band)


def sums_of(tiles: Tiles) -> Sums:
    """The line's sums, each tile weighted by what it knows, and outliers left out.

    Raises PellucidError where nothing tells shot from read.
    """
    _check_spread(tiles)
    sites, weight = tiles.sites, tiles.sites
    for _ in range(8):
        shot, read = line_of(Sums(*(part.sum() for part in _sums(tiles, weight)))).unbind(-1)
        expected = shot * tiles.signal.clamp(min=0) + read
        # A variance of n sites has a relative standard error of sqrt(2 / n).
        off = (tiles.variance / expected - 1).abs() > OUTLIER * (2 / sites.clamp(min=1)).sqrt()
        # Channels may differ: what all tiles of a plane say is no outlier.
        rare = off.double().mean(0, keepdim=True) < 0.2
        weight = torch.where(off & rare, 0, sites) / expected**2
    return _sums(tiles, weight)


def _sums(tiles: Tiles, weight: Tensor) -> Sums:
    # Signals of darks stay below 0 where they are: their mean must be 0.
    return Sums.of(tiles.signal, tiles.variance.nan_to_num(), weight)


def _check_spread(tiles: Tiles) -> None:
    lit = tiles.signal[tiles.sites > 0]
    if not len(lit):
        raise PellucidError("every tile of the frames is clipped; expected flats below saturation")
    if lit.max() < 0.02:
        raise PellucidError("the frames have no light; expected flats beside the darks")
    if lit.min() > 0.5 * lit.max():
        raise PellucidError(
            "the flats have one level and there are no darks; expected darks, or flats at "
            "several exposures"
        )


# -- what is no pixel's own -----------------------------------------------------------------------


def row_variance(first: Tensor, second: Tensor) -> float:
    """Variance of the offset that the sites of a row share, from two mosaics of the same scene.

    Means of rows differ by their offsets and by what is left of the sites' own noise. Neighbours of
    one phase are compared, so that slow shading across the rows does not count.
    """
    difference = (first - second)[0].double()
    width = difference.shape[1]
    centre = difference.median(1, keepdim=True).values
    off = difference - centre
    spread = 1.4826 * off.abs().median().clamp(min=1e-9)
    off = off.clamp(-OUTLIER * spread, OUTLIER * spread)
    means = (centre + off.mean(1, keepdim=True))[:, 0]
    own = off.var(1).mean() / width
    steps = (means[2:] - means[:-2]).square().mean() / 2
    return max(float(steps - own) / 2, 0.0)


def stand_out(mosaic: Tensor, sigma: Tensor) -> Tensor:
    """By how many `sigma` a site is above the second highest of its eight neighbours of a colour.

    Both are (1, H, W). A hot neighbour may hide behind another, but not behind two.
    """
    planes = pack(mosaic)
    around = F.pad(planes, (1, 1, 1, 1), mode="reflect")
    height, width = planes.shape[-2:]
    highest = second = torch.full_like(planes, -torch.inf)
    for row in range(3):
        for column in range(3):
            if (row, column) == (1, 1):
                continue
            near = around[:, row : row + height, column : column + width]
            second = torch.maximum(second, torch.minimum(highest, near))
            highest = torch.maximum(highest, near)
    return shuffle((planes - second) / pack(sigma), 2)
