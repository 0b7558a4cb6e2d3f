"""Work on planes of pixels that PyTorch's own operations do in several times the time on a CPU."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

BAND = 40_000
"""Pixels for each thread whose colours, and what is computed of them, stay in its cache."""


def unshuffle(picture: Tensor, size: int) -> Tensor:
    """Planes (..., C * size**2, H / size, W / size) of a picture (..., C, H, W)."""
    sites = [picture[..., i::size, j::size] for i in range(size) for j in range(size)]
    return torch.stack(sites, -3).flatten(-4, -3)


def unshuffle_to_channels_last(picture: Tensor, size: int) -> Tensor:
    """The same of a picture (B, C, H, W), a pixel's planes beside each other in memory."""
    pixels = picture.permute(0, 2, 3, 1)
    sites = [pixels[:, i::size, j::size] for i in range(size) for j in range(size)]
    return torch.stack(sites, -1).flatten(-2).permute(0, 3, 1, 2)


def shuffle(planes: Tensor, size: int) -> Tensor:
    """Picture (..., C, H * size, W * size) of planes (..., C * size**2, H, W)."""
    *batch, channels, height, width = planes.shape
    sites = torch.unflatten(planes, -3, (channels // size**2, size, size))
    rows = torch.movedim(sites, (-4, -3), (-3, -1))
    return rows.reshape(*batch, channels // size**2, height * size, width * size)


def local_mean(planes: Tensor, size: int) -> Tensor:
    """Mean of the `size` x `size` pixels (an odd number) around each one of planes (..., H, W)."""
    reach = size // 2
    mean = F.pad(planes, (reach,) * 4)
    for dim in (-1, -2):
        length = planes.shape[dim]
        total = mean.narrow(dim, 0, length)
        for step in range(1, size):
            total = total + mean.narrow(dim, step, length)
        at = torch.arange(length, device=planes.device)
        count = (at + reach).clamp(max=length - 1) - (at - reach).clamp(min=0) + 1
        mean = total / (count if dim == -1 else count[:, None])
    return mean


def in_bands(run: Callable[..., Tensor], *pictures: Tensor) -> Tensor:
    """The result of what works on each pixel of pictures (..., H, W) alone, a few rows at a time.

    What a processor's cache holds is done in less time; where gradients or another device want the
    whole, it is done whole.
    """
    if torch.is_grad_enabled() or pictures[0].device.type != "cpu":
        return run(*pictures)
    height, width = pictures[0].shape[-2:]
    rows = max(8, BAND * torch.get_num_threads() // width)
    bands = [
        run(*(picture[..., top : top + rows, :] for picture in pictures))
        for top in range(0, height, rows)
    ]
    return bands[0] if len(bands) == 1 else torch.cat(bands, -2)
