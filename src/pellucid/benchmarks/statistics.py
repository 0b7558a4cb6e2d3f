"""How sure a mean is, and whether one model is better than another, by resampling scenes.

Items of one scene are alike, so whole scenes are drawn. All chance is seeded.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

ROUNDS = 4_000
_EXACT = 13  # scenes up to which every sign is tried

Array = npt.NDArray[np.float64]


class Interval(NamedTuple):
    """Of 95 % of the resampled means; infinite ends where values are."""

    low: float
    high: float


class Paired(NamedTuple):
    """How much one model is above another, on the same items."""

    difference: float
    interval: Interval | None
    p: float | None
    """Two-sided, of scenes' differences with signs flipped at random."""
    items: int
    scenes: int


def mean_of(values: Sequence[float]) -> float:
    """The mean of what could be measured; not a number where nothing could."""
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan


def interval(values: Sequence[float], scenes: Sequence[str]) -> Interval | None:
    """Bootstrap interval of the mean (percentiles); None for fewer than two scenes."""
    sums, counts = _by_scene(values, scenes)
    if len(sums) < 2 or not np.isfinite(sums).all():
        return None
    drawn = np.random.RandomState(0).randint(len(sums), size=(ROUNDS, len(sums)))
    means = sums[drawn].sum(1) / counts[drawn].sum(1)
    low, high = np.percentile(means, (2.5, 97.5))
    return Interval(float(low), float(high))


def paired(one: Sequence[float], other: Sequence[float], scenes: Sequence[str]) -> Paired:
    """Mean of `other` less `one`, its bootstrap interval, and a sign-flip permutation test.

    Equal values differ by nothing, also where both are infinite.
    """
    apart = [0.0 if a == b else b - a for a, b in zip(one, other, strict=True)]
    sums, _ = _by_scene(apart, scenes)
    known = sum(not math.isnan(each) for each in apart)
    p = _sign_flips(sums) if len(sums) > 1 and np.isfinite(sums).all() else None
    return Paired(mean_of(apart), interval(apart, scenes), p, known, len(sums))


def _by_scene(values: Sequence[float], scenes: Sequence[str]) -> tuple[Array, Array]:
    """Sum and number of what could be measured in each scene."""
    found: dict[str, list[float]] = {}
    for value, scene in zip(values, scenes, strict=True):
        if not math.isnan(value):
            found.setdefault(scene, []).append(value)
    sums, counts = ([f(each) for each in found.values()] for f in (math.fsum, len))
    return np.array(sums, np.float64), np.array(counts, np.float64)


def _sign_flips(sums: Array) -> float:
    """How often signs by chance give so large a sum: all of them for few scenes, else 4,000."""
    count = len(sums)
    if count <= _EXACT:
        signs = 1 - 2 * (np.arange(2**count)[:, None] >> np.arange(count) & 1)
        extreme = np.abs(signs @ sums) >= abs(sums.sum()) * (1 - 1e-12)
        return float(extreme.mean())
    signs = 1 - 2 * np.random.RandomState(0).randint(2, size=(ROUNDS, count))
    extreme = np.abs(signs @ sums) >= abs(sums.sum()) * (1 - 1e-12)
    return float((extreme.sum() + 1) / (ROUNDS + 1))
