"""Training that adapts to noisy files: pairs under their noise, the critic, and their own noise.

To noise-space adaptation (Liao et al. 2025) it adds the risk by which it is judged, on other files.
"""
# pyright: reportUnknownMemberType=false

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Literal, cast

from torch import Tensor
from torch.utils.data import Dataset

from pellucid.adapt.recorrupted import NoisyRaw, grain_like, picture_risk, raw_risk
from pellucid.adapt.streams import (
    NoisyPictures,
    NoisyRaws,
    OwnNoise,
    PicturePair,
    PicturePairs,
    RawPair,
    RawPairs,
)
from pellucid.critic import CriticConfig
from pellucid.data.mixtures import Mixture
from pellucid.data.unpaired import Unpaired
from pellucid.networks.picture import PictureNet
from pellucid.objectives.adaptation import Batch, Ramp
from pellucid.objectives.adaptation_config import AdaptationConfig
from pellucid.objectives.supervised import Supervised
from pellucid.training.data import StepData
from pellucid.training.network import NetworkTraining
from pellucid.training.pictures import PictureTraining
from pellucid.training.raw_adaptation import RawAdaptation
from pellucid.training.real_raws import AdaptationSample, RealRaw

Terms = Literal["pairs", "critic", "own", "all"]
"""What is minimised: the error on pairs; with the critic besides; the risk on the noisy files
themselves, alone; or all three."""
OWN_WEIGHT = 30.0
"""Of the risk, which is a squared error, beside the absolute ones."""
SETTINGS = AdaptationConfig(
    critic=CriticConfig(
        width=32, multipliers=(1, 2, 3), blocks=1, dropout=0, start="torch", shuffle=2
    ),
    weight=Ramp(weight=2.0, length=500),
    critic_learning_rate=2e-3,
)


class AdaptRaws(RawAdaptation):
    """A dual-domain network, drawn to raws."""

    def __init__(
        self, weights: str, settings: AdaptationConfig, terms: Terms, **kwargs: Any
    ) -> None:
        """`settings` are those of the critic."""
        super().__init__(
            objective=Supervised("balanced_l2"), adaptation=settings, weights=weights, **kwargs
        )
        self.terms: Terms = terms
        # Not a module of this one: it is no part of checkpoints.
        self._guide = [deepcopy(self.dual).requires_grad_(False)]
        net = self.dual
        if terms == "own" and net.truth == "colour" and net.raw_net and net.srgb_net:
            # Raws tell one colour a site: from them alone it would forget how to mend the others.
            net.srgb_net.requires_grad_(False)

    def training_step(self, batch: RawPair, number: int) -> Tensor:  # pyright: ignore
        """Loss of one batch."""
        self.draw_anew(number)
        if self.terms == "own":
            return self._own_loss(batch[-1])
        synthetic, real = batch
        if self.terms == "pairs":
            loss, logs = self.objective(self.dual, synthetic)
        else:
            loss, logs = self._objective(AdaptationSample(synthetic, RealRaw(*real[:4])))
        self.log_losses(logs)
        return loss + self._own_loss(real) if self.terms == "all" else loss

    def _own_loss(self, real: NoisyRaw) -> Tensor:
        guide = self._guide[0].to(self.device)
        return own_loss(self, raw_risk(self.dual, real, grain_like(guide, real)))


class AdaptPictures(PictureTraining):
    """A network of pictures, drawn to pictures."""

    def __init__(
        self, weights: str, settings: AdaptationConfig, terms: Terms, **kwargs: Any
    ) -> None:
        """`settings` are those of the critic."""
        super().__init__(adaptation=settings, weights=weights, **kwargs)
        self.terms: Terms = terms

    def training_step(self, batch: PicturePair, number: int) -> Tensor:  # pyright: ignore
        """Loss of one batch."""
        self.draw_anew(number)
        net = cast(PictureNet, self.net)
        if self.terms == "own":
            return own_loss(self, picture_risk(net, batch[-1]))
        degraded, clean, real = batch
        if self.terms == "pairs":
            loss, logs = self.paired(net, Batch(degraded, clean, degraded))
        else:
            loss, logs = self._objective(Unpaired(degraded, clean, real.picture, clean))
        self.log_losses(logs)
        return loss + own_loss(self, picture_risk(net, real)) if self.terms == "all" else loss


def own_loss(training: NetworkTraining, risk: Tensor) -> Tensor:
    """The risk (B,) as a loss."""
    loss = OWN_WEIGHT * risk.mean()
    training.log_losses({"own": loss.detach()})
    return loss


class AdaptData(StepData):
    """Pairs without end of one of the two kinds."""

    def __init__(
        self,
        clean: Mixture | None,
        real: NoisyRaws | NoisyPictures,
        licensed: Sequence[object],
        said: list[str],
        **kwargs: Any,
    ) -> None:
        """Without `clean` pictures there are real ones alone.

        `licensed` are sources with licences, `said` is what the model card says of all.
        """
        super().__init__(validation_samples=0, **kwargs)
        self.clean, self.real, self.licensed, self.said = clean, real, licensed, said

    def training_set(self) -> Dataset[Any]:
        """Samples without end."""
        if self.clean is None:
            return OwnNoise(self.real, self.patch, self.seed)
        self.clean.check(self.patch)
        if isinstance(self.real, NoisyRaws):
            return RawPairs(self.clean, self.real, self.patch, self.seed)
        return PicturePairs(self.clean, self.real, self.patch, self.seed)

    def validation_sets(self) -> Sequence[Dataset[Any]]:
        """None: the judge looks at real ones."""
        return []

    def files(self) -> Sequence[object]:
        """Photographs."""
        return self.licensed

    def words(self) -> list[str]:
        """What the samples come from."""
        return self.said
