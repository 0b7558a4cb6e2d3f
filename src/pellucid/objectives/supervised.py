"""The supervised objective: both domains against the truth (Li et al. 2024)."""

from dataclasses import dataclass

from torch import Tensor

from pellucid.data.synthesis import Sample
from pellucid.networks.dual_domain import DualDomainNet, Restored
from pellucid.objectives.losses import LOSSES, Loss


@dataclass(frozen=True)
class Supervised:
    """L1 on the mosaic and on the picture; the true picture is the clean mosaic developed alike."""

    loss: Loss = "balanced_l1"
    raw_weight: float = 1.0
    srgb_weight: float = 1.0

    def __call__(self, net: DualDomainNet, sample: Sample) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss and what to log."""
        restored = net(sample.noisy, sample.camera, sample.noise, sample.rendering)
        return self.judge(net, restored, sample)

    def judge(
        self, net: DualDomainNet, restored: Restored, sample: Sample
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss of what the network has made of a sample, and what to log."""
        distance = LOSSES[self.loss]
        truth = net.develop(sample.clean, sample.camera, sample.rendering)
        raw, srgb = distance(restored.mosaic, sample.clean), distance(restored.srgb, truth)
        loss = (self.raw_weight * raw if net.raw_net is not None else 0.0) + self.srgb_weight * srgb
        return loss, {"loss": loss.detach(), "raw": raw.detach(), "srgb": srgb.detach()}
