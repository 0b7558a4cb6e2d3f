"""The noise of a camera as its own pictures show it: patches with nothing in them, and more alike.

White noise convolved with such patches has their power spectrum, and the correlation of their
channels (Galerne, Gousseau and Morel 2011): rows stay rows, and JPEG's blotches stay blotches.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from typing import NamedTuple

import torch
from torch import Generator, Tensor

MIXED = 4
"""Patches that each sample is made of."""
WHITE, ENDS = 0.95, 1e-3
"""From where values clip, and the share of a patch's pixels that may."""
LAST = 1e6
"""More than any texture's power."""


class NoiseTexture:
    """Noise in units of a standard deviation that whoever asks multiplies it by."""

    def __init__(self, patches: Tensor) -> None:
        """`patches` (N, C, n, n) of noise alone, over its standard deviation."""
        self.patches, self.spectra = patches, torch.fft.rfft2(patches)

    @property
    def level(self) -> float:
        """Its own standard deviation, 1 where the patches were divided by the right one."""
        return self.patches.square().mean().sqrt().item()

    def sample(self, generator: Generator) -> Tensor:
        """Noise (C, n, n), Gaussian, with the spectrum of some of the patches."""
        count, _, side, _ = self.patches.shape
        which = torch.randint(count, (MIXED,), generator=generator)
        white = torch.randn(MIXED, 1, side, side, generator=generator)
        mixed = (torch.fft.rfft2(white) * self.spectra[which]).sum(0)
        return torch.fft.irfft2(mixed, s=(side, side)) / (side * MIXED**0.5)


class Patches(NamedTuple):
    """What may be noise alone."""

    noise: Tensor
    """(N, C, n, n): without what patches show, over a deviation."""
    score: Tensor
    """(N,): the lower, the calmer; those that clip, where noise is cut off, come last."""

    def best(self, count: int) -> "Patches":
        """The calmest, in order."""
        order = self.score.argsort()[:count]
        return Patches(self.noise[order], self.score[order])


def calm(patches: Tensor, deviation: Tensor) -> Patches:
    """Patches (N, C, n, n) over a `deviation` like them."""
    noise = (patches - smooth(patches)) / deviation
    return Patches(noise, noise.square().mean((1, 2, 3)) + LAST * clips(patches))


def clips(patches: Tensor) -> Tensor:
    """Whether patches (N, C, n, n) reach white, or a black below which there are no values."""
    black = (patches <= 0) & (patches.amin((1, 2, 3), keepdim=True) >= 0)
    return (black | (patches >= WHITE)).float().mean((1, 2, 3)) > ENDS


def smooth(patches: Tensor) -> Tensor:
    """The quadratic surface through each channel of patches (..., n, n), which has no rows."""
    side = patches.shape[-1]
    x = torch.linspace(-1, 1, side, dtype=patches.dtype)
    y, x = torch.meshgrid(x, x, indexing="ij")
    terms = torch.stack([torch.ones_like(x), x, y, x * y, x**2, y**2]).flatten(1)
    basis = torch.linalg.qr(terms.T)[0]
    return (patches.flatten(-2) @ basis @ basis.T).unflatten(-1, (side, side))
