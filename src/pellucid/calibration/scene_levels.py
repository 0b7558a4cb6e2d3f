"""Levels that were measured from scenes, held against what is known of cameras.

The gain goes with the ISO, and with it shot noise; the grain of scenes does not. So what levels of
several ISOs share beside a part that goes with the ISO is the scenes' own.
"""
# pyright: reportUnknownMemberType=false

import math
from statistics import median_low

import torch
from torch import Generator, Tensor

from pellucid.calibration.block_fit import LEAST
from pellucid.calibration.noise_line import INTERVAL, RESAMPLINGS, Levels
from pellucid.calibration.profile import READ_SLOPE, Level
from pellucid.noise_laws import REAL_CAMERAS

ERROR = 0.05
"""Of its level, what one ISO's shot noise is off by beside grain."""
GRAIN = 3e-5
"""Usual grain as shot noise: what clean photographs read as (docs/calibration.md)."""
MISFIT = 4 * ERROR
"""Cameras with gains of their own mind at some ISOs are left as they were measured."""


def with_usual_read(levels: Levels, most: float) -> Levels:
    """Read noise of scenes, which hardly tell it from shot noise: it may be all of the darkest
    blocks' noise, `most`, and no camera has none.

    The least is two scatters below the median of 369 cameras; the interval starts at three, and
    holds the median.
    """
    usual = [REAL_CAMERAS.median_read(shot) for shot in levels.shot.value]
    least = [one * math.exp(LEAST * REAL_CAMERAS.scatter) for one in usual]
    value = tuple(max(pair) for pair in zip(levels.read.value, least, strict=True))
    low = tuple(one * math.exp(-REAL_CAMERAS.scatter) for one in least)
    high = tuple(max(*three, most) for three in zip(levels.read.high, value, usual, strict=True))
    span = torch.logspace(math.log10(low[0]), math.log10(high[0]), RESAMPLINGS)
    draws = torch.stack([levels.draws[:, 0], span.to(levels.draws)], 1)
    return Levels(levels.shot, Level(value, low, high), draws)


def with_one_gain(isos: list[float], levels: list[Levels]) -> list[Levels]:
    """Shot noise of several ISOs of one camera as one gain has it, without the scenes' grain."""
    if len(isos) < 2:
        return levels
    iso = torch.tensor(isos, dtype=torch.float64)
    found = torch.tensor([_mean(one.shot) for one in levels], dtype=torch.float64)
    gain, grain = _gain_and_grain(iso, found)
    if bool(((gain * iso + grain) / found - 1).abs().max() > MISFIT):
        return levels
    drawn = torch.stack([one.draws[:, 0] for one in levels], 1)
    gains, _ = _gain_and_grain(iso, drawn)
    # Resampling blocks does not know by how much the model of scenes is off.
    generator = Generator().manual_seed(0)
    noise = torch.randn(len(gains), generator=generator, dtype=gains.dtype)
    gains = gains * (1 + ERROR / math.sqrt(len(isos)) * noise)
    return [
        _with_gain(one, float(gain * at / was), gains * at)
        for one, at, was in zip(levels, iso, found, strict=True)
    ]


def with_one_slope(isos: list[float], levels: list[Levels]) -> list[Levels]:
    """Read noise of several ISOs, none above what the others and the usual slope say of it.

    Scenes only add to it.
    """
    if not isos:
        return levels
    logs = [math.log(_mean(one.read)) for one in levels]
    usual = [log - READ_SLOPE * math.log(iso) for iso, log in zip(isos, logs, strict=True)]
    most = [math.exp(median_low(usual) + READ_SLOPE * math.log(iso)) for iso in isos]
    return [_with_read(one, limit) for one, limit in zip(levels, most, strict=True)]


def _gain_and_grain(iso: Tensor, shot: Tensor) -> tuple[Tensor, Tensor]:
    """Least squares of shot noise (..., ISO) on the ISO and a constant that is not negative."""
    weight = (ERROR * shot) ** -2
    xx, x1, xy = ((weight * part).sum(-1) for part in (iso**2, iso, iso * shot))
    one, y = weight.sum(-1) + GRAIN**-2, (weight * shot).sum(-1)
    grain = ((xx * y - x1 * xy) / (xx * one - x1**2)).clamp(min=0)
    return (xy - x1 * grain) / xx, grain


def _mean(level: Level) -> float:
    return sum(level.value) / len(level.value)


def _with_gain(levels: Levels, factor: float, draws: Tensor) -> Levels:
    """Shot noise times a factor, its interval that of the draws."""
    shot = levels.shot
    quantiles = torch.quantile(draws, torch.tensor(INTERVAL, dtype=draws.dtype))
    low, high = (float(part) / _mean(shot) for part in quantiles)
    value = tuple(factor * one for one in shot.value)
    level = Level(
        value,
        tuple(min(low, factor) * one for one in shot.value),
        tuple(max(high, factor) * one for one in shot.value),
    )
    return levels._replace(shot=level, draws=torch.stack([draws, levels.draws[:, 1]], 1))


def _with_read(levels: Levels, most: float) -> Levels:
    """Read noise of at most so much; what was measured stays in the interval."""
    read = levels.read
    value = tuple(min(one, most) for one in read.value)
    low = tuple(map(min, read.low, value))
    return levels._replace(read=Level(value, low, read.high))
