"""Large pictures in tiles that give, to float rounding, what the whole picture would."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor


class Grid(NamedTuple):
    """How a picture is cut: at multiples of `stride`; a tile sees `halo` pixels around itself."""

    tile: int
    stride: int
    halo: int
    blended: bool = False
    """Whether a tile fades into its neighbours, where no halo makes it equal to them."""
    mirror: int = 0
    """Pixels that are mirrored outside the picture, for networks that do worse at their borders."""

    @property
    def margin(self) -> int:
        """How far a tile sees outside the picture: whole strides, and never more than the halo."""
        return min(self.halo, -(-self.mirror // self.stride) * self.stride)


class Span(NamedTuple):
    """Rows or columns of one tile, end excluded."""

    start: int
    stop: int


def tiles(height: int, width: int, grid: Grid) -> list[tuple[Span, Span]]:
    """Rows and columns of all tiles, about equal and at most `grid.tile` if the stride allows."""
    return [(rows, columns) for rows in _spans(height, grid) for columns in _spans(width, grid)]


def _spans(length: int, grid: Grid) -> Iterator[Span]:
    count = max(1, -(-length // max(grid.tile, grid.stride)))
    step = -(-length // (count * grid.stride)) * grid.stride
    return (Span(start, min(start + step, length)) for start in range(0, length, step))


def run_tiled(
    run: Callable[..., Tensor],
    pictures: tuple[Tensor, ...],
    channels: int,
    grid: Grid,
    done: Callable[[], object] = lambda: None,
) -> Tensor:
    """The result (channels, H, W) of `run` on batches of one tile of each picture (C, H, W).

    Outside the picture its mirror is seen up to whole strides, and further if the grid says so;
    mirrored without its edge, a mosaic keeps its phase. Further out nothing is seen, for a tile as
    for the whole. `done` is called after each tile.
    """
    height, width = pictures[0].shape[-2:]
    result = pictures[0].new_zeros(channels, height, width)
    total = pictures[0].new_zeros(height, width)
    for rows, columns in tiles(height, width, grid):
        seen = (window(picture, rows, columns, grid)[None] for picture in pictures)
        part = run(*seen)[0]
        y, x = kept(rows, height, grid), kept(columns, width, grid)
        top, left = around(rows, height, grid).start, around(columns, width, grid).start
        part = part[:, y.start - top : y.stop - top, x.start - left : x.stop - left]
        place = result[:, y.start : y.stop, x.start : x.stop]
        if grid.blended and grid.halo:
            weight = (fade(y, rows, grid)[:, None] * fade(x, columns, grid)).to(part)
            place += weight * part
            total[y.start : y.stop, x.start : x.stop] += weight
        else:
            place.copy_(part)
        done()
    return result.div_(total) if grid.blended and grid.halo else result


def kept(span: Span, length: int, grid: Grid) -> Span:
    """What of a tile's result goes into the picture."""
    if not grid.blended:
        return span
    return Span(max(span.start - grid.halo, 0), min(span.stop + grid.halo, length))


def fade(kept: Span, span: Span, grid: Grid) -> Tensor:
    """Weight of each row or column of a blended tile: 1, falling to 0 across its border."""
    place = torch.arange(kept.start, kept.stop) + 0.5
    inside = torch.minimum(place - span.start, span.stop - place)
    return ((inside / grid.halo + 1) / 2).clamp(1e-3, 1)


def window(picture: Tensor, rows: Span, columns: Span, grid: Grid) -> Tensor:
    """What a tile sees of a picture, (C, h, w): itself and its halo, up to whole strides."""
    height, width = picture.shape[-2:]
    y, x = around(rows, height, grid), around(columns, width, grid)
    return _seen(_seen(picture, y, -2), x, -1)


def _seen(picture: Tensor, span: Span, dim: int) -> Tensor:
    """A span of a picture along one side, mirrored beyond its ends."""
    length = picture.shape[dim]
    before, after = max(-span.start, 0), max(span.stop - length, 0)
    if max(before, after) >= length:
        return picture.index_select(dim, mirrored(span, length).to(picture.device))
    inside = picture.narrow(dim, span.start + before, span.stop - after - span.start - before)
    if not before and not after:
        return inside
    # The mirror is looked for in the whole picture: a tile at its end may be narrower than a halo.
    ends = (Span(span.start, span.start + before), Span(span.stop - after, span.stop))
    mirrors = [picture.index_select(dim, mirrored(end, length).to(picture.device)) for end in ends]
    return torch.cat([mirrors[0], inside, mirrors[1]], dim)


def around(span: Span, length: int, grid: Grid) -> Span:
    """A span with its halo, as far as anything is seen."""
    whole = -(-length // grid.stride) * grid.stride
    stop = span.start + -(-(span.stop - span.start) // grid.stride) * grid.stride
    return Span(
        max(span.start - grid.halo, -grid.margin), min(stop + grid.halo, whole + grid.margin)
    )


def mirrored(span: Span, length: int) -> Tensor:
    """Indices into 0 .. length - 1 of a span, mirrored as often as it takes."""
    period = max(1, 2 * (length - 1))
    index = torch.arange(span.start, span.stop).remainder(period)
    return torch.minimum(index, period - index)
