"""What lenses do to a scene before the sensor samples it: colour fringes and softness.

The red, the green and the blue picture of a real lens differ in size (lateral chromatic
aberration) and in sharpness (axial), see Kang, "Automatic Removal of Chromatic Aberration from a
Single Image", CVPR 2007. In a patch the former is a shift. Photographs made smaller have next to
nothing of either; a network that has only seen those takes it for granted that an edge lies at one
place in all colours, and draws fringes and zippers where it does not.
"""
# pyright: reportUnknownMemberType=false

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from pellucid.data.mirror import mirrored
from pellucid.errors import ConfigError
from pellucid.noise_laws import uniform
from pellucid.records import refuse_below

LOBES = 3
"""Of the Lanczos kernel that shifts by parts of a pixel."""


@dataclass(frozen=True)
class Lens:
    """Random lenses."""

    share: float = 0.6
    """Of the pictures; the others are as sharp and as well aligned as they came."""
    shift: float = 1.5
    """Pixels that red and blue lie away from green at most, in any directions; half of the shifts
    are below a quarter of it."""
    blur: float = 0.8
    """Standard deviation of each colour's Gaussian blur at most, in pixels."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        refuse_below(self, 0, "share", "shift", "blur")
        if not self.share <= 1:
            raise ConfigError(f"share is {self.share:g}; expected 0 to 1")

    def __call__(self, light: Tensor, generator: Generator) -> Tensor:
        """A picture (3, H, W) of linear light in [0, 1] as one of these lenses shows it."""
        if uniform(0, 1, generator) >= self.share:
            return light
        turns = [uniform(0, 2 * math.pi, generator) for _ in "rb"]
        far = [self.shift * uniform(0, 1, generator) ** 2 for _ in "rb"]
        (red_y, blue_y), (red_x, blue_x) = (
            [length * wave(turn) for length, turn in zip(far, turns, strict=True)]
            for wave in (math.sin, math.cos)
        )
        blurs = [uniform(0, self.blur, generator) for _ in "rgb"]
        return through_lens(light, (red_y, 0, blue_y), (red_x, 0, blue_x), blurs)


def through_lens(
    light: Tensor, down: Sequence[float], right: Sequence[float], blur: Sequence[float]
) -> Tensor:
    """Linear light (C, H, W) in [0, 1], each colour moved by so many pixels, then blurred.

    `blur` holds standard deviations of Gaussians in pixels. Beyond the border lies the mirror.
    """
    rows, columns = _taps(down, blur), _taps(right, blur)
    high, wide = rows.shape[-1] // 2, columns.shape[-1] // 2
    planes = mirrored(light, high, high, wide, wide)[None]
    colours = light.shape[0]
    planes = F.conv2d(planes, rows[:, None, :, None].to(light), groups=colours)
    planes = F.conv2d(planes, columns[:, None, None, :].to(light), groups=colours)
    return planes[0].clamp(0, 1)


def _taps(shifts: Sequence[float], blurs: Sequence[float]) -> Tensor:
    """Kernels (C, 2 n + 1) that correlation moves and blurs rows with."""
    farthest, widest = max(map(abs, shifts)), max(blurs)
    reach = math.ceil(farthest) + LOBES + math.ceil(3 * widest)
    places = torch.arange(-reach, reach + 1, dtype=torch.float64)
    return torch.stack(
        [_tap(places, shift, blur) for shift, blur in zip(shifts, blurs, strict=True)]
    )


def _tap(places: Tensor, shift: float, blur: float) -> Tensor:
    """One kernel: Lanczos's at the shift, convolved with a Gaussian."""
    kernel = _lanczos(places + shift)
    if blur:
        between = places[:, None] - places
        kernel = torch.exp(-0.5 * (between / blur) ** 2) @ kernel
    return kernel / kernel.sum()


def _lanczos(x: Tensor) -> Tensor:
    return torch.where(x.abs() < LOBES, torch.sinc(x) * torch.sinc(x / LOBES), 0)
