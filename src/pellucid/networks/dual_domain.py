"""A dual-domain network: raw network, differentiable ISP, sRGB network (DualDn, Li et al. 2024)."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast

import torch
from torch import Tensor, nn

from pellucid.bayer import pack, unpack
from pellucid.choices import Truth
from pellucid.demosaic import MIRROR
from pellucid.errors import NetworkError
from pellucid.isp import ISPConfig, Rendering, render
from pellucid.networks.backbones import BackboneConfig, Residual
from pellucid.networks.unet import UNetConfig
from pellucid.noise import standard_deviation, unclip
from pellucid.noise_map import propagated_map, published_map
from pellucid.raw import Camera, Noise
from pellucid.records import refuse_unknown_choices

NoiseMap = Literal["none", "published", "propagated"]
"""What the sRGB network is told: nothing, DualDn's map, or the propagated deviation."""


@dataclass(frozen=True)
class DualDomainConfig:
    """What a `DualDomainNet` is made of."""

    raw: BackboneConfig | None = UNetConfig()
    """On packed planes."""
    srgb: BackboneConfig | None = UNetConfig(shuffle=2)
    isp: ISPConfig = ISPConfig()
    raw_noise_map: bool = True
    """Whether the raw network is told the noise."""
    noise_map: NoiseMap = "propagated"
    unclip: bool = True
    """Undo what clipping at white does to the denoised mosaic; DualDn does not."""
    noise_floor: float = 1e-12
    """Least variance of a noise map; DualDn's is 1e-7."""
    clip_black: bool = False
    """Values below black become 0 first; DualDn's inputs are clipped so."""
    zero_last: bool = True
    """Training begins with the identity: the last layers are zero."""
    truth: Truth = "mosaic"
    """What its pictures were trained to be."""

    def __post_init__(self) -> None:
        """Check the choices."""
        refuse_unknown_choices(self)

    def build(self) -> "DualDomainNet":
        """The network, with fresh weights."""
        raw = Residual(self.raw, 4, self.raw_noise_map, self.zero_last) if self.raw else None
        mapped = self.noise_map != "none"
        srgb = Residual(self.srgb, 3, mapped, self.zero_last) if self.srgb else None
        how = self.noise_map, self.unclip, self.noise_floor, self.clip_black, self.truth
        return DualDomainNet(raw, srgb, self.isp, *how)


class Restored(NamedTuple):
    """A restored photograph in both domains."""

    mosaic: Tensor
    """(..., 1, H, W)"""
    srgb: Tensor
    """(..., 3, H, W)"""


class Compared(NamedTuple):
    """A restored photograph as it is compared with a truth of each kind, see `Truth`."""

    mosaic: Tensor
    """(..., 1, H, W)"""
    developed: Tensor
    """(..., 3, H, W), with the clean mosaic, developed: of networks that mend demosaicking their
    own mosaic, developed; of others the picture."""
    srgb: Tensor
    """(..., 3, H, W), with the scene itself: the picture."""


class Geometry(NamedTuple):
    """How a network may be given a picture in tiles."""

    stride: int
    """Shifts by multiples of this shift the result."""
    halo: int | None
    """How far a pixel of the result sees; None where it sees the whole picture."""


class DualDomainNet(nn.Module):
    """Two networks and the ISP between them; with one network absent, raw-only or sRGB-only."""

    def __init__(
        self,
        raw_net: Residual | None,
        srgb_net: Residual | None,
        isp: ISPConfig | None = None,
        noise_map: NoiseMap = "propagated",
        unclip: bool = True,
        noise_floor: float = 1e-12,
        clip_black: bool = False,
        truth: Truth = "mosaic",
    ) -> None:
        """`raw_net` takes packed planes (B, 4, h, w), `srgb_net` pictures (B, 3, H, W)."""
        super().__init__()
        if raw_net is None and srgb_net is None:
            raise ValueError("got neither a raw nor an sRGB network; expected at least one")
        self.raw_net, self.srgb_net = raw_net, srgb_net
        self.isp = isp or ISPConfig()
        self.noise_map: NoiseMap = noise_map
        self.unclip, self.noise_floor, self.clip_black = unclip, noise_floor, clip_black
        self.truth: Truth = truth

    def forward(
        self, mosaic: Tensor, camera: Camera, noise: Noise, rendering: Rendering | None = None
    ) -> Restored:
        """Both restored pictures of an RGGB mosaic (B, 1, H, W), or of a single one (1, H, W)."""
        rendering = rendering or Rendering()
        if mosaic.dim() == 3:
            alone = Camera(*_batched(camera)), Noise(*_batched(noise))
            restored = self(mosaic[None], *alone, Rendering(*_batched(rendering)))
            return Restored(*(picture[0] for picture in restored))
        if mosaic.dim() != 4:
            got = "x".join(map(str, mosaic.shape))
            raise NetworkError(f"got a mosaic of shape {got}; expected (B, 1, H, W) or (1, H, W)")
        clean = self.denoise_raw(mosaic, noise)
        srgb = self.develop(clean, camera, rendering)
        std = self.srgb_std(self.mapped(mosaic, clean), camera, noise, rendering)
        return Restored(clean, self.denoise_srgb(srgb, std))

    @property
    def raw_geometry(self) -> Geometry:
        """That of `denoise_raw`, in pixels of the mosaic."""
        net = cast(Residual, self.raw_net)
        return Geometry(2 * net.stride, None if net.halo is None else 2 * net.halo)

    @property
    def srgb_geometry(self) -> Geometry:
        """That of `srgb_std` and `denoise_srgb` together, in pixels of the picture."""
        net = cast(Residual, self.srgb_net)
        stride = math.lcm(2, net.stride)
        if net.halo is None:
            return Geometry(stride, None)
        return Geometry(stride, -(-(net.halo + MIRROR.left) // stride) * stride)

    def denoise_raw(self, mosaic: Tensor, noise: Noise, clipped: Noise | None = None) -> Tensor:
        """Denoised mosaic (B, 1, H, W); the noise map is that of the noisy mosaic, as in DualDn.

        `clipped` is the noise that was clipped at white, where the network is told another one.
        """
        if self.raw_net is None:
            return mosaic
        if self.clip_black:
            mosaic = mosaic.clamp(min=0)
        told, floor = self.raw_net.told, self.noise_floor
        std = pack(standard_deviation(mosaic, noise, floor)) if told else None
        clean = unpack(self.raw_net(pack(mosaic), std))
        if not self.unclip:
            return clean
        return unclip(clean, standard_deviation(clean, noise if clipped is None else clipped))

    def develop(self, mosaic: Tensor, camera: Camera, rendering: Rendering) -> Tensor:
        """sRGB picture (B, 3, H, W) of a mosaic."""
        with full_precision(mosaic):
            return render(mosaic, camera, rendering, self.isp)

    def mapped(self, noisy: Tensor, clean: Tensor) -> Tensor:
        """The mosaic whose noise map the sRGB network is given: DualDn takes the noisy one."""
        return noisy if self.noise_map == "published" else clean

    def srgb_std(
        self,
        mosaic: Tensor,
        camera: Camera,
        noise: Noise,
        rendering: Rendering,
        gain: Tensor | float = 1.0,
    ) -> Tensor | None:
        """Noise map (B, 3, H, W) of the developed input, if any; a constant to the gradient.

        `gain` is what the mosaic is multiplied by in developing: a file's lens shading.
        """
        with torch.no_grad(), full_precision(mosaic):
            match self.noise_map:
                case "none":
                    return None
                case "published":
                    return published_map(
                        mosaic, noise, camera, rendering, self.isp, self.noise_floor, gain
                    )
                case "propagated":
                    return propagated_map(mosaic, noise, camera, rendering, self.isp, gain)

    def denoise_srgb(self, srgb: Tensor, std: Tensor | None) -> Tensor:
        """Denoised sRGB picture (B, 3, H, W)."""
        return srgb if self.srgb_net is None else self.srgb_net(srgb, std)


def _batched(record: Iterable[Tensor]) -> Iterator[Tensor]:
    """What belongs to one picture, as a batch of one."""
    return (values[None] for values in record)


def full_precision(tensor: Tensor) -> torch.autocast:
    """No mixed precision here: a camera's ISP amplifies what rounding does to dark colours."""
    return torch.autocast(tensor.device.type, enabled=False)
