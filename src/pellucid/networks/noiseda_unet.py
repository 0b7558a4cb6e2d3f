"""The U-Net that Noise-DA (Liao et al. 2025) restores with, after Ronneberger et al. 2015.

Modules and parameters have the names of the published weights, which then load strictly.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pellucid.networks.unet import fit
from pellucid.records import refuse_below


@dataclass(frozen=True)
class NoiseDAUNetConfig:
    """Shape of a `NoiseDAUNet`; all defaults but `align_corners` are the published ones."""

    kind: Literal["noiseda_unet"] = "noiseda_unet"
    width: int = 64
    """Features at the finest resolution; they double at each coarser one."""
    depth: int = 4
    """Resolutions."""
    slope: float = 0.2
    """Of the leaky ReLU below zero."""
    align_corners: bool = False
    """The published weights need True, where a pixel's neighbours, and so its value, depend on the
    size of the picture: no tiling is exact then."""

    def __post_init__(self) -> None:
        """Check the sizes."""
        refuse_below(self, 1, "width", "depth")


class NoiseDAUNet(nn.Module):
    """Planes (B, inputs, H, W) to what is to be added to the picture, (B, outputs, H, W)."""

    def __init__(self, config: NoiseDAUNetConfig, inputs: int, outputs: int) -> None:
        super().__init__()
        self.config = config
        widths = [config.width * 2**i for i in range(config.depth)]
        pairs = list(zip(widths, widths[1:], strict=False))
        self.down_path = nn.ModuleList(
            [
                Block(before, after, config.slope)
                for before, after in [(inputs, config.width), *pairs]
            ]
        )
        self.up_path = nn.ModuleList([Up(coarse, fine, config) for fine, coarse in reversed(pairs)])
        self.last = nn.Conv2d(config.width, outputs, 3, padding=1)
        self.to(memory_format=torch.channels_last)

    @property
    def stride(self) -> int:
        """Shifts of the input by multiples of this shift the result, unless corners are aligned."""
        return int(2 ** (self.config.depth - 1))

    @property
    def halo(self) -> int | None:
        """How far a pixel of the result sees, up to a whole stride; None where corners align."""
        if self.config.align_corners:
            return None
        # From the last convolution down to the coarsest block and up again: per level three
        # convolutions and a bilinear step, then the average of 2x2 and two convolutions.
        reach, steps = 1, self.config.depth - 1
        for _ in range(steps):
            reach = (reach + 3) // 2 + 1
        reach += 2
        for _ in range(steps):
            reach = 2 * reach + 2
        return -(-reach // self.stride) * self.stride

    def forward(self, x: Tensor) -> Tensor:
        """Sides are padded to the stride inside and cropped again."""
        height, width = x.shape[-2:]
        x = fit(x, self.stride).contiguous(memory_format=torch.channels_last)
        kept: list[Tensor] = []
        for down in self.down_path:
            x = down(F.avg_pool2d(x, 2) if kept else x)
            kept.append(x)
        for up, fine in zip(self.up_path, reversed(kept[:-1]), strict=True):
            x = up(x, fine)
        return self.last(x)[..., :height, :width]


class Block(nn.Module):
    """Two 3x3 convolutions, each followed by a leaky ReLU."""

    def __init__(self, inputs: int, outputs: int, slope: float) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1),
            nn.LeakyReLU(slope, True),
            nn.Conv2d(outputs, outputs, 3, padding=1),
            nn.LeakyReLU(slope, True),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same size."""
        return self.block(x)


class Up(nn.Module):
    """Coarse features at twice the resolution, joined by the fine ones kept on the way down."""

    def __init__(self, coarse: int, fine: int, config: NoiseDAUNetConfig) -> None:
        super().__init__()
        self.align_corners = config.align_corners
        self.conv_up = nn.Conv2d(coarse, fine, 3, padding=1)
        self.conv_block = Block(2 * fine, fine, config.slope)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Features of the size of `fine`."""
        larger = F.interpolate(
            coarse, scale_factor=2, mode="bilinear", align_corners=self.align_corners
        )
        return self.conv_block(torch.cat([self.conv_up(larger), fine], 1))
