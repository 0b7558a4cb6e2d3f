"""The data of a training run, numbered by its step: nothing that stops it changes what is seen."""
# pyright: reportUnknownMemberType=false

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from lightning.pytorch import LightningDataModule, Trainer
from torch.utils.data import DataLoader, Dataset, Sampler

from pellucid.data.dead_leaves import DeadLeaves
from pellucid.data.licences import by_licence
from pellucid.data.photos import photo_source
from pellucid.data.sources import Licensed, WeightedSource
from pellucid.data.synthesis import RawSynthesis, SyntheticRaw
from pellucid.errors import PellucidError

WATCHED = 1_000_003
"""Added to the seed of what is trained on, it is that of what training is watched on."""


class StepData(LightningDataModule):
    """Samples numbered by the step: interruptions and ranks do not change what is seen."""

    def __init__(
        self,
        patch: int = 128,
        batch_size: int = 8,
        validation_samples: int = 64,
        seed: int = 0,
        workers: int = 0,
    ) -> None:
        """Subclasses say what the samples are.

        Args:
            patch: Side of a patch in pixels.
            batch_size: Patches in a step, on each device.
            validation_samples: Samples, from another seed, on which training is watched.
            seed: Of all samples.
            workers: Processes that make samples; 0 makes them in the training process.
        """
        super().__init__()
        numbers = {"patch": (patch, 1), "batch_size": (batch_size, 1)}
        numbers |= {"seed": (seed, 0), "workers": (workers, 0)}
        numbers |= {"validation_samples": (validation_samples, 0)}
        for name, (number, least) in numbers.items():
            if number < least:
                raise PellucidError(f"data.{name} is {number}; expected {least} or more")
        self.patch, self.batch_size = patch, batch_size
        self.validation_samples, self.seed, self.workers = validation_samples, seed, workers

    @abstractmethod
    def training_set(self) -> Dataset[Any]:
        """Samples without end."""

    @abstractmethod
    def validation_sets(self) -> Sequence[Dataset[Any]]:
        """Samples without end, of each of which the first ones watch the training."""

    @abstractmethod
    def files(self) -> Sequence[object]:
        """All that samples come from; those with licences tell them."""

    @abstractmethod
    def words(self) -> list[str]:
        """What the samples come from, for the model card."""

    def licences(self) -> dict[str, list[str]]:
        """Each licence and the training's files under it, for the model card."""
        named = {
            (name, licence)
            for source in self.files()
            if isinstance(source, Licensed)
            for licence, names in source.licences().items()
            for name in names
        }
        return by_licence(sorted(named))

    @property
    def patches_per_step(self) -> int:
        """Patches between two steps of the optimiser, on all devices together."""
        trainer = self.trainer
        assert trainer is not None
        return self.batch_size * trainer.accumulate_grad_batches * trainer.world_size

    def train_dataloader(self) -> DataLoader[Any]:
        """Batches from the present step on, without end."""
        trainer = self.trainer
        assert trainer is not None
        sampler = FromStep(
            lambda: trainer.global_step * trainer.accumulate_grad_batches,
            self.batch_size,
            trainer.global_rank,
            trainer.world_size,
        )
        return self._loader(self.training_set(), sampler)

    def val_dataloader(self) -> list[DataLoader[Any]]:
        """The same samples every time, rounded up to as many for every rank."""
        trainer = self.trainer
        assert trainer is not None
        rank, ranks = trainer.global_rank, trainer.world_size
        # As many for each: Lightning truncates the mean of unequal counts.
        shared = -(-self.validation_samples // ranks) * ranks
        numbers = range(rank, shared, ranks)
        return [self._loader(samples, numbers) for samples in self.validation_sets()]

    def _loader(self, samples: Dataset[Any], sampler: Sampler[int] | range) -> DataLoader[Any]:
        return SampleLoader(
            samples,
            self.batch_size,
            sampler=sampler,
            num_workers=self.workers,
            # LibRaw deadlocks in a forked child.
            multiprocessing_context="spawn" if self.workers else None,
            persistent_workers=self.workers > 0,
        )


def photos_and_leaves(
    photos: Path | None, leave_out: tuple[str, ...], leaves_share: float
) -> tuple[WeightedSource, ...]:
    """Photographs with their share of dead leaves; dead leaves alone without photographs."""
    if not 0 <= leaves_share <= 1:
        raise PellucidError(f"data.leaves_share is {leaves_share:g}; expected 0 to 1")
    if photos is None:
        return (WeightedSource(DeadLeaves()),)
    read = WeightedSource(photo_source(photos, leave_out), 1 - leaves_share)
    return read, WeightedSource(DeadLeaves(), leaves_share)


def shares(sources: Sequence[WeightedSource]) -> list[str]:
    """Each source, the number of its files and its share of the samples."""
    whole = sum(each.weight for each in sources)
    return [
        f"{each.weight / whole:.0%} {type(each.source).__name__}{_count(each.source)}"
        for each in sources
    ]


def data_of(trainer: Trainer) -> StepData:
    """What a run is trained on; Lightning sets it without declaring it."""
    return cast(StepData, vars(trainer)["datamodule"])


class RawData(StepData):
    """Synthetic raw samples of photographs and dead leaves, or of any mixture of sources."""

    def __init__(
        self,
        photos: Path | None = None,
        leave_out: tuple[str, ...] = (),
        leaves_share: float = 0.15,
        sources: tuple[WeightedSource, ...] = (),
        validation: tuple[WeightedSource, ...] = (),
        synthesis: RawSynthesis | None = None,
        **kwargs: Any,
    ) -> None:
        """Samples numbered by the step: interruptions and ranks do not change what is seen.

        Args:
            photos: Folder of photographs, or their packed store; without, dead leaves alone.
            leave_out: Names of photographs that must not be seen.
            leaves_share: Share of dead leaves among the samples.
            sources: A mixture in place of photographs and dead leaves.
            validation: Sources on which training is watched, where they differ.
            synthesis: From picture or clean raw to sample.
            kwargs: What all data has.
        """
        super().__init__(**kwargs)
        if self.patch % 2:
            raise PellucidError(f"data.patch is {self.patch}; expected an even number, of a mosaic")
        if photos and sources:
            raise ValueError("data has both photos and sources; expected one of them")
        self.photos, self.leave_out, self.leaves_share = photos, leave_out, leaves_share
        self.sources, self.validation = sources, validation
        self.synthesis = synthesis or RawSynthesis()

    def setup(self, stage: str) -> None:
        """Read the photographs; one that is too small is found before the run folder is made."""
        if not self.sources:
            self.sources = photos_and_leaves(self.photos, self.leave_out, self.leaves_share)
        for sources in (self.sources, self.validation):
            self.samples(self.seed, sources)

    def samples(self, seed: int, sources: tuple[WeightedSource, ...] = ()) -> SyntheticRaw:
        """Samples of one seed, of the training's sources unless told."""
        drawn = sources or self.sources
        mixture, weights = [each.source for each in drawn], [each.weight for each in drawn]
        return SyntheticRaw(mixture, weights, self.synthesis, self.patch, seed)

    def training_set(self) -> Dataset[Any]:
        """Synthetic raws."""
        return self.samples(self.seed)

    def validation_sets(self) -> Sequence[Dataset[Any]]:
        """Synthetic raws of another seed."""
        return [self.samples(self.seed + WATCHED, self.validation)]

    def files(self) -> Sequence[object]:
        """The sources."""
        return [each.source for each in self.sources]

    def words(self) -> list[str]:
        """Each source, the number of its files and its share of the samples."""
        return shares(self.sources)


def _count(source: object) -> str:
    """The number of a source's files in words."""
    if not isinstance(source, Licensed):
        return ""
    return f" of {sum(len(names) for names in source.licences().values())} files"


class SampleLoader(DataLoader[Any]):
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
