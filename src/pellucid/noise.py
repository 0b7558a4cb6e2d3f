"""Noise of a sensor: its variance, and adding it; shot and read, or the model of ELD (Wei 2020)."""

import math
from dataclasses import dataclass
from typing import Literal, Self

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


def unclip(mean: Tensor, std: Tensor) -> Tensor:
    """The signal, at most 1, whose normal noise of `std` has this mean after clipping at 1.

    Averaging noisy values near white ends below white, more so in the channel that is amplified
    least: uncorrected, blown highlights turn magenta. Inverts Foi 2009, eq. 7, by Newton's method.
    """
    missing = ((1 - mean) / std).clamp(min=_MISSING_AT_WHITE)
    # Few pixels are near white, and the others need no work.
    near = missing < 5
    u = wanted = missing[near]
    for _ in range(4):
        below = 0.5 * torch.erfc(-u / math.sqrt(2))
        density = torch.exp(-(u**2) / 2) / math.sqrt(2 * math.pi)
        u = u - (u * below + density - wanted) / below
    return mean.masked_scatter(near, 1 - std.expand_as(mean)[near] * u.clamp(min=0))


_MISSING_AT_WHITE = 1 / math.sqrt(2 * math.pi)
"""Standard deviations by which a saturated signal's mean falls short of 1."""


def standard_deviation(mosaic: Tensor, noise: Noise, floor: float = 1e-12) -> Tensor:
    """Noise map (..., 1, H, W) of an RGGB mosaic; from a noisy mosaic it is an estimate.

    `floor` is the least variance.
    """
    return unpack(variance(pack(mosaic), noise).clamp(min=floor).sqrt())


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


# -- the full ELD model ---------------------------------------------------------------------------

ELD_LEVELS = 16383.0 - 800.0
"""White minus black that ELD takes for its five 14-bit cameras."""


@dataclass(frozen=True)
class EldSensor:
    """A sensor at one ISO (Wei et al. 2020, eq. 7); the unit is one number of its raw file, DN."""

    gain: float
    """System gain K, DN per electron."""
    scale: float
    """Of the Tukey-lambda distribution of read noise; not its standard deviation."""
    shape: float
    """Lambda: 0.14 is nearly normal, smaller ones have heavier tails."""
    row: float
    """Standard deviation of the offset that the sites of a row share."""
    bias: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    """Offsets of R, G1, G2, B that black subtraction leaves."""
    levels: float = ELD_LEVELS
    """White minus black."""

    @property
    def read_variance(self) -> float:
        """Of read noise, row noise and rounding together, in DN squared."""
        return self.scale**2 * tukey_variance(self.shape) + self.row**2 + 1 / 12


class EldNoise(Noise):
    """The noise level of an `EldSensor`, beside the sensor: `read` is the variance of all parts.

    Offsets are no variance, so a network that is told `shot` and `read` is not told the bias.
    """

    sensor: EldSensor

    def __new__(cls, sensor: EldSensor) -> Self:
        """For mosaics in [0, 1]."""
        noise = super().__new__(
            cls, sensor.gain / sensor.levels, sensor.read_variance / sensor.levels**2
        )
        noise.sensor = sensor
        return noise

    def __reduce__(self) -> tuple[type[Self], tuple[EldSensor]]:
        # A tuple would be pickled by its two levels, without the sensor.
        return type(self), (self.sensor,)


def add_eld_noise(clean: Tensor, sensor: EldSensor, generator: Generator | None = None) -> Tensor:
    """Noisy RGGB mosaic (..., 1, H, W), in whole DN, of a clean one in [0, 1] (eq. 7).

    Photons, Tukey-lambda read noise, row noise, bias and rounding; nothing is clipped.
    """
    planes = pack(clean) * sensor.levels
    electrons = torch.poisson((planes / sensor.gain).clamp(min=0), generator=generator)
    read = sensor.scale * tukey(planes, sensor.shape, generator)
    sites = unpack(sensor.gain * electrons + read + per_site(planes.new_tensor(sensor.bias)))
    rows = torch.randn(
        (*sites.shape[:-1], 1), generator=generator, dtype=sites.dtype, device=sites.device
    )
    return (sites + sensor.row * rows).round() / sensor.levels


def tukey(like: Tensor, shape: float, generator: Generator | None = None) -> Tensor:
    """Samples of the Tukey-lambda distribution, from its quantile function."""
    p = torch.rand(like.shape, generator=generator, dtype=like.dtype, device=like.device)
    p = p.clamp(min=2**-25)  # the quantile of 0 is infinite
    return p.logit() if shape == 0 else (p**shape - (1 - p) ** shape) / shape


def tukey_variance(shape: float) -> float:
    """Variance of the Tukey-lambda distribution, for shapes above -1/2."""
    if shape == 0:
        return math.pi**2 / 3
    gammas = math.exp(2 * math.lgamma(shape + 1) - math.lgamma(2 * shape + 2))
    return 2 / shape**2 * (1 / (1 + 2 * shape) - gammas)


def add_all_noise(clean: Tensor, noise: Noise, generator: Generator) -> Tensor:
    """A mosaic (1, H, W) with all that its noise says: an `EldNoise` has more than a level."""
    if isinstance(noise, EldNoise):
        return add_eld_noise(clean, noise.sensor, generator)
    return add_noise(clean, noise, generator=generator)
