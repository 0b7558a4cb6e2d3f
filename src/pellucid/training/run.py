"""Training with Lightning: a recipe names network, objective and data; resuming truly resumes."""
# pyright: reportUnknownMemberType=false

import re
import shlex
import signal
import sys
import warnings
from pathlib import Path
from typing import Any, Literal, cast

from jsonargparse import ArgumentError
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint, ProgressBar
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.strategies import DDPStrategy, SingleDeviceStrategy

from pellucid.errors import FileError, PellucidError
from pellucid.io.locks import alone_in
from pellucid.training.bar import RunBar
from pellucid.training.complaints import own_complaint, refuse_strangers, with_nearest
from pellucid.training.data import RawData, StepData
from pellucid.training.network import NetworkTraining
from pellucid.training.picture_data import PictureData
from pellucid.training.raw import Training
from pellucid.training.real_raws import RealRawData
from pellucid.training.recipe import Call, refuse_no_recipe
from pellucid.training.resuming import check_checkpoint
from pellucid.training.run_folder import (
    Export,
    RunFacts,
    SamplePictures,
    WholeCheckpoints,
    callbacks_of,
    tidy,
)

TrainingName = Literal["raw", "pictures", "raw_adaptation"]
"""What a recipe trains: a dual-domain network on synthetic raws, a network of pictures, or a
dual-domain network that is drawn to real raws as well."""


def classes_of(name: str) -> tuple[type[NetworkTraining], type[StepData]]:
    """Lightning's module and data of a recipe; a name that there is not is answered elsewhere."""
    match name:
        case "pictures":
            # The others do without the diffusion library.
            from pellucid.training.pictures import PictureTraining

            return PictureTraining, PictureData
        case "raw_adaptation":
            from pellucid.training.raw_adaptation import RawAdaptation

            return RawAdaptation, RealRawData
        case _:
            return Training, RawData


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
        parser.add_argument(
            "--training", type=TrainingName, default="raw", help="What kind of network is trained."
        )

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse what `train` gives; Lightning's own would warn of the words after `pellucid`."""
        self.words: list[str] = args
        call = Call.of(self.words).spelled_out()
        refuse_strangers(call)
        try:
            self.config = parser.parse_args([self.words[0], *call.words])
        except ArgumentError as error:
            raise PellucidError(with_nearest(" ".join(str(error).split()), parser, call)) from None

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """A trainer that saves often and exports at the end."""
        # A missing folder of photographs is found before the run folder is made.
        self.datamodule.setup("fit")
        given: Any = self._get(self.config_init, "trainer.callbacks")
        given = cast(list[object], given if isinstance(given, list) else [given])
        own_bar = any(isinstance(callback, ProgressBar) for callback in given)
        trainer = super().instantiate_trainer(**kwargs)
        self._refuse_numbers(trainer)
        if trainer.max_steps < 0 and not isinstance(trainer.limit_train_batches, int):
            # Samples have no end, and neither would a cosine.
            raise PellucidError("got no trainer.max_steps; expected --trainer.max_steps N")
        self._log(trainer, own_bar)
        self._save(trainer)
        return trainer

    def _refuse_numbers(self, trainer: Trainer) -> None:
        """Raise PellucidError for numbers that Lightning takes, and fails with."""
        counts = {
            "trainer.max_steps": trainer.max_steps,
            "checkpoint_every": max(0, self.config.checkpoint_every),
            "trainer.accumulate_grad_batches": max(0, trainer.accumulate_grad_batches),
            "trainer.limit_train_batches": trainer.limit_train_batches,
            "trainer.val_check_interval": self.config.trainer.val_check_interval,
        }
        for name, count in counts.items():
            if count == 0:
                raise PellucidError(f"{name} is less than 1; expected 1 or more")
        overfit = self.config.trainer.overfit_batches
        if overfit:
            got = f"trainer.overfit_batches is {overfit}"
            raise PellucidError(f"{got}; expected 0: samples have no end to cut off")

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


def with_installation(message: str) -> str:
    """Lightning's complaint of a logger that is not installed, or any other as it is."""
    missing = re.search(r"'([\w-]+)[^']*' not met. HINT: Try running `([^`]+)`", message)
    return f"{missing[1]} is not installed; expected {missing[2]}" if missing else message


def train(recipe: Path, overrides: list[str]) -> None:
    """Run a recipe; a run folder with a checkpoint in it goes on from there.

    Raises PellucidError where the recipe or an override makes no sense.
    """
    refuse_no_recipe(recipe)
    words = [f"--config={recipe}", *overrides]
    try:
        cli = RunFolderCLI(
            *classes_of(Call.of(words).training),
            run=False,
            args=words,
            save_config_callback=None,
            # The model brings its own; Lightning's, in its place, would know nothing of the step.
            auto_configure_optimizers=False,
            # Ranks share the samples by their numbers: FromStep.
            trainer_defaults={"use_distributed_sampler": False},
            parser_kwargs={
                "prog": "pellucid train RECIPE",
                "exit_on_error": False,
                "allow_abbrev": False,
            },
        )
    except (MisconfigurationException, ValueError, TypeError, ModuleNotFoundError) as error:
        raise FileError.of(recipe, with_installation(own_complaint(str(error)))) from error
    folder = Path(cli.trainer.default_root_dir)
    last = folder / "checkpoints" / "last.ckpt"
    begun = last.exists()
    if begun:
        check_checkpoint(last, cli.model)
    if not cli.trainer.is_global_zero:
        fit(cli, last if begun else None)
        return
    make(folder)
    with alone_in(folder, "pellucid train"):
        tidy(folder)
        cli.parser.save(cli.config, folder / "config.yaml", overwrite=True, skip_validation=True)
        fit(cli, last if begun else None)


def make(folder: Path) -> None:
    """Make a run folder, or find it; raises FileError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError.from_os(folder, error) from None


def fit(cli: RunFolderCLI, last: Path | None) -> None:
    """Train, from a checkpoint on if there is one; an interruption ends with the code for it."""
    try:
        with warnings.catch_warnings():
            # A run that goes on finds its own checkpoints there.
            warnings.filterwarnings("ignore", "Checkpoint directory .* exists and is not empty")
            # Lightning 2.6 on torch 2.14, which nobody can do anything about who sees it.
            warnings.filterwarnings("ignore", ".isinstance.treespec, LeafSpec.. is deprecated")
            path = None if last is None else str(last)
            cli.trainer.fit(cli.model, cli.datamodule, ckpt_path=path)
    except PellucidError as error:
        raise alone(error) from error
    except SystemExit:
        if cli.trainer.received_sigterm:
            sys.exit(128 + signal.SIGTERM)
        raise KeyboardInterrupt from None  # Lightning makes an exit of it, with code 1


def alone(error: PellucidError) -> PellucidError:
    """An error as it was raised: one of a worker's brings its traceback along, as text."""
    *before, last = str(error).rstrip().split("\n")
    return type(error)(last.partition("Error: ")[2]) if before else error
