"""Training of networks that restore pictures: on pairs, or with noise-space adaptation as well."""
# pyright: reportUnknownMemberType=false

from typing import Any

import torch
from torch import Tensor

from pellucid.data.unpaired import Patches, Unpaired
from pellucid.errors import PellucidError
from pellucid.networks.picture import PictureConfig
from pellucid.objectives.adaptation import Batch, Logs, PairedOnly
from pellucid.objectives.adaptation_config import AdaptationConfig
from pellucid.objectives.losses import LOSSES, Loss
from pellucid.training.adapted import AdaptedTraining
from pellucid.training.data import data_of
from pellucid.training.network import begin
from pellucid.training.picture_data import PictureData
from pellucid.training.raw import rows

DEFAULT_NETWORK = PictureConfig()


class PictureTraining(AdaptedTraining):
    """A network of pictures, its objective and its optimiser."""

    def __init__(
        self,
        network: PictureConfig | None = None,
        loss: Loss = "charbonnier",
        adaptation: AdaptationConfig | None = None,
        weights: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Nothing is built but the network, and the critic if there is one.

        Args:
            network: What is trained; left out with `weights`, what those hold.
            loss: Between the restored picture of a pair and its truth.
            adaptation: Draws restored real pictures towards clean ones; left out, pairs alone.
            weights: Model to begin from: a shipped one, a weights file or a run folder; left out,
                random weights.
            kwargs: What every training has.
        """
        super().__init__(begin(network, weights, DEFAULT_NETWORK), **kwargs)
        self.settings = adaptation
        self.adaptation = adaptation.build(loss) if adaptation else None
        self.paired = PairedOnly(LOSSES[loss])

    def on_fit_start(self) -> None:
        """Raise PellucidError where the data lacks what is to be diffused.

        The clean half of the pairs would take its place, and `unpaired` change nothing.
        """
        data = data_of(self.trainer)
        wanted = self.settings is not None and self.settings.diffused == "unpaired"
        if wanted and isinstance(data, PictureData) and data.unpaired is None:
            raise PellucidError("got diffused: unpaired and no data.unpaired; expected both")

    def training_step(self, batch: Patches | Unpaired, number: int) -> Tensor:
        """Loss of one batch."""
        self.draw_anew(number)
        with self.precision():
            loss, logs = self._objective(batch)
        self.log_losses(logs)
        return loss

    def _objective(self, batch: Patches | Unpaired) -> tuple[Tensor, Logs]:
        if self.adaptation is None or self.settings is None:
            # Without adaptation nobody asks for real pictures.
            return self.paired(self.net, Batch(batch[0], batch[1], batch[0]))
        if not isinstance(batch, Unpaired):
            raise PellucidError("got no data.real; expected the pictures to adapt to")
        if self.settings.value_range == "unit":
            return self.adaptation(self.net, Batch(*batch), self.time)
        return self.adaptation(self._restored_signed, Batch(*map(signed, batch)), self.time)

    def _restored_signed(self, picture: Tensor) -> Tensor:
        """The network for pictures in [-1, 1]."""
        return signed(self.net((picture + 1) / 2))

    def validation_step(self, batch: Patches | Unpaired, _: int, dataloader_idx: int = 0) -> None:
        """PSNR of the restored picture, and what it gains over the input; of files as val_pairs."""
        name = ("val", "val_pairs")[dataloader_idx]
        self.log_psnr(name, self.net(batch[0]), batch[0].clamp(0, 1), batch[1])

    @torch.no_grad()
    def sheet(self, batch: Patches | Unpaired) -> Tensor:
        """Degraded, restored and clean samples in rows; below them real ones and those restored."""
        shown = [batch[0], self.net(batch[0]), batch[1]]
        if isinstance(batch, Unpaired):
            shown += [batch.real, self.net(batch.real)]
        return rows(*shown)


def signed(picture: Tensor) -> Tensor:
    """[0, 1] as [-1, 1]."""
    return 2 * picture - 1
