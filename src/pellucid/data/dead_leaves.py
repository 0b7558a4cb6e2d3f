"""Dead leaves: any number of licence-free pictures with edges at all scales (Lee et al. 2001)."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Generator, Tensor

from pellucid.color import encode
from pellucid.data.photos import shrink


@dataclass(frozen=True)
class DeadLeaves:
    """Occluding ellipses and rectangles with power-law sizes, shaded and textured."""

    leaves: int = 250
    smallest: float = 0.02
    """Radius as a share of the patch."""
    largest: float = 0.6

    def patch(self, size: int, generator: Generator) -> Tensor:
        """A picture (3, size, size), drawn at twice the size so that its edges are smooth."""
        side = 2 * size
        front = self._frontmost(side, generator)
        colours = _colours(self.leaves, generator)
        slopes = 0.6 * torch.randn(self.leaves, 2, generator=generator)
        ramp = torch.linspace(-0.5, 0.5, side)
        shade = (
            slopes[front, 0] * ramp[:, None]
            + slopes[front, 1] * ramp
            + self._texture(front, generator)
        )
        linear = (colours[front].permute(2, 0, 1) * torch.exp(shade)).clamp(0, 1)
        return shrink(encode(linear, "rec709"), 2)

    def _frontmost(self, side: int, generator: Generator) -> Tensor:
        """Number (side, side) of the leaf seen at each pixel; leaf 0 lies behind everything."""
        u, aspect, angle, kind, *centre = torch.rand(6, self.leaves, generator=generator)
        low, high = self.smallest**-2, self.largest**-2
        # Density ~ radius ** -3: the same at every scale.
        radius = side * (low + u * (high - low)) ** -0.5
        shapes = (side * centre[0], side * centre[1], radius, torch.exp(aspect - 0.5))
        turns = (torch.pi * angle, (kind < 0.6).float())
        leaves: list[list[float]] = torch.stack([*shapes, *turns], dim=1).tolist()
        front = np.zeros((side, side), np.int64)
        for number, leaf in enumerate(leaves):
            _paint(front, number, *leaf)
        return torch.from_numpy(front)

    def _texture(self, front: Tensor, generator: Generator) -> Tensor:
        """Waves of a leaf's own direction, length and strength; half of the leaves have none."""
        period, angle, strength, has = torch.rand(4, self.leaves, generator=generator)
        wave = torch.pi / (2 * torch.exp(3 * period))
        direction = torch.stack([torch.cos(2 * torch.pi * angle), torch.sin(2 * torch.pi * angle)])
        steps = torch.arange(front.shape[-1], dtype=torch.float32)
        ky, kx = (direction * wave)[:, front]
        return (
            (has > 0.5)[front] * 0.5 * strength[front] * torch.sin(ky * steps[:, None] + kx * steps)
        )


def _paint(
    front: npt.NDArray[np.int64],
    number: int,
    y: float,
    x: float,
    r: float,
    stretch: float,
    turn: float,
    is_round: float,
) -> None:
    """Set the number where a leaf lies; NumPy does so little at once in half of torch's time."""
    side, reach = len(front), r * max(stretch, 1 / stretch)
    top, bottom = max(0, int(y - reach)), min(side, int(y + reach) + 1)
    left, right = max(0, int(x - reach)), min(side, int(x + reach) + 1)
    dy = (np.arange(bottom - top) + (top - y)).astype(np.float32)[:, None]
    dx = (np.arange(right - left) + (left - x)).astype(np.float32)
    cos, sin = np.float32(math.cos(turn)), np.float32(math.sin(turn))
    across = (cos * dx + sin * dy) / np.float32(r * stretch)
    along = (cos * dy - sin * dx) * np.float32(stretch / r)
    if is_round:
        inside = across * across + along * along < 1
    else:
        inside = np.maximum(np.abs(across), np.abs(along)) < np.float32(0.7)
    front[top:bottom, left:right][inside] = number


def _colours(count: int, generator: Generator) -> Tensor:
    """Linear RGB (count, 3): brightness log-uniform, saturation as in the world, mostly small."""
    brightness = torch.exp(-4 * torch.rand(count, 1, generator=generator))
    tint = (
        0.35
        * torch.randn(count, 3, generator=generator)
        * torch.rand(count, 1, generator=generator)
    )
    return (brightness * torch.exp(tint)).clamp(0, 1)
