"""Demosaicking on packed half-size planes: three linear filters and DualDn's edge-directed one.

A linear demosaicker is one convolution of the four planes: its 5x5 filters over the mosaic (Malvar
et al. 2004), sorted by the site they stand on and the site they read, are 3x3 filters over planes.
"""

import math
from functools import cache
from itertools import product
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from pellucid.bayer import Padding, pack, pad, unpack, unpad
from pellucid.choices import Demosaic
from pellucid.color import apply_matrix
from pellucid.planes import shuffle, unshuffle

Border = Literal["mirror", "published"]

SITES = ((0, 0), (0, 1), (1, 0), (1, 1))
"""Row and column of R, G1, G2, B in the RGGB cell."""
MIRROR = Padding(4, 4, 4, 4)
"""Mirrored pixels around a mosaic: the reach of the widest demosaicker."""


def demosaic(
    mosaic: Tensor, method: Demosaic, cam_to_xyz: Tensor | None = None, border: Border = "mirror"
) -> Tensor:
    """Camera RGB (..., 3, H, W) of an RGGB mosaic (..., 1, H, W).

    `cam_to_xyz` (..., 3, 3) is what `ahd` measures colour differences with. `published` borders are
    DualDn's: `nearest` wraps round, the others see zeros and darken.
    """
    if border == "published":
        return _demosaic(mosaic, method, cam_to_xyz)
    return unpad(_demosaic(pad(mosaic, MIRROR), method, cam_to_xyz), MIRROR)


def _demosaic(mosaic: Tensor, method: Demosaic, cam_to_xyz: Tensor | None) -> Tensor:
    return _ahd(mosaic, cam_to_xyz) if method == "ahd" else _linear(mosaic, method)


def convolve(planes: Tensor, weights: Tensor, wrap: bool = False) -> Tensor:
    """Planes (..., C, h, w) under filters (O, C, 3, 3); outside are zeros, or the opposite edge."""
    flat = F.pad(
        planes.reshape(-1, *planes.shape[-3:]), (1, 1, 1, 1), "circular" if wrap else "constant"
    )
    out = F.conv2d(flat, weights.to(planes))
    return out.reshape(*planes.shape[:-3], *out.shape[-3:])


# -- linear demosaickers --------------------------------------------------------------------------

Linear = Literal["nearest", "bilinear", "malvar2004"]

_NEAREST = {
    "keep": [[1.0]],
    "cross": [[1.0, 0, 0]],
    "beside": [[1.0, 0, 0]],
    "diagonal": [[1.0, 0, 0], [0, 0, 0], [0, 0, 0]],
}
_BILINEAR = {
    "keep": [[1.0]],
    "cross": [[0, 0.25, 0], [0.25, 0, 0.25], [0, 0.25, 0]],
    "beside": [[0.5, 0, 0.5]],
    "diagonal": [[0.25, 0, 0.25], [0, 0, 0], [0.25, 0, 0.25]],
}
_MALVAR = {
    "keep": [[1.0]],
    "cross": [
        [0, 0, -0.125, 0, 0],
        [0, 0, 0.25, 0, 0],
        [-0.125, 0.25, 0.5, 0.25, -0.125],
        [0, 0, 0.25, 0, 0],
        [0, 0, -0.125, 0, 0],
    ],
    "beside": [
        [0, 0, 0.0625, 0, 0],
        [0, -0.125, 0, -0.125, 0],
        [-0.125, 0.5, 0.625, 0.5, -0.125],
        [0, -0.125, 0, -0.125, 0],
        [0, 0, 0.0625, 0, 0],
    ],
    "diagonal": [
        [0, 0, -0.1875, 0, 0],
        [0, 0.25, 0, 0.25, 0],
        [-0.1875, 0, 0.75, 0, -0.1875],
        [0, 0.25, 0, 0.25, 0],
        [0, 0, -0.1875, 0, 0],
    ],
}
# Which filter makes each colour at the sites R, G1, G2, B; "above" is "beside", transposed.
_FILTER_AT = {
    "R": ("keep", "beside", "above", "diagonal"),
    "G": ("cross", "keep", "keep", "cross"),
    "B": ("diagonal", "above", "beside", "keep"),
}


def _linear(mosaic: Tensor, method: Linear) -> Tensor:
    planes = pack(mosaic)
    return shuffle(convolve(planes, linear_weights(method), wrap=method == "nearest"), 2)


@cache
@torch.inference_mode(False)  # or what inference makes first could not be trained through later
def linear_weights(method: Linear) -> Tensor:
    """Filters (12, 4, 3, 3) from planes to colours R, G, B; output 4 * colour + site."""
    table = {"nearest": _NEAREST, "bilinear": _BILINEAR, "malvar2004": _MALVAR}[method]
    filters = {name: torch.tensor(rows) for name, rows in table.items()}
    filters["above"] = filters["beside"].T
    return torch.stack(
        [
            polyphase(filters[name], site)
            for names in _FILTER_AT.values()
            for site, name in enumerate(names)
        ]
    )


def polyphase(mosaic_filter: Tensor, site: int) -> Tensor:
    """Filter (4, 3, 3) over planes that equals a filter over the mosaic centred on one site."""
    weights = torch.zeros(4, 3, 3)
    rows, columns = mosaic_filter.shape
    for i, j in product(range(rows), range(columns)):
        y, x = SITES[site][0] + i - rows // 2, SITES[site][1] + j - columns // 2
        weights[2 * (y % 2) + x % 2, y // 2 + 1, x // 2 + 1] += mosaic_filter[i, j]
    return weights


# -- DualDn's edge-directed demosaicker -----------------------------------------------------------


def _ahd(mosaic: Tensor, cam_to_xyz: Tensor | None) -> Tensor:
    """Green along row or column, chosen hard by the bilinear picture; R and B by differences.

    The smoothed differences alter the measured reds and blues too, as in the published code.
    """
    planes = pack(mosaic)
    bilinear = _linear(mosaic, "bilinear")
    differences = _smooth(bilinear - bilinear[..., 1:2, :, :])
    along_row, along_column = _greens(planes)
    with torch.no_grad():
        column = _prefer_column(bilinear, cam_to_xyz)
    return differences + torch.where(column, along_column, along_row)


@cache
@torch.inference_mode(False)
def directed_weights() -> Tensor:
    """Filters (2, 12, 4, 3, 3) that `ahd` is where it goes along rows, and along columns."""
    units = torch.zeros(4, 4, 5, 5)
    units[range(4), range(4), 2, 2] = 1
    bilinear = _linear(unpack(units), "bilinear")
    differences = _smooth(bilinear - bilinear[:, 1:2])
    replies = torch.stack([differences + green for green in _greens(units)])
    # What a unit does to its neighbours, turned round, is the filter.
    return unshuffle(replies, 2)[..., 1:4, 1:4].flip(-2, -1).transpose(1, 2).contiguous()


def _greens(planes: Tensor) -> tuple[Tensor, Tensor]:
    """Green (..., 1, H, W) from the row, and from the column."""
    row, column = torch.unflatten(convolve(planes, _green_weights()), -3, (2, 4)).unbind(-4)
    return unpack(row), unpack(column)


@cache
@torch.inference_mode(False)
def _green_weights() -> Tensor:
    """Filters (8, 4, 3, 3): green at the four sites from the row, then from the column."""
    line = torch.tensor([[-0.25, 0.5, 0.5, 0.5, -0.25]])
    keep = torch.ones(1, 1)
    return torch.stack(
        [
            polyphase(f, site)
            for along in (line, line.T)
            for site, f in enumerate((along, keep, keep, along))
        ]
    )


def _smooth(picture: Tensor) -> Tensor:
    """3x3 Gaussian of sigma 1.5, edges mirrored; slices outrun so small a convolution."""
    side = math.exp(-1 / (2 * 1.5**2))
    side, centre = side / (1 + 2 * side), 1 / (1 + 2 * side)
    x = F.pad(picture.reshape(-1, *picture.shape[-3:]), (1, 1, 1, 1), mode="reflect")
    x = centre * x[..., 1:-1] + side * (x[..., :-2] + x[..., 2:])
    x = centre * x[..., 1:-1, :] + side * (x[..., :-2, :] + x[..., 2:, :])
    return x.reshape(picture.shape)


_D65_WHITE = (0.95047, 1.0, 1.08883)


def _prefer_column(picture: Tensor, cam_to_xyz: Tensor | None) -> Tensor:
    """Where (..., 1, H, W) the Lab picture changes along its row at least as much as down."""
    matrix = torch.eye(3).to(picture) if cam_to_xyz is None else cam_to_xyz
    lab = _lab(apply_matrix(picture, matrix))
    return _change(lab, -1) >= _change(lab, -2)


def _lab(xyz: Tensor) -> Tensor:
    """CIE L*a*b* of XYZ under D65; the published code gives it an XYZ whose white is (1, 1, 1)."""
    x, y, z = (xyz / xyz.new_tensor(_D65_WHITE)[:, None, None]).unbind(-3)
    x, y, z = (
        torch.where(v > 0.008856, v.clamp(min=0.008856) ** (1 / 3), 7.787 * v + 4 / 29)
        for v in (x, y, z)
    )
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=-3)


def _change(lab: Tensor, dim: Literal[-1, -2]) -> Tensor:
    """Size (..., 1, H, W) of the differences (1, 2, -3) and (-3, 2, 1) along rows or columns."""
    padded = F.pad(lab, (2, 2) if dim == -1 else (0, 0, 2, 2))

    def at(step: int) -> Tensor:
        return padded.narrow(dim, 2 + step, lab.shape[dim])

    before, after = (at(2 * way) + 2 * at(way) - 3 * lab for way in (-1, 1))
    return _size(before) + _size(after)


def _size(difference: Tensor) -> Tensor:
    light, a, b = difference.unbind(-3)
    return (light.abs() + (a**2 + b**2).sqrt()).unsqueeze(-3)
