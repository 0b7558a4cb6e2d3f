"""A camera's own picture as the look to match: a grid fitted to it, whatever its size and crop."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from pellucid.errors import PellucidError
from pellucid.look.align import GridConfig, Seen, features, fit_seen, middles
from pellucid.look.registration import Place, find_place, fitting, shrink, warp
from pellucid.noise import unclip
from pellucid.planes import local_mean

LONGEST = 768
"""Longer side in pixels of what a grid is fitted on."""
OVER = 4
"""Pixels along a side, at most, over which the means are taken that one of these shows."""
BAND = 16
"""Rows of the reference whose means are taken at once."""
ALIKE = 0.3
"""Least correlation of two pictures of one scene; of different scenes it stays below 0.2."""


def fit_reference(
    developed: Tensor, references: Sequence[Tensor], config: GridConfig | None = None
) -> Tensor:
    """Grid that brings a developed picture (3, H, W) to the look of a reference (3, h, w).

    The references are one picture turned in the ways that it may lie; the one that fits is taken.
    Raises PellucidError where none shows the same scene.
    """
    places = [find_place(developed, reference, LONGEST) for reference in references]
    best = max(range(len(places)), key=lambda i: places[i].score)
    if not places[best].score >= ALIKE:  # nor where it is no number
        raise PellucidError(
            f"the reference does not show the same scene: correlation {places[best].score:.2f}, "
            f"expected {ALIKE} or more"
        )
    return _fitted(developed, references[best], places[best], config)


def _fitted(
    developed: Tensor, reference: Tensor, place: Place, config: GridConfig | None
) -> Tensor:
    # The reference is never warped: interpolation would blur its texture, and the grid would learn
    # to take contrast away.
    config = config or GridConfig()
    longest = min(LONGEST, max(reference.shape[-2:]), max(developed.shape[-2:]))
    target = shrink(undo_clipping(reference), *fitting(reference, longest))
    height, width = target.shape[-2:]
    seen, weight = _seen(developed, place.affine, height, width, config.depth)
    shape = config.shape(*fitting(developed, longest))
    return fit_seen(seen, target, shape, config, weight)


def _seen(
    developed: Tensor, affine: Tensor, height: int, width: int, depth: int
) -> tuple[Seen, Tensor]:
    """What pixels of a reference show of a picture (3, H, W), and how much of each lies in it.

    Where they lie is told by rows and columns: a turn by few degrees is followed by what they show,
    not by where on the grid it counts.
    """
    back = _inverse(affine)
    over = min(OVER, -(-max(developed.shape[-2:]) // max(height, width)))
    near = shrink(developed, *fitting(developed, over * max(height, width)))
    moved, inside = warp(near, back, over * height, over * width, "bicubic")
    shown = torch.cat(
        [
            features(rows, depth).unflatten(1, (width, over)).unflatten(0, (-1, over)).mean((1, 3))
            for rows in moved.split(BAND * over, dim=1)
        ]
    )
    down, across = (
        (back[axis, axis] * (2 * middles(count, developed) - 1) + back[axis, 2] + 1) / 2
        for axis, count in ((1, height), (0, width))
    )
    return Seen(shown, down, across), F.avg_pool2d(inside[None].to(moved), over)[0]


def _inverse(affine: Tensor) -> Tensor:
    """The affine map (2, 3) back."""
    whole = torch.cat([affine, affine.new_tensor([[0, 0, 1]])])
    return torch.linalg.inv(whole)[:2]


def undo_clipping(picture: Tensor) -> Tensor:
    """A picture (3, H, W) whose noise, cut off at black and white, has the right mean again.

    Fitted as it is, a noisy white would come out grey, and a noisy black lifted.
    """
    std = picture.new_tensor(noise_level(picture))
    mean = local_mean(picture, 5)
    missing = unclip(mean, std) - mean
    surplus = unclip(1 - mean, std) - (1 - mean)
    return picture + missing - surplus


def noise_level(picture: Tensor) -> float:
    """Standard deviation of white noise in the smoothest blocks of a picture (3, H, W)."""
    second = picture.new_tensor([1, -2, 1])
    high = F.conv2d(picture[:, None], torch.outer(second, second)[None, None] / 6)[:, 0]
    inside = picture[:, 1:-1, 1:-1]
    spread = F.avg_pool2d(high.square(), 8).sqrt()
    mean = F.avg_pool2d(inside, 8)
    blocks = spread[(mean > 0.1) & (mean < 0.9)]
    if blocks.numel() < 20:
        return 1e-4
    # The lowest tenth of blocks of 64 pixels lies 15 % below the truth.
    return max(float(blocks.quantile(0.1)) / 0.85, 1e-4)
