"""The progress of a training run, in one bar."""
# pyright: reportUnknownMemberType=false

from typing import Any, cast

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import TQDMProgressBar

from pellucid.training.data import data_of


class RunBar(TQDMProgressBar):
    """Steps, time that is left and patches a second, for the whole run and not for an epoch of it.

    Lightning's own bar begins anew with every epoch, and counts a resumed run's steps to what is
    left of them.
    """

    @property
    def bar(self) -> Any:
        """The bar, which is a stand-in that shows nothing on ranks other than the first."""
        return cast(Any, self.train_progress_bar)

    def on_train_start(self, *_: Any) -> None:
        """Begin where a checkpoint left off."""
        super().on_train_start()
        self.bar.total = self.trainer.estimated_stepping_batches
        self.bar.n = self.bar.initial = self.trainer.global_step
        self.bar.unit = "step"
        self.bar.set_description("Training")

    def on_train_epoch_start(self, trainer: Trainer, *_: Any) -> None:
        """Nothing begins for the bar."""

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        """Show the steps that were taken."""
        step = trainer.global_step
        if not self.bar.disable and (step % self.refresh_rate == 0 or step == self.bar.total):
            self.bar.n = step
            self.bar.set_postfix(self.get_metrics(trainer, pl_module))

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> Any:
        """Patches a second in this sitting, validation included, and losses."""
        losses = super().get_metrics(trainer, pl_module)
        steps, said = self.bar.n - self.bar.initial, self.bar.format_dict
        patches = steps * data_of(trainer).patches_per_step
        rate = patches / said["elapsed"] if said["elapsed"] else 0.0
        return {"patches/s": f"{rate:.1f}", **{k: v for k, v in losses.items() if k != "v_num"}}
