"""Where a sensor saturates, when the stated white level lies above it."""

import numpy as np
import numpy.typing as npt

from pellucid.bayer import Phase

_NEAR_WHITE = 0.985
"""Share of the range from which on a stated white level is as good as what is seen."""
_LEAST = 0.6
"""Share of the range below which nothing is taken for saturation."""
_PIXELS = 200
_WIDTH = 0.02
"""Widest spike, as a share of the range."""
_STEEP = 8.0
"""How many times more pixels a spike has than as many levels just below it."""
_APART = 0.01
"""Most that the three colours' spikes lie apart: objects differ in colour, saturation does not."""
_FOOT = 0.02


def seen_white(
    visible: npt.NDArray[np.uint16], phase: Phase, black: float, white: float
) -> float | None:
    """The level at which all colours of a Bayer mosaic (H, W) pile up, where it is below white.

    None where there is no such level: a bright object piles up too, but not at one level in red,
    green and blue.
    """
    found = [_spike(visible[site // 2 :: 2, site % 2 :: 2], black, white) for site in range(4)]
    levels = [level for level in found if level is not None]
    if len(levels) < len(phase) or max(levels) - min(levels) > _APART * (white - black):
        return None
    level = min(levels)
    return level if level < black + _NEAR_WHITE * (white - black) else None


def _spike(values: npt.NDArray[np.uint16], black: float, white: float) -> float | None:
    """The foot of the spike that ends a histogram."""
    counts = np.bincount(values.ravel())
    width = max(1, round(_WIDTH * (white - black)))
    # A few hot pixels may lie above.
    above = np.cumsum(counts[::-1])[::-1]
    top = int(np.flatnonzero(above >= max(4, values.size * 1e-5))[-1]) if values.size else 0
    if top < black + _LEAST * (white - black) or top < 3 * width:
        return None
    spike, below = counts[top - width + 1 : top + 1], counts[top - 2 * width + 1 : top - width + 1]
    if spike.sum() < max(_PIXELS, values.size * 5e-4) or spike.sum() < _STEEP * (below.sum() + 1):
        return None
    share = np.cumsum(spike) / spike.sum()
    return float(top - width + 1 + np.flatnonzero(share >= _FOOT)[0])
