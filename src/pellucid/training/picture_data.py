"""The data that networks of pictures are trained on: pairs, real pictures, unpaired clean ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch.utils.data import Dataset

from pellucid.data.degradations import Degradation, GaussianNoise
from pellucid.data.mixtures import Mixture
from pellucid.data.picture_sets import PairSet, PictureSet, RealSet
from pellucid.data.sources import Licensed, WeightedSource
from pellucid.data.unpaired import (
    DegradedPictures,
    FilePairs,
    PairedDataset,
    PairStream,
    SyntheticPairs,
    UnpairedDataset,
)
from pellucid.training.data import WATCHED, StepData, photos_and_leaves, shares


class PictureData(StepData):
    """Pairs of pictures, synthetic or of files; beside them, for adaptation, real pictures."""

    def __init__(
        self,
        photos: Path | None = None,
        leave_out: tuple[str, ...] = (),
        leaves_share: float = 0.0,
        degradation: Degradation | None = None,
        clean: PictureSet | None = None,
        pairs: PairSet | None = None,
        real: RealSet | None = None,
        unpaired: PictureSet | None = None,
        validation_photos: Path | None = None,
        validation_pairs: PairSet | None = None,
        **kwargs: Any,
    ) -> None:
        """Each stream is drawn by itself; nothing is read before the training begins.

        Args:
            photos: Folder of photographs, or their packed store; without, dead leaves alone.
            leave_out: Names of photographs that must not be seen.
            leaves_share: Share of dead leaves among the samples.
            degradation: What makes a bad picture of a clean one; left out, Gaussian noise.
            clean: Pictures in place of photographs, taken as they are: photographs are made smaller
                first, and of two patches the busier one is taken.
            pairs: Pairs of files in place of photographs and degradation.
            real: Pictures to adapt to, whose truth nobody knows.
            unpaired: Clean pictures of something else, for `diffused: unpaired`.
            validation_photos: Photographs on which training is watched, where they differ.
            validation_pairs: Pairs of files on which training is watched besides.
            kwargs: What all data has.
        """
        super().__init__(**kwargs)
        if sum(one is not None for one in (photos, clean, pairs)) > 1:
            raise ValueError("data has several of photos, clean and pairs; expected one of them")
        self.photos, self.leave_out, self.leaves_share = photos, leave_out, leaves_share
        self.degradation, self.pairs = degradation or GaussianNoise(), pairs
        self.clean = clean
        self.real, self.unpaired = real, unpaired
        self.validation_photos, self.validation_pairs = validation_photos, validation_pairs
        self.sources: tuple[WeightedSource, ...] = ()

    def setup(self, stage: str) -> None:
        """Find the files."""
        if self.pairs is None and self.clean is None and not self.sources:
            self.sources = photos_and_leaves(self.photos, self.leave_out, self.leaves_share)

    def training_set(self) -> Dataset[Any]:
        """Pairs, with real and unpaired pictures where there are any."""
        return self._samples(self._pairs(), self.seed)

    def validation_sets(self) -> Sequence[Dataset[Any]]:
        """The same of another seed, or of other photographs; and pairs of files."""
        seed, pairs = self.seed + WATCHED, self._pairs()
        if self.validation_photos is not None:
            pairs = self._synthetic(photos_and_leaves(self.validation_photos, (), 0.0))
        sets: list[Dataset[Any]] = [self._samples(pairs, seed)]
        if self.validation_pairs is not None:
            files = FilePairs(self.validation_pairs.pairs())
            sets.append(PairedDataset(files, self.patch, seed))
        return sets

    def _pairs(self) -> PairStream:
        if self.pairs is not None:
            return FilePairs(self.pairs.pairs())
        if self.clean is not None:
            return DegradedPictures(self.clean.pictures(), self.degradation)
        return self._synthetic(self.sources)

    def _synthetic(self, sources: tuple[WeightedSource, ...]) -> PairStream:
        return SyntheticPairs(Mixture(sources), self.degradation)

    def _samples(self, pairs: PairStream, seed: int) -> Dataset[Any]:
        if self.real is None:
            return PairedDataset(pairs, self.patch, seed)
        clean = None if self.unpaired is None else self.unpaired.stream()
        return UnpairedDataset(pairs, self.real.stream(), clean, self.patch, seed)

    def files(self) -> Sequence[object]:
        """Photographs, and every set that is trained on."""
        sets = (self.clean, self.pairs, self.real, self.unpaired)
        return [*(each.source for each in self.sources), *(one for one in sets if one is not None)]

    def words(self) -> list[str]:
        """Each stream and the number of its files."""
        said = shares(self.sources)
        said += [f"{type(self.degradation).__name__} on clean ones"] if self.pairs is None else []
        streams = {
            "clean": self.clean,
            "pairs": self.pairs,
            "real": self.real,
            "unpaired clean": self.unpaired,
        }
        return said + [f"{name}: {counted(each)}" for name, each in streams.items() if each]


def counted(files: Licensed) -> str:
    """A set and the number of its files."""
    count = sum(len(names) for names in files.licences().values())
    return f"{type(files).__name__} of {count} files"
