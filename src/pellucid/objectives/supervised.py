"""The supervised objective: both domains against the truth (Li et al. 2024)."""

from dataclasses import dataclass

from torch import Tensor

from pellucid.choices import Truth
from pellucid.data.synthesis import Sample
from pellucid.isp import render_linear
from pellucid.networks.dual_domain import DualDomainNet, Restored, full_precision
from pellucid.objectives.losses import LOSSES, Loss


@dataclass(frozen=True)
class Supervised:
    """A loss on the mosaic, one on the mosaic as it is seen once developed, one on the picture."""

    loss: Loss = "balanced_l1"
    truth: Truth | None = None
    """What is called the true picture: the clean mosaic, developed, or the scene in all colours.
    Left out, what the weights were trained for that a training begins with, or the mosaic."""
    raw_weight: float = 1.0
    srgb_weight: float = 1.0
    developed_weight: float = 0.0
    """On the mosaic, developed. In linear light bright parts have most of the error; the curves of
    developing show that of dark parts."""

    def __call__(self, net: DualDomainNet, sample: Sample) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss and what to log."""
        restored = net(sample.noisy, sample.camera, sample.noise, sample.rendering)
        return self.judge(net, restored, sample)

    def true_picture(self, net: DualDomainNet, sample: Sample) -> Tensor:
        """The picture (B, 3, H, W) that is to be restored."""
        if (self.truth or net.truth) == "mosaic":
            return net.develop(sample.clean, sample.camera, sample.rendering)
        with full_precision(sample.colour):
            return render_linear(sample.colour, sample.camera, sample.rendering, net.isp)

    def judge(
        self, net: DualDomainNet, restored: Restored, sample: Sample
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss of what the network has made of a sample, and what to log."""
        distance = LOSSES[self.loss]
        truth = self.true_picture(net, sample)
        raw, srgb = distance(restored.mosaic, sample.clean), distance(restored.srgb, truth)
        logs = {"raw": raw.detach(), "srgb": srgb.detach()}
        loss = self.srgb_weight * srgb
        if net.raw_net is not None:
            loss = loss + self.raw_weight * raw
            if self.developed_weight:
                how = sample.camera, sample.rendering
                seen, clean = (net.develop(m, *how) for m in (restored.mosaic, sample.clean))
                developed = distance(seen, clean)
                logs["developed"] = developed.detach()
                loss = loss + self.developed_weight * developed
        return loss, {"loss": loss.detach(), **logs}
