"""Learning rates as functions of the step: our own, and the two that DualDn publishes."""

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal


@dataclass(frozen=True)
class Cosine:
    """A linear warm-up, a plateau, and a cosine to zero at the run's last step.

    A run that ends on its plateau (`decay_share` 0) can be taken further later on.
    """

    kind: Literal["cosine"] = "cosine"
    warmup_steps: int = 500
    """Steps until the highest learning rate."""
    decay_share: float = 1.0
    """Share of the steps, to the last, in which it falls."""
    steps: int | None = None
    """The last step, where another run with other options is to go on to it."""

    def factor(self, step: int, last: int, highest: float) -> float:
        """Learning rate at a step, from 0 on, as a share of the highest; `last` ends the run."""
        last = self.steps or last
        warm = min(1.0, (step + 1) / max(1, self.warmup_steps))
        fallen = max(0.0, 1 - (1 - step / last) / self.decay_share) if self.decay_share else 0.0
        return warm * half_cosine(fallen)


@dataclass(frozen=True)
class MultiStep:
    """Falls at once at each milestone; the defaults are DualDn's (Li et al. 2024)."""

    kind: Literal["multistep"] = "multistep"
    milestones: tuple[int, ...] = (40_000, 60_000, 80_000, 100_000)
    """Steps after which it falls, in rising order."""
    gamma: float = 0.6
    """What it is multiplied by there."""

    def factor(self, step: int, last: int, highest: float) -> float:
        """Learning rate at a step, from 0 on, as a share of the highest."""
        return self.gamma ** bisect_right(self.milestones, step)


@dataclass(frozen=True)
class CosineRestarts:
    """Periods that each begin at the highest learning rate and fall to their own lowest one.

    The defaults are those of DualDn's big model, which it has from Restormer (Zamir et al. 2022):
    constant for 92,000 steps, then half a cosine.
    """

    kind: Literal["cosine_restarts"] = "cosine_restarts"
    periods: tuple[int, ...] = (92_000, 208_000)
    """Steps of each period; after the last one it stays low."""
    lowest: tuple[float, ...] = (3e-4, 1e-6)
    """Learning rate at the end of each period."""

    def __post_init__(self) -> None:
        """Raise ValueError for periods that are none, or without their rates."""
        if not self.periods or min(self.periods) < 1 or len(self.lowest) != len(self.periods):
            said = f"periods {list(self.periods)}, lowest {list(self.lowest)}"
            raise ValueError(f"got {said}; expected whole periods, and as many lowest")

    def factor(self, step: int, last: int, highest: float) -> float:
        """Learning rate at a step, from 0 on, as a share of the highest."""
        ends = list(accumulate(self.periods))
        period = min(bisect_right(ends, step), len(ends) - 1)
        fallen = 1 - (ends[period] - step) / self.periods[period]
        low = self.lowest[period] / highest
        return low + (1 - low) * half_cosine(fallen)


Schedule = Cosine | MultiStep | CosineRestarts
"""How the learning rate goes; its `kind` tells which."""
SCHEDULES: dict[str, type[Schedule]] = {
    "cosine": Cosine,
    "multistep": MultiStep,
    "cosine_restarts": CosineRestarts,
}


def half_cosine(fallen: float) -> float:
    """From 1 at 0 to 0 at 1 and beyond."""
    return 0.5 * (1 + math.cos(math.pi * min(1.0, fallen)))
