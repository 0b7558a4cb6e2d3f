"""Colour difference as an eye sees it: CIEDE2000 (Sharma, Wu and Dalal 2005) of sRGB pictures."""

import math

import torch
from torch import Tensor

# sRGB's primaries and white, IEC 61966-2-1; a grey's XYZ is its level times the row sums.
_TO_XYZ = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
_WHITE = (0.95047, 1.0, 1.08883)


def ciede2000(picture: Tensor, truth: Tensor, mask: Tensor | None = None) -> float:
    """Mean difference of sRGB pictures (3, H, W) in [0, 1]; 1 is just noticed."""
    difference: Tensor = lab_difference(srgb_to_lab(truth), srgb_to_lab(picture))
    if mask is None:
        return difference.mean().item()
    return ((difference * mask).mean() / mask.double().mean()).item()


def srgb_to_lab(picture: Tensor) -> Tensor:
    """CIELAB (3, H, W) under D65."""
    values = picture.double()
    linear = torch.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    xyz = torch.einsum("ij,jhw->ihw", linear.new_tensor(_TO_XYZ), linear)
    share = xyz / linear.new_tensor(_WHITE)[:, None, None]
    x, y, z = torch.where(share > 0.008856, share.clamp(min=0) ** (1 / 3), 7.787 * share + 16 / 116)
    return torch.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)))


def lab_difference(one: Tensor, other: Tensor) -> Tensor:
    """CIEDE2000 (H, W) of CIELAB pictures, all weights 1; the letters are the paper's."""
    chroma = (torch.hypot(one[1], one[2]) + torch.hypot(other[1], other[2])) / 2
    stretch = 1 + 0.5 * (1 - (chroma**7 / (chroma**7 + 25**7)).sqrt())
    l1, c1, h1 = _polar(one, stretch)
    l2, c2, h2 = _polar(other, stretch)
    grey = c1 * c2 == 0
    turn = (h2 - h1 + math.pi) % (2 * math.pi) - math.pi
    # Half a turn apart, the paper goes up.
    turn = torch.where(turn == -math.pi, -turn, turn).where(~grey, 0)
    d_h = 2 * (c1 * c2).sqrt() * (turn / 2).sin()
    light, c = (l1 + l2) / 2, (c1 + c2) / 2
    h = torch.where(grey, h1 + h2, h1 + turn / 2)
    t = (
        1
        - 0.17 * (h - math.radians(30)).cos()
        + 0.24 * (2 * h).cos()
        + 0.32 * (3 * h + math.radians(6)).cos()
        - 0.20 * (4 * h - math.radians(63)).cos()
    )
    s_l = 1 + 0.015 * (light - 50) ** 2 / (20 + (light - 50) ** 2).sqrt()
    s_c, s_h = 1 + 0.045 * c, 1 + 0.015 * c * t
    around = ((h % (2 * math.pi)).rad2deg() - 275) / 25
    r_t = (
        -(2 * math.radians(30) * (-around.square()).exp()).sin()
        * 2
        * (c**7 / (c**7 + 25**7)).sqrt()
    )
    lightness, colour, hue = (l2 - l1) / s_l, (c2 - c1) / s_c, d_h / s_h
    return (lightness**2 + colour**2 + hue**2 + r_t * colour * hue).clamp(min=0).sqrt()


def _polar(lab: Tensor, stretch: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Lightness, chroma and hue in radians from 0, with a stretched by the mean chroma."""
    a, b = stretch * lab[1], lab[2]
    hue = torch.atan2(b, a) % (2 * math.pi)
    return lab[0], torch.hypot(a, b), torch.where((a == 0) & (b == 0), 0, hue)
