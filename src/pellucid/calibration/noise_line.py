"""Shot and read noise as a line of variance over signal, by weighted least squares, with intervals.

Whoever measures gives sums for each of its samples (tiles of flats, blocks of a scene) and plane;
to draw samples again, as the bootstrap does, is to add them up with other weights (Rubin 1981).
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from typing import NamedTuple

import torch
from torch import Generator, Tensor

from pellucid.calibration.profile import Level
from pellucid.raw import Noise

FLOOR = Noise(1e-8, 1e-10)
"""What a noiseless mosaic gets: networks divide by sigma, and no sensor is better."""
RESAMPLINGS = 300
INTERVAL = (0.025, 0.975)
ERRORS = 3.0
"""Standard errors by which a channel must differ to be told apart."""
_COLOURS = (slice(None), [0], [1, 2], [3])
"""Columns of all, of R, of G, of B."""


class Sums(NamedTuple):
    """Weighted sums of each sample and plane (N, 4): of 1, x, x * x, y and x * y.

    Blocks of scenes have a fifth column, of all planes together.
    """

    one: Tensor
    x: Tensor
    xx: Tensor
    y: Tensor
    xy: Tensor

    @classmethod
    def of(cls, signal: Tensor, variance: Tensor, weight: Tensor) -> "Sums":
        """Of one variance for each sample and plane, a weight of 0 where there is none."""
        wx, wy = weight * signal, weight * variance
        return cls(weight, wx, wx * signal, wy, wx * variance)


class Levels(NamedTuple):
    """Shot and read noise with their intervals."""

    shot: Level
    read: Level
    draws: Tensor
    """Both (RESAMPLINGS, 2) for all channels together."""


def line_of(sums: Sums) -> Tensor:
    """Shot and read (..., 2) of the summed samples (...), each at least `FLOOR`.

    Where one would be negative the other is fitted alone.
    """
    one, x, xx, y, xy = sums
    determinant = xx * one - x**2
    # Flats of one level cannot tell shot from read: rounding alone would.
    told = determinant > 1e-9 * xx * one
    lowest = [float(level) for level in FLOOR]
    read = torch.where(told, (xx * y - x * xy) / determinant, 0).clamp(min=lowest[1])
    shot = ((xy - x * read) / xx).nan_to_num(0).clamp(min=lowest[0])
    return torch.stack([shot, ((y - x * shot) / one).nan_to_num(0).clamp(min=lowest[1])], -1)


def darkest_variance(sums: Sums) -> float:
    """Variance of the hundredth of all samples that has the least signal."""
    one, x, _, y, _ = (part.flatten() for part in sums)
    order = (x / one.clamp(min=1e-300)).argsort()[: max(1, len(x) // 100)]
    return float(y[order].sum() / one[order].sum())


def levels_of(sums: Sums, group: Tensor, generator: Generator, apart: float = 0.03) -> Levels:
    """Both levels, for R, G and B where they differ, with 95 % intervals by the bootstrap.

    `group` (N) says which samples belong together, as blocks of one shot or tiles of the same rows
    do: groups are drawn again, then their samples. Channels are told apart where they differ surely
    and by more than `apart` of their level.
    """
    weights = _draws(group, generator)
    drawn = torch.stack([line_of(_of_planes(sums, weights, colour)) for colour in _COLOURS])
    whole = torch.ones(1, len(group), dtype=sums.one.dtype)
    found = torch.stack([line_of(_of_planes(sums, whole, colour))[0] for colour in _COLOURS])
    kept = slice(1, None) if _differ(found, drawn, apart) else slice(0, 1)
    low, high = torch.quantile(
        drawn[kept], torch.tensor(INTERVAL, dtype=drawn.dtype), dim=1
    ).unbind()
    # The interval holds the value even where sampling again was lucky.
    low, high = torch.minimum(low, found[kept]), torch.maximum(high, found[kept])
    parts = [[tuple(part[:, i].tolist()) for part in (found[kept], low, high)] for i in (0, 1)]
    return Levels(Level(*parts[0]), Level(*parts[1]), drawn[0])


def _draws(group: Tensor, generator: Generator) -> Tensor:
    """The weight of each sample in each resampling (RESAMPLINGS, N)."""
    frames, index = group.unique(return_inverse=True)
    of_frame = torch.empty(RESAMPLINGS, len(frames), dtype=torch.float64)
    of_sample = torch.empty(RESAMPLINGS, len(group), dtype=torch.float64)
    # Exponential weights: none is 0, so that no resampling is without its few darks.
    of_frame.exponential_(generator=generator)
    return of_frame[:, index] * of_sample.exponential_(generator=generator)


def _of_planes(sums: Sums, weights: Tensor, columns: slice | list[int]) -> Sums:
    return Sums(*(weights @ part[:, columns].sum(1) for part in sums))


def _differ(found: Tensor, drawn: Tensor, apart: float) -> bool:
    """Whether a channel's shot noise is another than that of all; read noise follows."""
    off = (found[1:, 0] - found[0, 0]).abs()
    surely = off > ERRORS * drawn[1:, :, 0].std(1)
    return bool((surely & (off > apart * found[0, 0])).any())
