"""Blocks of a mosaic as blind estimation sees them: their signals and the power of their detail.

Each block gives one power for each of its four planes and one of all sites together. In a plane
scenes are aliased; together the sites see twice as fine, where scenes have least: lenses blur,
noise does not. There colour must not pass for detail, so each plane is taken relative to its level.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from pellucid.bayer import pack
from pellucid.planes import shuffle

SIDE = 8
"""Side of a block in a packed plane."""
PLANE_DETAIL = range(2, SIDE)
"""Of a plane's frequencies, along both axes, those that are detail: scenes are weak there."""
FINEST_DETAIL = range(12, 2 * SIDE - 1)
"""The same of all sites together. The last is left out: the colours' own slopes alias to it."""
COEFFICIENTS = torch.tensor([len(PLANE_DETAIL) ** 2] * 4 + [len(FINEST_DETAIL) ** 2]).double()
"""What each power is a mean of."""


class Blocks(NamedTuple):
    """What the fit knows of each block (N, 5): R, G1, G2, B and all sites together."""

    signal: Tensor
    power: Tensor
    """Mean square of the detail coefficients: noise variance plus texture."""
    shape: Tensor
    """Texture power relative to the planes' mean."""
    shot: Tensor
    """(N,): number of the photograph that a block is of."""


def some_blocks(mosaic: Tensor, most: int) -> Tensor:
    """At most about so many packed blocks (N, 4, SIDE, SIDE), on a regular grid."""
    span = 2 * SIDE
    height, width = mosaic.shape[-2:]
    if min(height, width) < span:
        return mosaic.new_empty(0, 4, SIDE, SIDE)
    stride = span * max(1, math.ceil(math.sqrt((height // span) * (width // span) / most)))
    windows = mosaic[0].unfold(0, span, stride).unfold(1, span, stride)
    # Double: the fit squares variances, and 1e-10 to the fourth is beyond float32.
    return pack(windows.reshape(-1, 1, span, span)).double()


def unclipped(planes: Tensor) -> Tensor:
    """The blocks that no clipping touches; if there are none, those that are merely finite."""
    planes = planes[planes.isfinite().flatten(1).all(1)]
    if not len(planes):
        return planes
    # Cameras also clip below 1 and at black: there one value repeats, which noise hardly does.
    lowest, highest = planes.amin((0, 2, 3), keepdim=True), planes.amax((0, 2, 3), keepdim=True)
    pinned = ((planes == lowest) | (planes == highest)).double().mean((2, 3)).amax(1) > 1 / 16
    constant = (planes.amax((2, 3)) == planes.amin((2, 3))).any(1)
    kept = planes[~(pinned | constant | (planes >= 1).flatten(1).any(1))]
    return kept if len(kept) else planes


def measure(shots: list[Tensor]) -> Blocks:
    """Signal, detail power and texture shape of the packed blocks (N, 4, SIDE, SIDE) of shots."""
    planes = torch.cat(shots)
    shot = torch.cat([torch.full((len(part),), number) for number, part in enumerate(shots)])
    signal = planes.mean((2, 3)).clamp(min=0)
    # Texture is a contrast, so its power goes with the signal squared: a textured block whose
    # planes differ in level must not tilt the line. The offset leaves some to dark planes.
    scale = signal + 0.1 * signal.mean() + 1e-6
    cosines = _cosines(SIDE, PLANE_DETAIL, planes)
    power = (cosines @ planes @ cosines.T).square().mean((2, 3))
    contrast = (planes - planes.mean((2, 3), keepdim=True)) / scale[..., None, None]
    # Noise of all sites, each relative to its plane's level, is that of one plane whose signal is
    # the mean that the same weights give.
    weight = scale**-2 / (scale**-2).sum(1, keepdim=True)
    unit = 1 / (scale**-2).mean(1)
    together = _finest_power(contrast) * unit
    shape = torch.cat([scale**2, unit[:, None]], 1) / (scale**2).mean(1, keepdim=True)
    return Blocks(
        torch.cat([signal, (weight * signal).sum(1, keepdim=True)], 1),
        torch.cat([power, together[:, None]], 1).clamp(min=1e-14),
        shape,
        shot.to(planes.device),
    )


def _finest_power(contrast: Tensor) -> Tensor:
    """Mean square (N,) of the finest detail of all sites of packed blocks."""
    cosines = _cosines(2 * SIDE, FINEST_DETAIL, contrast)
    sites = shuffle(contrast, 2)[:, 0]
    return (cosines @ sites @ cosines.T).square().mean((1, 2))


def _cosines(side: int, frequencies: range, like: Tensor) -> Tensor:
    """Orthonormal cosines (frequency, side); white noise keeps its variance."""
    frequency = torch.tensor(frequencies, dtype=like.dtype, device=like.device)
    place = torch.arange(side, dtype=like.dtype, device=like.device) + 0.5
    return math.sqrt(2 / side) * torch.cos(math.pi / side * frequency[:, None] * place)
