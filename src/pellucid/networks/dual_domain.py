"""A dual-domain network: raw network, differentiable ISP, sRGB network (DualDn, Li et al. 2024)."""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, cast

import torch
from torch import Tensor, nn

from pellucid.bayer import pack, unpack
from pellucid.demosaic import MIRROR
from pellucid.isp import ISPConfig, Rendering, render
from pellucid.networks.unet import UNet, UNetConfig
from pellucid.noise import standard_deviation, unclip
from pellucid.noise_map import propagated_map, published_map
from pellucid.raw import Camera, Noise

NoiseMap = Literal["none", "published", "propagated"]
"""What the sRGB network is told: nothing, DualDn's map, or the propagated deviation."""


@dataclass(frozen=True)
class DualDomainConfig:
    """What a `DualDomainNet` is made of."""

    raw: UNetConfig | None = UNetConfig()
    srgb: UNetConfig | None = UNetConfig(channels=3, shuffle=2)
    isp: ISPConfig = ISPConfig()
    noise_map: NoiseMap = "propagated"
    unclip: bool = True
    """Undo what clipping at white does to the denoised mosaic; DualDn does not."""

    def build(self) -> "DualDomainNet":
        """The network, with fresh weights."""
        raw, srgb = (UNet(config) if config else None for config in (self.raw, self.srgb))
        return DualDomainNet(raw, srgb, self.isp, self.noise_map, self.unclip)


class Restored(NamedTuple):
    """A restored photograph in both domains."""

    mosaic: Tensor
    """(..., 1, H, W)"""
    srgb: Tensor
    """(..., 3, H, W)"""


class Backbone(Protocol):
    """What a network inside `DualDomainNet` must be: picture, noise map → picture, and geometry."""

    stride: int
    halo: int

    def __call__(self, picture: Tensor, std: Tensor) -> Tensor:
        """Restored picture of the same shape."""
        ...


class DualDomainNet(nn.Module):
    """Two networks and the ISP between them; with one network absent, raw-only or sRGB-only."""

    def __init__(
        self,
        raw_net: nn.Module | None,
        srgb_net: nn.Module | None,
        isp: ISPConfig | None = None,
        noise_map: NoiseMap = "propagated",
        unclip: bool = True,
    ) -> None:
        """`raw_net` takes packed planes (B, 4, h, w), `srgb_net` pictures (B, 3, H, W)."""
        super().__init__()
        if raw_net is None and srgb_net is None:
            raise ValueError("got neither a raw nor an sRGB network; expected at least one")
        self.raw_net, self.srgb_net = raw_net, srgb_net
        self.isp = isp or ISPConfig()
        self.noise_map: NoiseMap = noise_map
        self.unclip = unclip

    def forward(
        self, mosaic: Tensor, camera: Camera, noise: Noise, rendering: Rendering | None = None
    ) -> Restored:
        """Both restored pictures of an RGGB mosaic (B, 1, H, W)."""
        rendering = rendering or Rendering()
        clean = self.denoise_raw(mosaic, noise)
        srgb = self.develop(clean, camera, rendering)
        return Restored(
            clean, self.denoise_srgb(srgb, self.srgb_std(clean, camera, noise, rendering))
        )

    @property
    def raw_geometry(self) -> tuple[int, int]:
        """Stride and halo of `denoise_raw` in pixels of the mosaic."""
        net = cast(Backbone, self.raw_net)
        return 2 * net.stride, 2 * net.halo

    @property
    def srgb_geometry(self) -> tuple[int, int]:
        """Stride and halo of `srgb_std` and `denoise_srgb` together, in pixels of the picture."""
        net = cast(Backbone, self.srgb_net)
        stride = math.lcm(2, net.stride)
        return stride, -(-(net.halo + MIRROR.left) // stride) * stride

    def denoise_raw(self, mosaic: Tensor, noise: Noise) -> Tensor:
        """Denoised mosaic (B, 1, H, W); the noise map is that of the noisy mosaic, as in DualDn."""
        if self.raw_net is None:
            return mosaic
        std = standard_deviation(mosaic, noise)
        clean = unpack(cast(Backbone, self.raw_net)(pack(mosaic), pack(std)))
        return unclip(clean, standard_deviation(clean, noise)) if self.unclip else clean

    def develop(self, mosaic: Tensor, camera: Camera, rendering: Rendering) -> Tensor:
        """sRGB picture (B, 3, H, W) of a mosaic."""
        return render(mosaic, camera, rendering, self.isp)

    def srgb_std(
        self, mosaic: Tensor, camera: Camera, noise: Noise, rendering: Rendering
    ) -> Tensor:
        """Noise map (B, 3, H, W) of the developed input; a constant to the gradient."""
        with torch.no_grad():
            match self.noise_map:
                case "none":
                    return mosaic.new_zeros(*mosaic.shape[:-3], 3, *mosaic.shape[-2:])
                case "published":
                    return published_map(mosaic, noise, camera, rendering, self.isp)
                case "propagated":
                    return propagated_map(mosaic, noise, camera, rendering, self.isp)

    def denoise_srgb(self, srgb: Tensor, std: Tensor) -> Tensor:
        """Denoised sRGB picture (B, 3, H, W)."""
        return srgb if self.srgb_net is None else cast(Backbone, self.srgb_net)(srgb, std)
