"""Training of dual-domain networks on synthetic raws."""
# pyright: reportUnknownMemberType=false

from typing import Any, cast

import torch
from torch import Tensor

from pellucid.data.synthesis import Sample
from pellucid.networks.dual_domain import DualDomainConfig, DualDomainNet
from pellucid.objectives.supervised import Supervised
from pellucid.training.network import NetworkTraining, begin, towards

DEFAULT_NETWORK = DualDomainConfig()


class Training(NetworkTraining):
    """A dual-domain network, its objective and its optimiser."""

    def __init__(
        self,
        network: DualDomainConfig | None = None,
        objective: Supervised | None = None,
        weights: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Nothing is built but the network.

        Args:
            network: What is trained; left out with `weights`, what those hold.
            objective: What is minimised.
            weights: Model to begin from: a shipped one, a weights file or a run folder; left out,
                random weights.
            kwargs: What every training has.
        """
        objective = objective or Supervised()
        begun = towards(objective.truth, begin(network, weights, DEFAULT_NETWORK))
        super().__init__(begun, **kwargs)
        self.objective = objective

    @property
    def dual(self) -> DualDomainNet:
        """The network."""
        return cast(DualDomainNet, self.net)

    def training_step(self, batch: Sample, number: int) -> Tensor:
        """Loss of one batch."""
        self.draw_anew(number)
        with self.precision():
            loss, logs = self.objective(self.dual, batch)
        self.log_losses(logs)
        return loss

    def validation_step(self, batch: Sample, _: int) -> None:
        """PSNR of the restored picture, and what it gains over the picture developed as it is."""
        noisy, clean = self.developed(batch)
        self.log_psnr("val", self.restored(batch), noisy, clean)

    def developed(self, batch: Sample) -> tuple[Tensor, Tensor]:
        """The noisy mosaics as pictures (B, 3, H, W), and the true pictures."""
        noisy = self.dual.develop(batch.noisy, batch.camera, batch.rendering)
        return noisy, self.objective.true_picture(self.dual, batch)

    def restored(self, batch: Sample) -> Tensor:
        """The restored pictures (B, 3, H, W)."""
        return self.dual(batch.noisy, batch.camera, batch.noise, batch.rendering).srgb

    @torch.no_grad()
    def sheet(self, batch: Sample) -> Tensor:
        """Noisy, restored and clean samples in rows."""
        noisy, clean = self.developed(batch)
        return rows(noisy, self.restored(batch), clean)


def rows(*pictures: Tensor) -> Tensor:
    """Batches (B, 3, H, W) one above the other, as one picture in [0, 1]."""
    return torch.cat([torch.cat(list(row), dim=-1) for row in pictures], dim=-2).clamp(0, 1)
