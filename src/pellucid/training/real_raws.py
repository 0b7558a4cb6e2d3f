"""Unlabelled raws of a camera as a stream of patches, beside the synthetic ones."""
# pyright: reportUnknownMemberType=false

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Generator, Tensor
from torch.utils.data import Dataset

from pellucid.calibration.known_noise import settle_noise
from pellucid.data.licences import by_licence, stated_licences
from pellucid.data.raws import raw_files
from pellucid.data.sources import refuse_smaller
from pellucid.data.synthesis import Sample
from pellucid.data.unpaired import Draw
from pellucid.errors import PellucidError
from pellucid.io import read_bayer
from pellucid.isp import Rendering
from pellucid.noise_laws import uniform
from pellucid.raw import Camera, Noise, RawImage
from pellucid.training.data import WATCHED, RawData

SCALE = 32767
"""Integers of a mosaic's 1: black is 0, and what noise leaves below it negative."""
MIRRORING = 2
"""A patch is cut larger by so many pixels, because mirroring moves the red sites."""


class RealRaw(NamedTuple):
    """A patch of a real raw, or a batch of them."""

    mosaic: Tensor
    """(..., 1, H, W) RGGB; values below black are negative."""
    camera: Camera
    noise: Noise
    """(..., 3)"""
    rendering: Rendering


class AdaptationSample(NamedTuple):
    """A synthetic and a real sample, which know nothing of each other."""

    synthetic: Sample
    real: RealRaw


class Shot(NamedTuple):
    """A raw in memory."""

    name: str
    pixels: npt.NDArray[np.int16]
    """(1, H, W)"""
    camera: Camera
    noise: Noise
    exposure: float


@dataclass(frozen=True)
class RealRawSet:
    """A folder of raws of one camera."""

    folder: Path
    leave_out: tuple[str, ...] = ()
    noise: tuple[float, float] | None = None
    """Shot and read noise of all of them; left out, what each file says, else an estimate."""

    def read(self) -> "RealRaws":
        """The raws, decoded."""
        given = None if self.noise is None else Noise(*self.noise)
        paths = raw_files(Path(self.folder), self.leave_out)
        return RealRaws([shot_of(read_bayer(path), given) for path in paths])

    def licences(self) -> dict[str, list[str]]:
        """Each licence that the folder's `LICENSES.json` states, and the raws under it."""
        stated = stated_licences(Path(self.folder))
        names = [path.name for path in raw_files(Path(self.folder), self.leave_out)]
        return by_licence((name, stated(name)) for name in names)


def shot_of(raw: RawImage, given: Noise | None = None) -> Shot:
    """A raw with its noise, which is estimated at most once."""
    # One shape for all, whatever their files say.
    shot, read = (level.expand(3).clone() for level in settle_noise(raw, given).noise)
    pixels = (raw.mosaic.clamp(-1, 1) * SCALE).round().to(torch.int16).numpy()
    name = raw.path.name if raw.path else "raw"
    return Shot(name, pixels, raw.camera, Noise(shot, read), raw.exposure)


class RealRaws:
    """Patches of raws in memory."""

    def __init__(self, shots: Sequence[Shot]) -> None:
        """Raws of any size."""
        self.shots = list(shots)

    def check(self, size: int) -> None:
        """Raise `FileError` where a raw is too small for patches of that side."""
        for shot in self.shots:
            refuse_smaller(shot.name, shot.pixels.shape, size + MIRRORING)

    def patch(self, size: int, draw: Draw) -> RealRaw:
        """A patch at even offsets of the draw's raw, mirrored at random, with a random tone."""
        generator = draw.generator()
        shot = self.shots[draw.which(len(self.shots))]
        span = size + MIRRORING
        refuse_smaller(shot.name, shot.pixels.shape, span)
        top, left = (_corner(side, span, generator) for side in shot.pixels.shape[1:])
        crop = shot.pixels[:, top : top + span, left : left + span].astype(np.float32)
        mosaic = mirrored_mosaic(torch.from_numpy(crop) / SCALE, generator)
        rendering = Rendering(shot.exposure, uniform(0, 1, generator))
        return RealRaw(mosaic, shot.camera, shot.noise, rendering)


def _corner(side: int, span: int, generator: Generator) -> int:
    return 2 * int(torch.randint((side - span) // 2 + 1, (), generator=generator).item())


def mirrored_mosaic(mosaic: Tensor, generator: Generator) -> Tensor:
    """RGGB mosaic (1, H + 2, W + 2) mirrored or not along both sides, as RGGB (1, H, W).

    Never turned by a quarter: rows of noise stay rows.
    """
    for side in (-2, -1):
        lucky = torch.rand((), generator=generator).item() < 0.5
        mosaic = mosaic.flip(side) if lucky else mosaic
        mosaic = mosaic.narrow(side, int(lucky), mosaic.shape[side] - 2)
    return mosaic


class AdaptationRaws(Dataset[AdaptationSample]):
    """Samples without end; sample n is a pure function of (seed, n)."""

    def __init__(self, synthetic: Dataset[Sample], real: RealRaws, size: int, seed: int) -> None:
        """`size` is a patch's side in pixels; raises `FileError` where a raw is too small."""
        real.check(size)
        self.synthetic, self.real, self.size, self.seed = synthetic, real, size, seed

    def __getitem__(self, n: int) -> AdaptationSample:
        """Sample n."""
        real = self.real.patch(self.size, Draw(self.seed, "real", n))
        return AdaptationSample(self.synthetic[n], real)


class RealRawData(RawData):
    """Synthetic raw samples, and beside them unlabelled raws of a camera."""

    def __init__(self, real: RealRawSet | None = None, **kwargs: Any) -> None:
        """Both streams are numbered by the step.

        Args:
            real: The raws to adapt to.
            kwargs: What all data of raws has.
        """
        super().__init__(**kwargs)
        self.real = real
        self.raws: RealRaws | None = None

    def setup(self, stage: str) -> None:
        """Read photographs and raws; one that is too small is found before the first step."""
        super().setup(stage)
        if self.real is None:
            raise PellucidError("got no data.real; expected the raws to adapt to")
        self.raws = self.raws or self.real.read()
        self.training_set()

    def training_set(self) -> Dataset[Any]:
        """Synthetic and real raws."""
        return self._beside(super().training_set(), self.seed)

    def validation_sets(self) -> Sequence[Dataset[Any]]:
        """The same of another seed."""
        return [self._beside(each, self.seed + WATCHED) for each in super().validation_sets()]

    def _beside(self, synthetic: Dataset[Sample], seed: int) -> Dataset[Any]:
        assert self.raws is not None
        return AdaptationRaws(synthetic, self.raws, self.patch, seed)

    def files(self) -> Sequence[object]:
        """The sources, and the raws."""
        return [*super().files(), *([self.real] if self.real else [])]

    def words(self) -> list[str]:
        """Each source, and the number of real raws."""
        count = len(self.raws.shots) if self.raws else 0
        return [*super().words(), f"real: {count} raws"]
