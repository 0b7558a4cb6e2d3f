"""Blown highlights: clipped sites rebuilt from the other colours.

A clipped channel is the light that the unclipped ones say times the colour of the bright
surroundings (as LibRaw's and darktable's ratio methods do), found once for the whole mosaic.
"""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from pellucid.bayer import mosaic_of
from pellucid.demosaic import demosaic
from pellucid.planes import local_mean
from pellucid.raw import Camera

CLIPPING = (0.95, 0.99)
"""Shares of the saturation level between which a site begins to count as clipped."""
CELL = 8
"""Pixels across a cell of the map of colours."""
_REACH = 256  # Cells that a colour goes at most.
_SMOOTHING = 8
_TRUSTED = 0.05  # Weight of a cell's light from which its own colour is known.
_BLOCK = 256  # Side of what is looked at together: whole cells.

Place = tuple[slice, slice, slice]


class Limit(NamedTuple):
    """Where sites saturate."""

    level: float
    low: float = CLIPPING[0]
    high: float = CLIPPING[1]
    """Shares of the level between which a site begins to count as clipped."""

    @classmethod
    def of(cls, mosaic: Tensor, spread: float) -> "Limit":
        """Of a denoised mosaic whose noise had this standard deviation: some of it is left."""
        low, high = 1 - 2 * min(spread, 0.1), 1 - 0.7 * min(spread, 0.1)
        return cls(saturation(mosaic), min(CLIPPING[0], low), min(CLIPPING[1], high))

    @property
    def begin(self) -> float:
        """The value from which a site counts."""
        return self.low * self.level


# -- rebuilding -----------------------------------------------------------------------------------


def lift_highlights(mosaic: Tensor, camera: Camera, spread: float = 0.0) -> Tensor | None:
    """What clipping took from each site of an RGGB mosaic (1, H, W), at least 0; None if nothing.

    `spread` is the standard deviation that noise had at white, before the mosaic was denoised.
    Added to the mosaic, it gives values above 1, which `ISPConfig(highlights="rebuilt")` expects.
    Sites that do not clip get 0. To be computed on a whole picture, tiles see different colours.
    """
    limit = Limit.of(mosaic, spread)
    if mosaic.amax() <= limit.begin:
        return None
    gains = camera.white_balance.to(mosaic)[:, None, None]
    colours = _colours(mosaic, gains, limit)
    lift = torch.zeros_like(mosaic)
    for place in _places(mosaic, limit):
        light, lost = _light_of(mosaic, place, gains, limit)
        near = _between(colours, place)
        lift[place] = _lifted(mosaic[place], light, lost, near, gains, limit)
    return lift


def _places(mosaic: Tensor, limit: Limit) -> Iterator[Place]:
    """Blocks that hold something clipped, or lie beside it."""
    height, width = mosaic.shape[-2:]
    for top in range(0, height, _BLOCK):
        for left in range(0, width, _BLOCK):
            place = _place(top, left, min(top + _BLOCK, height), min(left + _BLOCK, width))
            if mosaic[_around(place, 2 * CELL)].amax() > limit.begin:
                yield place


def _place(top: int, left: int, bottom: int, right: int) -> Place:
    return slice(None), slice(top, bottom), slice(left, right)


def _around(place: Place, reach: int) -> Place:
    """A place with what lies around it; slices may end outside a mosaic."""
    _, rows, columns = place
    top, left = max(rows.start - reach, 0), max(columns.start - reach, 0)
    return _place(top, left, rows.stop + reach, columns.stop + reach)


def _light_of(mosaic: Tensor, place: Place, gains: Tensor, limit: Limit) -> tuple[Tensor, Tensor]:
    """Balanced colours (3, h, w) of a place, interpolated, and how far each is clipped."""
    seen = _around(place, 2)
    top, left = place[1].start - seen[1].start, place[2].start - seen[2].start
    height, width = mosaic[place].shape[-2:]
    inside = _place(top, left, top + height, left + width)
    light = demosaic(mosaic[seen], "bilinear")[inside] * gains
    return light, demosaic(clipped(mosaic[seen], limit), "bilinear")[inside]


def saturation(mosaic: Tensor) -> float:
    """The level at which a mosaic's sites saturate: 1, or lower where bright ones pile up there.

    A file's white level is often too high: a Canon D30 says 1 and stops at 0.94. Colours differ in
    how bright they are, but not in where they stop: a pile of one colour is a bright thing.
    """
    top, second = _tops(mosaic)
    if not 0.7 < top < 1 or second < 0.97 * top:
        return 1.0
    counts = torch.histc(mosaic.detach().float(), 25, 0.75 * top, top)
    pile, before = float(counts[-3:].sum()), float(counts[-12:-6].sum())
    return 0.99 * top if pile > max(2 * before, 1e-4 * mosaic.numel()) else 1.0


def _tops(mosaic: Tensor) -> tuple[float, float]:
    """The two highest of the maxima of red, green and blue."""
    sites = (mosaic.detach()[..., y::2, x::2] for y in (0, 1) for x in (0, 1))
    red, one, other, blue = (float(plane.amax()) for plane in sites)
    second, top = sorted((red, max(one, other), blue))[1:]
    return top, second


def clipped(values: Tensor, limit: Limit) -> Tensor:
    """How far values count as clipped, in [0, 1]."""
    t = ((values / limit.level - limit.low) / (limit.high - limit.low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def _colours(mosaic: Tensor, gains: Tensor, limit: Limit) -> Tensor:
    """Colour (3, h, w) of each cell, the brightest channel 1: its own, or its surroundings'."""
    height, width = mosaic.shape[-2:]
    cells = mosaic.new_zeros(5, -(-height // CELL), -(-width // CELL))
    for place in _places(mosaic, limit):
        part = _cells(*_light_of(mosaic, place, gains, limit), gains, limit)
        top, left = place[1].start // CELL, place[2].start // CELL
        cells[:, top : top + part.shape[-2], left : left + part.shape[-1]] = part
    blown = (cells[4:] > 0).to(cells)
    beside = F.max_pool2d(blown[None], 5, 1, 2)[0]
    return _filled(cells[:3] * beside, cells[3:4] * beside, blown)


def _cells(light: Tensor, lost: Tensor, gains: Tensor, limit: Limit) -> Tensor:
    """Means over cells (5, h, w) of unclipped bright light, of its weight, and of what clips."""
    top = (light / (gains * limit.level)).amax(-3, keepdim=True)
    # Only what is nearly as bright as what clips is likely to be the same thing.
    weight = (
        top.clamp(0, 1) ** 6 * (1 - clipped(top, Limit(0.97))) * (lost.amax(0, keepdim=True) == 0)
    )
    blown = (lost.amax(0, keepdim=True) > 0.5).to(top)
    return F.avg_pool2d(torch.cat([weight * light, weight, blown]), CELL, ceil_mode=True)


def _filled(light: Tensor, weight: Tensor, blown: Tensor) -> Tensor:
    """Colour (3, h, w) of each cell; it spreads through blown cells only."""
    colour = light / light.amax(-3, keepdim=True).clamp(min=1e-9)
    known = (weight > _TRUSTED).to(light)
    sources = known
    for step in range(_REACH + 1):
        # At the last, the cells around get a colour too, for those between them and the blown.
        wanted = (blown if step < _REACH else torch.ones_like(blown)) * (1 - known)
        near = local_mean(known, 3)
        new = wanted * (near > 1e-6)
        if step < _REACH and not bool(new.any()):
            continue
        mean = local_mean(colour * known, 3) / near.clamp(min=1e-6)
        colour = torch.where(new > 0, mean, colour)
        known = known + new
    colour = torch.where(known > 0, colour, 1.0)
    for _ in range(_SMOOTHING):  # where fronts met
        mean = local_mean(colour * known, 3) / local_mean(known, 3).clamp(min=1e-6)
        colour = torch.where((sources == 0) & (known > 0), mean, colour)
    return colour.clamp(min=1e-3)


def _between(colours: Tensor, place: Place) -> Tensor:
    """Colours of the pixels of a place, linear between the middles of cells."""
    _, rows, columns = place
    return _along(_along(colours, rows.start, rows.stop, -2), columns.start, columns.stop, -1)


def _along(colours: Tensor, start: int, stop: int, dim: int) -> Tensor:
    last = colours.shape[dim] - 1
    place = (torch.arange(start, stop, device=colours.device) + 0.5) / CELL - 0.5
    place = place.clamp(0, last)
    low = place.floor().long()
    part = (place - low).to(colours)
    part = part[:, None] if dim == -2 else part
    high = (low + 1).clamp(max=last)
    return torch.lerp(colours.index_select(dim, low), colours.index_select(dim, high), part)


def _lifted(
    mosaic: Tensor, light: Tensor, lost: Tensor, colour: Tensor, gains: Tensor, limit: Limit
) -> Tensor:
    """What sites (1, h, w) lack, from the colours (3, h, w) at and around them.

    Where the site contradicts the colour, clipped channels go to the brightest: towards white,
    never towards magenta.
    """
    said = _light(light, lost, colour)
    wanted = torch.lerp(
        colour * said, light.amax(0, keepdim=True), _doubt(light, lost, colour, said)
    )
    return clipped(mosaic, limit) * (mosaic_of(wanted / gains) - mosaic).clamp(min=0)


def _light(balanced: Tensor, lost: Tensor, colour: Tensor) -> Tensor:
    """Light (1, h, w) of a colour that the unclipped channels say; if none, the least possible."""
    each, kept = balanced / colour, (1 - lost) * colour  # a dark channel says little
    mean = (kept * each).sum(0, keepdim=True) / kept.sum(0, keepdim=True).clamp(min=1e-6)
    most = each.amax(0, keepdim=True)
    return torch.lerp(mean, torch.maximum(mean, most), lost.amin(0, keepdim=True))


def _doubt(balanced: Tensor, lost: Tensor, colour: Tensor, light: Tensor) -> Tensor:
    """How far (1, h, w) a site contradicts the colour: it may lie beside another thing.

    Either clipped channels are brighter than the colour says they can be, or unclipped ones have
    another ratio.
    """
    expected = colour * light
    dark = (lost * (0.95 - expected / balanced.clamp(min=1e-6)) / 0.2).amax(0, keepdim=True)
    kept = (1 - lost) * colour
    apart = kept * (balanced / expected.clamp(min=1e-6) - 1).abs()
    mean = apart.sum(0, keepdim=True) / kept.sum(0, keepdim=True).clamp(min=1e-6)
    unlike = (mean - 0.2) / 0.3 * (1 - lost.amin(0, keepdim=True))
    return torch.maximum(dark, unlike).clamp(0, 1)
