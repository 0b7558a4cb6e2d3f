"""Pixels that have all their colours, through networks that were trained on Bayer mosaics.

A raw network sees packed planes R, G1, G2, B. A pixel with three colours is such a cell with the
same green twice: nothing is interpolated, and nothing is left out. Two greens of one noise agree,
and networks trust agreement. So green g becomes g + z and g - z, where z is drawn with the variance
of g's own noise: each then has twice that variance, and their noises are uncorrelated, as those of
two sites are (Leiner et al., "Data Fission", 2023). Their mean is g still. Pixels without colour
are the mosaic of a grey scene as they are.
"""

import torch
from torch import Tensor

from pellucid.bayer import pack, unpack
from pellucid.isp import ISPConfig, Rendering, render_linear
from pellucid.networks.dual_domain import DualDomainNet, Geometry, full_precision
from pellucid.noise_map import propagated_map_of_linear
from pellucid.raw import Camera, Noise


def opened(light: Tensor, noise: Noise, draws: Tensor) -> Tensor:
    """The mosaic (B, 1, 2H, 2W) whose cells are the pixels of light (B, 3, H, W).

    `draws` (B, 1, H, W) are standard normal; neither green becomes brighter than white by them.
    """
    red, green, blue = (light[..., [colour], :, :] for colour in range(3))
    shot, read = (level[..., 1] if level.dim() else level for level in noise)
    variance = shot.to(light) * green.clamp(min=0) + read.to(light)
    room = (1 - green).clamp(min=0)
    apart = (draws * variance.sqrt()).clamp(-room, room)
    return unpack(torch.cat([red, green + apart, green - apart, blue], dim=-3))


def closed(mosaic: Tensor) -> Tensor:
    """Light (..., 3, H, W) of an opened mosaic, its greens averaged."""
    red, first, second, blue = pack(mosaic).unbind(-3)
    return torch.stack([red, (first + second) / 2, blue], dim=-3)


def told_noise(noise: Noise) -> Noise:
    """Noise (B, 3) of an opened mosaic's planes, for one of light."""
    shared = torch.tensor([1.0, 2.0, 1.0])
    levels = (level if level.dim() else level[None, None] for level in noise)
    return Noise(*(level * shared.to(level) for level in levels))


def times(noise: Noise, spread: float) -> Noise:
    """The noise that the networks are told of light whose sites have this one."""
    return Noise(noise.shot * spread, noise.read * spread)


def linear_geometry(net: DualDomainNet) -> Geometry:
    """That of `denoise_linear` for light of 3 channels, in pixels."""
    stride, halo = net.raw_geometry
    return Geometry(max(1, stride // 2), None if halo is None else -(-halo // 2))


def draws_of(light: Tensor) -> Tensor:
    """What `opened` draws for a whole picture (3, H, W): always the same."""
    normal = torch.randn(1, *light.shape[-2:], generator=torch.Generator().manual_seed(0))
    return normal.to(light)


def denoise_linear(
    net: DualDomainNet, light: Tensor, noise: Noise, spread: float, draws: Tensor | None
) -> Tensor:
    """Denoised light (B, 3 or 1, H, W) whose sites have this noise; they clip before it spreads.

    Colours need `draws`, see `opened`.
    """
    told = times(noise, spread)
    if draws is None:
        return net.denoise_raw(light, told, noise)
    return closed(net.denoise_raw(opened(light, noise, draws), told_noise(told), noise))


def std_of_linear(
    net: DualDomainNet,
    light: Tensor,
    camera: Camera,
    noise: Noise,
    rendering: Rendering,
    gain: Tensor | float = 1.0,
    spread: float = 1.0,
) -> Tensor | None:
    """Noise map (B, 3, H, W) of the developed light, if the network is told any."""
    noise = times(noise, spread)
    with torch.no_grad(), full_precision(light):
        match net.noise_map:
            case "none":
                return None
            case "published":
                return _published(net.isp, net.noise_floor, light, noise, camera, rendering, gain)
            case "propagated":
                return propagated_map_of_linear(light, noise, camera, rendering, net.isp, gain)


def _published(
    isp: ISPConfig,
    floor: float,
    light: Tensor,
    noise: Noise,
    camera: Camera,
    rendering: Rendering,
    gain: Tensor | float,
) -> Tensor:
    """DualDn's way: the deviation rendered as if it were a picture."""
    shot, read = (level.to(light).reshape(*level.shape, 1, 1) for level in noise)
    std = (shot * light.clamp(min=0) + read).clamp(min=floor).sqrt()
    return render_linear(std * gain, camera, rendering, isp)
