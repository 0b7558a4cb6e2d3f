"""Noise-space adaptation of a dual-domain network to unlabelled raws of a camera.

The conditions (Liao et al. 2025) are what the network makes of a synthetic and of a real raw: the
pictures, which show the critic what people will see, or the mosaics, or both.
"""
# pyright: reportUnknownMemberType=false

from typing import Any, Literal, cast

import torch
from torch import Tensor

from pellucid.bayer import pack
from pellucid.data.synthesis import Sample
from pellucid.errors import PellucidError
from pellucid.networks.dual_domain import DualDomainConfig, DualDomainNet, Restored
from pellucid.objectives.adaptation import Logs, NoiseSpaceAdaptation
from pellucid.objectives.adaptation_config import AdaptationConfig
from pellucid.objectives.conditions import Restoration
from pellucid.objectives.supervised import Supervised
from pellucid.training.adapted import AdaptedTraining
from pellucid.training.network import begin, towards
from pellucid.training.raw import DEFAULT_NETWORK, rows
from pellucid.training.real_raws import AdaptationSample, RealRaw

Domain = Literal["pictures", "mosaics", "both"]
DEFAULT_ADAPTATION = AdaptationConfig()
_CHANNELS: dict[Domain, int] = {"pictures": 3, "mosaics": 4, "both": 4}


class RawAdaptation(AdaptedTraining):
    """A dual-domain network, its supervised objective, and the critic that sees real raws."""

    def __init__(
        self,
        network: DualDomainConfig | None = None,
        objective: Supervised | None = None,
        adaptation: AdaptationConfig | None = DEFAULT_ADAPTATION,
        conditions: Domain = "pictures",
        weights: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Nothing is built but the network and the critic.

        Args:
            network: What is trained; left out with `weights`, what those hold.
            objective: What is minimised on synthetic raws.
            adaptation: Draws restored real raws towards clean ones.
            conditions: What the critic is shown: pictures (B, 3, H, W), mosaics as packed planes
                (B, 4, H/2, W/2), or a picture and its mosaic (B, 4, H, W).
            weights: Model to begin from: a shipped one, a weights file or a run folder; left out,
                random weights.
            kwargs: What every training has.
        """
        objective = objective or Supervised()
        begun = towards(objective.truth, begin(network, weights, DEFAULT_NETWORK))
        super().__init__(begun, **kwargs)
        if adaptation is None:
            raise PellucidError("got adaptation: null; expected an objective, or training: raw")
        self.objective, self.settings = objective, adaptation
        if self.settings.diffused == "unpaired":
            raise PellucidError("got diffused: unpaired; expected paired, raws have nothing else")
        if self.settings.value_range != "unit":
            raise PellucidError("got value_range: signed; expected unit, raws are in [0, 1]")
        self.conditions: Domain = conditions
        self.adaptation = self.settings.build(None, _CHANNELS[conditions])

    @property
    def dual(self) -> DualDomainNet:
        """The network."""
        return cast(DualDomainNet, self.net)

    def training_step(self, batch: AdaptationSample, number: int) -> Tensor:
        """Loss of one batch."""
        self.draw_anew(number)
        with self.precision():
            loss, logs = self._objective(batch)
        self.log_losses(logs)
        return loss

    def _objective(self, batch: AdaptationSample) -> tuple[Tensor, Logs]:
        synthetic, real = batch
        adaptation = cast(NoiseSpaceAdaptation, self.adaptation)
        restored = self.restored(synthetic)
        paired, logs = self.objective.judge(self.dual, restored, synthetic)
        truth = self.objective.true_picture(self.dual, synthetic)
        clean = self.planes(synthetic.clean, truth, synthetic)
        noise, noise_logs = adaptation.noise_loss(
            self.restoration(synthetic.noisy, restored, synthetic),
            self.restoration(real.mosaic, self.restored(real), real),
            clean,
        )
        weight = adaptation.parts.weight(self.time)
        loss = paired + weight * noise
        said = {"loss": loss.detach(), "paired": paired.detach(), "weight": loss.new_tensor(weight)}
        return loss, logs | noise_logs | said

    def restored(self, sample: Sample | RealRaw) -> Restored:
        """What the network makes of a sample."""
        noisy = sample.noisy if isinstance(sample, Sample) else sample.mosaic
        return self.dual(noisy, sample.camera, sample.noise, sample.rendering)

    def developed(self, mosaic: Tensor, sample: Sample | RealRaw) -> Tensor:
        """A mosaic of a sample as a picture (B, 3, H, W)."""
        return self.dual.develop(mosaic, sample.camera, sample.rendering)

    def restoration(
        self, mosaic: Tensor, restored: Restored, sample: Sample | RealRaw
    ) -> Restoration:
        """What went in and what came out, as planes of the conditions' kind."""
        return Restoration(
            self.planes(mosaic, self.developed(mosaic, sample), sample),
            self.planes(restored.mosaic, restored.srgb, sample),
        )

    def planes(self, mosaic: Tensor, picture: Tensor, sample: Sample | RealRaw) -> Tensor:
        """Mosaic and picture of one scene as conditions; mosaics as bright as they are shown."""
        bright = mosaic * sample.rendering.exposure[:, None, None, None]
        match self.conditions:
            case "pictures":
                return picture
            case "mosaics":
                return pack(bright)
            case "both":
                return torch.cat([picture, bright], 1)

    def validation_step(self, batch: AdaptationSample, _: int) -> None:
        """PSNR of the restored synthetic picture, and what it gains over the developed one."""
        sample = batch.synthetic
        noisy = self.developed(sample.noisy, sample)
        truth = self.objective.true_picture(self.dual, sample)
        self.log_psnr("val", self.restored(sample).srgb, noisy, truth)

    @torch.no_grad()
    def sheet(self, batch: AdaptationSample) -> Tensor:
        """Noisy, restored and clean samples in rows; below them real ones and those restored."""
        sample, real = batch
        shown = [self.developed(sample.noisy, sample), self.restored(sample).srgb]
        shown += [self.objective.true_picture(self.dual, sample)]
        return rows(*shown, self.developed(real.mosaic, real), self.restored(real).srgb)
