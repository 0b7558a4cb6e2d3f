"""The way of bright colours to white, of pictures whose highlights were rebuilt."""

import torch
from torch import Tensor

KNEE = 0.95
"""Highlights below this are left alone; from 1 on, the brightest channel is white."""
WHITE = 4.0
"""Two stops above display white every colour has become white."""
PALE = 0.35
"""How far below the brightest channel the darkest of a pale colour is at most, as a share of it."""


def roll_to_white(light: Tensor) -> Tensor:
    """Linear display RGB (..., 3, H, W) brought to at most 1, hue kept, whiter the brighter it was.

    Identity where no channel is above `KNEE`; a colour that gets brighter darkens in no channel.
    Pale colours are white from 1 on: their hue is little more than noise and the edge of clipping.
    """
    brightest = light.amax(-3, keepdim=True)
    high = brightest > KNEE
    if not bool(high.any()):
        return light
    brightest = brightest.clamp(min=KNEE)
    white = _whiteness(brightest, _colourfulness(light, brightest))
    share = light / brightest
    return torch.where(high, _rolled(brightest) * (share + white * (1 - share)), light)


def rolled_slope(light: Tensor) -> Tensor:
    """Derivative of each channel of `roll_to_white` by itself (..., 3, H, W)."""
    brightest = light.amax(-3, keepdim=True)
    if not bool((brightest > KNEE).any()):
        return torch.ones_like(light)
    v = brightest.clamp(min=KNEE)
    t, s = ((v - KNEE) / (1 - KNEE)).clamp(0, 1), _colourfulness(light, v)
    share = _rolled(v) * (1 - _whiteness(v, s)) / v
    # The darkest channel also says how colourful it all is.
    paler = (1 - _whiteness(v, torch.ones_like(s))) * t * t * (3 - 2 * t) * 6 * s * (1 - s)
    darkest = share + _rolled(v) * (1 - light / v) * paler / (PALE * v)
    slope = torch.where(light == light.amin(-3, keepdim=True), darkest, share)
    slope = torch.where(light == brightest, 1 + 2 * t - 3 * t**2, slope)
    return torch.where(brightest > KNEE, slope, 1.0)


def _rolled(brightest: Tensor) -> Tensor:
    """The brightest channel brought to at most 1."""
    t = ((brightest - KNEE) / (1 - KNEE)).clamp(0, 1)
    return KNEE + (1 - KNEE) * (t + t**2 - t**3)


def _colourfulness(light: Tensor, brightest: Tensor) -> Tensor:
    """0 for a grey, 1 from where a colour is no pale one."""
    return ((1 - light.amin(-3, keepdim=True) / brightest) / PALE).clamp(0, 1)


def _whiteness(brightest: Tensor, colourfulness: Tensor) -> Tensor:
    """Share of white that is mixed in."""
    t = ((brightest - KNEE) / (1 - KNEE)).clamp(0, 1)
    u = ((brightest - KNEE) / (WHITE - KNEE)).clamp(0, 1)
    begun = t * t * (3 - 2 * t)
    pale = 1 - colourfulness**2 * (3 - 2 * colourfulness)
    return 1 - (1 - begun * u * (2 - u)) * (1 - begun * pale)
