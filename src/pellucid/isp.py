"""A camera's pipeline in differentiable stages (Li et al. 2024), and back (Brooks et al. 2019)."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from pellucid.bayer import mosaic_of, pack, per_site, unpack
from pellucid.choices import Demosaic
from pellucid.color import (
    SRGB_TO_XYZ,
    Illuminant,
    Transfer,
    apply_matrix,
    decode,
    encode,
    normalise_rows,
)
from pellucid.demosaic import Border, demosaic
from pellucid.look.roll_off import KNEE, roll_to_white
from pellucid.planes import in_bands
from pellucid.raw import Camera
from pellucid.records import refuse_unknown_choices


class _Rendering(NamedTuple):
    exposure: Tensor
    tone: Tensor


class Rendering(_Rendering):
    """What the photographer wants.

    `exposure` is a linear gain (...), `tone` DualDn's alpha (...) in [0, 1].
    """

    __slots__ = ()

    def __new__(cls, exposure: Tensor | float = 1.0, tone: Tensor | float = 0.0) -> "Rendering":
        """Tensors, or numbers that become float32."""
        as_tensor = (
            v if isinstance(v, Tensor) else torch.tensor(float(v)) for v in (exposure, tone)
        )
        return super().__new__(cls, *as_tensor)


@dataclass(frozen=True)
class ISPConfig:
    """What is fixed for a run of the pipeline."""

    demosaic: Demosaic = "malvar2004"
    transfer: Transfer = "rec709"
    highlights: Literal["roll", "rebuilt", "clip"] = "roll"
    """`roll` brings demosaicked highlights smoothly to 1; `clip` cuts the balanced mosaic there;
    `rebuilt` takes a mosaic that `lift_highlights` went over, and rolls off behind exposure."""
    gamut: Literal["clamp", "keep", "wide"] = "clamp"
    """What the matrix leaves outside [0, 1]: `keep` sends it through the curves, as DualDn does;
    `wide` mirrors the curves at black, so that colours outside sRGB keep their looks."""
    matrix: Literal["joint", "separate"] = "joint"
    """`separate` normalises the rows of camera-to-XYZ and XYZ-to-sRGB each, as DualDn does."""
    illuminant: Illuminant = "D65"
    """White of the XYZ-to-sRGB matrix under `separate`."""
    border: Border = "mirror"

    def __post_init__(self) -> None:
        """Check the choices."""
        refuse_unknown_choices(self)

    @classmethod
    def dualdn(
        cls,
        demosaic: Demosaic = "ahd",
        transfer: Transfer = "rec709",
        illuminant: Illuminant = "D65",
    ) -> "ISPConfig":
        """The published arithmetic exactly, for reproduction."""
        return cls(demosaic, transfer, "clip", "keep", "separate", illuminant, "published")


def render(
    mosaic: Tensor,
    camera: Camera,
    rendering: Rendering | None = None,
    config: ISPConfig | None = None,
) -> Tensor:
    """sRGB picture (..., 3, H, W) of an RGGB mosaic (..., 1, H, W)."""
    rendering, config = rendering or Rendering(), config or ISPConfig()
    return finish(to_linear(mosaic, camera, config), camera, rendering, config)


def to_linear(mosaic: Tensor, camera: Camera, config: ISPConfig) -> Tensor:
    """White-balanced linear camera RGB (..., 3, H, W) of an RGGB mosaic (..., 1, H, W)."""
    balanced = white_balance(mosaic, camera.white_balance)
    if config.highlights == "clip":
        balanced = _clip(balanced, 1e-8, 1)
    cam_to_xyz = (
        torch.inverse(normalise_rows(camera.xyz_to_cam)) if config.demosaic == "ahd" else None
    )
    return demosaic(balanced, config.demosaic, cam_to_xyz, config.border)


def render_linear(light: Tensor, camera: Camera, rendering: Rendering, config: ISPConfig) -> Tensor:
    """sRGB picture (..., 3, H, W) of demosaicked camera RGB, or of grey (..., 1, H, W).

    Neither is white-balanced yet.
    """
    return finish(balance_linear(light, camera, config), camera, rendering, config)


def balance_linear(light: Tensor, camera: Camera, config: ISPConfig) -> Tensor:
    """White-balanced linear camera RGB (..., 3, H, W) of what arrives demosaicked."""
    linear = light * camera.white_balance.to(light)[..., None, None]
    return _clip(linear, 1e-8, 1) if config.highlights == "clip" else linear


def finish(linear: Tensor, camera: Camera, rendering: Rendering, config: ISPConfig) -> Tensor:
    """sRGB picture (..., 3, H, W) of white-balanced linear camera RGB (..., 3, H, W)."""

    def run(linear: Tensor) -> Tensor:
        return _finish(linear, camera, rendering, config)

    return in_bands(run, linear)


def _finish(linear: Tensor, camera: Camera, rendering: Rendering, config: ISPConfig) -> Tensor:
    exposure, tone = (value.to(linear) for value in rendering)
    if rolls(linear, config):
        linear = roll_highlights(linear)
    srgb_linear = (
        apply_matrix(linear, matrix_to_srgb(camera, config)) * exposure[..., None, None, None]
    )
    if config.highlights == "rebuilt":
        srgb_linear = roll_to_white(srgb_linear)
    if config.gamut == "clamp":
        srgb_linear = srgb_linear.clamp(0, 1)
    if config.gamut != "wide":
        return tone_curve(encode(srgb_linear, config.transfer), tone)
    size = srgb_linear.abs().clamp(max=1)
    return tone_curve(encode(size, config.transfer), tone) * srgb_linear.sign()


def white_balance(mosaic: Tensor, gains: Tensor) -> Tensor:
    """Mosaic (..., 1, H, W) times gains (..., 3) for R, G, B or (..., 4) for R, G1, G2, B."""
    planes = pack(mosaic)
    return unpack(planes * per_site(gains.to(mosaic)))


def _clip(mosaic: Tensor, low: float, high: float) -> Tensor:
    """Clamp whose gradient is 1 on both bounds; `torch.clamp`'s there depends on the version."""
    return torch.where(mosaic > high, high, torch.where(mosaic < low, low, mosaic))


def rolls(linear: Tensor, config: ISPConfig) -> bool:
    """Whether anything of balanced RGB (..., 3, H, W) is bright enough to be rolled."""
    return config.highlights == "roll" and bool((linear > KNEE).any())


def roll_highlights(linear: Tensor) -> Tensor:
    """Balanced RGB, each channel brought smoothly to 1, where the least amplified one saturates.

    Without it a saturated grey, (2.4, 1, 1.7) after balancing, turns magenta in the colour matrix.
    Identity below `KNEE`, then the cubic that meets 1 at 1 with slope 0.
    """
    t = ((linear - KNEE) / (1 - KNEE)).clamp(0, 1)
    return torch.where(linear <= KNEE, linear, KNEE + (1 - KNEE) * (t + t**2 - t**3))


def roll_slope(linear: Tensor) -> Tensor:
    """Derivative of `roll_highlights`."""
    t = ((linear - KNEE) / (1 - KNEE)).clamp(0, 1)
    return 1 + t * (2 - 3 * t)


def matrix_to_srgb(camera: Camera, config: ISPConfig) -> Tensor:
    """Matrix (..., 3, 3) from balanced camera RGB to linear sRGB."""
    if config.matrix == "joint":
        return camera.cam_to_srgb
    xyz_to_srgb = torch.inverse(camera.xyz_to_cam.new_tensor(SRGB_TO_XYZ[config.illuminant]))
    return normalise_rows(xyz_to_srgb) @ torch.inverse(normalise_rows(camera.xyz_to_cam))


def tone_curve(display: Tensor, tone: Tensor) -> Tensor:
    """DualDn's tone mapping: twice m + a m (1 - m)."""
    a = tone.to(display)[..., None, None, None]
    once = display * (1 + a - a * display)
    return once * (1 + a - a * once)


def tone_slope(display: Tensor, tone: Tensor) -> Tensor:
    """Derivative of `tone_curve`."""
    a = tone.to(display)[..., None, None, None]
    bent = a * display
    gain = 1 + a - bent
    return (1 + a - 2 * a * (display * gain)) * (gain - bent)


# -- the way back ---------------------------------------------------------------------------------


def unrender(
    srgb: Tensor,
    camera: Camera,
    rendering: Rendering | None = None,
    transfer: Transfer = "rec709",
) -> Tensor:
    """A plausible RGGB mosaic (..., 1, H, W) in [0, 1] of a photograph (..., 3, H, W) in [0, 1].

    `render` with the same camera and rendering gives the photograph back, but for demosaicking,
    what the camera's gamut clips, and highlights, which stay saturated in every channel.
    """
    return mosaic_of(unrender_linear(srgb, camera, rendering or Rendering(), transfer))


def unrender_linear(
    srgb: Tensor, camera: Camera, rendering: Rendering, transfer: Transfer = "rec709"
) -> Tensor:
    """What `unrender` takes the mosaic of: camera RGB (..., 3, H, W), not white-balanced."""
    if srgb.dim() < 3 or srgb.shape[-3] != 3 or srgb.shape[-2] % 2 or srgb.shape[-1] % 2:
        got = "x".join(map(str, srgb.shape))
        raise ValueError(f"got a photograph of shape {got}; expected (..., 3, H, W), sides even")
    exposure, tone = (value.to(srgb) for value in rendering)
    srgb_linear = decode(untone_curve(srgb, tone), transfer) / exposure[..., None, None, None]
    linear = apply_matrix(srgb_linear, torch.inverse(camera.cam_to_srgb)).clamp(0, 1)
    return unbalance(linear, camera.white_balance).clamp(0, 1)


def untone_curve(display: Tensor, tone: Tensor) -> Tensor:
    """The inverse of `tone_curve` on [0, 1]."""
    a = tone.to(display)[..., None, None, None]
    return _untone_once(_untone_once(display, a), a)


def _untone_once(display: Tensor, a: Tensor) -> Tensor:
    """The root in [0, 1] of a m^2 - (1 + a) m + display = 0, in the form that bears a = 0."""
    return 2 * display / (1 + a + ((1 + a) ** 2 - 4 * a * display).clamp(min=0).sqrt())


def unbalance(linear: Tensor, gains: Tensor) -> Tensor:
    """Camera RGB before white balance; near white it stays saturated (Brooks et al. 2019, 3.4)."""
    inverse = 1 / gains.to(linear)[..., None, None]
    bright = ((linear.mean(-3, keepdim=True) - 0.9) / 0.1).clamp(0, 1) ** 2
    return linear * torch.maximum(bright + (1 - bright) * inverse, inverse)
