"""Points between pixels, spread over the four pixels around each: what streaks and kernels are."""
# pyright: reportUnknownMemberType=false

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def splat(y: Tensor, x: Tensor, weight: Tensor, height: int, width: int) -> Tensor:
    """Picture (H, W) of points at (y, x) in pixels, bilinear; what lies outside is lost."""
    canvas = weight.new_zeros((height + 2) * (width + 2))
    # One pixel more on each side takes what falls on the border.
    y, x = (place.clamp(-1, side) + 1 for place, side in ((y, height), (x, width)))
    row, column = y.floor().clamp(max=height), x.floor().clamp(max=width)
    down, right = y - row, x - column
    at = (row * (width + 2) + column).long()
    for step, share in (
        (0, (1 - down) * (1 - right)),
        (1, (1 - down) * right),
        (width + 2, down * (1 - right)),
        (width + 3, down * right),
    ):
        canvas.index_add_(0, (at + step).flatten(), (share * weight).flatten())
    return canvas.reshape(height + 2, width + 2)[1:-1, 1:-1]


def softened(picture: Tensor, sigma: float) -> Tensor:
    """Picture (..., H, W) blurred by a Gaussian of `sigma` pixels, dark beyond its border."""
    reach = math.ceil(3 * sigma)
    if not reach:
        return picture
    bell = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2).to(picture)
    bell = bell / bell.sum()
    planes = picture.reshape(-1, 1, *picture.shape[-2:])
    columns = F.conv2d(planes, bell[None, None, :, None], padding=(reach, 0))
    return F.conv2d(columns, bell[None, None, None], padding=(0, reach)).reshape(picture.shape)
