"""Rain: streaks at several distances, and a veil that thickens with distance.

A drop that passes during the exposure mixes the light of the whole sky into what lies behind it
(Garg and Nayar 2007); far streaks melt into a veil (Li et al. 2019, eq. 2). Darkening, where the
background is brighter than the sky, is left out: rain only brightens.
"""
# pyright: reportUnknownMemberType=false

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from pellucid.color import decode, encode
from pellucid.data.degradations import Degradation, Range
from pellucid.data.splat import softened, splat
from pellucid.noise_laws import log_uniform, uniform
from pellucid.records import refuse_unknown_choices


class Shower(NamedTuple):
    """The streaks of one layer."""

    angle: float
    """Degrees from the vertical, positive where rain falls to the right."""
    spread: float
    """Standard deviation of the angle between streaks, in degrees."""
    length: float
    """Mean, in pixels; streaks have half to one and a half of it."""
    width: float
    """Standard deviation of a streak's profile, in pixels."""
    density: float
    """Streaks in 1000 pixels."""
    strength: float
    """Of the strongest streak, along its middle."""


@dataclass(frozen=True)
class Rain(Degradation):
    """A generator of rain; two with other ranges are two domains."""

    angle: Range = (-30.0, 30.0)
    """Degrees from the vertical, positive where rain falls to the right."""
    spread: Range = (0.5, 4.0)
    """Standard deviation of the angle between streaks, in degrees."""
    length: Range = (15.0, 80.0)
    """Of the nearest layer in pixels, drawn log-uniformly, as are width and density."""
    width: Range = (0.25, 0.9)
    """Of the nearest layer: standard deviation of a streak's profile in pixels."""
    density: Range = (0.5, 8.0)
    """Streaks in 1000 pixels of the nearest layer."""
    strength: Range = (0.15, 0.7)
    """Of the nearest layer: share of the sky's light in a streak's middle."""
    brightness: Range = (0.6, 0.95)
    """Display value of sky and veil."""
    veil: Range = (0.0, 0.3)
    """Share of the sky's light where the veil is thickest."""
    layers: tuple[int, int] = (2, 4)
    """From the nearest to three times its distance."""
    blend: Literal["light", "add"] = "light"
    """`add` sums display values and clips, as the synthetic sets do (Rain100H)."""

    def __post_init__(self) -> None:
        """Check the choices."""
        refuse_unknown_choices(self)

    def __call__(self, clean: Tensor, generator: Generator) -> Tensor:
        """The rainy picture."""
        height, width = clean.shape[-2:]
        sky = uniform(*self.brightness, generator)
        veil = uniform(*self.veil, generator) * distance(height, width, generator)
        showers = self.showers(generator)
        layers = [streaks(shower, height, width, generator) for shower in showers]
        if self.blend == "add":
            return torch.maximum(clean, (clean + sky * (veil + sum(layers))).clamp(max=1))
        light, source = decode(clean, "srgb"), decode(torch.tensor(sky), "srgb")
        for share in [veil, *layers]:
            light = light + share.clamp(max=1) * (source - light).clamp(min=0)
        return encode(light, "srgb")

    def showers(self, generator: Generator) -> list[Shower]:
        """The layers, the farthest first: shorter, thinner, fainter and more streaks."""
        angle, spread = uniform(*self.angle, generator), uniform(*self.spread, generator)
        length, width, density = (
            log_uniform(*drawn, generator) if drawn[0] > 0 else uniform(*drawn, generator)
            for drawn in (self.length, self.width, self.density)
        )
        strength = uniform(*self.strength, generator)
        low, high = self.layers
        count = low + int(torch.randint(high - low + 1, (), generator=generator).item())
        distances = [1 + 2 * layer / max(1, count - 1) for layer in reversed(range(count))]
        return [
            Shower(angle, spread, length / far, width / far, density * far, strength / far)
            for far in distances
        ]


HEAVY_RAIN = Rain(
    angle=(-25.0, 25.0),
    spread=(1.0, 6.0),
    length=(30.0, 120.0),
    width=(0.35, 1.0),
    density=(2.0, 8.0),
    strength=(0.25, 0.7),
    brightness=(0.8, 1.0),
    veil=(0.0, 0.25),
    blend="add",
)
"""As in Rain100H's first 60 pairs: mean brightening 0.06 to 0.4, 7 to 21 dB."""


def distance(height: int, width: int, generator: Generator) -> Tensor:
    """A made-up map (H, W) from 0, near, to 1, far: mostly farther up, with hills."""
    hills = torch.rand(1, 1, 4, 4, generator=generator)
    smooth = F.interpolate(hills, (height, width), mode="bicubic", align_corners=True)[0, 0]
    up = torch.linspace(1, 0, height)[:, None] if height > 1 else torch.ones(1, 1)
    steep = uniform(0, 1, generator)
    return (steep * up + (1 - steep) * smooth).clamp(0, 1)


def streaks(shower: Shower, height: int, width: int, generator: Generator) -> Tensor:
    """The share (H, W) of sky light in each pixel, 0 where no drop passed."""
    reach = math.ceil(3 * shower.width) + 1
    # Streaks that begin outside come in as well.
    around = reach + shower.length
    tall, wide = height + 2 * around, width + 2 * around
    count = round(shower.density * tall * wide / 1000)
    y, x, longer, stronger = torch.rand(4, count, 1, generator=generator)
    angle = shower.angle + shower.spread * torch.randn(count, 1, generator=generator)
    length = shower.length * (0.5 + longer)
    along = torch.linspace(-0.5, 0.5, math.ceil(3 * shower.length) + 2)
    radians = angle * (math.pi / 180)
    rows = tall * y - shower.length + length * along * torch.cos(radians)
    columns = wide * x - shower.length + length * along * torch.sin(radians)
    # Per pixel of length; softer over the first and last quarter.
    weight = (0.25 + 0.75 * stronger) * length / len(along) * (2 - 4 * along.abs()).clamp(max=1)
    lines = splat(rows, columns, weight, height + 2 * reach, width + 2 * reach)
    soft = softened(lines, shower.width)[reach : reach + height, reach : reach + width]
    # Splatting has a variance of about 1/6 itself. A line of density 1 ends with this peak.
    peak = 1 / math.sqrt(2 * math.pi * (shower.width**2 + 1 / 6))
    return shower.strength * soft / peak
