"""NAFNet (Chen et al. 2022): a U-Net whose blocks multiply features instead of activating them.

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
class NAFNetConfig:
    """Shape of a `NAFNet`; the defaults are those published for SIDD, at the smaller width."""

    kind: Literal["nafnet"] = "nafnet"
    width: int = 32
    """Features at the finest resolution; they double at each coarser one."""
    encoders: tuple[int, ...] = (2, 2, 4, 8)
    """Blocks at each resolution on the way down, finest first."""
    middle: int = 12
    """Blocks at the coarsest resolution."""
    decoders: tuple[int, ...] = (2, 2, 2, 2)
    """Blocks at each resolution on the way up, coarsest first."""
    window: int | None = None
    """Side in pixels of the picture of the window that channel attention averages over (TLC, Chu
    et al. 2022; 384 is published for training on 256); None averages over the whole picture."""

    def __post_init__(self) -> None:
        """Check the sizes."""
        refuse_below(self, 1, "width")


class NAFNet(nn.Module):
    """Planes (B, inputs, H, W) to what is to be added to the picture, (B, outputs, H, W)."""

    def __init__(self, config: NAFNetConfig, inputs: int, outputs: int) -> None:
        """Its blocks start as the identity."""
        super().__init__()
        self.config, levels = config, len(config.encoders)
        if levels != len(config.decoders):
            raise ValueError(
                f"got {levels} encoders and {len(config.decoders)} decoders; expected as many"
            )
        widths = [config.width * 2**i for i in range(levels + 1)]

        def blocks(level: int, count: int) -> nn.Sequential:
            window = config.window and max(1, config.window // 2**level)
            return nn.Sequential(*(NAFBlock(widths[level], window=window) for _ in range(count)))

        self.intro = nn.Conv2d(inputs, widths[0], 3, padding=1)
        self.encoders = nn.ModuleList([blocks(i, n) for i, n in enumerate(config.encoders)])
        self.downs = nn.ModuleList([nn.Conv2d(w, 2 * w, 2, 2) for w in widths[:-1]])
        self.middle_blks = blocks(levels, config.middle)
        self.ups = nn.ModuleList([doubling(w) for w in reversed(widths[1:])])
        self.decoders = nn.ModuleList(
            [blocks(levels - 1 - i, n) for i, n in enumerate(config.decoders)]
        )
        self.ending = nn.Conv2d(widths[0], outputs, 3, padding=1)
        self.to(memory_format=torch.channels_last)

    @property
    def stride(self) -> int:
        """Shifts of the input by multiples of this shift the result, but for the averages."""
        return int(2 ** len(self.config.encoders))

    @property
    def halo(self) -> None:
        """None: channel attention averages over the whole picture, or over windows that add up."""
        return None

    def forward(self, x: Tensor) -> Tensor:
        """Sides are padded to the stride inside and cropped again."""
        height, width = x.shape[-2:]
        x = self.intro(fit(x, self.stride).contiguous(memory_format=torch.channels_last))
        kept: list[Tensor] = []
        for encode, down in zip(self.encoders, self.downs, strict=True):
            kept.append(encode(x))
            x = down(kept[-1])
        x = self.middle_blks(x)
        for up, decode, fine in zip(self.ups, self.decoders, reversed(kept), strict=True):
            x = decode(up(x) + fine)
        return self.ending(x)[..., :height, :width]


class NAFBlock(nn.Module):
    """Gated convolution with channel attention, then a gated layer per pixel (fig. 3d)."""

    def __init__(self, channels: int, dilation: int = 1, window: int | None = None) -> None:
        """`dilation` is that of the 3x3 convolution; Noise-DA has a block with 2."""
        super().__init__()
        inside = 2 * channels
        self.norm1, self.norm2 = ChannelNorm(channels, 1e-6), ChannelNorm(channels, 1e-6)
        self.conv1 = nn.Conv2d(channels, inside, 1)
        self.conv2 = nn.Conv2d(
            inside, inside, 3, padding=dilation, dilation=dilation, groups=inside
        )
        pool = LocalMean(window) if window else nn.AdaptiveAvgPool2d(1)
        self.sca = nn.Sequential(pool, nn.Conv2d(channels, channels, 1))
        self.conv3 = nn.Conv2d(channels, channels, 1)
        self.conv4 = nn.Conv2d(channels, inside, 1)
        self.conv5 = nn.Conv2d(channels, channels, 1)
        self.beta = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.gamma = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same shape."""
        gated = gate(self.conv2(self.conv1(self.norm1(x))))
        x = x + self.beta * self.conv3(gated * self.sca(gated))
        return x + self.gamma * self.conv5(gate(self.conv4(self.norm2(x))))


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of each pixel; in channels-last memory nothing is copied."""

    def forward(self, input: Tensor) -> Tensor:
        """Features (B, C, H, W), normalised."""
        return super().forward(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class LocalMean(nn.Module):
    """Mean of a window around each pixel; at the edges that of the last window that fits."""

    def __init__(self, window: int) -> None:
        super().__init__()
        self.window = window

    def forward(self, x: Tensor) -> Tensor:
        """Means (B, C, H, W)."""
        sides = x.shape[-2:]
        for axis in (-2, -1):
            # Sums of a window are differences of running sums: as fast for any window.
            side = x.shape[axis]
            window = min(self.window, side)
            sums = torch.cat([torch.zeros_like(x.narrow(axis, 0, 1)), x.cumsum(axis)], axis)
            count = side - window + 1
            x = (sums.narrow(axis, window, count) - sums.narrow(axis, 0, count)) / window
        below, right = (side - got for side, got in zip(sides, x.shape[-2:], strict=True))
        edges = (right // 2, right - right // 2, below // 2, below - below // 2)
        return F.pad(x, edges, mode="replicate")


def gate(x: Tensor) -> Tensor:
    """The simple gate (eq. 4): one half of the channels times the other."""
    first, second = x.chunk(2, 1)
    return first * second


def doubling(channels: int) -> nn.Sequential:
    """Twice the resolution with half the features."""
    return nn.Sequential(nn.Conv2d(channels, 2 * channels, 1, bias=False), nn.PixelShuffle(2))
