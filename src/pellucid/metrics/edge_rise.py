"""How steep a picture's edges are: the distance in which they rise from 10 to 90 %."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from pellucid.metrics.fidelity import luma

_REACH, _STEP = 8, 0.125  # pixels to both sides, and between samples
_LINES = 5  # that are averaged, a pixel apart along the edge
_MOST = 400
_LEAST = 0.1  # of the range: contrast of an edge
_FEWEST = 10


def edge_rise(picture: Tensor, reference: Tensor) -> float:
    """Median rise in pixels of a picture (3, H, W), over edges found in the `reference`.

    The reference is the truth, or what was given, so that all models are judged at the same edges:
    the steepest places of it, smoothed. Not a number where fewer than ten are clean steps.
    """
    places = _edges(luma(reference))
    if not len(places):
        return math.nan
    profiles = _profiles(luma(picture), places)
    rises = _rises(profiles)
    return rises.median().item() if len(rises) >= _FEWEST else math.nan


def _edges(grey: Tensor) -> Tensor:
    """Row, column and direction of the steepest places (edges, 4), none beside another."""
    margin = _REACH + _LINES
    if min(grey.shape[-2:]) <= 2 * margin:
        return torch.zeros(0, 4)
    smooth = F.avg_pool2d(F.pad(grey[None], (2,) * 4, mode="replicate"), 5, 1)[0, 0]
    down, across = torch.gradient(smooth)
    steep = torch.hypot(down, across)
    peak = steep == F.max_pool2d(steep[None], 2 * _LINES - 1, 1, _LINES - 1)[0]
    peak[:margin] = peak[-margin:] = False
    peak[:, :margin] = peak[:, -margin:] = False
    y, x = torch.nonzero(peak & (steep > _LEAST / _REACH), as_tuple=True)
    best = steep[y, x].argsort(descending=True)[:_MOST]
    y, x = y[best], x[best]
    return torch.stack((y, x, down[y, x] / steep[y, x], across[y, x] / steep[y, x]), 1)


def _profiles(grey: Tensor, places: Tensor) -> Tensor:
    """Levels across each edge (edges, samples), uphill, averaged along it."""
    along = torch.arange(-_REACH, _REACH + _STEP, _STEP, dtype=grey.dtype)
    aside = torch.arange(_LINES, dtype=grey.dtype) - _LINES // 2
    y, x, down, across = (part[:, None, None] for part in places.to(grey.dtype).T)
    rows = y + down * along + across * aside[:, None]
    columns = x + across * along - down * aside[:, None]
    height, width = grey.shape[-2:]
    grid = torch.stack((2 * columns / (width - 1) - 1, 2 * rows / (height - 1) - 1), -1)
    seen = F.grid_sample(grey[None], grid.flatten(1, 2)[None], align_corners=True)[0, 0]
    return seen.view(grid.shape[:-1]).mean(1)


def _rises(profiles: Tensor) -> Tensor:
    """Rise of each profile that is a clean step, in pixels."""
    ends = round(2 / _STEP)
    low, high = profiles[:, :ends].mean(1), profiles[:, -ends:].mean(1)
    step = (profiles - low[:, None]) / (high - low).clamp(min=1e-9)[:, None]
    quiet = torch.maximum((step[:, :ends]).abs().amax(1), (step[:, -ends:] - 1).abs().amax(1))
    step = step[(high - low > _LEAST) & (quiet < 0.1)]
    middle = step.shape[1] // 2
    last_low = _last(step < 0.1, middle)
    first_high = _first(step > 0.9, middle)
    return (_crossing(step, first_high, 0.9) - _crossing(step, last_low + 1, 0.1)) * _STEP


def _last(true: Tensor, middle: int) -> Tensor:
    """The last place up to the middle, where a profile is still low."""
    number = torch.arange(true.shape[1])
    return (number * (true & (number <= middle))).amax(1)


def _first(true: Tensor, middle: int) -> Tensor:
    """The first place from the middle on, where a profile is already high."""
    number, end = torch.arange(true.shape[1]), true.shape[1] - 1
    return torch.where(true & (number >= middle), number, end).amin(1)


def _crossing(step: Tensor, after: Tensor, level: float) -> Tensor:
    """Where the profile meets the level between a place and the one before it."""
    rows = torch.arange(len(step))
    after = after.clamp(1, step.shape[1] - 1)
    before, behind = step[rows, after - 1], step[rows, after]
    share = ((level - before) / (behind - before).where(behind != before, 1)).clamp(0, 1)
    return after - 1 + share
