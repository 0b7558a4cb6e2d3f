"""Restormer (Zamir et al. 2022): a U-Net of transformer blocks that attend across channels.

Modules and parameters have the names of the published weights, which then load strictly.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pellucid.errors import ConfigError
from pellucid.networks.nafnet import ChannelNorm
from pellucid.networks.unet import fit
from pellucid.records import refuse_below, refuse_unknown_choices

FourLevels = tuple[int, int, int, int]
Norm = Literal["bias_free", "with_bias"]


@dataclass(frozen=True)
class RestormerConfig:
    """Shape of a `Restormer`; the defaults are the paper's."""

    kind: Literal["restormer"] = "restormer"
    width: int = 48
    """Features at the finest resolution, even; they double at each coarser one."""
    blocks: FourLevels = (4, 6, 6, 8)
    """Blocks at each resolution, finest first; each of DualDn's two networks has (2, 3, 3, 4)."""
    refinement: int = 4
    """Blocks after the last decoder; DualDn's two networks have 2."""
    heads: FourLevels = (1, 2, 4, 8)
    """Groups of channels that attend among themselves, at each resolution."""
    expansion: float = 2.66
    """Features inside a feed-forward layer, relative to those outside."""
    norm: Norm = "bias_free"
    """Published for denoising; `with_bias` for rain and blur, and for real noise."""
    embed: bool = True
    """Start with a 3x3 convolution; without, `width` features go in, as inside DualDn."""

    def __post_init__(self) -> None:
        """Check the sizes and the norm."""
        refuse_unknown_choices(self)
        refuse_below(self, 1, "width", "heads")
        shared = [self.width * 2**level % heads for level, heads in enumerate(self.heads)]
        if self.width % 2 or any(shared):
            heads = ", ".join(map(str, self.heads))
            raise ConfigError(
                f"width is {self.width} with heads {heads}; expected an even one, which the heads "
                "divide where it has doubled 0, 1, 2 and 3 times"
            )


class Restormer(nn.Module):
    """Planes (B, inputs, H, W) to what is to be added to the picture, (B, outputs, H, W)."""

    def __init__(self, config: RestormerConfig, inputs: int, outputs: int) -> None:
        """Raises ValueError unless `inputs` is the width where nothing is embedded."""
        super().__init__()
        if not config.embed and inputs != config.width:
            raise ValueError(
                f"got {inputs} inputs; expected the width {config.width}, without embed"
            )
        self.config = config
        first, second, third, fourth = (config.width * 2**i for i in range(4))
        one, two, three, four = zip(config.blocks, config.heads, strict=True)

        def blocks(channels: int, count: int, heads: int) -> nn.Sequential:
            return nn.Sequential(*(Block(channels, heads, config) for _ in range(count)))

        self.patch_embed = named(proj=conv(inputs, first, 3)) if config.embed else nn.Identity()
        self.encoder_level1 = blocks(first, *one)
        self.down1_2 = halving(first)
        self.encoder_level2 = blocks(second, *two)
        self.down2_3 = halving(second)
        self.encoder_level3 = blocks(third, *three)
        self.down3_4 = halving(third)
        self.latent = blocks(fourth, *four)
        self.up4_3 = doubling(fourth)
        self.reduce_chan_level3 = conv(fourth, third, 1)
        self.decoder_level3 = blocks(third, *three)
        self.up3_2 = doubling(third)
        self.reduce_chan_level2 = conv(third, second, 1)
        self.decoder_level2 = blocks(second, *two)
        self.up2_1 = doubling(second)
        # At the finest resolution what is joined is not reduced: twice the features.
        self.decoder_level1 = blocks(second, *one)
        self.refinement = blocks(second, config.refinement, one[1])
        self.output = conv(second, outputs, 3)
        self.to(memory_format=torch.channels_last)

    @property
    def stride(self) -> int:
        """Shifts of the input by multiples of this shift the result, but for the attention."""
        return 8

    @property
    def halo(self) -> None:
        """None: attention across channels compares them over the whole picture."""
        return None

    def forward(self, x: Tensor) -> Tensor:
        """Sides are padded to the stride inside and cropped again."""
        height, width = x.shape[-2:]
        x = fit(x, self.stride).contiguous(memory_format=torch.channels_last)
        first = self.encoder_level1(self.patch_embed(x))
        second = self.encoder_level2(self.down1_2(first))
        third = self.encoder_level3(self.down2_3(second))
        x = self.up4_3(self.latent(self.down3_4(third)))
        x = self.decoder_level3(self.reduce_chan_level3(torch.cat([x, third], 1)))
        x = self.decoder_level2(self.reduce_chan_level2(torch.cat([self.up3_2(x), second], 1)))
        x = self.decoder_level1(torch.cat([self.up2_1(x), first], 1))
        return self.output(self.refinement(x))[..., :height, :width]


class Block(nn.Module):
    """Attention across channels, then a feed-forward layer, each added to what it is given."""

    def __init__(self, channels: int, heads: int, config: RestormerConfig) -> None:
        super().__init__()
        norm = {"bias_free": BiasFreeNorm, "with_bias": ChannelNorm}[config.norm]
        self.norm1, self.norm2 = named(body=norm(channels)), named(body=norm(channels))
        self.attn = ChannelAttention(channels, heads)
        self.ffn = GatedFeedForward(channels, int(channels * config.expansion))

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same shape."""
        x = x + self.attn(self.norm1(x))
        return x + self.ffn(self.norm2(x))


class ChannelAttention(nn.Module):
    """Multi-Dconv head transposed attention (section 3.1): a channel is a mixture of channels."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        """A factor, where eq. 1 divides."""
        self.qkv = conv(channels, 3 * channels, 1)
        self.qkv_dwconv = conv(3 * channels, 3 * channels, 3, groups=3 * channels)
        self.project_out = conv(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same shape."""
        query, key, value = self.qkv_dwconv(self.qkv(x)).chunk(3, 1)
        heads = self.temperature.shape[0]
        query, key = (torch.unflatten(y, 1, (heads, -1)).flatten(-2) for y in (query, key))
        # The few products are normalised in place of the queries and keys, which are pictures.
        cosines = products(query, key) / (lengths(query) * lengths(key).mT)
        attention = (cosines * self.temperature).softmax(-1)
        # Mixing channels and projecting them are two 1x1 convolutions in a row, so one: of their
        # product. Half the work on whole pictures, and no copies.
        project = torch.unflatten(self.project_out.weight.flatten(1), 1, (heads, -1))
        mixture = torch.einsum("ohc,bhcd->bohd", project, attention).flatten(-2)
        mixed = value.flatten(-2).mT @ mixture.mT
        return torch.unflatten(mixed.mT, -1, x.shape[-2:])


def products(query: Tensor, key: Tensor) -> Tensor:
    """Products (..., C, C) of rows; sums over a whole picture are beyond half precision."""
    if query.dtype != torch.float16:
        return query @ key.mT
    with torch.autocast(query.device.type, enabled=False):
        return query.float() @ key.float().mT


def lengths(rows: Tensor) -> Tensor:
    """Norm (..., 1) of each row; a row of zeros has a gradient too."""
    rows = rows.float() if rows.dtype == torch.float16 else rows
    return rows.square().sum(-1, keepdim=True).clamp(min=1e-24).sqrt()


class GatedFeedForward(nn.Module):
    """Gated-Dconv feed-forward network (section 3.2, eq. 2)."""

    def __init__(self, channels: int, inside: int) -> None:
        super().__init__()
        self.project_in = conv(channels, 2 * inside, 1)
        self.dwconv = conv(2 * inside, 2 * inside, 3, groups=2 * inside)
        self.project_out = conv(inside, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same shape."""
        gate, value = self.dwconv(self.project_in(x)).chunk(2, 1)
        return self.project_out(F.gelu(gate) * value)


class BiasFreeNorm(nn.Module):
    """Features over their deviation across channels; the mean stays in, as published."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Features (B, C, H, W), normalised."""
        # Ten times faster than Tensor.var on a CPU.
        variance = (x - x.mean(1, keepdim=True)).square().mean(1, keepdim=True)
        return x * torch.rsqrt(variance + 1e-5) * self.weight[:, None, None]


def named(**layers: nn.Module) -> nn.Sequential:
    """Layers in a row under the names of the published keys."""
    return nn.Sequential(OrderedDict(layers))


def conv(inputs: int, outputs: int, size: int, groups: int = 1) -> nn.Conv2d:
    """A convolution that keeps the size; Restormer has no biases in any."""
    return nn.Conv2d(inputs, outputs, size, padding=size // 2, groups=groups, bias=False)


def halving(channels: int) -> nn.Sequential:
    """Half the resolution with twice the features."""
    return named(body=nn.Sequential(conv(channels, channels // 2, 3), nn.PixelUnshuffle(2)))


def doubling(channels: int) -> nn.Sequential:
    """Twice the resolution with half the features."""
    return named(body=nn.Sequential(conv(channels, 2 * channels, 3), nn.PixelShuffle(2)))
