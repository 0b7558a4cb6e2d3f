"""Hot and dead pixels of a mosaic: single sites that no light makes.

Light goes through a lens and an aperture: even the smallest star falls on several sites, of other
colours too. A hot pixel stands alone: far above, or below, all its neighbours of the same colour,
while those beside it, of other colours, show nothing.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from pellucid.bayer import pack, unpack
from pellucid.noise import standard_deviation
from pellucid.raw import Noise

STEEP = 10.0
"""Standard deviations between a hot pixel and the nearest of its neighbours of the same colour."""
ROUGH = 3.0
"""How many times the spread of those neighbours it stands apart: texture has such sites too."""
BESIDE = 0.12
"""Most that a site beside a hot one may rise, as a share of the hot one. A star as small as a
pixel gives its neighbours 0.35 of its peak."""


def without_hot_pixels(mosaic: Tensor, noise: Noise) -> Tensor:
    """Mosaic (1, H, W) whose hot and dead sites have the median of their own colour around them."""
    ring = _ring(pack(mosaic))
    low, high = unpack(ring.amin(0)), unpack(ring.amax(0))
    std = standard_deviation(unpack(ring.median(0).values), noise).clamp(min=1e-7)
    least = torch.maximum(STEEP * std, ROUGH * (high - low))
    alone = (mosaic - high > least) & _quiet(mosaic, mosaic - high)
    dead = (low - mosaic > least) & _quiet(-mosaic, low - mosaic)
    found = alone | dead
    if not bool(found.any()):
        return mosaic
    return torch.where(found, unpack(ring.median(0).values), mosaic)


def _ring(planes: Tensor) -> Tensor:
    """The eight neighbours (8, 4, h, w) of each site in its own plane."""
    padded = F.pad(planes[None], (1, 1, 1, 1), mode="reflect")[0]
    height, width = planes.shape[-2:]
    places = [(row, column) for row in range(3) for column in range(3) if (row, column) != (1, 1)]
    return torch.stack([padded[:, r : r + height, c : c + width] for r, c in places])


def _quiet(mosaic: Tensor, step: Tensor) -> Tensor:
    """Whether the sites beside each one rise over their own surroundings by a small part of it."""
    rise = unpack(pack(mosaic) - _ring(pack(mosaic)).median(0).values)
    padded = F.pad(rise[None], (1, 1, 1, 1), mode="reflect")[0]
    height, width = mosaic.shape[-2:]
    beside = [padded[:, 1 + r : 1 + r + height, 1 + c : 1 + c + width]
              for r, c in ((0, 1), (0, -1), (1, 0), (-1, 0))]  # fmt: skip
    return torch.stack(beside).amax(0) < BESIDE * step
