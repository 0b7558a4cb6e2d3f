"""The progress of an adaptation, by steps or by the minutes that it was given, and its end."""
# pyright: reportUnknownMemberType=false

import time
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from pellucid.training.bar import RunBar


class Clock(Callback):
    """Ends a training that has had its minutes, those of earlier sittings included."""

    def __init__(self, minutes: float | None) -> None:
        """Left out, there is no end."""
        self.limit = None if minutes is None else 60 * minutes
        self.before, self.began = 0.0, time.monotonic()

    @property
    def spent(self) -> float:
        """Seconds so far."""
        return self.before + time.monotonic() - self.began

    def state_dict(self) -> dict[str, Any]:
        """Seconds so far."""
        return {"spent": self.spent}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Those of earlier sittings."""
        self.before = state_dict["spent"]

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Reading the files does not count."""
        self.began = time.monotonic()

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        """Stop in time."""
        if self.limit is not None and self.spent >= self.limit:
            trainer.should_stop = True


class AdaptBar(RunBar):
    """Seconds of those given where there is a clock with an end, else steps."""

    def __init__(self, clock: Clock) -> None:
        """`clock` is asked, and never changed."""
        super().__init__()
        self.clock = clock

    def on_train_start(self, *_: Any) -> None:
        """Begin where a checkpoint left off."""
        super().on_train_start(*_)
        self.bar.set_description("Adapting")
        if self.clock.limit is not None:
            self.bar.total = round(self.clock.limit)
            self.bar.n = self.bar.initial = round(self.clock.before)
            self.bar.unit = "s"

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        """Show how far it is."""
        if self.clock.limit is None:
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
        elif not self.bar.disable:
            self.bar.n = min(self.bar.total, round(self.clock.spent))
            self.bar.set_postfix(self.get_metrics(trainer, pl_module))

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> Any:
        """The step, and by how many millionths the held-out error has fallen."""
        gain = trainer.progress_bar_metrics.get("gain")
        said = {} if gain is None else {"gain": f"{gain:.1f}e-6"}
        return {"step": trainer.global_step, **said}
