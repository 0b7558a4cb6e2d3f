"""Points that a network takes for noise, such as stars, found in the noisy mosaic and given back.

A star is a peak of a pixel or two above its own surroundings, higher than noise alone makes them
and higher than anything near it; grain fails the first, texture and edges the second.
"""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor

from pellucid.bayer import pack, unpack
from pellucid.noise import standard_deviation
from pellucid.planes import local_mean
from pellucid.raw import Noise

LOW, HIGH = 3.6, 4.4
"""Standard deviations from which a peak is given back in part, and whole. White noise reaches the
upper one at five pixels in a million: too many for photographs, not among stars."""
FEW, MANY = 5.0, 8.0
"""Heights at which peaks are counted: of stars half as many reach the second as the first, of
noise, grain and texture at most a third."""
STARS, TAIL = 15.0, 0.36
"""Peaks for each million pixels that reach MANY, and share of those that reach FEW, from which on
they are stars."""
CALM = 3.0
"""Standard deviations that the surroundings may dip below their mean; in texture they do."""
_BESIDE = 0.45  # of its middle has a point of 1.5 to 2 pixels across on either side
_NEAR = 9
"""Pixels across, around a point, in which nothing else may be as high."""
_PLACE, _PLACES = 512, 4  # A large mosaic is judged in 4 x 4 squares of this side.


def points(noisy: Tensor, clean: Tensor, noise: Noise) -> Tensor:
    """Share (1, H, W) of the removed noise that is to be given back, of mosaics (1, H, W)."""
    share = ((_heights(noisy, clean, noise) - LOW) / (HIGH - LOW)).clamp(0, 1)
    return _highest(F.pad(share, (2, 2, 2, 2)), 5, 5)


def is_star_field(noisy: Tensor, clean: Tensor, noise: Noise) -> bool:
    """Whether so many lonely points of mosaics (1, H, W) are so high as only stars are."""
    few = many = pixels = 0
    for place in _places(noisy):
        heights = _heights(noisy[place], clean[place], noise)
        lonely = _highest(F.pad(heights, (4, 4, 4, 4)), _NEAR, _NEAR) == heights
        few += int(((heights > FEW) & lonely).sum())
        many += int(((heights > MANY) & lonely).sum())
        pixels += heights.numel()
    return many > STARS * max(pixels / 1e6, 1) and many > TAIL * few


def _places(mosaic: Tensor) -> list[tuple[slice, slice, slice]]:
    """The whole of a small mosaic, or squares of a large one."""
    rows, columns = (
        [slice(0, side)]
        if side < _PLACE * _PLACES
        else [slice(at, at + _PLACE) for at in range(0, side - _PLACE, side // _PLACES // 2 * 2)]
        for side in mosaic.shape[-2:]
    )
    return [(slice(None), row, column) for row in rows for column in columns]


def _heights(noisy: Tensor, clean: Tensor, noise: Noise) -> Tensor:
    """Standard deviations by which each pixel stands above all around it, 0 where that is rough."""
    ground = _ground(clean)
    std = standard_deviation(ground, noise).clamp(min=1e-7)
    found, known = (noisy - ground) / std, (clean - ground) / std
    flat = _matched(known)
    above = torch.maximum(found, _matched(found)) - _around(flat)
    # Where noise is stronger than it was said to be, what it does at most places is the measure.
    spread = (found - known).flatten()[:: max(1, noisy.numel() // 20_000)].abs().median() / 0.6745
    calm = (CALM - _around(-flat)).clamp(0, 1)
    return above / spread.clamp(min=1) * calm


def _ground(clean: Tensor) -> Tensor:
    """Mean of the surroundings, of the same colour, of a mosaic (1, H, W)."""
    return unpack(local_mean(pack(clean), 5))


def _around(heights: Tensor) -> Tensor:
    """The highest (1, H, W) near each pixel, without the point itself."""
    padded = F.pad(heights, (4, 4, 4, 4), value=-1e9)
    height, width = heights.shape[-2:]
    lying, standing = _highest(padded, 2, _NEAR), _highest(padded, _NEAR, 2)
    far = _NEAR - 2
    sides = (lying[:, :height], lying[:, far:], standing[..., :width], standing[..., far:])
    return reduce(torch.maximum, (side[:, :height, :width] for side in sides))


def _highest(values: Tensor, rows: int, columns: int) -> Tensor:
    """The highest of each window of a plane; PyTorch's pooling is ten times slower on one plane."""
    for dim, size in ((-2, rows), (-1, columns)):
        reach = 1
        while reach < size:
            step = min(reach, size - reach)
            left = values.shape[dim] - step
            values = torch.maximum(values.narrow(dim, 0, left), values.narrow(dim, step, left))
            reach += step
    return values


def _matched(values: Tensor) -> Tensor:
    """Sums of values (1, H, W) under a point, of standard deviation 1 for white noise."""
    sums = F.pad(values[None], (1, 1, 1, 1), mode="reflect")[0]
    for dim, length in ((-1, values.shape[-1]), (-2, values.shape[-2])):
        before, at, after = (sums.narrow(dim, step, length) for step in range(3))
        sums = torch.add(at, before + after, alpha=_BESIDE)
    return sums / (1 + 2 * _BESIDE**2)
