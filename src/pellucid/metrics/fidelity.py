"""Peak signal-to-noise ratio, and the pair of scores that every paper prints."""

from typing import NamedTuple

import torch
from torch import Tensor

from pellucid.metrics.similarity import ssim

_STUDIO = (65.481, 128.553, 24.966)  # BT.601 in 8-bit levels, black at 16


class Scores(NamedTuple):
    """Scores of one picture."""

    psnr: float
    """Decibels."""
    ssim: float


def psnr(picture: Tensor, truth: Tensor, mask: Tensor | None = None, peak: float = 1.0) -> float:
    """Peak signal-to-noise ratio in decibels; `mask` weighs the pixels."""
    error = (picture.double() - truth.double()).square()
    mean = error.mean() if mask is None else (error * mask).mean() / mask.double().mean()
    return -10 * torch.log10(mean / peak**2).item()


def score(picture: Tensor, truth: Tensor, border: int = 0) -> Scores:
    """PSNR and SSIM (as torchmetrics has it, mirrored at borders) of (3, H, W) clipped to [0, 1].

    So many pixels of `border` are left out on every side.
    """
    one, other = (cropped(p.clamp(0, 1), border) for p in (picture, truth))
    return Scores(psnr(one, other), ssim(one, other, "mirrored"))


def cropped(picture: Tensor, border: int) -> Tensor:
    """A picture without so many pixels on every side."""
    height, width = picture.shape[-2:]
    return picture[..., border : height - border, border : width - border]


def luma(picture: Tensor, rounded: bool = False) -> Tensor:
    """Y (1, H, W) of 16/255 to 235/255, as MATLAB's rgb2ycbcr; of bytes it gives whole levels."""
    weights = torch.tensor(_STUDIO, dtype=torch.float64)[:, None, None]
    levels = (weights * picture.double()).sum(-3, keepdim=True) + 16
    return (levels.round() if rounded else levels) / 255
