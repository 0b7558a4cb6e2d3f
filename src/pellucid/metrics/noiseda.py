"""The metric that Noise-DA was published with, fault by fault, to read its numbers.

Pictures are cut off to whole levels instead of rounded, and not clipped first, so that a value just
above white becomes black; Y takes red for blue; SSIM is scikit-image's default.
"""
# pyright: reportUnknownMemberType=false

import numpy as np
import torch
from torch import Tensor

from pellucid.metrics.fidelity import Scores, luma, psnr
from pellucid.metrics.similarity import ssim


def noiseda_scores(output: Tensor, truth: Tensor) -> Scores:
    """PSNR and SSIM of RGB (3, H, W), as Noise-DA's program prints them."""
    pair = wrapped(output), wrapped(truth)
    return Scores(psnr(*pair), ssim(*pair, window="uniform"))


def noiseda_scores_y(output: Tensor, truth: Tensor) -> Scores:
    """The same of its Y."""
    one, other = (luma(wrapped(picture).flip(-3)) for picture in (output, truth))
    return Scores(psnr(one, other), ssim(one, other))


def wrapped(picture: Tensor) -> Tensor:
    """Cut off to bytes: 256.0 becomes 0 and -1.0 becomes 255."""
    whole = (picture.cpu().numpy() * 255).astype(np.int64)
    return torch.from_numpy(whole.astype(np.uint8)).double() / 255
