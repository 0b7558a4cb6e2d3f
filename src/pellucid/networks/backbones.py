"""Every network that can restore: what a recipe calls it, and how it is built."""

from typing import Protocol, cast

import torch
from torch import Tensor, nn

from pellucid.networks.dncnn import DnCNN, DnCNNConfig
from pellucid.networks.mirnet_v2 import MIRNetV2, MIRNetV2Config
from pellucid.networks.nafnet import NAFNet, NAFNetConfig
from pellucid.networks.noiseda_unet import NoiseDAUNet, NoiseDAUNetConfig
from pellucid.networks.restormer import Restormer, RestormerConfig
from pellucid.networks.swinir import SwinIR, SwinIRConfig
from pellucid.networks.uformer import Uformer, UformerConfig
from pellucid.networks.unet import UNet, UNetConfig

BackboneConfig = (
    UNetConfig
    | RestormerConfig
    | SwinIRConfig
    | MIRNetV2Config
    | NAFNetConfig
    | UformerConfig
    | DnCNNConfig
    | NoiseDAUNetConfig
)
"""The shape of any backbone; its `kind` tells which."""
BACKBONES: dict[str, type[BackboneConfig]] = {
    "unet": UNetConfig,
    "restormer": RestormerConfig,
    "swinir": SwinIRConfig,
    "mirnet_v2": MIRNetV2Config,
    "nafnet": NAFNetConfig,
    "uformer": UformerConfig,
    "dncnn": DnCNNConfig,
    "noiseda_unet": NoiseDAUNetConfig,
}


class Backbone(Protocol):
    """Planes (B, inputs, H, W) to what must be added to a picture (B, outputs, H, W)."""

    @property
    def stride(self) -> int:
        """Shifts by multiples of this shift the result."""
        ...

    @property
    def halo(self) -> int | None:
        """How far a pixel of the result sees; None where it sees everything."""
        ...


def build(config: BackboneConfig, inputs: int, outputs: int) -> nn.Module:
    """The backbone of a configuration, with fresh weights."""
    match config:
        case UNetConfig():
            return UNet(config, inputs, outputs)
        case RestormerConfig():
            return Restormer(config, inputs, outputs)
        case SwinIRConfig():
            return SwinIR(config, inputs, outputs)
        case MIRNetV2Config():
            return MIRNetV2(config, inputs, outputs)
        case NAFNetConfig():
            return NAFNet(config, inputs, outputs)
        case UformerConfig():
            return Uformer(config, inputs, outputs)
        case DnCNNConfig():
            return DnCNN(config, inputs, outputs)
        case NoiseDAUNetConfig():
            return NoiseDAUNet(config, inputs, outputs)


def last_layer(body: nn.Module) -> nn.Module:
    """The layer that writes the result of a backbone with its own first and last layers."""
    names = ("head", "output", "conv_last", "conv_out", "ending", "output_proj", "last")
    own = dict(body.named_children())
    if isinstance(body, DnCNN):
        return body.dncnn[-1]
    return next(own[name] for name in names if name in own)


class Residual(nn.Module):
    """A picture (B, C, H, W), beside its noise map where one is given, to the restored picture.

    A backbone without its own first and last layers gets 1x1 convolutions in their place, as the
    published DualDn has them (Li et al. 2024).
    """

    def __init__(
        self, config: BackboneConfig, channels: int, told: bool, zero_last: bool = True
    ) -> None:
        """`told` says whether a noise map (B, C, H, W) comes with the picture.

        Starts as the identity where the last layer is zero.
        """
        super().__init__()
        self.told, inputs = told, channels * (2 if told else 1)
        if getattr(config, "embed", True):
            self.body = build(config, inputs, channels)
            self.fuse, self.head = nn.Identity(), nn.Identity()
        else:
            width = cast(RestormerConfig, config).width
            self.body = build(config, width, width)
            self.fuse = nn.Conv2d(inputs, width, 1, bias=False)
            self.head = nn.Conv2d(width, channels, 1, bias=False)
        for parameter in self.last.parameters() if zero_last else ():
            nn.init.zeros_(parameter)
        self.to(memory_format=torch.channels_last)

    @property
    def last(self) -> nn.Module:
        """The layer that writes what is added to the picture."""
        return last_layer(self.body) if isinstance(self.head, nn.Identity) else self.head

    @property
    def stride(self) -> int:
        """That of the backbone."""
        return cast(Backbone, self.body).stride

    @property
    def halo(self) -> int | None:
        """That of the backbone."""
        return cast(Backbone, self.body).halo

    def forward(self, picture: Tensor, std: Tensor | None = None) -> Tensor:
        """Restored picture."""
        both = picture if std is None else torch.cat([picture, std], dim=-3)
        return picture + self.head(self.body(self.fuse(both)))
