"""Demosaicking of patterns other than Bayer's: X-Trans, quad-Bayer, and any that repeats.

Two weighted means: green from the green sites around, then red and blue from their differences to
green, which change less than they do themselves (Cok 1987). Both are linear and have no clipping,
so that noise stays without bias.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from pellucid.planes import shuffle, unshuffle

_RADIUS = 4
_GREEN, _DIFFERENCE = 0.7, 1.1
"""Standard deviations of the weights in pixels: benchmarks/raw_kinds.py."""


def demosaic_pattern(mosaic: Tensor, pattern: Sequence[str], gains: Tensor) -> Tensor:
    """Camera RGB (3, H, W), not white-balanced, of a mosaic (1, H, W) whose filters repeat.

    `pattern` holds rows of the letters R, G, B; `gains` (3,) balance the colours meanwhile.
    """
    height, width = mosaic.shape[-2:]
    sites = colour_sites(pattern, height, width).to(mosaic)
    scale = gains.to(mosaic)[:, None, None]
    balanced = mosaic * (sites * scale).sum(0)
    green = torch.where(sites[1:2] > 0, balanced, _around(balanced, sites[1:2], _GREEN))
    differences = _around((balanced - green).expand(2, -1, -1), sites[[0, 2]], _DIFFERENCE)
    red, blue = green + differences[:1], green + differences[1:]
    return torch.cat([red, green, blue]) / scale


def colour_sites(pattern: Sequence[str], height: int, width: int) -> Tensor:
    """Whether a site has each of the colours R, G, B, (3, H, W)."""
    letters = torch.tensor([["RGB".index(letter) for letter in row] for row in pattern])
    rows, columns = letters.shape
    whole = letters.repeat(-(-height // rows), -(-width // columns))[:height, :width]
    return whole == torch.arange(3)[:, None, None]


def own_sites(mosaic: Tensor, pattern: Sequence[str]) -> Tensor:
    """A smaller RGGB mosaic (1, h, w) of some of a mosaic's own sites, none of them mixed.

    In each cell of the pattern's half period one site of R, two of G and one of B are kept.
    """
    step = 3 if len(pattern) == 6 else 2 * len(pattern) // 2
    height, width = (side // step * step for side in mosaic.shape[-2:])
    cells = unshuffle(mosaic[:, :height, :width], step)
    sites = unshuffle(colour_sites(pattern, height, width)[:, None].float(), step)
    planes = [
        _first(cells, sites[colour], number) for colour, number in ((0, 0), (1, 0), (1, 1), (2, 0))
    ]
    return shuffle(torch.stack(planes), 2)


def _first(cells: Tensor, there: Tensor, number: int) -> Tensor:
    """The site of a colour in each cell (h, w) that has so many of its colour before it."""
    order = there.cumsum(0) * there
    index = (order == number + 1).float().argmax(0, keepdim=True)
    return cells.gather(0, index)[0]


def _around(values: Tensor, there: Tensor, deviation: float) -> Tensor:
    """Means of the values (C, H, W) around each pixel where they are there, the near ones first."""
    x = torch.arange(-_RADIUS, _RADIUS + 1).to(values)
    bell = torch.exp(-(x**2) / (2 * deviation**2))
    kernel = torch.outer(bell, bell)[None, None]

    def total(picture: Tensor) -> Tensor:
        padded = F.pad(picture[:, None], (_RADIUS,) * 4, mode="reflect")
        return F.conv2d(padded, kernel)[:, 0]

    return total(values * there) / total(there.to(values))
