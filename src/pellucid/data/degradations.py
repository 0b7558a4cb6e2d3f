"""What makes a clean sRGB picture a bad one: its type, and Gaussian noise."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from pellucid.noise_laws import uniform

Range = tuple[float, float]
"""Least and greatest of what is drawn uniformly."""


class Degradation(ABC):
    """From a clean picture to a degraded one of the same size; all chance is the generator's.

    No protocol: jsonargparse takes one that is called for a factory.
    """

    @property
    def margin(self) -> int:
        """Pixels around a patch that show in it: degrade so much more, then cut it off."""
        return 0

    @abstractmethod
    def __call__(self, clean: Tensor, generator: Generator) -> Tensor:
        """The degraded picture (3, H, W) of display values, of a clean one in [0, 1]."""


@dataclass(frozen=True)
class GaussianNoise(Degradation):
    """White noise of one level a picture, as Noise-DA trains with (Liao et al. 2025)."""

    sigma: Range = (0.0, 75.0)
    """Standard deviation in 8-bit levels, 0 to 75 in the paper; 5 to 50 is what is judged with."""
    eight_bit: bool = False
    """Clip and round to 8 bits, as a file would; the paper does neither."""

    def __call__(self, clean: Tensor, generator: Generator) -> Tensor:
        """The noisy picture."""
        sigma = uniform(*self.sigma, generator) / 255
        noisy = clean + sigma * torch.randn(clean.shape, generator=generator)
        return eight_bits(noisy) if self.eight_bit else noisy


def eight_bits(picture: Tensor) -> Tensor:
    """Clipped and rounded to what 8 bits can say."""
    return (picture.clamp(0, 1) * 255).round() / 255
