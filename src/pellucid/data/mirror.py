"""Pictures continued beyond their borders by their own mirror image, however small they are."""

import torch
from torch import Tensor


def mirrored(picture: Tensor, top: int, bottom: int, left: int, right: int) -> Tensor:
    """Picture (..., H, W) with so many more pixels on each side; the border pixel is repeated."""
    rows = _mirror(-top, picture.shape[-2] + bottom, picture.shape[-2])
    columns = _mirror(-left, picture.shape[-1] + right, picture.shape[-1])
    return picture[..., rows[:, None], columns]


def mirrored_up(picture: Tensor, height: int, width: int) -> Tensor:
    """Picture (..., H, W) of at least that size: below and to the right of it comes its mirror."""
    more = max(0, height - picture.shape[-2]), max(0, width - picture.shape[-1])
    return mirrored(picture, 0, more[0], 0, more[1]) if any(more) else picture


def _mirror(first: int, end: int, size: int) -> Tensor:
    place = torch.arange(first, end) % (2 * size)
    return torch.minimum(place, 2 * size - 1 - place)
