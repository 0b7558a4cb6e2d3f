"""Losses between restored and clean pictures."""

import torch
from torch import Tensor


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
