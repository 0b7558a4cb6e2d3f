"""The records that travel with a raw photograph: what its sensor says of colour and of noise."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pellucid.bayer import Padding, Phase, unpad
from pellucid.color import cam_to_srgb


def _float32(value: Tensor | float) -> Tensor:
    """Tensors as they are; numbers and arrays as float32, which batches and networks hold."""
    return value if isinstance(value, Tensor) else torch.as_tensor(value, dtype=torch.float32)


class _Camera(NamedTuple):
    white_balance: Tensor
    cam_to_srgb: Tensor
    xyz_to_cam: Tensor


class Camera(_Camera):
    """What the sensor says about colour.

    `white_balance` (..., 3) gains for R, G, B, the smallest 1; `cam_to_srgb` (..., 3, 3) with rows
    that sum to 1, for balanced camera RGB; `xyz_to_cam` (..., 3, 3) as the DNG's ColorMatrix.
    """

    __slots__ = ()

    def __new__(cls, white_balance: Tensor, cam_to_srgb: Tensor, xyz_to_cam: Tensor) -> "Camera":
        """Tensors, or anything that `torch.as_tensor` takes as float32."""
        return super().__new__(
            cls, _float32(white_balance), _float32(cam_to_srgb), _float32(xyz_to_cam)
        )

    @classmethod
    def of(cls, xyz_to_cam: Tensor, white_balance: Tensor) -> "Camera":
        """The camera of a ColorMatrix and of gains in any scale."""
        matrix, gains = _float32(xyz_to_cam), _float32(white_balance)
        return cls(gains / gains.amin(-1, keepdim=True), cam_to_srgb(matrix), matrix)


class _Noise(NamedTuple):
    shot: Tensor
    read: Tensor


class Noise(_Noise):
    """What the sensor says about noise: variance = shot * x + read, for x in [0, 1].

    As in a DNG's NoiseProfile. Each is (...) or (..., 3) for R, G, B.
    """

    __slots__ = ()

    def __new__(cls, shot: Tensor | float, read: Tensor | float) -> Self:
        """Tensors, or numbers and arrays that become float32."""
        return super().__new__(cls, _float32(shot), _float32(read))


Deltas = npt.NDArray[np.float32]


def _no_deltas() -> tuple[Deltas, Deltas]:
    return np.zeros((1, 1), np.float32), np.zeros(1, np.float32)


@dataclass(frozen=True, slots=True)
class SensorFrame:
    """A raw file's own frame, which only `io` opens: what a clean DNG needs to be written back."""

    sensor: npt.NDArray[np.uint16]
    """The file's integers (height, width) with optical black borders, linearised by its table."""
    top: int
    left: int
    height: int
    width: int
    """The visible area within `sensor`, in pixels."""
    phase: Phase
    """Phase of the visible area."""
    padding: Padding
    """What was added around the visible area to bring it to RGGB with even sides."""
    black: tuple[float, float, float, float]
    """Black level of the visible area's sites (0,0), (0,1), (1,0), (1,1)."""
    white: float
    """The level at which the sensor saturates."""
    orientation: int = 1
    """EXIF orientation, 1 to 8."""
    linearization: npt.NDArray[np.uint16] | None = None
    deltas: tuple[Deltas, Deltas] = field(default_factory=_no_deltas)
    """What the visible area's rows (height, 1) and columns (width,) have above `black`."""
    tags: dict[int, object] = field(default_factory=dict[int, object])
    """The file's DNG tags by number, as tifffile reads them; empty for other kinds of raw."""


@dataclass(frozen=True, slots=True)
class LinearImage:
    """Pixels with all their colours: of a linear DNG, an X-Trans, quad-Bayer or grey sensor."""

    light: Tensor
    """Camera RGB (3, H, W), not white-balanced, or (1, H, W) of a monochrome sensor; in the frame
    of the raw's mosaic."""
    sites: Tensor
    """Some of the sensor's own sites as a mosaic (1, h, w); their noise is that of the sensor."""
    spread: float = 1.0
    """Noise that neighbours share looks smaller than it is; the networks are told this factor on
    the variance of the sites."""


@dataclass(frozen=True, slots=True)
class RawImage:
    """A raw photograph in linear light, 0 black and 1 saturated, as RGGB with even sides."""

    mosaic: Tensor
    """(1, H, W) RGGB; values below black are negative. Of a `linear` one, what a Bayer sensor would
    have seen."""
    camera: Camera
    noise: Noise | None = None
    """From the file; None where it says nothing."""
    exposure: float = 1.0
    """Linear gain that the file asks for: 2 ** BaselineExposure."""
    make: str = ""
    model: str = ""
    iso: float | None = None
    exposure_time: float | None = None
    """Seconds."""
    source: SensorFrame | None = None
    path: Path | None = None
    remarks: tuple[str, ...] = ()
    """What had to be replaced or guessed, each a sentence for the user."""
    linear: LinearImage | None = None
    """The pixels themselves where they are no Bayer mosaic."""
    gain: Tensor | None = None
    """The file's lens shading, to be multiplied in developing: of the shape of `light`."""

    @property
    def light(self) -> Tensor:
        """What the sensor saw: the mosaic (1, H, W), or the pixels of a linear image."""
        return self.mosaic if self.linear is None else self.linear.light

    @property
    def is_grey(self) -> bool:
        """Whether it is of a monochrome sensor, which knows no white balance."""
        return self.linear is not None and len(self.linear.light) == 1

    @property
    def sites(self) -> Tensor:
        """A mosaic (1, h, w) with the sensor's own noise, to estimate it from."""
        return self.mosaic if self.linear is None else self.linear.sites

    def trim(self, picture: Tensor) -> Tensor:
        """The visible part of a picture in the frame of `mosaic`."""
        return picture if self.source is None else unpad(picture, self.source.padding)
