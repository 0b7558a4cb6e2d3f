"""How much of a restoration is taken: blends of what was kept of it, without the networks."""

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from pellucid.errors import PellucidError
from pellucid.networks.dual_domain import Restored

_LUMA = (0.299, 0.587, 0.114)  # Y of a JPEG's YCbCr, in display values


@dataclass(frozen=True)
class Strength:
    """How much of the noise is removed, 0 none to 1 all that the networks find."""

    luma: float = 1.0
    chroma: float = 1.0

    def __post_init__(self) -> None:
        """Check the range."""
        for name, value in (("luma", self.luma), ("chroma", self.chroma)):
            if not 0 <= value <= 1:
                raise PellucidError(f"strength of {name} is {value:g}; expected 0 to 1")

    @property
    def full(self) -> bool:
        """Whether everything is taken."""
        return self.luma == self.chroma == 1


class Kept(NamedTuple):
    """A restoration with what it took away, in both domains."""

    restored: Restored
    mosaic: Tensor
    """What was taken from the mosaic: noisy - restored, (1, H, W)."""
    srgb: Tensor
    """What was taken from the picture, (3, H, W): the noisy mosaic developed the same way, without
    clipping, less the restored picture. Unclipped, so that noise below black keeps its mean."""

    def at(self, strength: Strength) -> Restored:
        """Mosaic and picture with a part of the noise; at 1 the restored ones, at 0 the noisy.

        Half strength leaves half of the noise's standard deviation in both. A mosaic has no
        luma and chroma of its own; it goes by luma.
        """
        mosaic = self.restored.mosaic + (1 - strength.luma) * self.mosaic
        luma = (self.srgb * self.srgb.new_tensor(_LUMA)[:, None, None]).sum(0)
        left = (1 - strength.chroma) * self.srgb + (strength.chroma - strength.luma) * luma
        return Restored(mosaic, self.restored.srgb + left)
