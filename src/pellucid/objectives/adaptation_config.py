"""Noise-space adaptation as a recipe says it: every part by itself, the published ones by default.

The paper's ablations (Liao et al. 2025, table 4) are parts left out; so is the unpaired extension.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from torch import Tensor

from pellucid.critic import CriticConfig
from pellucid.diffusion import ScheduleConfig
from pellucid.objectives.adaptation import (
    Batch,
    Constant,
    NoiseSpaceAdaptation,
    Parts,
    Ramp,
    ResidualSwap,
    paired_clean,
    unpaired_clean,
)
from pellucid.objectives.conditions import (
    Arrange,
    in_order,
    only_real,
    only_synthetic,
    shuffled,
)
from pellucid.objectives.losses import LOSSES, Loss

Arrangement = Literal["shuffled", "in_order", "only_synthetic", "only_real"]
Diffused = Literal["paired", "unpaired"]
_ARRANGE: dict[Arrangement, tuple[Arrange, int]] = {
    "shuffled": (shuffled, 2),
    "in_order": (in_order, 2),
    "only_synthetic": (only_synthetic, 1),
    "only_real": (only_real, 1),
}
"""What arranges the conditions, and how many pictures those are."""
_DIFFUSED: dict[Diffused, Callable[[Batch], Tensor]] = {
    "paired": paired_clean,
    "unpaired": unpaired_clean,
}

Weight = Ramp | Constant
"""How the critic's loss counts, by time."""
DEFAULT_CONTRAST = ResidualSwap()
DEFAULT_WEIGHT = Ramp(length=1000)


@dataclass(frozen=True)
class AdaptationConfig:
    """What the objective is made of, and how its critic learns."""

    critic: CriticConfig = CriticConfig.small()
    """Its channels and conditions follow from the rest."""
    diffusion: ScheduleConfig = ScheduleConfig()
    arrange: Arrangement = "shuffled"
    contrast: ResidualSwap | None = DEFAULT_CONTRAST
    diffused: Diffused = "paired"
    """`unpaired` is the published extension, which has no contrast: leave that out yourself."""
    weight: Weight = DEFAULT_WEIGHT
    epoch: int = 1
    """Steps in the unit of the weight's time, which is whole: the published ramp is of epochs."""
    value_range: Literal["unit", "signed"] = "unit"
    """Of pictures in the objective: [0, 1], or [-1, 1] as published for rain and blur."""
    critic_learning_rate: float = 1e-3
    """Of AdamW, scheduled as the network's is."""
    critic_weight_decay: float = 0.0

    def __post_init__(self) -> None:
        """Raise ValueError for an epoch without a step."""
        if self.epoch < 1:
            raise ValueError(f"adaptation.epoch is {self.epoch}; expected 1 or more steps")

    def build(self, loss: Loss | None = "charbonnier", channels: int = 3) -> NoiseSpaceAdaptation:
        """The objective with a fresh critic, for pictures of so many channels.

        `loss` is that of the synthetic pairs; None leaves it to whoever calls `noise_loss`.
        """
        arrange, pictures = _ARRANGE[self.arrange]
        critic = replace(self.critic, channels=channels, conditions=pictures * channels)
        parts = Parts(
            paired=None if loss is None else LOSSES[loss],
            weight=self.weight,
            diffused=_DIFFUSED[self.diffused],
            arrange=arrange,
            contrast=self.contrast,
        )
        return NoiseSpaceAdaptation(critic.build(), self.diffusion.build(), parts)


ADAPTATION_RECORDS: dict[str, type[Any]] = {
    "": AdaptationConfig,
    ".critic": CriticConfig,
    ".diffusion": ScheduleConfig,
    ".contrast": ResidualSwap,
}
"""The records inside, by where they are."""
