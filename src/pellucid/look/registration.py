"""Where one picture lies in another of the same scene, whatever their tones: scale, crop, shear.

Both are compared by their luma after its local mean and contrast are removed, which takes away any
smooth tone curve. Scales are tried with correlations by FFT on small pictures; then all six numbers
of an affine map are refined from coarse to fine by robust least squares (Lucas and Kanade 1981;
Baker and Matthews 2004).
"""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from pellucid.look.align import luma
from pellucid.planes import local_mean

COARSE = 160
"""Longer side in pixels on which scales are tried."""
SCALES = torch.linspace(0.88, 1.16, 29)
"""Sizes of the reference that are tried, where 1 just fits the picture."""
LEAST = 2
"""Pixels of a side that has a slope."""
WINDOW = 9
"""Pixels over which mean and contrast are taken."""
STEPS = 12


class Place(NamedTuple):
    """Where a picture lies in a reference."""

    affine: Tensor
    """(2, 3), as `torch.nn.functional.affine_grid` takes it: reference = affine @ picture."""
    score: float
    """Correlation of the two where they overlap, 1 at best."""


def find_place(picture: Tensor, reference: Tensor, longest: int = 768) -> Place:
    """Place of a picture (3, H, W) in a reference (3, h, w), seen `longest` wide at most.

    And no wider than either is: texture that only one of them shows would count as a difference.
    What shows nothing, a plain picture or a line of pixels, is found nowhere: its score is 0.
    """
    if min(*picture.shape[-2:], *reference.shape[-2:]) < LEAST:
        return Place(torch.eye(2, 3), 0.0)
    longest = min(longest, *(max(each.shape[-2:]) for each in (picture, reference)))
    place = _coarse(picture, reference)
    size = COARSE
    while True:
        target, moving = _pair(picture, reference, size)
        place = _refined(target, moving, place.affine)
        if size >= longest:
            return place
        size = min(2 * size, longest)


def warp(
    reference: Tensor,
    affine: Tensor,
    height: int,
    width: int,
    mode: Literal["bilinear", "bicubic"] = "bilinear",
) -> tuple[Tensor, Tensor]:
    """The reference (C, h, w) as it lies on a picture (C, H, W), and where it has one (H, W)."""
    grid = F.affine_grid(affine[None], [1, 1, height, width], align_corners=False)
    warped = F.grid_sample(
        reference[None], grid, mode=mode, padding_mode="border", align_corners=False
    )
    return warped[0], (grid[0].abs() < 1).all(-1)


def shrink(picture: Tensor, height: int, width: int) -> Tensor:
    """A picture (C, H, W) averaged down to a size, or as it is where that is not smaller."""
    height, width = min(height, picture.shape[-2]), min(width, picture.shape[-1])
    if (height, width) == tuple(picture.shape[-2:]):
        return picture
    return F.interpolate(picture[None], (height, width), mode="area")[0]


def fitting(picture: Tensor, longest: int) -> tuple[int, int]:
    """Sides of a picture (..., H, W), brought down until the longer is at most `longest`."""
    height, width = picture.shape[-2:]
    scale = min(1.0, longest / max(height, width))
    return max(2, round(height * scale)), max(2, round(width * scale))


def _pair(picture: Tensor, reference: Tensor, longest: int) -> tuple[Tensor, Tensor]:
    """Both as flattened luma (1, h, w), with pixels of about the same size."""
    small = (shrink(each, *fitting(each, longest)) for each in (picture, reference))
    first, second = (_flat(luma(each)[None]) for each in small)
    return first, second


def _flat(values: Tensor) -> Tensor:
    """Values (1, h, w) without their local mean, over their local contrast."""
    values = values.clamp(min=0).sqrt()
    odd = values - _mean(values)
    contrast = _mean(odd.square())
    return odd / (contrast + 0.1 * contrast.mean() + 1e-6).sqrt()


def _mean(values: Tensor) -> Tensor:
    for _ in range(2):
        values = local_mean(values, WINDOW)
    return values


def _coarse(picture: Tensor, reference: Tensor) -> Place:
    """The best of some scales, each with the shift that correlates best."""
    target, moving = _pair(picture, reference, COARSE)
    ratio = _sides(moving) / _sides(target)
    spectrum = torch.fft.rfft2(target[0])
    best = Place(torch.zeros(2, 3), -1.0)
    for fit in {float(ratio.min()), float(ratio.max())}:
        for scale in SCALES:
            diagonal = fit / scale / ratio
            affine = torch.cat([torch.diag(diagonal), torch.zeros(2, 1)], dim=1)
            place = _shifted(target, spectrum, moving, affine)
            best = max(best, place, key=lambda found: found.score)
    return best


def _sides(picture: Tensor) -> Tensor:
    """Width and height."""
    return torch.tensor([picture.shape[-1], picture.shape[-2]], dtype=torch.float32)


def _shifted(target: Tensor, spectrum: Tensor, moving: Tensor, affine: Tensor) -> Place:
    """An affine map with the best shift of a quarter of the picture at most."""
    height, width = target.shape[-2:]
    warped, inside = warp(moving, affine, height, width)
    warped = warped[0] * inside
    product = torch.fft.irfft2(spectrum.conj() * torch.fft.rfft2(warped), s=(height, width))
    reach = torch.zeros_like(product)
    down, across = height // 4, width // 4
    for rows in (slice(0, down), slice(height - down, height)):
        for columns in (slice(0, across), slice(width - across, width)):
            reach[rows, columns] = 1
    peak = int((product * reach).argmax())
    shift = torch.tensor([peak % width, peak // width], dtype=torch.float32)
    sides = _sides(target)
    shift = torch.where(shift > sides / 2, shift - sides, shift) * 2 / sides
    moved = torch.cat([affine[:, :2], affine[:, :2] @ shift[:, None]], dim=1)
    return Place(moved, _score(target, moving, moved))


def _score(target: Tensor, moving: Tensor, affine: Tensor) -> float:
    """Correlation where both are seen, at least a quarter of the picture."""
    height, width = target.shape[-2:]
    warped, inside = warp(moving, affine, height, width)
    if inside.float().mean() < 0.25:
        return -1.0
    first, second = target[0][inside], warped[0][inside]
    return float((first * second).sum() / (first.norm() * second.norm()).clamp(min=1e-9))


def _refined(target: Tensor, moving: Tensor, affine: Tensor) -> Place:
    """Gauss-Newton in the six numbers; a step that correlates worse is not taken."""
    place = Place(affine, _score(target, moving, affine))
    for _ in range(STEPS):
        moved = place.affine + _step(target, moving, place.affine)
        score = _score(target, moving, moved)
        if not score > place.score:
            break
        place = Place(moved, score)
    return place


def _step(target: Tensor, moving: Tensor, affine: Tensor) -> Tensor:
    """Change of the affine map that brings the warped reference nearest, to first order.

    None of it where the pictures tell nothing of some number, as plain ones do.
    """
    height, width = target.shape[-2:]
    h, w = moving.shape[-2:]
    dy, dx = torch.gradient(moving[0])
    layers = torch.stack([moving[0], dx * w / 2, dy * h / 2])
    warped, inside = warp(layers, affine, height, width)
    gain = (warped[0] * target[0])[inside].sum() / warped[0][inside].square().sum().clamp(min=1e-9)
    missing = (target[0] - gain * warped[0])[inside]
    y = (torch.arange(height) + 0.5) * 2 / height - 1
    x = (torch.arange(width) + 0.5) * 2 / width - 1
    ones = torch.ones(height, width)
    places = torch.stack([x.expand(height, -1), y[:, None].expand(-1, width), ones])
    jacobian = (gain * warped[1:, None] * places[None]).flatten(0, 1)[:, inside]
    weight = 1 / (1 + (missing / (1.5 * missing.abs().median() + 1e-6)).square())
    products = (jacobian * weight) @ jacobian.T
    products += 1e-6 * products.trace() * torch.eye(6)
    change, failed = torch.linalg.solve_ex(products, (jacobian * weight) @ missing)
    return torch.zeros(2, 3) if failed else change.reshape(2, 3)
