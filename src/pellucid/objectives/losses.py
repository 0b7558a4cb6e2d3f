"""Losses between restored and clean pictures."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

Loss = Literal["l1", "charbonnier", "balanced_l1", "balanced_l2"]


def l1(restored: Tensor, clean: Tensor) -> Tensor:
    """Mean absolute error."""
    return (restored - clean).abs().mean()


def charbonnier(restored: Tensor, clean: Tensor, epsilon: float = 1e-3) -> Tensor:
    """Mean of sqrt(error^2 + epsilon^2) (Charbonnier et al. 1994): L1, smooth at 0."""
    return ((restored - clean).square() + epsilon**2).sqrt().mean()


def balanced_l1(restored: Tensor, clean: Tensor) -> Tensor:
    """Mean over the batch of each picture's log mean absolute error.

    A plain mean would hear little but the noisiest pictures of a batch: levels span three decades.
    Here a picture's error counts relative to itself, as it does in decibels.
    """
    errors = (restored - clean).abs().flatten(1).mean(1)
    return torch.log(errors + 1e-6).mean()


def balanced_l2(restored: Tensor, clean: Tensor) -> Tensor:
    """Mean over the batch of each picture's log root mean square error: PSNR, but for a factor."""
    errors = (restored - clean).square().flatten(1).mean(1)
    return torch.log(errors + 1e-12).mean() / 2


LOSSES: dict[Loss, Callable[[Tensor, Tensor], Tensor]] = {
    "l1": l1,
    "charbonnier": charbonnier,
    "balanced_l1": balanced_l1,
    "balanced_l2": balanced_l2,
}
"""Of restored and clean pictures, by the name that recipes have for it."""
