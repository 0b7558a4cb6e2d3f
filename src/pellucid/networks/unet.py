"""A plain convolutional U-Net (Ronneberger et al. 2015) on packed planes, without biases.

Without biases the network is homogeneous (Mohan et al. 2020): twice the picture under twice the
noise gives twice the result, so that base ISO and the highest one are the same problem to it.
"""

from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from pellucid.planes import shuffle, unshuffle_to_channels_last
from pellucid.records import refuse_below


@dataclass(frozen=True)
class UNetConfig:
    """Shape of a `UNet`."""

    kind: Literal["unet"] = "unet"
    shuffle: int = 1
    """Pixels of the input per side that share one pixel of the planes inside."""
    widths: tuple[int, ...] = (24, 48, 96, 160)
    """Features at each resolution, finest first."""
    convolutions: int = 2
    """3x3 convolutions in each block."""
    bias: bool = False
    """With biases the network knows absolute levels, and is homogeneous no more."""
    leak: float = 0.0
    """What is left of a feature below 0. With nothing left, a block whose features have all fallen
    there is dead for good, as happens in long trainings with Muon."""

    def __post_init__(self) -> None:
        """Check the sizes."""
        refuse_below(self, 1, "shuffle", "widths", "convolutions")


class UNet(nn.Module):
    """Planes (B, inputs, H, W) to planes (B, outputs, H, W)."""

    def __init__(self, config: UNetConfig, inputs: int, outputs: int) -> None:
        """Fresh weights."""
        super().__init__()
        self.config = config
        widths, squared = config.widths, config.shuffle**2
        self.encoders = nn.ModuleList(
            [block(inputs * squared if i == 0 else w, w, config) for i, w in enumerate(widths)]
        )
        pairs = list(zip(widths, widths[1:], strict=False))
        self.downs = nn.ModuleList(
            [nn.Conv2d(fine, coarse, 2, 2, bias=False) for fine, coarse in pairs]
        )
        self.ups = nn.ModuleList(
            [nn.ConvTranspose2d(coarse, fine, 2, 2, bias=False) for fine, coarse in pairs]
        )
        self.decoders = nn.ModuleList([block(w, w, config) for w in widths[:-1]])
        self.head = nn.Conv2d(widths[0], outputs * squared, 3, padding=1, bias=False)

    @property
    def stride(self) -> int:
        """Shifts of the input by multiples of this shift the result."""
        return self.config.shuffle * 2 ** (len(self.config.widths) - 1)

    @property
    def halo(self) -> int:
        """How far a pixel of the result sees, in pixels of the input, up to a whole stride."""
        levels = len(self.config.widths)
        reach = 1 + sum(
            (1 if i == levels - 1 else 2) * self.config.convolutions * 2**i + 2**i
            for i in range(levels)
        )
        return -(-reach * self.config.shuffle // self.stride) * self.stride

    def forward(self, x: Tensor) -> Tensor:
        """Result; sides are padded to the stride inside and cropped again."""
        height, width = x.shape[-2:]
        x = unshuffle_to_channels_last(fit(x, self.stride), self.config.shuffle)
        kept: list[Tensor] = []
        for encode, down in zip(self.encoders, self.downs, strict=False):
            kept.append(encode(x))
            x = down(kept[-1])
        x = self.encoders[-1](x)
        for up, decode, fine in zip(
            reversed(self.ups), reversed(self.decoders), reversed(kept), strict=True
        ):
            x = decode(up(x).add_(fine))
        return shuffle(self.head(x), self.config.shuffle)[..., :height, :width]


def block(inputs: int, outputs: int, config: UNetConfig) -> nn.Sequential:
    """3x3 convolutions, each followed by a ReLU, leaky or not."""
    layers: list[nn.Module] = []
    for i in range(config.convolutions):
        layers += [
            nn.Conv2d(inputs if i == 0 else outputs, outputs, 3, padding=1, bias=config.bias),
            nn.LeakyReLU(config.leak, True) if config.leak else nn.ReLU(True),
        ]
    return nn.Sequential(*layers)


def fit(picture: Tensor, multiple: int) -> Tensor:
    """Picture with its right and bottom edges repeated up to sides that `multiple` divides."""
    height, width = picture.shape[-2:]
    right, bottom = -width % multiple, -height % multiple
    return F.pad(picture, (0, right, 0, bottom), mode="replicate") if right or bottom else picture
