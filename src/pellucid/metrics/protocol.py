"""A protocol: what is done to pictures before they are compared, and what a number says of it."""

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from pellucid.data.degradations import eight_bits
from pellucid.metrics.fidelity import cropped
from pellucid.metrics.registration import Alignment, aligned
from pellucid.metrics.similarity import WINDOW_WORDS, Window

_ALIGNMENT_WORDS: dict[Alignment, str] = {
    "none": "",
    "shift": "moved by up to 5 pixels in steps of 1/4 to the least error",
    "homography": "scaled in brightness and warped to the truth (ECC), and masked",
}


class Compared(NamedTuple):
    """One restored picture, made ready to be scored."""

    restored: Tensor
    """(3, H, W) as the protocol has it."""
    truth: Tensor | None
    """Likewise; None where nobody knows it."""
    mask: Tensor | None
    """(H, W), weight of each pixel where only some are compared."""
    output: Tensor
    """What the model gave, neither clipped nor rounded."""
    given: Tensor | None
    """What the model was given, where that was a picture."""
    target: Tensor | None
    """The truth before the protocol."""
    protocol: "Protocol"


@dataclass(frozen=True)
class Protocol:
    """How pictures are compared. They are always clipped to [0, 1], and the data range is 1."""

    rounded: bool = True
    """To 8 bits, as a file would."""
    border: int = 0
    """Pixels left out on every side."""
    window: Window = "gaussian"
    """Of SSIM."""
    luma_rounded: bool = False
    """Whether Y is rounded to 8 bits, as MATLAB's rgb2ycbcr does for bytes."""
    alignment: Alignment = "none"
    """What is done to a restored picture whose truth was taken by another exposure."""

    def compared(
        self, output: Tensor, target: Tensor | None, given: Tensor | None = None
    ) -> Compared:
        """A model's output beside its truth."""
        restored = self.prepared(output)
        if target is None:
            return Compared(cropped(restored, self.border), None, None, output, given, None, self)
        truth = self.prepared(target)
        pair = aligned(restored, truth, self.alignment, self.border)
        return Compared(*pair, output, given, target, self)

    def prepared(self, picture: Tensor) -> Tensor:
        """Clipped, and rounded if the protocol says so."""
        return eight_bits(picture) if self.rounded else picture.clamp(0, 1)

    def words(self) -> str:
        """What a reader of the numbers must know."""
        said = ["clipped to [0, 1]", "rounded to 8 bits" if self.rounded else "not rounded"]
        said += [f"without {self.border} pixels at each border" if self.border else "no border cut"]
        said += [_ALIGNMENT_WORDS[self.alignment]] if self.alignment != "none" else []
        said += ["data range 1", f"SSIM of {WINDOW_WORDS[self.window]}"]
        return "; ".join(said)

    def luma_words(self) -> str:
        """The same of numbers on Y."""
        return f"Y of BT.601, 16 to 235, {'' if self.luma_rounded else 'not '}rounded"
