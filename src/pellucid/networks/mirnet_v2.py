"""MIRNet-v2 (Zamir et al. 2022): three resolutions side by side that exchange what they find."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pellucid.networks.unet import fit
from pellucid.records import refuse_below

SLOPE = 0.2
"""Of every leaky ReLU, for negative numbers."""


@dataclass(frozen=True)
class MIRNetV2Config:
    """Shape of a `MIRNetV2`; the defaults are the published ones."""

    kind: Literal["mirnet_v2"] = "mirnet_v2"
    width: int = 80
    """Features at full resolution; with groups of 4 a multiple of 16."""
    groups: tuple[int, ...] = (1, 2, 4, 4)
    """One for each residual group: in how many parts its 3x3 convolutions split the features."""
    blocks: int = 2
    """Multi-scale blocks in each residual group; DualDn has 1 in each of its two networks."""
    embed: bool = True
    """Without the first and the last convolution, as in DualDn, inputs and outputs are features."""

    def __post_init__(self) -> None:
        """Check the sizes."""
        refuse_below(self, 1, "width", "groups", "blocks")


class MIRNetV2(nn.Module):
    """Picture (B, inputs, H, W) to what must be added to it (B, outputs, H, W).

    Sides are padded to the stride inside and cropped again.
    """

    stride = 4
    """Shifts of the picture by multiples of this shift the result, but for the global means."""
    halo: int | None = None
    """Tiles are never exact: context and fusion weights are means over the whole picture."""

    def __init__(self, config: MIRNetV2Config, inputs: int, outputs: int) -> None:
        """Raises ValueError if the groups or, without `embed`, the inputs do not fit the width."""
        super().__init__()
        self.config = config
        width, multiple = config.width, 4 * max(config.groups)
        if width % multiple:
            raise ValueError(f"width is {width}; expected a multiple of {multiple}, 4 x groups")
        if not config.embed and (inputs, outputs) != (width, width):
            raise ValueError(
                f"got {inputs} inputs and {outputs} outputs; without embedding both are the "
                f"width, {width}"
            )
        self.conv_in = convolution(inputs, width) if config.embed else None
        self.body = nn.Sequential(
            *(Group(width, config.blocks, groups) for groups in config.groups)
        )
        self.conv_out = convolution(width, outputs) if config.embed else None
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        """The difference; of any size."""
        height, width = x.shape[-2:]
        x = fit(x, self.stride).contiguous(memory_format=torch.channels_last)
        if self.conv_in is not None:
            x = self.conv_in(x)
        x = self.body(x)
        if self.conv_out is not None:
            x = self.conv_out(x)
        return x[..., :height, :width]


class Group(nn.Module):
    """Recursive residual group: multi-scale blocks and a convolution, added to their input."""

    def __init__(self, width: int, blocks: int, groups: int) -> None:
        super().__init__()
        scales = [MultiScale(width, groups) for _ in range(blocks)]
        self.body = nn.Sequential(*scales, convolution(width, width))

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same shape."""
        return x + self.body(x)


class MultiScale(nn.Module):
    """Multi-scale residual block (section 3.1): contexts at three resolutions, fused twice.

    The second round shares the weights of the first, but for those that lead up.
    """

    def __init__(self, width: int, groups: int) -> None:
        super().__init__()
        top, mid, bot = width, width * 3 // 2, width * 9 // 4
        self.dau_top, self.dau_mid, self.dau_bot = (Context(w, groups) for w in (top, mid, bot))
        self.down2 = wrapped(down(top, mid))
        self.down4 = nn.Sequential(wrapped(down(top, mid)), wrapped(down(mid, bot)))
        self.up21_1, self.up21_2 = (wrapped(up(mid, top)) for _ in range(2))
        self.up32_1, self.up32_2 = (wrapped(up(bot, mid)) for _ in range(2))
        self.conv_out = nn.Conv2d(top, top, 1, bias=False)
        self.skff_top, self.skff_mid = Fusion(top), Fusion(mid)

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same shape, whose sides 4 divides."""
        top, mid, bot = (
            self.dau_top(x),
            self.dau_mid(self.down2(x)),
            self.dau_bot(self.down4(x)),
        )
        mid = self.skff_mid(mid, self.up32_1(bot))
        top = self.skff_top(top, self.up21_1(mid))
        top, mid, bot = self.dau_top(top), self.dau_mid(mid), self.dau_bot(bot)
        mid = self.skff_mid(mid, self.up32_2(bot))
        top = self.skff_top(top, self.up21_2(mid))
        return x + self.conv_out(top)


class Context(nn.Module):
    """Residual contextual block (section 3.1.2): two convolutions, then a global context."""

    def __init__(self, width: int, groups: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            convolution(width, width, groups),
            nn.LeakyReLU(SLOPE),
            convolution(width, width, groups),
        )
        self.gcnet = GlobalContext(width)

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same shape."""
        return x + F.leaky_relu(self.gcnet(self.body(x)), SLOPE)


class GlobalContext(nn.Module):
    """Adds to every pixel the same features, made of their mean under learned weights."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_mask = nn.Conv2d(width, 1, 1, bias=False)
        self.channel_add_conv = nn.Sequential(
            nn.Conv2d(width, width, 1, bias=False),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(width, width, 1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same shape."""
        weights = self.conv_mask(x).flatten(2).softmax(-1)
        context = torch.einsum("bcn,bon->bco", x.flatten(2), weights)[..., None]
        return x + self.channel_add_conv(context)


class Fusion(nn.Module):
    """Selective kernel fusion (section 3.1.1): a blend, feature by feature, by their joint mean."""

    def __init__(self, width: int) -> None:
        super().__init__()
        squeezed = max(width // 8, 4)
        self.conv_du = nn.Sequential(nn.Conv2d(width, squeezed, 1, bias=False), nn.LeakyReLU(SLOPE))
        self.fcs = nn.ModuleList([nn.Conv2d(squeezed, width, 1, bias=False) for _ in range(2)])

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """Features of the shape of both."""
        mean = self.conv_du((fine + coarse).mean((2, 3), keepdim=True))
        weights = torch.stack([score(mean) for score in self.fcs]).softmax(0)
        return weights[0] * fine + weights[1] * coarse


def convolution(inputs: int, outputs: int, groups: int = 1) -> nn.Conv2d:
    """3x3, without bias."""
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False, groups=groups)


def down(inputs: int, outputs: int) -> nn.Sequential:
    """Half the resolution: means of 2x2."""
    return nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(inputs, outputs, 1, bias=False))


def up(inputs: int, outputs: int) -> nn.Sequential:
    """Twice the resolution, bilinear."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
    )


def wrapped(layers: nn.Sequential) -> nn.Sequential:
    """The same layers, under the names that they have in the published weights."""
    inner = nn.Sequential(OrderedDict[str, nn.Module](bot=layers))
    return nn.Sequential(OrderedDict[str, nn.Module](body=nn.Sequential(inner)))
