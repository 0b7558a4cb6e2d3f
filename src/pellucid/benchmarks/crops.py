"""Where a restored picture is wrong the most."""

import torch
import torch.nn.functional as F
from torch import Tensor


def worst_corner(restored: Tensor, truth: Tensor, side: int) -> tuple[int, int]:
    """Row and column at which the square of such a side with the largest squared error begins."""
    error = (restored.clamp(0, 1) - truth.clamp(0, 1)).square().mean(0)
    size = min(side, error.shape[0]), min(side, error.shape[1])
    means = F.avg_pool2d(error[None, None], size, 1)[0, 0]
    place = int(means.argmax().item())
    return place // means.shape[1], place % means.shape[1]


def error_picture(restored: Tensor, truth: Tensor, gain: float = 4.0) -> Tensor:
    """The difference around mid-grey, so many times as strong."""
    return (0.5 + gain * (restored.clamp(0, 1) - truth.clamp(0, 1))).clamp(0, 1)


def fitted(picture: Tensor, longest: int) -> Tensor:
    """A picture (3, H, W), made smaller where a side is longer than that."""
    scale = longest / max(picture.shape[-2:])
    if scale >= 1:
        return picture
    size = [max(1, round(side * scale)) for side in picture.shape[-2:]]
    smaller = F.interpolate(picture[None].float(), size, mode="bicubic", antialias=True)[0]
    return torch.clamp(smaller, 0, 1)
