"""A network's mean over mirrored inputs, which lowers what it makes of noise by chance.

A mirrored mosaic has another phase; a border of mirrored pixels brings it back to RGGB. So has a
picture that was developed of one: a network that mends demosaicking knows where red was sampled.
"""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

MIRRORS = ((), (-1,), (-2,), (-2, -1))
"""Sides along which inputs are mirrored."""

Run = Callable[..., Tensor]


def of_pictures(run: Run) -> Run:
    """Mean of `run` over mirrored pictures (B, C, H, W)."""

    def averaged(*pictures: Tensor | None) -> Tensor:
        total: Tensor | float = 0.0
        for sides in MIRRORS:
            turned = [None if each is None else each.flip(sides) for each in pictures]
            total = total + run(*turned).flip(sides)
        return total / len(MIRRORS)  # pyright: ignore[reportReturnType]

    return averaged


def of_mosaics(run: Run, stride: int) -> Run:
    """Mean of `run` over mirrored mosaics, or what was developed of them, and their noise maps.

    All are (B, C, H, W), of sides that are multiples of `stride`.
    """

    def averaged(*inputs: Tensor | None) -> Tensor:
        total = run(*inputs)
        height, width = total.shape[-2:]
        for sides in MIRRORS[1:]:
            # A site before the first and the rest of a stride behind the last.
            across, down = (stride * (side in sides) for side in (-1, -2))
            border = (across and 1, across and across - 1, down and 1, down and down - 1)
            turned = [
                None if each is None else F.pad(each.flip(sides), border, mode="reflect")
                for each in inputs
            ]
            result = run(*turned)[..., border[2] :, border[0] :][..., :height, :width]
            total = total + result.flip(sides)
        return total / len(MIRRORS)

    return averaged
