"""Motion blur in linear light, with highlights that were cut off, and noise afterwards."""
# pyright: reportUnknownMemberType=false

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from pellucid.color import decode, encode
from pellucid.data.degradations import Degradation, Range
from pellucid.data.kernels import CameraShake
from pellucid.data.mirror import mirrored
from pellucid.noise_laws import uniform

BRIGHT = 0.9
"""Linear light from which a pixel may have been cut off."""


class Kernels(Protocol):
    """Where blur kernels come from."""

    @property
    def reach(self) -> int:
        """Pixels that most kernels reach from their middle."""
        ...

    def kernel(self, generator: Generator) -> Tensor:
        """A kernel (k, k), k odd, with sum 1 and its centre of gravity in the middle."""
        ...


@dataclass(frozen=True)
class MotionBlur(Degradation):
    """One kernel for the whole picture."""

    kernels: Kernels | None = None
    """Left out, `CameraShake()`: jsonargparse lets recipes replace None, but no record."""
    highlights: Range = (1.0, 4.0)
    """How bright cut-off highlights really are: lamps and glints become bright traces."""
    shot: Range = (0.0, 1e-3)
    """Variance of the noise in linear light: shot * light + read, from none to plainly visible."""
    read: Range = (0.0, 1e-5)

    @property
    def margin(self) -> int:
        """What the kernels reach."""
        return self._kernels.reach

    @property
    def _kernels(self) -> Kernels:
        return self.kernels or CameraShake()

    def __call__(self, clean: Tensor, generator: Generator) -> Tensor:
        """The blurred picture."""
        kernel = self._kernels.kernel(generator)
        brighter = uniform(*self.highlights, generator)
        shot, read = uniform(*self.shot, generator), uniform(*self.read, generator)
        light = blurred(unclipped(decode(clean, "srgb"), brighter), kernel).clamp(0, 1)
        noise = torch.randn(light.shape, generator=generator) * (shot * light + read).sqrt()
        return encode((light + noise).clamp(0, 1), "srgb")


def unclipped(light: Tensor, brighter: float) -> Tensor:
    """Linear RGB (..., 3, H, W), white pixels so many times as bright as the sensor could say."""
    near_white = ((light.amin(-3, keepdim=True) - BRIGHT) / (1 - BRIGHT)).clamp(0, 1) ** 2
    return light * (1 + (brighter - 1) * near_white)


def blurred(picture: Tensor, kernel: Tensor) -> Tensor:
    """Picture (C, H, W) convolved with a kernel (k, k), k odd, mirrored at its borders."""
    reach = kernel.shape[-1] // 2
    wide = mirrored(picture, reach, reach, reach, reach)[:, None]
    # conv2d correlates: turned by half, the kernel convolves.
    return F.conv2d(wide, kernel.flip(0, 1)[None, None])[:, 0]
