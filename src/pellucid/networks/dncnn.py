"""DnCNN (Zhang et al. 2017): a plain stack of convolutions.

Modules and parameters have the names of Noise-DA's weights. KAIR's, whose batch norm is folded into
biased convolutions, are those of `normalise=False, bias=True, noise=True`, with `model.` for
`dncnn.`.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from pellucid.records import refuse_below


@dataclass(frozen=True)
class DnCNNConfig:
    """Shape of a `DnCNN`; the defaults are the paper's for one noise level, without biases."""

    kind: Literal["dncnn"] = "dncnn"
    width: int = 64
    layers: int = 17
    """Convolutions; 20 where the noise level is not known."""
    normalise: bool = True
    """Batch norm after all convolutions but the first and the last."""
    bias: bool = False
    """Biases in the convolutions."""
    noise: bool = False
    """The last layer gives the noise, as in the paper: its negative is to be added."""

    def __post_init__(self) -> None:
        """Check the sizes."""
        refuse_below(self, 1, "width")
        refuse_below(self, 2, "layers")


class DnCNN(nn.Module):
    """Planes (B, inputs, H, W) to what is to be added to the picture, (B, outputs, H, W)."""

    def __init__(self, config: DnCNNConfig, inputs: int, outputs: int) -> None:
        super().__init__()
        self.config = config
        width, bias = config.width, config.bias
        layers: list[nn.Module] = [nn.Conv2d(inputs, width, 3, padding=1, bias=bias), nn.ReLU(True)]
        for _ in range(config.layers - 2):
            layers.append(nn.Conv2d(width, width, 3, padding=1, bias=bias))
            if config.normalise:
                layers.append(nn.BatchNorm2d(width))
            layers.append(nn.ReLU(True))
        layers.append(nn.Conv2d(width, outputs, 3, padding=1, bias=bias))
        self.dncnn = nn.Sequential(*layers)
        self.to(memory_format=torch.channels_last)

    @property
    def stride(self) -> int:
        """One: any shift of the input shifts the result."""
        return 1

    @property
    def halo(self) -> int:
        """How far a pixel of the result sees: one pixel per convolution."""
        return self.config.layers

    def forward(self, x: Tensor) -> Tensor:
        """Outputs of the size of the input."""
        result = self.dncnn(x.contiguous(memory_format=torch.channels_last))
        return -result if self.config.noise else result
