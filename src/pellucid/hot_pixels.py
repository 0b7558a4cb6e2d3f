"""Hot and dead pixels of a mosaic: single sites that no light makes.

Light goes through a lens and an aperture: even the smallest star falls on several sites, of other
colours too. A hot pixel stands alone: far above, or below, all its neighbours of the same colour,
while those beside it, of other colours, show nothing.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from pellucid.noise import standard_deviation
from pellucid.raw import Noise

STEEP = 10.0
"""Standard deviations between a hot pixel and the nearest of its neighbours of the same colour."""
AMONG_STARS = 25.0
"""The same in a star field, where faint lonely pixels are as likely to be stars."""
ROUGH = 3.0
"""How many times the spread of those neighbours it stands apart: texture has such sites too."""
BESIDE = 0.12
"""Most that a site beside a hot one may rise, as a share of the hot one. A star as small as a
pixel gives its neighbours 0.35 of its peak."""


def without_hot_pixels(mosaic: Tensor, noise: Noise, steep: float = STEEP) -> Tensor:
    """Mosaic (1, H, W) whose hot and dead sites have the median of their own colour around them."""
    low, high = _extremes(mosaic)
    std = standard_deviation(high, noise).clamp(min=1e-7)
    least = torch.maximum(steep * std, ROUGH * (high - low))
    # Where any of them is, few are: the rest is asked of them alone.
    rows, columns = ((mosaic - high > least) | (low - mosaic > least))[0].nonzero(as_tuple=True)
    patches = _patches(mosaic, rows, columns)
    site, middle = patches[:, 3, 3], _ring(patches, 3, 3).median(1).values
    alone = _quiet(patches, site - _ring(patches, 3, 3).amax(1))
    dead = _quiet(-patches, _ring(patches, 3, 3).amin(1) - site)
    mended = torch.where(torch.where(site > middle, alone, dead), middle, site)
    return mosaic.index_put((torch.zeros_like(rows), rows, columns), mended)


def _extremes(mosaic: Tensor) -> tuple[Tensor, Tensor]:
    """The lowest and the highest of each site's eight neighbours in its own colour."""
    height, width = mosaic.shape[-2:]
    padded = F.pad(mosaic, (2, 2, 2, 2), mode="reflect")
    places = [(r, c) for r in (0, 2, 4) for c in (0, 2, 4) if (r, c) != (2, 2)]
    low = high = padded[:, :height, :width]
    for row, column in places[1:]:
        beside = padded[:, row : row + height, column : column + width]
        low, high = torch.minimum(low, beside), torch.maximum(high, beside)
    return low, high


def _patches(mosaic: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """What surrounds some sites, (N, 7, 7)."""
    padded = F.pad(mosaic, (3, 3, 3, 3), mode="reflect")[0]
    steps = torch.arange(7, device=mosaic.device)
    return padded[(rows[:, None] + steps)[:, :, None], (columns[:, None] + steps)[:, None]]


def _ring(patches: Tensor, row: int, column: int) -> Tensor:
    """The eight neighbours (N, 8) of one colour around a place of patches."""
    places = [(r, c) for r in (-2, 0, 2) for c in (-2, 0, 2) if (r, c) != (0, 0)]
    return torch.stack([patches[:, row + r, column + c] for r, c in places], 1)


def _quiet(patches: Tensor, step: Tensor) -> Tensor:
    """Whether the sites beside each one rise over their own surroundings by a small part of it."""
    beside = [
        patches[:, row, column] - _ring(patches, row, column).median(1).values
        for row, column in ((3, 4), (3, 2), (4, 3), (2, 3))
    ]
    return torch.stack(beside).amax(0) < BESIDE * step
