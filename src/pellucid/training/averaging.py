"""Weights averaged over the last steps, for validation and export."""
# pyright: reportUnknownMemberType=false

from typing import Any

import torch
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor


class RampedEMA(WeightAveraging):
    """An exponential moving average that looks back over no more than a share of the steps so far.

    A fixed decay of 0.999 looks back over 1,000 steps. At the end of a training of 3,000 that was a
    third of it, before the learning rate had come down, and cost 1.2 dB where noise is strong
    (docs/study_dual_domain.md). After `1 / (share * (1 - decay))` steps it is the fixed one.
    """

    def __init__(self, decay: float = 0.999, share: float = 0.05) -> None:
        """`decay` for each step, when it no longer looks back further than `share` of them."""
        self.decay, self.share = decay, share
        super().__init__(multi_avg_fn=self._average)

    def decay_after(self, steps: int) -> float:
        """What is kept of the average at a step, when so many have been averaged."""
        return min(self.decay, 1 - 1 / max(1.0, self.share * steps))

    @torch.no_grad()
    def _average(self, averaged: Any, current: Any, steps: Tensor | int) -> None:
        kept = self.decay_after(int(steps))
        for mean, new in zip(averaged, current, strict=True):
            if mean.is_floating_point():
                mean.lerp_(new, 1 - kept)
            else:
                mean.copy_(new)  # a counter's
