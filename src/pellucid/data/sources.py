"""What training draws clean patches from: pictures or raws, and how often."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

from torch import Generator, Tensor

from pellucid.isp import Rendering
from pellucid.raw import Camera


class CleanRaw(NamedTuple):
    """A patch of clean raw, and how it is to be developed."""

    mosaic: Tensor
    """(1, size, size) RGGB in [0, 1]."""
    camera: Camera
    rendering: Rendering


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
