"""Colour: transfer curves and their inverses, white points, XYZ, and camera matrices."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from pellucid.choices import OutputProfile

Transfer = Literal["rec709", "gamma2.2", "srgb", "linear"]
Illuminant = Literal["D65", "D50"]

# IEC 61966-2-1; the D50 one is Lindbloom's Bradford-adapted sRGB, as DualDn uses it.
SRGB_TO_XYZ: dict[Illuminant, tuple[tuple[float, float, float], ...]] = {
    "D65": (
        (0.4124564, 0.3575761, 0.1804375),
        (0.2126729, 0.7151522, 0.0721750),
        (0.0193339, 0.1191920, 0.9503041),
    ),
    "D50": (
        (0.4360747, 0.3850649, 0.1430804),
        (0.2225045, 0.7168786, 0.0606169),
        (0.0139322, 0.0971045, 0.7141733),
    ),
}

SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
PRIMARIES: dict[OutputProfile, tuple[tuple[float, float], ...]] = {
    "srgb": SRGB,
    "display-p3": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),  # SMPTE EG 432-1
    "rec2020": ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),  # ITU-R BT.2020
    "linear": SRGB,
}
"""Chromaticities x, y of red, green and blue; white is D65."""
WIDE = frozenset({"display-p3", "rec2020"})
"""Profiles that hold colours outside sRGB."""
PROFILE_CURVES: dict[OutputProfile, Transfer] = {
    "srgb": "srgb",
    "display-p3": "srgb",
    "rec2020": "rec709",
    "linear": "linear",
}


def primaries_to_xyz(
    chromaticities: Sequence[tuple[float, float]], white: tuple[float, float] = (0.3127, 0.3290)
) -> Tensor:
    """Matrix (3, 3) to XYZ of chromaticities of red, green, blue that add to white (RP 177)."""
    x, y = torch.tensor([*chromaticities, white], dtype=torch.float64).unbind(1)
    lights = torch.stack([x / y, torch.ones_like(x), (1 - x - y) / y])
    return lights[:, :3] * (torch.inverse(lights[:, :3]) @ lights[:, 3])


def to_profile(srgb: Tensor, profile: OutputProfile) -> Tensor:
    """sRGB display values (..., 3, H, W) as display values of a profile.

    Values outside [0, 1] are colours outside sRGB; those outside the profile's gamut stay outside.
    """
    if profile == "srgb":
        return srgb
    linear = decode(srgb.abs(), "srgb") * srgb.sign()
    ours, theirs = (primaries_to_xyz(PRIMARIES[name]) for name in ("srgb", profile))
    light = apply_matrix(linear, (torch.inverse(theirs) @ ours).to(linear))
    return encode(light.abs(), PROFILE_CURVES[profile]) * light.sign()


def apply_matrix(picture: Tensor, matrix: Tensor) -> Tensor:
    """Picture (..., 3, H, W) with every pixel multiplied by its matrix (..., 3, 3)."""
    return torch.einsum("...ij,...jhw->...ihw", matrix, picture)


def normalise_rows(matrix: Tensor) -> Tensor:
    """Matrix whose rows sum to 1, so that grey stays grey."""
    return matrix / matrix.sum(-1, keepdim=True)


def cam_to_srgb(xyz_to_cam: Tensor) -> Tensor:
    """Balanced camera RGB to linear sRGB (..., 3, 3), dcraw's way: normalise, then invert."""
    srgb_to_xyz = xyz_to_cam.new_tensor(SRGB_TO_XYZ["D65"])
    return torch.inverse(normalise_rows(xyz_to_cam @ srgb_to_xyz))


def encode(linear: Tensor, transfer: Transfer) -> Tensor:
    """Display values of linear light; monotone and finite in its gradient everywhere."""
    # The bounds lie below the knees: on its bound, clamp passes no gradient.
    match transfer:
        case "rec709":
            return torch.where(
                linear < 0.018, 4.5 * linear, 1.099 * linear.clamp(min=0.01) ** 0.45 - 0.099
            )
        case "srgb":
            high = 1.055 * linear.clamp(min=0.002) ** (1 / 2.4) - 0.055
            return torch.where(linear < 0.0031308, 12.92 * linear, high)
        case "gamma2.2":
            return linear.clamp(min=1e-8) ** (1 / 2.2)
        case "linear":
            return linear


def encode_slope(linear: Tensor, transfer: Transfer, display: Tensor | None = None) -> Tensor:
    """Derivative of `encode`, in less time where its result is given."""
    v = encode(linear, transfer) if display is None else display
    match transfer:
        case "rec709":
            return 0.45 * (v.clamp(min=0.081) + 0.099) / linear.clamp(min=0.018)
        case "srgb":
            high = (v + 0.055) / (2.4 * linear.clamp(min=0.0031308))
            return torch.where(linear < 0.0031308, 12.92, high)
        case "gamma2.2":
            return v / (2.2 * linear.clamp(min=1e-8))
        case "linear":
            return torch.ones_like(linear)


def decode(display: Tensor, transfer: Transfer) -> Tensor:
    """Linear light of display values, the inverse of `encode`."""
    match transfer:
        case "rec709":
            high = ((display.clamp(min=0.05) + 0.099) / 1.099) ** (1 / 0.45)
            return torch.where(display < 0.081, display / 4.5, high)
        case "srgb":
            high = ((display.clamp(min=0.03) + 0.055) / 1.055) ** 2.4
            return torch.where(display < 0.04045, display / 12.92, high)
        case "gamma2.2":
            return display.clamp(min=0) ** 2.2
        case "linear":
            return display
