"""Laws to draw noise levels from: DualDn's, boxes, mixtures, and tables of real cameras."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import torch
from torch import Generator

from pellucid.camera_tables import ELD_CAMERAS, EldName, eld_camera
from pellucid.errors import FileError
from pellucid.noise import ELD_LEVELS, EldNoise, EldSensor
from pellucid.noise_profiles import cameras_of, interpolated, profile_database
from pellucid.raw import Noise
from pellucid.records import refuse_empty, refuse_not_positive

_T = TypeVar("_T")


class NoiseLaw(Protocol):
    """Where the noise levels of training samples come from."""

    def sample(self, generator: Generator) -> Noise:
        """One camera's noise at one ISO; an `EldNoise` where its sensor adds more than levels."""
        ...


@dataclass(frozen=True)
class LogLinearLaw:
    """Shot log-uniform, log read variance linear in it, with scatter (Wei et al. 2020, eq. 12).

    The defaults are DualDn's: the read law of a Sony A7S2 with the slope of a variance.
    """

    shot: tuple[float, float] = (2e-4, 2e-2)
    slope: float = 2.5407
    intercept: float = 1.2182
    scatter: float = 0.2675

    def __post_init__(self) -> None:
        """Check the range."""
        refuse_not_positive(self, "shot")

    def median_read(self, shot: float) -> float:
        """Median of the read variance at one shot level."""
        return math.exp(self.slope * math.log(shot) + self.intercept)

    def sample(self, generator: Generator) -> Noise:
        """One noise level."""
        shot = log_uniform(*self.shot, generator)
        read = self.median_read(shot) * math.exp(
            self.scatter * torch.randn((), generator=generator).item()
        )
        return Noise(shot, read)


@dataclass(frozen=True)
class BoxLaw:
    """Shot and read variance log-uniform and independent.

    The defaults hold real cameras from base ISO up; a calibrated chart raw has shot 1.5e-4 with
    read 9e-7, where DualDn's law would give 7e-10.
    """

    shot: tuple[float, float] = (2e-6, 5e-3)
    read: tuple[float, float] = (1e-9, 3e-5)

    def __post_init__(self) -> None:
        """Check the ranges."""
        refuse_not_positive(self, "shot", "read")

    def sample(self, generator: Generator) -> Noise:
        """One noise level."""
        return Noise(log_uniform(*self.shot, generator), log_uniform(*self.read, generator))


@dataclass(frozen=True)
class MixedLaw:
    """Each of some laws equally often."""

    laws: tuple[NoiseLaw, ...] = (LogLinearLaw(), BoxLaw())

    def __post_init__(self) -> None:
        """Check that there are some."""
        refuse_empty(self, "laws")

    def sample(self, generator: Generator) -> Noise:
        """One noise level of one of the laws."""
        which = int(torch.randint(len(self.laws), (), generator=generator).item())
        return self.laws[which].sample(generator)


# -- real cameras ----------------------------------------------------------------------------------

REAL_CAMERAS = LogLinearLaw((5e-6, 2e-2), 1.232, -4.328, 1.04)
"""From base ISO to the highest: a fit to 5,784 profiles of 369 cameras (docs/noise_laws.md), in
whose middle ELD's five cameras lie."""


@dataclass(frozen=True)
class CameraLaw:
    """Shot and Gaussian read noise of ELD's cameras, gain log-uniform (Wei et al. 2020, eq. 12)."""

    cameras: tuple[EldName, ...] = ELD_CAMERAS

    def __post_init__(self) -> None:
        """Check that there are some."""
        refuse_empty(self, "cameras")

    def sample(self, generator: Generator) -> Noise:
        """One camera's noise at one ISO."""
        camera = eld_camera(any_of(self.cameras, generator))
        gain = log_uniform(*camera.gain, generator)
        sigma = camera.gaussian.sample(gain, generator)
        return Noise(gain / ELD_LEVELS, (sigma / ELD_LEVELS) ** 2)


@dataclass(frozen=True)
class EldLaw:
    """The full model of ELD's cameras, whose noise `add_eld_noise` adds."""

    cameras: tuple[EldName, ...] = ELD_CAMERAS

    def __post_init__(self) -> None:
        """Check that there are some."""
        refuse_empty(self, "cameras")

    # Annotated as the protocol is: jsonargparse compares the words.
    def sample(self, generator: Generator) -> Noise:
        """An `EldNoise`: one camera at one ISO, shape and bias as measured near that ISO."""
        camera = eld_camera(any_of(self.cameras, generator))
        low, high = camera.gain
        where = uniform(0, 1, generator)
        gain = low * (high / low) ** where
        return EldNoise(
            EldSensor(
                gain,
                scale=camera.tukey.sample(gain, generator),
                shape=camera.shapes[round(where * (len(camera.shapes) - 1))],
                row=camera.row.sample(gain, generator),
                bias=camera.biases[round(where * (len(camera.biases) - 1))],
            )
        )


@dataclass(frozen=True)
class ProfileLaw:
    """A camera of a darktable installation, and an ISO log-uniform between its lowest and highest.

    Without a path the database is looked for where darktable installs it.
    """

    path: Path | None = None

    def sample(self, generator: Generator) -> Noise:
        """One camera's noise at one ISO; raises `FileError` without a database."""
        path = profile_database(self.path)
        cameras = cameras_of(path)
        if not cameras:
            raise FileError.of(path, "holds no usable profile; expected one or more")
        profiles = any_of(cameras, generator)
        iso = log_uniform(profiles[0].iso, profiles[-1].iso, generator)
        return interpolated(profiles, iso)


# -- draws -----------------------------------------------------------------------------------------


def any_of(choices: Sequence[_T], generator: Generator) -> _T:
    """One of some, each equally often."""
    return choices[int(torch.randint(len(choices), (), generator=generator).item())]


def uniform(low: float, high: float, generator: Generator) -> float:
    """One number between two."""
    return low + (high - low) * torch.rand((), generator=generator).item()


def log_uniform(low: float, high: float, generator: Generator) -> float:
    """One number between two positive ones, uniform in its logarithm."""
    return math.exp(uniform(math.log(low), math.log(high), generator))
