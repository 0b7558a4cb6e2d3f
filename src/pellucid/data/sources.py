"""What training draws clean patches from: pictures or raws, and how often."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

from torch import Generator, Tensor

from pellucid.errors import ConfigError, FileError
from pellucid.isp import Rendering
from pellucid.raw import Camera


class CleanRaw(NamedTuple):
    """A patch of clean raw, and how it is to be developed."""

    mosaic: Tensor
    """(1, size, size) RGGB in [0, 1]."""
    camera: Camera
    rendering: Rendering
    colour: Tensor | None = None
    """(3, size, size) camera RGB, not white-balanced, where all three were seen at every site."""


Clean = TypeVar("Clean", bound=Tensor | CleanRaw, covariant=True)


class Source(Protocol[Clean]):
    """Where clean patches come from: `Source[Tensor]` pictures, `Source[CleanRaw]` raws."""

    def patch(self, size: int, generator: Generator) -> Clean:
        """A picture (3, size, size) of display values in [0, 1], or a raw, turned at random."""
        ...


@runtime_checkable
class Licensed(Protocol):
    """A source of other people's work; what is generated needs no licence."""

    def licences(self) -> dict[str, list[str]]:
        """Each licence and the files under it."""
        ...


@runtime_checkable
class Checked(Protocol):
    """A source of files, of which some may be too small."""

    def check(self, size: int) -> None:
        """Raise `FileError` where no patch of that side can be cut from one of them."""
        ...


def check(source: object, size: int) -> None:
    """Let a source of files look at their sizes: drawn later, a small one would end a training."""
    if isinstance(source, Checked):
        source.check(size)


def refuse_smaller(name: str, shape: Sequence[int], least: int) -> None:
    """Raise `FileError` where a picture (C, H, W) has a side that is shorter."""
    height, width = shape[1:]
    if min(height, width) < least:
        raise FileError(f"{name} has {height}x{width} pixels; expected {least} or more")


@dataclass(frozen=True)
class WeightedSource:
    """A source in a mixture."""

    # Any: of a union, jsonargparse would tell every type that did not fit, not what was wrong.
    source: Source[Any]
    weight: float = 1.0
    """How often it is drawn, relative to the others."""

    def __post_init__(self) -> None:
        """Check the weight."""
        if not 0 <= self.weight < float("inf"):
            raise ValueError(f"source has weight {self.weight:g}; expected 0 or more")


def refuse_weightless(what: str, weights: Sequence[float]) -> None:
    """Raise ConfigError where nothing can be drawn by such weights."""
    if not (all(0 <= each < math.inf for each in weights) and sum(weights) > 0):
        got = ", ".join(f"{each:g}" for each in weights) or "none"
        raise ConfigError(f"{what} have weights {got}; expected 0 or more, one above 0")
