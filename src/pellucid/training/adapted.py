"""What a training has besides when it adapts: the critic, its optimiser, and its chance."""
# pyright: reportUnknownMemberType=false

from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from pellucid.data.synthesis import generator_of
from pellucid.objectives.adaptation import NoiseSpaceAdaptation
from pellucid.objectives.adaptation_config import AdaptationConfig
from pellucid.training.network import NetworkTraining
from pellucid.training.run_folder import data_of

CHANCE = 7
"""Tells the chance of steps from that of samples, whose seed is the same."""


class AdaptedTraining(NetworkTraining):
    """A training that may have a critic: it is in checkpoints, and never in the network's file."""

    adaptation: NoiseSpaceAdaptation | None
    """The objective, which holds the critic."""
    settings: AdaptationConfig | None

    def draw_anew(self, number: int) -> None:
        """Seed all chance of a batch by its number: a run that goes on draws what comes next."""
        trainer = self.trainer
        within = number % trainer.accumulate_grad_batches
        key = data_of(trainer).seed, CHANCE, trainer.global_rank, self.global_step, within
        # The critic's dropout takes no generator.
        torch.manual_seed(generator_of(*key).initial_seed())

    @property
    def time(self) -> int:
        """That by which the critic's weight goes, in its own unit."""
        return self.global_step // (self.settings.epoch if self.settings else 1)

    def new_optimizer(self) -> Optimizer:
        """One for both, as published, with a group of its own for the critic."""
        optimizer = super().new_optimizer()
        if self.adaptation is not None and self.settings is not None:
            group: dict[str, Any] = {
                "params": list(self.adaptation.parameters()),
                "muon": False,
                "lr": self.settings.critic_learning_rate,
                "weight_decay": self.settings.critic_weight_decay,
            }
            optimizer.add_param_group(group)
        return optimizer

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Network and critic each by themselves: neither's gradient makes the other's small."""
        for module in filter(None, (self.net, self.adaptation)):
            if gradient_clip_val:
                nn.utils.clip_grad_norm_(module.parameters(), gradient_clip_val)
