"""How much noise a restored mosaic still has, for its NoiseProfile."""

import torch
from torch import Tensor

from pellucid.bayer import pack, per_site
from pellucid.raw import Noise, RawImage

_LEAST = 1e-3  # no network removes all of it


def left_noise(raw: RawImage, restored: Tensor, noise: Noise, strength: float) -> Noise:
    """Noise of `raw + strength * (restored - raw)`.

    What the network removed is measured: d = raw - restored has the share q of the noise's
    variance. Of an estimate with the least squared error, d and what it left are uncorrelated, so
    that 1 - q stays at strength 1 and (1 - s)^2 q + (1 - q) = 1 - s (2 - s) q at strength s.
    """
    share = _removed(raw.mosaic, restored, noise)
    left = max(1 - strength * (2 - strength) * share, _LEAST)
    return Noise(noise.shot * left, noise.read * left)


def _removed(mosaic: Tensor, restored: Tensor, noise: Noise) -> float:
    """The share of the variance that was removed, in the median row of cells.

    Pixels near saturation have less noise than the law says, and are left out; rows' median keeps
    out what is no noise, such as hot pixels and lost detail.
    """
    before, after = pack(mosaic), pack(restored)
    shot, read = (per_site(_three(level)) for level in noise)
    variance = shot * after.clamp(min=0) + read
    used = (before < 0.95) & (after < 0.95)
    removed = ((before - after).square() * used).sum((0, 2))
    expected = (variance * used).sum((0, 2))
    shares = (removed / expected)[expected > 0]
    return min(float(shares.median()), 1.0) if shares.numel() else 0.0


def _three(level: Tensor) -> Tensor:
    return torch.broadcast_to(level.reshape(-1), (3,)).float()
