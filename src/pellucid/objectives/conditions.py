"""Conditions of the critic: restored pictures and how they are arranged (Liao et al. 2025)."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

Arrange = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Restored synthetic and real planes (B, C, H, W), a number in [0, 1) for each pair of them, to
conditions (B, K, H, W)."""


class Restoration(NamedTuple):
    """What went into a restoration network and what came out, as planes of any kind."""

    degraded: Tensor
    restored: Tensor

    def swapped(self, other: "Restoration") -> Tensor:
        """This picture with the other's residual."""
        return self.degraded + (other.restored - other.degraded)


def shuffled(synthetic: Tensor, real: Tensor, order: Tensor) -> Tensor:
    """Both conditions, real first for half of the pictures: the critic can't tell them by place."""
    swap = (order >= 0.5)[:, None, None, None]
    return torch.cat([torch.where(swap, real, synthetic), torch.where(swap, synthetic, real)], 1)


def in_order(synthetic: Tensor, real: Tensor, order: Tensor) -> Tensor:
    """Both conditions, synthetic first."""
    return torch.cat([synthetic, real], 1)


def only_synthetic(synthetic: Tensor, real: Tensor, order: Tensor) -> Tensor:
    """The condition of plain supervised training, for ablations."""
    return synthetic


def only_real(synthetic: Tensor, real: Tensor, order: Tensor) -> Tensor:
    """The condition without its shortcut, for ablations."""
    return real
