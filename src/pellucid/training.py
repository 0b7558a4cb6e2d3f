"""Training with Lightning: a recipe names network, objective and data; resuming truly resumes."""
# pyright: reportUnknownMemberType=false

import math
import re
import warnings
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentError
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch import Tensor
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from pellucid.data.synthesis import RawSynthesis, Sample
from pellucid.errors import FileError, PellucidError
from pellucid.networks.dual_domain import DualDomainConfig
from pellucid.networks.unet import UNetConfig
from pellucid.objectives.supervised import Supervised
from pellucid.run_folder import Export, RunFacts, SamplePictures
from pellucid.training_data import RawData


class Training(LightningModule):
    """A dual-domain network, its objective and its optimiser."""

    def __init__(
        self,
        network: DualDomainConfig | None = None,
        objective: Supervised | None = None,
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-4,
        warmup_steps: int = 500,
    ) -> None:
        """AdamW, a linear warm-up and a cosine to zero at the trainer's last step.

        Args:
            network: What is trained.
            objective: What is minimised.
            learning_rate: Highest learning rate.
            weight_decay: Of AdamW.
            warmup_steps: Steps until the highest learning rate.
        """
        super().__init__()
        self.config, self.objective = network or DualDomainConfig(), objective or Supervised()
        self.learning_rate, self.weight_decay, self.warmup_steps = (
            learning_rate,
            weight_decay,
            warmup_steps,
        )
        self.net = self.config.build()

    def training_step(self, batch: Sample, _: int) -> Tensor:
        """Loss of one batch."""
        loss, logs = self.objective(self.net, batch)
        self.log_dict({f"train/{name}": value for name, value in logs.items()}, prog_bar=True)
        return loss

    def validation_step(self, batch: Sample, _: int) -> None:
        """PSNR of the restored picture, and what it gains over the picture developed as it is."""
        truth = self.net.develop(batch.clean, batch.camera, batch.rendering)
        noisy = self.net.develop(batch.noisy, batch.camera, batch.rendering)
        restored = self.net(batch.noisy, batch.camera, batch.noise, batch.rendering).srgb
        after, before = (_psnr(picture.clamp(0, 1), truth) for picture in (restored, noisy))
        self.log_dict(
            {"val/psnr": after.mean(), "val/gain": (after - before).mean()}, prog_bar=True
        )

    def configure_optimizers(self) -> Any:
        """The optimiser and its schedule, which depends on the step alone."""
        optimizer: Optimizer = AdamW(
            self.net.parameters(), self.learning_rate, weight_decay=self.weight_decay
        )
        last = max(1, int(self.trainer.estimated_stepping_batches))

        def scale(step: int) -> float:
            warm = min(1.0, (step + 1) / max(1, self.warmup_steps))
            return warm * 0.5 * (1 + math.cos(math.pi * min(1.0, step / last)))

        return [optimizer], [{"scheduler": LambdaLR(optimizer, scale), "interval": "step"}]


def _psnr(picture: Tensor, truth: Tensor) -> Tensor:
    """PSNR (B,) of pictures in [0, 1]."""
    return -10 * (picture - truth).square().flatten(1).mean(1).clamp(min=1e-12).log10()


class RunFolderCLI(LightningCLI):
    """LightningCLI whose checkpoints, metrics and weights all lie in `trainer.default_root_dir`."""

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """What a recipe can say beside the model, the data and the trainer."""
        parser.add_argument(
            "--checkpoint_every", type=int, default=500, help="Steps between checkpoints."
        )

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse what `train` gives; Lightning's own would warn of the words after `pellucid`."""
        try:
            self.config = parser.parse_args(args)
        except ArgumentError as error:
            raise PellucidError(with_nearest(" ".join(str(error).split()), parser)) from None

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """A trainer that saves often and exports at the end."""
        # A missing folder of photographs is found before the run folder is made.
        self.datamodule.setup("fit")
        trainer = super().instantiate_trainer(**kwargs)
        folder = Path(trainer.default_root_dir)
        if self.config.trainer.logger is None:
            trainer.loggers = [CSVLogger(folder, "log"), TensorBoardLogger(folder, "tensorboard")]
        every: int = self.config.checkpoint_every
        saving = ModelCheckpoint(folder / "checkpoints", every_n_train_steps=every, save_last=True)
        # Lightning sets `callbacks` without declaring it.
        callbacks: list[Callback] = vars(trainer)["callbacks"]
        callbacks += [RunFacts(), SamplePictures(), Export(), saving]
        return trainer


def with_nearest(message: str, parser: LightningArgumentParser) -> str:
    """A parser's complaint, with the valid key that is nearest to the one it does not know."""
    unknown = re.search(
        r"--([\w.]+)|[Kk]ey \"?'?([\w.]+)\"?'? is not expected|[Oo]ption '(\w+)'", message
    )
    if unknown is None:
        return message
    said = next(name for name in unknown.groups() if name)
    keys = valid_keys(parser)
    ends = {key.rpartition(".")[2] for key in keys}
    near = get_close_matches(said, keys, 1, 0.7) or get_close_matches(said, ends, 1, 0.7)
    return f"unknown option {said}; the nearest one is {near[0]}" if near else message


def valid_keys(parser: LightningArgumentParser) -> list[str]:
    """Every key that a recipe can hold, those of the configuration records inside included."""
    keys = [name for name in vars(parser.get_defaults().as_flat()) if not name.startswith("__")]
    inside = {"model.network": DualDomainConfig, "model.objective": Supervised}
    inside |= {"data.synthesis": RawSynthesis}
    inside |= {f"model.network.{name}": UNetConfig for name in ("raw", "srgb")}
    return keys + [
        f"{key}.{field.name}" for key, record in inside.items() for field in fields(record)
    ]


def train(recipe: Path, overrides: list[str]) -> None:
    """Run a recipe; a run folder with a checkpoint in it goes on from there.

    Raises PellucidError where the recipe or an override makes no sense.
    """
    try:
        cli = RunFolderCLI(
            Training,
            RawData,
            run=False,
            args=[f"--config={recipe}", *overrides],
            save_config_callback=None,
            parser_kwargs={"prog": "pellucid train RECIPE", "exit_on_error": False},
        )
    except (MisconfigurationException, ValueError) as error:
        raise FileError.of(recipe, str(error)) from error
    folder = Path(cli.trainer.default_root_dir)
    if cli.trainer.is_global_zero:
        folder.mkdir(parents=True, exist_ok=True)
        cli.parser.save(cli.config, folder / "config.yaml", overwrite=True, skip_validation=True)
    last = folder / "checkpoints" / "last.ckpt"
    with warnings.catch_warnings():
        # A run that goes on finds its own checkpoints there.
        warnings.filterwarnings("ignore", "Checkpoint directory .* exists and is not empty")
        cli.trainer.fit(cli.model, cli.datamodule, ckpt_path=str(last) if last.exists() else None)
