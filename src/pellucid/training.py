"""Training with Lightning: a recipe names network, objective and data; resuming truly resumes."""
# pyright: reportUnknownMemberType=false

import math
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentError
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Callback, LightningDataModule, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch import Tensor
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, Sampler

from pellucid.data.dead_leaves import DeadLeaves
from pellucid.data.licences import by_licence
from pellucid.data.manifest import is_store
from pellucid.data.photos import PhotoFolder, PhotoStore
from pellucid.data.sources import Licensed, WeightedSource
from pellucid.data.synthesis import RawSynthesis, Sample, SyntheticRaw
from pellucid.errors import FileError, PellucidError
from pellucid.networks.dual_domain import DualDomainConfig
from pellucid.networks.unet import UNetConfig
from pellucid.objectives.supervised import Supervised
from pellucid.run_folder import Export, RunFacts, SamplePictures


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


class RawData(LightningDataModule):
    """Synthetic raw samples of photographs and dead leaves, or of any mixture of sources."""

    def __init__(
        self,
        photos: Path | None = None,
        leave_out: tuple[str, ...] = (),
        leaves_share: float = 0.15,
        sources: tuple[WeightedSource, ...] = (),
        validation: tuple[WeightedSource, ...] = (),
        synthesis: RawSynthesis | None = None,
        patch: int = 128,
        batch_size: int = 8,
        validation_samples: int = 64,
        seed: int = 0,
        workers: int = 0,
    ) -> None:
        """Samples numbered by the step: interruptions and ranks do not change what is seen.

        Args:
            photos: Folder of photographs, or their packed store; without, dead leaves alone.
            leave_out: Names of photographs that must not be seen.
            leaves_share: Share of dead leaves among the samples.
            sources: A mixture in place of photographs and dead leaves.
            validation: Sources on which training is watched, where they differ.
            synthesis: From picture or clean raw to sample.
            patch: Side of a patch in pixels.
            batch_size: Patches in a step, on each device.
            validation_samples: Samples, from another seed, on which training is watched.
            seed: Of all samples.
            workers: Processes that make samples; 0 makes them in the training process.
        """
        super().__init__()
        if photos and sources:
            raise ValueError("data has both photos and sources; expected one of them")
        self.photos, self.leave_out, self.leaves_share = photos, leave_out, leaves_share
        self.sources, self.validation = sources, validation
        self.synthesis, self.patch, self.batch_size = synthesis or RawSynthesis(), patch, batch_size
        self.validation_samples, self.seed, self.workers = validation_samples, seed, workers

    def setup(self, stage: str) -> None:
        """Read the photographs."""
        if not self.sources:
            leaves = WeightedSource(DeadLeaves(), self.leaves_share if self.photos else 1.0)
            self.sources = (*self._photographs(), leaves)

    def _photographs(self) -> list[WeightedSource]:
        if self.photos is None:
            return []
        read = PhotoStore if is_store(self.photos) else PhotoFolder
        return [WeightedSource(read(self.photos, self.leave_out), 1 - self.leaves_share)]

    def samples(self, seed: int, sources: tuple[WeightedSource, ...] = ()) -> SyntheticRaw:
        """Samples of one seed, of the training's sources unless told."""
        drawn = sources or self.sources
        mixture, weights = [each.source for each in drawn], [each.weight for each in drawn]
        return SyntheticRaw(mixture, weights, self.synthesis, self.patch, seed)

    def licences(self) -> dict[str, list[str]]:
        """Each licence and the training's files under it, for the model card."""
        licensed = [each.source for each in self.sources if isinstance(each.source, Licensed)]
        return by_licence(
            (name, licence)
            for source in licensed
            for licence, names in source.licences().items()
            for name in names
        )

    def train_dataloader(self) -> DataLoader[Sample]:
        """Batches from the present step on, without end."""
        trainer = self.trainer
        assert trainer is not None
        sampler = FromStep(
            lambda: trainer.global_step * trainer.accumulate_grad_batches,
            self.batch_size,
            trainer.global_rank,
            trainer.world_size,
        )
        return self._loader(self.samples(self.seed), sampler)

    def val_dataloader(self) -> DataLoader[Sample]:
        """The same samples every time."""
        samples = self.samples(self.seed + 1_000_003, self.validation)
        return self._loader(samples, range(self.validation_samples))

    def _loader(self, samples: SyntheticRaw, sampler: Sampler[int] | range) -> DataLoader[Sample]:
        return SampleLoader(
            samples,
            self.batch_size,
            sampler=sampler,
            num_workers=self.workers,
            # LibRaw deadlocks in a forked child.
            multiprocessing_context="spawn" if self.workers else None,
            persistent_workers=self.workers > 0,
        )


class SampleLoader(DataLoader[Sample]):
    """A loader whose place follows from the trainer's step, so that it has no state of its own."""

    def state_dict(self) -> dict[str, Any]:
        """Nothing; Lightning would warn that a run resumed within an epoch may repeat samples."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to restore."""


class FromStep(Sampler[int]):
    """Numbers of this rank's samples, without end, beginning at the batch that comes next."""

    def __init__(
        self, batches_done: Callable[[], int], batch_size: int, rank: int, ranks: int
    ) -> None:
        """`batches_done` is asked when iteration begins, after a checkpoint was loaded."""
        self.batches_done, self.batch_size, self.rank, self.ranks = (
            batches_done,
            batch_size,
            rank,
            ranks,
        )

    def __iter__(self) -> Iterator[int]:
        """Sample numbers, batch by batch."""
        batch = self.batches_done()
        while True:
            first = (batch * self.ranks + self.rank) * self.batch_size
            yield from range(first, first + self.batch_size)
            batch += 1


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
