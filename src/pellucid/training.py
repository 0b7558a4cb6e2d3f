"""Training with Lightning: a recipe names network, objective and data; resuming truly resumes."""
# pyright: reportUnknownMemberType=false

import re
import shlex
import warnings
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Literal, cast

import torch
from jsonargparse import ArgumentError
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint, ProgressBar
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.strategies import DDPStrategy, SingleDeviceStrategy
from torch import Tensor
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from pellucid.checkpoint import read_checkpoint
from pellucid.data.synthesis import Sample
from pellucid.errors import FileError, PellucidError
from pellucid.models import weights_of
from pellucid.networks.dual_domain import DualDomainConfig, DualDomainNet
from pellucid.objectives.supervised import Supervised
from pellucid.optimizer import Muon
from pellucid.recipe import recipe_text, refuse_strangers, with_nearest
from pellucid.run_bar import RunBar
from pellucid.run_folder import Export, RunFacts, SamplePictures, WholeCheckpoints, tidy
from pellucid.schedules import Cosine, Schedule
from pellucid.training_data import RawData

OptimizerName = Literal["adamw", "muon"]
DEFAULT_SCHEDULE = Cosine()


class Training(LightningModule):
    """A dual-domain network, its objective and its optimiser."""

    def __init__(
        self,
        network: DualDomainConfig | None = None,
        objective: Supervised | None = None,
        optimizer: OptimizerName = "adamw",
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-4,
        schedule: Schedule = DEFAULT_SCHEDULE,
        bfloat16_share: float = 0.0,
        weights: str | None = None,
    ) -> None:
        """Nothing is built but the network.

        Args:
            network: What is trained; left out with `weights`, what those hold.
            objective: What is minimised.
            optimizer: What moves the weights; for Muon try ten times the learning rate.
            learning_rate: Highest learning rate.
            weight_decay: Decoupled from the gradient.
            schedule: How the learning rate goes.
            bfloat16_share: Share of the steps, from the first, that are taken in bfloat16: faster
                where the processor knows it, and the rest of the steps mend what it blurs.
            weights: Model to begin from: a shipped one, a weights file or a run folder; left out,
                random weights.
        """
        super().__init__()
        self.net, self.config, self.start = begin(network, weights)
        self.objective = objective or Supervised()
        self.optimizer: OptimizerName = optimizer
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self.schedule, self.bfloat16_share = schedule, bfloat16_share

    def training_step(self, batch: Sample, _: int) -> Tensor:
        """Loss of one batch."""
        with self._precision():
            loss, logs = self.objective(self.net, batch)
        # Over all devices, so that a log does not depend on their number.
        self.log_dict(
            {f"train/{name}": value for name, value in logs.items()}, prog_bar=True, sync_dist=True
        )
        return loss

    def _precision(self) -> AbstractContextManager[object]:
        """That of the trainer, once the steps in bfloat16 are done."""
        if self.global_step >= self.bfloat16_share * self._last_step:
            return nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    @property
    def _last_step(self) -> int:
        return max(1, int(self.trainer.estimated_stepping_batches))

    def validation_step(self, batch: Sample, _: int) -> None:
        """PSNR of the restored picture, and what it gains over the picture developed as it is."""
        truth = self.net.develop(batch.clean, batch.camera, batch.rendering)
        noisy = self.net.develop(batch.noisy, batch.camera, batch.rendering)
        restored = self.net(batch.noisy, batch.camera, batch.noise, batch.rendering).srgb
        after, before = (_psnr(picture.clamp(0, 1), truth) for picture in (restored, noisy))
        self.log_dict(
            {"val/psnr": after.mean(), "val/gain": (after - before).mean()},
            prog_bar=True,
            sync_dist=True,
            batch_size=len(after),
        )

    def _new_optimizer(self) -> Optimizer:
        rate, decay = self.learning_rate, self.weight_decay
        match self.optimizer:
            case "adamw":
                return AdamW(self.net.parameters(), rate, weight_decay=decay)
            case "muon":
                return Muon(self.net, rate, weight_decay=decay)

    def configure_optimizers(self) -> Any:
        """The optimiser and its schedule, which depends on the step alone."""
        optimizer, last = self._new_optimizer(), self._last_step

        # A function: what LambdaLR keeps of an object would bring back the schedule of the
        # sitting before.
        def scale(step: int) -> float:
            return self.schedule.factor(step, last, self.learning_rate)

        return [optimizer], [{"scheduler": LambdaLR(optimizer, scale), "interval": "step"}]


def begin(
    network: DualDomainConfig | None, weights: str | None
) -> tuple[DualDomainNet, DualDomainConfig, dict[str, str]]:
    """The network that a training begins with, and what is known of the weights that it has."""
    if weights is None:
        config = network or DualDomainConfig()
        return config.build(), config, {}
    with weights_of(weights) as path:
        found = read_checkpoint(path)
    if not isinstance(found.net, DualDomainNet) or not isinstance(found.config, DualDomainConfig):
        raise PellucidError(f"{weights}: restores pictures; expected a network of raw photographs")
    if network not in (None, found.config):
        raise PellucidError(f"{weights} holds another network than the recipe; expected one alone")
    return found.net.train(), found.config, {"weights": weights, **found.facts}


def _psnr(picture: Tensor, truth: Tensor) -> Tensor:
    """PSNR (B,) of pictures in [0, 1]."""
    return -10 * (picture - truth).square().flatten(1).mean(1).clamp(min=1e-12).log10()


class RunFolderCLI(LightningCLI):
    """LightningCLI whose checkpoints, metrics and weights all lie in `trainer.default_root_dir`."""

    def init_parser(self, **kwargs: Any) -> LightningArgumentParser:
        """A parser that knows records by their kind."""
        return super().init_parser(parser_mode="recipe", **kwargs)

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """What a recipe can say beside the model, the data and the trainer."""
        parser.add_argument(
            "--checkpoint_every", type=int, default=500, help="Steps between checkpoints."
        )

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse what `train` gives; Lightning's own would warn of the words after `pellucid`."""
        self.words: list[str] = args
        recipe, *words = self.words
        refuse_strangers(recipe_text(recipe), words)
        try:
            self.config = parser.parse_args(args)
        except ArgumentError as error:
            raise PellucidError(with_nearest(" ".join(str(error).split()), parser)) from None

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """A trainer that saves often and exports at the end."""
        # A missing folder of photographs is found before the run folder is made.
        self.datamodule.setup("fit")
        given: Any = self._get(self.config_init, "trainer.callbacks")
        given = cast(list[object], given if isinstance(given, list) else [given])
        own_bar = any(isinstance(callback, ProgressBar) for callback in given)
        trainer = super().instantiate_trainer(**kwargs)
        if trainer.max_steps < 0 and not isinstance(trainer.limit_train_batches, int):
            # Samples have no end, and neither would a cosine.
            raise PellucidError("got no trainer.max_steps; expected --trainer.max_steps N")
        self._log(trainer, own_bar)
        self._save(trainer)
        return trainer

    def _log(self, trainer: Trainer, own_bar: bool) -> None:
        """Metrics into the run folder, and one bar for the run, unless the recipe has its own."""
        folder = Path(trainer.default_root_dir)
        if self.config.trainer.logger is None:
            # Line by line: what kill -9 loses of a log is not logged again.
            metrics = CSVLogger(folder, "log", flush_logs_every_n_steps=1)
            trainer.loggers = [metrics, TensorBoardLogger(folder, "tensorboard")]
        if not own_bar:
            callbacks = callbacks_of(trainer)
            callbacks[:] = [RunBar() if isinstance(c, ProgressBar) else c for c in callbacks]

    def _save(self, trainer: Trainer) -> None:
        """One checkpoint, always the last one, and what a run folder holds besides."""
        folder, every = Path(trainer.default_root_dir) / "checkpoints", self.config.checkpoint_every
        saving = ModelCheckpoint(
            folder, "last", every_n_train_steps=every, enable_version_counter=False
        )
        if isinstance(trainer.strategy, SingleDeviceStrategy | DDPStrategy):
            trainer.strategy.checkpoint_io = WholeCheckpoints()
        callbacks_of(trainer).extend([RunFacts(self.command), SamplePictures(), Export(), saving])

    @property
    def command(self) -> str:
        """What the user called."""
        recipe, *words = self.words
        return shlex.join(["pellucid", "train", recipe.removeprefix("--config="), *words])


def callbacks_of(trainer: Trainer) -> list[Callback]:
    """A trainer's callbacks, which Lightning sets without declaring them."""
    return vars(trainer)["callbacks"]


def with_installation(message: str) -> str:
    """Lightning's complaint of a logger that is not installed, or any other as it is."""
    missing = re.search(r"'([\w-]+)[^']*' not met. HINT: Try running `([^`]+)`", message)
    return f"{missing[1]} is not installed; expected {missing[2]}" if missing else message


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
            # Ranks share the samples by their numbers: FromStep.
            trainer_defaults={"use_distributed_sampler": False},
            parser_kwargs={"prog": "pellucid train RECIPE", "exit_on_error": False},
        )
    except (MisconfigurationException, ValueError, ModuleNotFoundError) as error:
        raise FileError.of(recipe, with_installation(str(error))) from error
    folder = Path(cli.trainer.default_root_dir)
    if cli.trainer.is_global_zero:
        folder.mkdir(parents=True, exist_ok=True)
        tidy(folder)
        cli.parser.save(cli.config, folder / "config.yaml", overwrite=True, skip_validation=True)
    last = folder / "checkpoints" / "last.ckpt"
    with warnings.catch_warnings():
        # A run that goes on finds its own checkpoints there.
        warnings.filterwarnings("ignore", "Checkpoint directory .* exists and is not empty")
        cli.trainer.fit(cli.model, cli.datamodule, ckpt_path=str(last) if last.exists() else None)
