"""How far restored pictures are from a truth that nobody knows, up to a constant.

Recorrupted-to-recorrupted (Pang et al. 2021): to a noisy y is added a z with the noise's own
covariance. What is restored of y + a z knows nothing of the noise in y - z / a, so that their
squared distance is that from the truth, and a constant. It ranks networks, and trains them.
"""

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from pellucid.bayer import pack, unpack
from pellucid.color import apply_matrix, decode, encode_slope
from pellucid.isp import Rendering, matrix_to_srgb, roll_highlights, to_linear, unrender
from pellucid.networks.dual_domain import DualDomainNet
from pellucid.networks.picture import PictureNet
from pellucid.noise import beside, variance
from pellucid.planes import local_mean
from pellucid.raw import Camera, Noise

ADDED = 0.5
"""a: with more the network sees noise unlike its own, with less the distance is noisier."""
AROUND = 9
"""Pixels across, over whose mean the signal under the noise is seen."""
UNCLIPPED = (0.002, 0.9)
"""Linear light that is judged: what clips is no sum of signal and noise."""


class NoisyRaw(NamedTuple):
    """A patch of a raw, or a batch of them, and noise like its own."""

    mosaic: Tensor
    """(..., 1, H, W) RGGB; values below black are negative."""
    camera: Camera
    noise: Noise
    """What the network is told (..., 3)."""
    rendering: Rendering
    own: Noise
    """What it has (..., 3)."""
    texture: Tensor
    """Of noise like its own (..., K, 4, H/2, W/2), whose standard deviation is 1."""
    shades: Tensor
    """Shares of read noise (..., K), ascending, at which the textures were seen."""


class NoisyPicture(NamedTuple):
    """A patch of a picture (..., 3, H, W), or a batch of them, and noise like its own."""

    picture: Tensor
    grain: Tensor
    """z, of the same shape."""


def raw_risk(net: DualDomainNet, raw: NoisyRaw, grain: Tensor) -> Tensor:
    """Squared error (B,) of the picture of raws, about in display values, up to a constant.

    `grain` is z (B, 1, H, W). In linear light, where the developed noise is what was added, by the
    slope of the curves.
    """
    added = 1 + ADDED**2
    told = Noise(raw.noise.shot * added, raw.noise.read * added)
    rendering = Rendering(raw.rendering.exposure, torch.zeros_like(raw.rendering.exposure))
    restored = net(raw.mosaic + ADDED * grain, raw.camera, told, rendering).srgb.clamp(min=0)
    if net.truth == "mosaic":
        made = decode(restored, net.isp.transfer)
    else:  # of a scene in all colours the raw tells one at each site
        sites = unrender(restored.clamp(max=1), raw.camera, rendering, net.isp.transfer)
        made = linear_srgb(net, raw, sites)
    error = made - linear_srgb(net, raw, raw.mosaic - grain / ADDED)
    return (display_slope(net, raw) * error).square().mean((-3, -2, -1))


def linear_srgb(net: DualDomainNet, raw: NoisyRaw, mosaic: Tensor) -> Tensor:
    """Linear sRGB (B, 3, H, W) of another mosaic of the same shot; nothing is clipped."""
    # Of the kinds of demosaicking those that are linear keep noise unbiased.
    config = replace(net.isp, demosaic="malvar2004", highlights="roll")
    linear = roll_highlights(to_linear(mosaic, raw.camera, config))
    exposure = raw.rendering.exposure[:, None, None, None]
    return apply_matrix(linear, matrix_to_srgb(raw.camera, net.isp)) * exposure


@torch.no_grad()
def display_slope(net: DualDomainNet, raw: NoisyRaw) -> Tensor:
    """Display values per linear sRGB (B, 3, H, W), 0 where something clips.

    By local means of the noisy raw: by what is restored, a network could choose it.
    """
    seen = local_mean(linear_srgb(net, raw, raw.mosaic), AROUND)
    low, high = UNCLIPPED
    inside = ((seen > low) & (seen < high)).all(-3, keepdim=True)
    return encode_slope(seen.clamp(min=0), net.isp.transfer) * inside


def picture_risk(net: PictureNet, noisy: NoisyPicture) -> Tensor:
    """Squared error (B,) of restored pictures, up to a constant."""
    restored = net(noisy.picture + ADDED * noisy.grain)
    error = restored - (noisy.picture - noisy.grain / ADDED)
    low, high = UNCLIPPED
    seen = local_mean(noisy.picture, AROUND)
    inside = (seen > low) & (seen < high)
    return (error.square() * inside).mean((-3, -2, -1))


def raw_deviation(mosaic: Tensor, noise: Noise) -> Tensor:
    """Standard deviation (..., 4, h, w) of a noisy mosaic's planes, by their local means."""
    return _variance(local_mean(pack(mosaic), AROUND), noise).sqrt()


def read_share(planes: Tensor, noise: Noise) -> Tensor:
    """Share of read noise in the variance of planes (..., 4, h, w): 1 in the dark."""
    return beside(noise.read, planes) / _variance(planes, noise)


def _variance(planes: Tensor, noise: Noise) -> Tensor:
    return variance(planes, noise).clamp(min=1e-12)


def raw_grain(texture: Tensor, shades: Tensor, clean: Tensor, noise: Noise) -> Tensor:
    """Noise (..., 1, H, W) of textures (..., K, 4, h, w) on a clean mosaic.

    Each pixel has the textures of the two `shades` (..., K) around its own. In the share of read
    noise spectra are linear, if read and shot noise have one each: rows fade as it gets lighter.
    """
    planes = pack(clean)
    share = read_share(planes, noise)[..., None, :, :, :]
    nodes = shades[..., :, None, None, None]
    weight = between(share, nodes).sqrt()
    return unpack((texture * weight).sum(-4) * _variance(planes, noise).sqrt())


def between(values: Tensor, nodes: Tensor) -> Tensor:
    """Linear weights (..., K, 4, h, w) of ascending nodes (..., K, 1, 1, 1) around values."""
    span = nodes.diff(dim=-4).clamp(min=1e-6)
    climbed = ((values - nodes[..., :-1, :, :, :]) / span).clamp(0, 1)
    ones = torch.ones_like(values)
    return torch.cat([ones, climbed], -4) - torch.cat([climbed, torch.zeros_like(ones)], -4)


@torch.no_grad()
def grain_like(guide: DualDomainNet, raw: NoisyRaw) -> Tensor:
    """z (B, 1, H, W), as strong as the noise is on what `guide` makes of the raws.

    By local means it would be too weak on what is bright and fine, too strong beside it, and of
    two networks the risk would prefer that which keeps more noise there.
    """
    if guide.raw_net is None:
        shown = unpack(local_mean(pack(raw.mosaic), AROUND))
    else:
        shown = guide.denoise_raw(raw.mosaic, raw.noise)
    return raw_grain(raw.texture, raw.shades, shown, raw.own)
