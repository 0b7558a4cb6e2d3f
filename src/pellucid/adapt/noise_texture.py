"""The noise of a camera as its own pictures show it: patches with nothing in them, and more alike.

White noise convolved with such patches has their power spectrum, and the correlation of their
channels (Galerne, Gousseau and Morel 2011): rows stay rows, and JPEG's blotches stay blotches.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import torch
from torch import Generator, Tensor

MIXED = 4
"""Patches that each sample is made of."""


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


def flattest(patches: Tensor, deviation: Tensor, count: int) -> Tensor:
    """The calmest of patches (N, C, n, n), without what they show, over a `deviation` like them."""
    shown = smooth(patches)
    noise = (patches - shown) / deviation
    return noise[noise.square().mean((1, 2, 3)).argsort()[:count]]


def smooth(patches: Tensor) -> Tensor:
    """The quadratic surface through each channel of patches (..., n, n), which has no rows."""
    side = patches.shape[-1]
    x = torch.linspace(-1, 1, side, dtype=patches.dtype)
    y, x = torch.meshgrid(x, x, indexing="ij")
    terms = torch.stack([torch.ones_like(x), x, y, x * y, x**2, y**2]).flatten(1)
    basis = torch.linalg.qr(terms.T)[0]
    return (patches.flatten(-2) @ basis @ basis.T).unflatten(-1, (side, side))
