"""Three streams that know nothing of each other: pairs, unlabelled real pictures, clean ones.

What Noise-DA trains with (Liao et al. 2025, 3.2). Sample n is a pure function of (seed, n), so a
training that is interrupted goes on with the samples that come next.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple, Protocol

import torch
from torch import Generator, Tensor
from torch.utils.data import Dataset

from pellucid.data.degradations import Degradation
from pellucid.data.pairs import Pair, refuse_two_sizes
from pellucid.data.pictures import Decoded, Pictures, corner, cut
from pellucid.data.sources import Source, check
from pellucid.data.synthesis import generator_of, turned
from pellucid.errors import FileError

Stream = Literal["pairs", "real", "clean"]
_STREAMS: dict[Stream, int] = {"pairs": 0, "real": 1, "clean": 2}


class Unpaired(NamedTuple):
    """One sample of each stream (3, size, size), or a batch of them."""

    synthetic: Tensor
    """Degraded."""
    clean: Tensor
    """The truth of `synthetic`."""
    real: Tensor
    """Degraded as it really happens; nobody knows its truth."""
    unpaired: Tensor
    """A clean picture of something else; without such a stream, `clean`, as in the paper."""


@dataclass(frozen=True)
class Draw:
    """The chance of sample n of a stream."""

    seed: int
    stream: Stream
    n: int

    def generator(self) -> Generator:
        """Of everything within the sample."""
        return generator_of(self.seed, _STREAMS[self.stream], 0, self.n)

    def which(self, count: int) -> int:
        """Which of `count` pictures: each once in an epoch of the stream's own, newly shuffled."""
        epoch, place = divmod(self.n, count)
        return _shuffled(self.seed, _STREAMS[self.stream], epoch, count)[place]


@lru_cache(maxsize=16)
def _shuffled(seed: int, stream: int, epoch: int, count: int) -> list[int]:
    return torch.randperm(count, generator=generator_of(seed, stream, 1, epoch)).tolist()


class Patches(NamedTuple):
    """A degraded and a clean patch (3, size, size)."""

    input: Tensor
    target: Tensor


class PairStream(Protocol):
    """Where pairs come from."""

    def patches(self, size: int, draw: Draw) -> Patches:
        """The pair of a draw."""
        ...


class PatchStream(Protocol):
    """Where pictures without truth come from."""

    def patch(self, size: int, draw: Draw) -> Tensor:
        """The picture (3, size, size) of a draw."""
        ...


@dataclass(frozen=True)
class PicturePatches:
    """Patches of pictures, each in one of its eight turns, or only mirrored."""

    pictures: Pictures
    upright: bool = False

    def patch(self, size: int, draw: Draw) -> Tensor:
        """A patch of the draw's picture."""
        generator = draw.generator()
        patch = self.pictures.patch_of(draw.which(len(self.pictures)), size, generator)
        if not self.upright:
            return turned(patch, generator)
        return patch.flip(-1) if torch.rand((), generator=generator).item() < 0.5 else patch


@dataclass(frozen=True)
class SyntheticPairs:
    """Clean pictures of a source, degraded."""

    source: Source[Tensor]
    degradation: Degradation

    def check(self, size: int) -> None:
        """Raise `FileError` where a file is too small for a patch and what shows in it."""
        check(self.source, size + 2 * self.degradation.margin)

    def patches(self, size: int, draw: Draw) -> Patches:
        """A patch in one of its turns, degraded with what surrounds it."""
        generator, margin = draw.generator(), self.degradation.margin
        around = self.source.patch(size + 2 * margin, generator)
        return degraded_pair(around, self.degradation, generator)


@dataclass(frozen=True)
class DegradedPictures:
    """Clean pictures as they are, each once in an epoch, degraded."""

    pictures: Pictures
    degradation: Degradation

    def patches(self, size: int, draw: Draw) -> Patches:
        """A patch in one of its turns, degraded with what surrounds it."""
        generator, margin = draw.generator(), self.degradation.margin
        which = draw.which(len(self.pictures))
        around = self.pictures.patch_of(which, size + 2 * margin, generator)
        return degraded_pair(around, self.degradation, generator)


def degraded_pair(around: Tensor, degradation: Degradation, generator: Generator) -> Patches:
    """A pair of a picture (3, H, W) that is larger by the degradation's margin on each side."""
    # Turned first: rain falls down, and rows stay rows.
    clean = turned(around, generator)
    degraded, margin = degradation(clean, generator), degradation.margin
    inside = slice(margin, around.shape[-1] - margin)
    return Patches(degraded[:, inside, inside], clean[:, inside, inside])


class FilePairs:
    """Pairs of files, of which `layout.pairs`, `listed_pairs` and `folder_pairs` make lists."""

    def __init__(self, pairs: Sequence[Pair], memory: int = 2**30) -> None:
        """`memory` is how many bytes of pixels may stay decoded."""
        self.pairs = list(pairs)
        self._inputs = Decoded([pair.input for pair in pairs], memory // 2)
        self._targets = Decoded([pair.target for pair in pairs], memory // 2)

    def __len__(self) -> int:
        return len(self.pairs)

    def check(self, size: int) -> None:
        """Raise `FileError` where the heads of two files say that they differ in size.

        A smaller picture is continued by its mirror image, so `size` is any.
        """
        for pair in self.pairs:
            refuse_two_sizes(pair)

    def patches(self, size: int, draw: Draw) -> Patches:
        """The same place and turn of both; raises `FileError` where their sizes differ."""
        generator, which = draw.generator(), draw.which(len(self))
        pixels = self._inputs[which], self._targets[which]
        if pixels[0].shape != pixels[1].shape:
            got, expected = (f"{each.shape[1]}x{each.shape[2]}" for each in pixels)
            path, target = self.pairs[which].input, self.pairs[which].target
            raise FileError.of(path, f"is {got}; expected {expected} as {target.name}")
        where = corner(pixels[0].shape, size, generator)
        both = turned(torch.stack([cut(each, where, size) for each in pixels]), generator)
        return Patches(both[0], both[1])


class UnpairedDataset(Dataset[Unpaired]):
    """Samples without end; sample n is a pure function of (seed, n).

    Each stream goes through its own pictures in its own order, and once it is through, in another.
    """

    def __init__(
        self,
        pairs: PairStream,
        real: Pictures | PatchStream,
        unpaired: Pictures | PatchStream | None = None,
        size: int = 128,
        seed: int = 0,
    ) -> None:
        """`size` is a patch's side in pixels."""
        self.pairs, self.real = pairs, _stream(real)
        self.unpaired = None if unpaired is None else _stream(unpaired)
        for stream in (self.pairs, self.real, self.unpaired):
            check(stream, size)
        self.size, self.seed = size, seed

    def __getitem__(self, n: int) -> Unpaired:
        """Sample n."""
        pair = self.pairs.patches(self.size, Draw(self.seed, "pairs", n))
        real = self.real.patch(self.size, Draw(self.seed, "real", n))
        clean = pair.target
        if self.unpaired is not None:
            clean = self.unpaired.patch(self.size, Draw(self.seed, "clean", n))
        return Unpaired(pair.input, pair.target, real, clean)


def _stream(pictures: Pictures | PatchStream) -> PatchStream:
    return PicturePatches(pictures) if isinstance(pictures, Pictures) else pictures


class PairedDataset(Dataset[Patches]):
    """Pairs without end; sample n is a pure function of (seed, n)."""

    def __init__(self, pairs: PairStream, size: int = 128, seed: int = 0) -> None:
        """`size` is a patch's side in pixels."""
        check(pairs, size)
        self.pairs, self.size, self.seed = pairs, size, seed

    def __getitem__(self, n: int) -> Patches:
        """Sample n; equal to the pair of an `UnpairedDataset`."""
        return self.pairs.patches(self.size, Draw(self.seed, "pairs", n))
