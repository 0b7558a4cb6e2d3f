"""Networks that only spandrel knows, through the extra `foreign`."""
# pyright: reportMissingImports=false, reportMissingTypeStubs=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

import math
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from pellucid.importers.layouts import State
from pellucid.importers.published import Misfit
from pellucid.networks.picture import PictureNet

INSTALL = "for other networks pip install 'pellucid[foreign]'"


class ForeignNet(nn.Module):
    """A network as spandrel describes it, made to keep the size of pictures (B, C, H, W)."""

    halo: int | None = None
    """Spandrel does not say how far a pixel of the result sees."""

    def __init__(self, descriptor: Any) -> None:
        """Of a spandrel ImageModelDescriptor."""
        super().__init__()
        self.model: nn.Module = descriptor.model
        self._descriptor = descriptor
        self.stride = math.lcm(1, descriptor.size_requirements.multiple_of)
        """Sides that the network takes without padding are multiples of this."""

    def forward(self, x: Tensor) -> Tensor:
        """Pictures in [0, 1]; larger results are resized back."""
        result = self._descriptor(x.clamp(0, 1).contiguous())
        if self._descriptor.scale == 1:
            return result
        return F.interpolate(result, x.shape[-2:], mode="bicubic", antialias=True)


def load_foreign(state: State, misfit: Misfit) -> PictureNet:
    """The network that spandrel takes weights for; raises Misfit where it takes them for none."""
    try:
        import spandrel
    except ImportError:
        raise Misfit(f"{misfit}; {INSTALL}") from misfit
    try:
        descriptor = spandrel.ModelLoader().load_from_state_dict(state)
    except Exception as error:  # each of its many architectures fails in its own way
        raise Misfit(f"{misfit}, or of what spandrel knows") from error
    if not isinstance(descriptor, spandrel.ImageModelDescriptor):
        raise Misfit(f"{descriptor.architecture.name} needs more than a picture")
    channels = (descriptor.input_channels, descriptor.output_channels)
    if channels not in ((1, 1), (3, 3)):
        raise Misfit(
            f"{descriptor.architecture.name} for {channels[0]} channels gives {channels[1]}; "
            "expected as many, 1 or 3"
        )
    return PictureNet(ForeignNet(descriptor.float().eval()), colours=channels[0]).eval()
