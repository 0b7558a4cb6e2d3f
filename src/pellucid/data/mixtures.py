"""Mixtures: of sources that pictures come from, and of what makes them bad ones."""
# pyright: reportUnknownMemberType=false

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from pellucid.data.degradations import Degradation
from pellucid.data.sources import WeightedSource, check, refuse_weightless


class Mixture:
    """Pictures of several sources, each as often as its weight says."""

    def __init__(self, sources: Sequence[WeightedSource]) -> None:
        """Sources of pictures."""
        self.sources = list(sources)
        self.weights = [each.weight for each in sources]
        refuse_weightless("sources", self.weights)

    def check(self, size: int) -> None:
        """Raise `FileError` where a file of a source that is drawn is too small."""
        for each in self.sources:
            if each.weight:
                check(each.source, size)

    # Annotated as the protocol is: jsonargparse compares the words.
    def patch(self, size: int, generator: Generator) -> Tensor:
        """A picture (3, size, size) of one of them."""
        return self.sources[drawn(self.weights, generator)].source.patch(size, generator)


@dataclass(frozen=True)
class Mixed(Degradation):
    """One of several degradations for each picture."""

    degradations: tuple[Degradation, ...]
    weights: tuple[float, ...] = ()
    """How often each is drawn, relative to the others; left out, equally often."""

    def __post_init__(self) -> None:
        """Check the weights."""
        if not self.degradations or len(self.weights) not in (0, len(self.degradations)):
            raise ValueError(
                f"got {len(self.degradations)} degradations and {len(self.weights)} weights; "
                "expected as many weights as degradations, or none"
            )
        if self.weights:
            refuse_weightless("degradations", self.weights)

    @property
    def margin(self) -> int:
        """The largest of them."""
        return max(each.margin for each in self.degradations)

    def __call__(self, clean: Tensor, generator: Generator) -> Tensor:
        """The degraded picture."""
        weights = self.weights or (1.0,) * len(self.degradations)
        return self.degradations[drawn(weights, generator)](clean, generator)


def drawn(weights: Sequence[float], generator: Generator) -> int:
    """A number, as often as its weight says."""
    shares = torch.tensor(list(weights), dtype=torch.float32)
    return int(torch.multinomial(shares, 1, generator=generator).item())
