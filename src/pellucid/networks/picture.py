"""A network that restores finished pictures, as Noise-DA does (Liao et al. 2025)."""

from dataclasses import dataclass
from typing import Literal, cast

from torch import Tensor, nn

from pellucid.networks.backbones import Backbone, BackboneConfig, Residual
from pellucid.networks.noiseda_unet import NoiseDAUNetConfig
from pellucid.records import refuse_unknown_choices

ValueRange = Literal["unit", "signed", "byte"]
"""What the network inside sees of [0, 1]: that, [-1, 1], or [0, 255]."""
_SCALE_AND_ZERO: dict[ValueRange, tuple[float, float]] = {
    "unit": (1, 0),
    "signed": (2, -1),
    "byte": (255, 0),
}


@dataclass(frozen=True)
class PictureConfig:
    """What a `PictureNet` is made of."""

    net: BackboneConfig = NoiseDAUNetConfig()
    value_range: ValueRange = "unit"
    """`signed` is Noise-DA's for rain and blur, `byte` SwinIR's for JPEG."""
    colours: Literal[1, 3] = 3
    """With 1, a network of grey pictures restores each colour by itself."""
    skips: int = 1
    """How often the picture is added to what the backbone predicts. Noise-DA adds it to the result
    of its SwinIR, which has added it already."""

    def __post_init__(self) -> None:
        """Check the choices."""
        refuse_unknown_choices(self)

    def build(self) -> "PictureNet":
        """The network, with fresh weights."""
        net = Residual(self.net, self.colours, told=False)
        return PictureNet(net, self.value_range, self.colours, self.skips)


class PictureNet(nn.Module):
    """sRGB pictures (B, 3, H, W) in [0, 1] to restored ones, which are not clamped."""

    def __init__(
        self, net: nn.Module, value_range: ValueRange = "unit", colours: int = 3, skips: int = 1
    ) -> None:
        """`net` takes and gives pictures (B, colours, H, W) in its range, and is a `Backbone`."""
        super().__init__()
        self.net, self.colours, self.skips = net, colours, skips
        self.value_range: ValueRange = value_range

    @property
    def stride(self) -> int:
        """That of the network inside."""
        return cast(Backbone, self.net).stride

    @property
    def halo(self) -> int | None:
        """That of the network inside."""
        return cast(Backbone, self.net).halo

    def forward(self, picture: Tensor) -> Tensor:
        """Restored picture."""
        scale, zero = _SCALE_AND_ZERO[self.value_range]
        given = picture * scale + zero
        restored = self.net(given.reshape(-1, self.colours, *given.shape[-2:])).reshape(given.shape)
        return (restored + (self.skips - 1) * given - zero) / scale
