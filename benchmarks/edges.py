"""Blur of straight borders in a noisy and in a restored picture, without any truth.

Both are averaged along each border by its own slanted line (ISO 12233's edge-spread function), in
linear light, so that noise goes and neither blur nor clipping nor a curve comes in. The average is
encoded, and its 10-90 % rise distance is what counts. Intervals are of 95 %, from resampled
segments of one border or from resampled borders.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import erf

from pellucid.color import encode

FIRST, LAST = -9, 12
"""Distances in pixels from a border between which its edge-spread function is measured."""
LEVEL_UNTIL, LEVEL_FROM = -7.0, 8.0
"""Outside of these it is level."""
BIN = 0.25
BINS = round((LAST - FIRST) / BIN)
SEGMENTS = 8
STRONG, WEAK = 0.1, 0.03
"""Steps in display values. Strong ones are measured one by one, weak ones together."""
DRAWS = 200
MIX = {
    "red": np.array([1.0, 0, 0]),
    "green": np.array([0, 1.0, 0]),
    "blue": np.array([0, 0, 1.0]),
    "luminance": np.array([0.2126, 0.7152, 0.0722]),
}
Picture = NDArray[np.float64]


class Line(NamedTuple):
    """A border in a strip: its column in the middle row, and its columns per row."""

    place: float
    slope: float


def find_line(strip: Picture) -> Line | None:
    """The border in a linear strip (along, across, 3) that leads from its darkest to its last part.

    A blurred step is fitted to the mixture of channels in which the two differ most.
    """
    along, across = _grid(strip)
    columns = strip.mean(0)
    step = columns[-8:].mean(0) - columns[columns.sum(1).argmin()]
    contrast = strip @ (step / np.linalg.norm(step))
    profile = contrast.mean(0)
    start = 4.5 + np.argmax(np.correlate(profile, np.repeat([-1.0, 1.0], 5), "valid"))
    near = abs(across - start) < 11
    guess = (profile.min(), np.ptp(profile), start, 0, 3)
    seen = across[near], along[near], contrast[near]
    _, _, place, slope, _ = least_squares(_misfit, guess, args=seen).x
    line = Line(float(place), float(slope))
    inside = -FIRST < line.place < strip.shape[1] - LAST
    return line if inside and abs(line.slope) < 0.1 else None


def _misfit(step: Picture, across: Picture, along: Picture, seen: Picture) -> Picture:
    """What a blurred step (level, height, place, slope, blur) leaves of the pixels."""
    level, height, place, slope, blur = step
    return level + height / 2 * (1 + erf((across - place - slope * along) / blur)) - seen


def _grid(strip: Picture) -> tuple[Picture, Picture]:
    """Row, from the middle one, and column of each pixel."""
    along, across = np.indices(strip.shape[:2]).astype(float)
    return along - (len(strip) - 1) / 2, across


def spread(strip: Picture, line: Line) -> Picture:
    """Sums (SEGMENTS, 5, bins) of count, distance from the line and three channels."""
    along, across = _grid(strip)
    distance = (across - line.place - line.slope * along) / np.hypot(1, line.slope)
    segment = np.indices(distance.shape)[0] * SEGMENTS // len(strip)
    at = np.floor((distance - FIRST) / BIN).astype(int)
    inside = (at >= 0) & (at < BINS)
    index = (segment * BINS + at)[inside]
    summed = np.dstack([np.ones_like(distance), distance, strip])[inside].T
    sums = [np.bincount(index, one, SEGMENTS * BINS) for one in summed]
    return np.stack(sums).reshape(5, SEGMENTS, BINS).swapaxes(0, 1)


def edge_curve(sums: Picture, mix: Picture) -> tuple[Picture, Picture]:
    """Edge-spread function (..., BINS) from 0 to 1 in display values, and its step (...).

    Smoothed by a quadratic within 2 pixels of each bin, which changes no edge that is 5 pixels
    wide or more.
    """
    count = sums[..., 0, :]
    place = sums[..., 1, :] / count.clip(1)
    linear = np.einsum("c,...cb->...b", mix, sums[..., 2:, :]) / count.clip(1)
    values = encode(torch.from_numpy(linear).clamp(0, 1), "rec709").numpy()
    low, high = (
        (values * count * level).sum(-1, keepdims=True) / (count * level).sum(-1, keepdims=True)
        for level in (place < LEVEL_UNTIL, place > LEVEL_FROM)
    )
    return _smooth(place, (values - low) / (high - low), count), (high - low)[..., 0]


def _smooth(place: Picture, values: Picture, count: Picture) -> Picture:
    """Local quadratic regression at the bins' middles."""
    away = place[..., None, :] - (FIRST + BIN * (np.arange(BINS) + 0.5))[:, None]
    weight = count[..., None, :] * (abs(away) < 2)
    powers = np.stack([np.ones_like(away), away, away**2])
    normal = np.einsum("i...n,j...n,...n->...ij", powers, powers, weight)
    normal += 1e-3 * np.eye(3)  # at the ends two columns of pixels may be all there is
    right = np.einsum("i...n,...n,...n->...i", powers, weight, values[..., None, :])
    return np.linalg.solve(normal, right[..., None])[..., 0, 0]


def rise(curve: Picture) -> float:
    """10-90 % distance in pixels, between the crossings that are next to the edge's middle."""
    middle = int(np.argmin(abs(curve - 0.5)))
    below, above = np.flatnonzero(curve[:middle] < 0.1), np.flatnonzero(curve[middle:] > 0.9)
    if not (len(below) and len(above)):
        return float("nan")
    i, j = below[-1], middle + above[0]
    first = i + (0.1 - curve[i]) / (curve[i + 1] - curve[i])
    return BIN * float(j - (curve[j] - 0.9) / (curve[j] - curve[j - 1]) - first)


def find_borders(noisy: list[Picture], restored: list[Picture]) -> Picture:
    """Sums (2, N, SEGMENTS, 5, BINS) of the borders in linear strips, by the noisy ones' lines."""
    lines = [(find_line(b), b, a) for b, a in zip(noisy, restored, strict=True)]
    sums = [(spread(b, line), spread(a, line)) for line, b, a in lines if line is not None]
    return np.array(sums).swapaxes(0, 1)


def judge_borders(borders: Picture, mix: Picture) -> dict[str, object]:
    """How wide the restored edges are in one channel, as a ratio to the noisy averages' widths."""
    stream = np.random.default_rng(0)
    _, step = edge_curve(borders[0].sum(1), mix)
    strong, weak = abs(step) >= STRONG, (abs(step) >= WEAK) & (abs(step) < STRONG)
    widths = np.array(
        [_drawn_rises(pair, mix, stream) for pair in borders[:, strong].swapaxes(0, 1)]
    )
    ratios = widths[:, 1] / widths[:, 0]
    singles = np.c_[ratios[:, 0], np.nanpercentile(ratios[:, 1:], (2.5, 97.5), axis=1).T]
    worst = singles[np.argmax(abs(singles[:, 0] - 1))]
    low, high = singles[:, 1:].T
    drawn = stream.choice(ratios[:, 0], (DRAWS, len(ratios))).mean(1)
    return {
        "strong_edges": len(ratios),
        "noisy_rise_px": round(float(widths[:, 0, 0].mean()), 2),
        "mean_ratio": _interval(ratios[:, 0].mean(), drawn),
        "worst_ratio": [round(float(value), 3) for value in worst],
        "beyond_10_percent": int((abs(ratios[:, 0] - 1) > 0.1).sum()),
        "surely_beyond": int(((low > 1.1) | (high < 0.9)).sum()),
        "weak_edges": int(weak.sum()),
        "weak_ratio": _pooled_ratio(borders[:, weak], mix, stream) if weak.any() else None,
    }


def _drawn_rises(pair: Picture, mix: Picture, stream: np.random.Generator) -> Picture:
    """Rises (2, 1 + DRAWS) of one border in both pictures: of all segments, and of drawn ones."""
    drawn = stream.multinomial(SEGMENTS, [1 / SEGMENTS] * SEGMENTS, DRAWS)
    weights = np.vstack([np.ones(SEGMENTS), drawn])
    curves, _ = edge_curve(np.einsum("ds,ps...->pd...", weights, pair), mix)
    return np.array([[rise(curve) for curve in curves_of_one] for curves_of_one in curves])


def _pooled_ratio(borders: Picture, mix: Picture, stream: np.random.Generator) -> list[float]:
    """Ratio of the rises of the mean curves, with its interval."""
    curves, steps = edge_curve(borders.sum(2), mix)
    number = borders.shape[1]
    drawn = stream.multinomial(number, [1 / number] * number, DRAWS)
    weights = np.vstack([np.ones(number), drawn]) * steps[0] ** 2
    pooled = np.einsum("dn,pnb->pdb", weights / weights.sum(1, keepdims=True), curves)
    before, after = ([rise(curve) for curve in of_one] for of_one in pooled)
    ratios = np.array(after) / np.array(before)
    return _interval(float(ratios[0]), ratios[1:])


def _interval(value: float, drawn: Picture) -> list[float]:
    """A value and the 95 % interval of its resamplings."""
    return [round(float(v), 3) for v in (value, *np.nanpercentile(drawn, (2.5, 97.5)))]
