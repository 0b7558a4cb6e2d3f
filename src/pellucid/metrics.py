"""Scores of restored pictures against the truth."""

from typing import NamedTuple

import torch
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure


class Scores(NamedTuple):
    """Scores of one picture."""

    psnr: float
    """Decibels."""
    ssim: float


def psnr(picture: Tensor, truth: Tensor) -> float:
    """Peak signal-to-noise ratio in decibels of pictures with peak 1."""
    return -10 * torch.log10((picture.double() - truth.double()).square().mean()).item()


def score(picture: Tensor, truth: Tensor, border: int = 0) -> Scores:
    """PSNR and SSIM (Wang et al. 2004, 11x11 Gaussian) of (3, H, W) clipped to [0, 1].

    So many pixels of `border` are left out on every side.
    """
    pair = [
        p.clamp(0, 1)[..., border : p.shape[-2] - border, border : p.shape[-1] - border]
        for p in (picture, truth)
    ]
    ssim = structural_similarity_index_measure(pair[0][None], pair[1][None], data_range=1.0)
    assert isinstance(ssim, Tensor)
    return Scores(psnr(*pair), ssim.item())
