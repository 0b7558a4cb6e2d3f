"""Structural similarity (Wang et al. 2004) with the windows that protocols ask for; MS-SSIM."""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Window = Literal["gaussian", "uniform", "padded", "volume", "mirrored"]
"""`gaussian`: 11x11, sigma 1.5, inside the picture, as the paper's program. `uniform`: 7x7 with the
sample covariance, scikit-image's default. `padded`: the Gaussian with the edges repeated, MATLAB's
`ssim` of a grey picture. `volume`: MATLAB's `ssim` of an RGB array, which it takes for a solid.
`mirrored`: the Gaussian with the edges mirrored, torchmetrics' own."""
WINDOW_WORDS: dict[Window, str] = {
    "gaussian": "11x11 Gaussian windows (sigma 1.5) inside the picture",
    "uniform": "7x7 even windows inside the picture, sample covariance",
    "padded": "11x11 Gaussian windows (sigma 1.5), edges repeated",
    "volume": "11x11x11 Gaussian windows (sigma 1.5) across colours, edges repeated",
    "mirrored": "11x11 Gaussian windows (sigma 1.5), edges mirrored (torchmetrics)",
}
SMALLEST = 11
"""Side of the window, so of the smallest picture."""
_SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_RADIUS = 5


def ssim(
    picture: Tensor, truth: Tensor, window: Window = "gaussian", mask: Tensor | None = None
) -> float:
    """Mean similarity of pictures (C, H, W) in [0, 1]; `mask` (H, W) weighs the windows."""
    similar = luminance_and_structure(picture, truth, window)
    both = similar[0] * similar[1]
    if mask is None:
        return both.mean().item()
    lost = [(m - s) // 2 for m, s in zip(mask.shape[-2:], both.shape[-2:], strict=True)]
    weight = mask[lost[0] : mask.shape[-2] - lost[0], lost[1] : mask.shape[-1] - lost[1]]
    return ((both * weight).mean() / weight.double().mean()).item()


def luminance_and_structure(a: Tensor, b: Tensor, window: Window) -> tuple[Tensor, Tensor]:
    """The two factors of the similarity at each place (eq. 13 of the paper)."""
    a, b = a.double(), b.double()
    c1, c2 = 0.01**2, 0.03**2
    mean_a, mean_b = _averaged(a, window), _averaged(b, window)
    # An even window's sample covariance has 49 / 48 of the population's.
    share = 49 / 48 if window == "uniform" else 1
    var_a, var_b, both = (
        share * (_averaged(p * q, window) - m * n)
        for p, q, m, n in (
            (a, a, mean_a, mean_a),
            (b, b, mean_b, mean_b),
            (a, b, mean_a, mean_b),
        )
    )
    light = (2 * mean_a * mean_b + c1) / (mean_a.square() + mean_b.square() + c1)
    return light, (2 * both + c2) / (var_a + var_b + c2)


def _averaged(picture: Tensor, window: Window) -> Tensor:
    if window == "uniform":
        return F.avg_pool2d(picture, 7, 1)
    pads = {"gaussian": (0,) * 6, "volume": (5,) * 6}.get(window, (5, 5, 5, 5, 0, 0))
    edges = "reflect" if window == "mirrored" else "replicate"
    volume = F.pad(picture[None, None], pads, mode=edges)[0, 0]
    for axis in (0, 1, 2) if window == "volume" else (1, 2):
        volume = _along(volume, axis)
    return volume


def _along(volume: Tensor, axis: int) -> Tensor:
    """Averaged along one axis: shifted sums, for torch convolves doubles slowly."""
    length = volume.shape[axis] - 2 * _RADIUS
    weights = [weight.item() for weight in _gaussian()]
    total = weights[0] * volume.narrow(axis, 0, length)
    for start, weight in enumerate(weights[1:], 1):
        total.add_(volume.narrow(axis, start, length), alpha=weight)
    return total


def _gaussian() -> Tensor:
    place = torch.arange(-_RADIUS, _RADIUS + 1, dtype=torch.float64)
    weights = (-place.square() / (2 * 1.5**2)).exp()
    return weights / weights.sum()


def ms_ssim(picture: Tensor, truth: Tensor) -> float:
    """Similarity over five scales (Wang et al. 2003); not a number for sides below 176 pixels."""
    if min(picture.shape[-2:]) < SMALLEST * 2 ** (len(_SCALES) - 1):
        return math.nan
    pair, product = [picture.double(), truth.double()], 1.0
    for number, weight in enumerate(_SCALES, 1):
        light, structure = luminance_and_structure(pair[0], pair[1], "gaussian")
        last = number == len(_SCALES)
        mean = (light * structure if last else structure).mean((-2, -1)).clamp(min=0)
        product = product * mean**weight
        pair = [F.avg_pool2d(p, 2) for p in pair]
    assert isinstance(product, Tensor)
    return product.mean().item()
