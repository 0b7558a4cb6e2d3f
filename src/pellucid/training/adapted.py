"""What a training has besides when it adapts: the critic, and its optimiser."""
# pyright: reportUnknownMemberType=false

from typing import Any

from torch import nn
from torch.optim import Optimizer

from pellucid.objectives.adaptation import NoiseSpaceAdaptation
from pellucid.objectives.adaptation_config import AdaptationConfig
from pellucid.training.network import NetworkTraining


class AdaptedTraining(NetworkTraining):
    """A training that may have a critic: it is in checkpoints, and never in the network's file."""

    adaptation: NoiseSpaceAdaptation | None
    """The objective, which holds the critic."""
    settings: AdaptationConfig | None

    @property
    def time(self) -> int:
        """That by which the critic's weight goes, in its own unit, of which the first is 1."""
        return 1 + self.global_step // (self.settings.epoch if self.settings else 1)

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
            if gradient_clip_val and gradient_clip_algorithm == "value":
                nn.utils.clip_grad_value_(module.parameters(), gradient_clip_val)
            elif gradient_clip_val:
                nn.utils.clip_grad_norm_(module.parameters(), gradient_clip_val)
