"""Dead leaves: any number of licence-free pictures with edges at all scales (Lee et al. 2001)."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import math
from dataclasses import dataclass

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
        front = torch.zeros(side, side, dtype=torch.long)
        for number, (y, x, r, stretch, turn, is_round) in enumerate(leaves):
            reach = r * max(stretch, 1 / stretch)
            top, bottom = max(0, int(y - reach)), min(side, int(y + reach) + 1)
            left, right = max(0, int(x - reach)), min(side, int(x + reach) + 1)
            dy = torch.arange(top - y, bottom - y)[: bottom - top, None]
            dx = torch.arange(left - x, right - x)[: right - left]
            across = (math.cos(turn) * dx + math.sin(turn) * dy) / (r * stretch)
            along = (math.cos(turn) * dy - math.sin(turn) * dx) * (stretch / r)
            inside = (
                across**2 + along**2 < 1
                if is_round
                else torch.maximum(across.abs(), along.abs()) < 0.7
            )
            front[top:bottom, left:right][inside] = number
        return front

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


def _colours(count: int, generator: Generator) -> Tensor:
    """Linear RGB (count, 3): brightness log-uniform, saturation as in the world, mostly small."""
    brightness = torch.exp(-4 * torch.rand(count, 1, generator=generator))
    tint = (
        0.35
        * torch.randn(count, 3, generator=generator)
        * torch.rand(count, 1, generator=generator)
    )
    return (brightness * torch.exp(tint)).clamp(0, 1)
