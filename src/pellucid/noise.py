"""Shot and read noise of a sensor: variance, sampling, and laws to draw its level from."""

import math
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Generator, Tensor

from pellucid.bayer import pack, per_site, unpack
from pellucid.raw import Noise

Law = Literal["gaussian", "poisson", "gaussian_poisson", "heteroscedastic_gaussian"]


def variance(clean: Tensor, noise: Noise) -> Tensor:
    """Variance of planes (..., 4, h, w), shot * clean + read (Foi et al. 2008, eq. 1)."""
    shot, read = (beside(value, clean) for value in noise)
    return shot * clean.clamp(min=0) + read


def beside(value: Tensor, planes: Tensor) -> Tensor:
    """Shot or read noise (...) or (..., 3) in the shape that multiplies planes (..., 4, h, w).

    A channel dimension is told from a batch dimension by the planes' own leading dimensions.
    """
    value, batch = value.to(planes), planes.shape[:-3]
    per_channel = value.dim() > len(batch)
    leading = value.shape[:-1] if per_channel else value.shape
    # Broadcasting would make a batch of three out of one mosaic and its noise in R, G, B.
    if len(leading) > len(batch) or any(
        n not in (1, size) for n, size in zip(leading[::-1], batch[::-1], strict=False)
    ):
        raise ValueError(
            f"noise of shape {tuple(value.shape)} for mosaics of batch shape {tuple(batch)}; "
            "expected one value per mosaic, or (..., 3)"
        )
    return per_site(value) if per_channel else value[..., None, None, None]


def standard_deviation(mosaic: Tensor, noise: Noise) -> Tensor:
    """Noise map (..., 1, H, W) of an RGGB mosaic; from a noisy mosaic it is an estimate."""
    return unpack(variance(pack(mosaic), noise).clamp(min=1e-12).sqrt())


def add_noise(
    clean: Tensor,
    noise: Noise,
    law: Law = "gaussian_poisson",
    generator: Generator | None = None,
) -> Tensor:
    """Noisy RGGB mosaic (..., 1, H, W) of a clean one in [0, 1].

    The four laws of DualDn. Noise is zero-mean and goes below black; nothing is clipped.
    """
    planes = pack(clean)
    shot, read = (beside(value, planes) for value in noise)

    def normal(of_variance: Tensor) -> Tensor:
        draw = torch.randn(
            planes.shape, generator=generator, dtype=planes.dtype, device=planes.device
        )
        return draw * of_variance.sqrt()

    def photons() -> Tensor:
        # Without shot noise there are many photons, not none.
        photon = shot.clamp(min=1e-12)
        return torch.poisson((planes / photon).clamp(min=0), generator=generator) * photon

    match law:
        case "gaussian":
            return unpack(planes + normal(read))
        case "poisson":
            return unpack(photons())
        case "gaussian_poisson":
            return unpack(photons() + normal(read))
        case "heteroscedastic_gaussian":
            return unpack(planes + normal(shot * planes.clamp(min=0) + read))


# -- laws to draw noise levels from ----------------------------------------------------------------


class NoiseLaw(Protocol):
    """Where the noise levels of training samples come from."""

    def sample(self, generator: Generator) -> Noise:
        """One camera's noise at one ISO."""
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

    def sample(self, generator: Generator) -> Noise:
        """One noise level."""
        return Noise(log_uniform(*self.shot, generator), log_uniform(*self.read, generator))


@dataclass(frozen=True)
class MixedLaw:
    """Each of some laws equally often."""

    laws: tuple[NoiseLaw, ...] = (LogLinearLaw(), BoxLaw())

    def sample(self, generator: Generator) -> Noise:
        """One noise level of one of the laws."""
        which = int(torch.randint(len(self.laws), (), generator=generator).item())
        return self.laws[which].sample(generator)


def uniform(low: float, high: float, generator: Generator) -> float:
    """One number between two."""
    return low + (high - low) * torch.rand((), generator=generator).item()


def log_uniform(low: float, high: float, generator: Generator) -> float:
    """One number between two positive ones, uniform in its logarithm."""
    return math.exp(uniform(math.log(low), math.log(high), generator))
