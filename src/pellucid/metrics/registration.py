"""Restored pictures laid upon truths that were taken by another exposure."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from pellucid.errors import PellucidError

Alignment = Literal["none", "shift", "homography"]
_MOST = 5  # pixels, of Levin's search
_PARTS = 4  # of a pixel
_GREY = (0.299, 0.587, 0.114)
_ROUNDS = 100
_ENOUGH = 1e-7  # of the correlation


class Aligned(NamedTuple):
    """A pair that can be compared."""

    restored: Tensor
    truth: Tensor
    mask: Tensor | None


def aligned(restored: Tensor, truth: Tensor, alignment: Alignment, border: int) -> Aligned:
    """Pictures (C, H, W) laid upon each other, without so many pixels of `border`."""
    match alignment:
        case "shift":
            return shifted(restored, truth, border)
        case "homography":
            return _uncut(warped(restored, truth), border)
        case _:
            return _uncut(Aligned(restored, truth, None), border)


def _uncut(pair: Aligned, border: int) -> Aligned:
    height, width = pair.truth.shape[-2:]
    inside = slice(border, height - border), slice(border, width - border)
    mask = None if pair.mask is None else pair.mask[inside]
    return Aligned(pair.restored[:, *inside], pair.truth[:, *inside], mask)


# -- shifts ----------------------------------------------------------------------------------------


def shifted(restored: Tensor, truth: Tensor, border: int) -> Aligned:
    """The shift of least squared error, up to 5 pixels in quarters of one (Levin et al. 2009).

    Between pixels the picture is interpolated linearly. `border` must be 6 pixels or more.
    """
    if border <= _MOST:
        raise PellucidError(f"the border is {border}; expected {_MOST + 1} or more to find a shift")
    height, width = truth.shape[-2:]
    inner = truth[:, border : height - border, border : width - border].double()
    if min(inner.shape[-2:]) < 1:
        raise PellucidError(f"the picture is {height}x{width}; expected more than {2 * border}")
    best, found = float("inf"), inner
    for y in range(_PARTS):
        for x in range(_PARTS):
            # One more on the near side: a fraction of a pixel is subtracted from whole ones.
            moved = _between(restored.double(), y / _PARTS, x / _PARTS)
            start = border - _MOST
            window = moved[
                :,
                start : height - border + _MOST,
                start : width - border + _MOST,
            ]
            errors = _errors(window, inner)
            place = int(errors.argmin().item())
            if errors.flatten()[place].item() < best:
                best = errors.flatten()[place].item()
                top, left = divmod(place, errors.shape[-1])
                found = window[:, top : top + inner.shape[-2], left : left + inner.shape[-1]]
    return Aligned(found, inner, None)


def _between(picture: Tensor, y: float, x: float) -> Tensor:
    """The picture at so much below and right of each pixel."""
    below = (1 - y) * picture[:, :-1] + y * picture[:, 1:]
    return (1 - x) * below[..., :-1] + x * below[..., 1:]


def _errors(window: Tensor, inner: Tensor) -> Tensor:
    """Summed squared error of the inner picture at every place in the window."""
    seen, wanted = torch.fft.rfft2(window), torch.fft.rfft2(inner, s=window.shape[-2:])
    steps = [w - i + 1 for w, i in zip(window.shape[-2:], inner.shape[-2:], strict=True)]
    product = torch.fft.irfft2(seen * wanted.conj(), s=window.shape[-2:]).sum(0)
    product = product[: steps[0], : steps[1]]
    sums = F.pad(window.square().sum(0).cumsum(0).cumsum(1), (1, 0, 1, 0))
    top, left = (slice(0, step) for step in steps)
    bottom, right = (
        slice(side, side + step) for side, step in zip(inner.shape[1:], steps, strict=True)
    )
    squares = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return squares - 2 * product + inner.square().sum()


# -- homographies ----------------------------------------------------------------------------------


def warped(restored: Tensor, truth: Tensor) -> Aligned:
    """RealBlur's alignment (Rim et al. 2020): brightness scaled, warped, outside masked."""
    restored, truth = restored.double(), truth.double()
    scaled = restored * (restored * truth).sum() / restored.square().sum().clamp(min=1e-12)
    # Of bytes, OpenCV finds the warp on pictures smoothed by 5x5 pixels.
    warp = homography(_smooth(_grey(scaled)), _smooth(_grey(truth)))
    moved, mask = sampled(scaled, warp)
    return Aligned(moved * mask, truth * mask, mask)


def homography(picture: Tensor, template: Tensor) -> Tensor:
    """Matrix (3, 3), pixels of the template to those of the picture, both (1, H, W).

    By the enhanced correlation coefficient (Evangelidis and Psarakis 2008).
    """
    warp, before = torch.eye(3, dtype=torch.float64), -1.0
    slopes = torch.cat(torch.gradient(picture[0])[::-1]).view(2, *picture.shape[-2:])
    for _ in range(_ROUNDS):
        moved, mask = sampled(torch.cat((picture, slopes)), warp)
        inside = mask.flatten() > 0
        seen, wanted = (
            p.flatten()[inside] - p.flatten()[inside].mean() for p in (moved[0], template[0])
        )
        now = (seen @ wanted / (seen.norm() * wanted.norm()).clamp(min=1e-12)).item()
        if now - before < _ENOUGH:
            break
        before = now
        jacobian = _jacobian(moved[1:], warp).flatten(1).T[inside]
        warp = warp + _step(jacobian, seen, wanted)
    return warp


def _step(jacobian: Tensor, seen: Tensor, wanted: Tensor) -> Tensor:
    """What is added to the warp: eq. 21 of the paper."""
    hessian = jacobian.T @ jacobian + 1e-9 * torch.eye(8, dtype=torch.float64)
    seen_part, wanted_part = jacobian.T @ seen, jacobian.T @ wanted
    solved = torch.linalg.solve(hessian, seen_part)
    share = (seen @ seen - seen_part @ solved) / (seen @ wanted - wanted_part @ solved)
    step = torch.linalg.solve(hessian, jacobian.T @ (share * wanted - seen))
    return torch.cat((step, step.new_zeros(1))).view(3, 3)


def _jacobian(slopes: Tensor, warp: Tensor) -> Tensor:
    """Change (8, H, W) of the warped picture with each entry of the matrix but the last."""
    place = _pixels(*slopes.shape[-2:])
    seen = torch.einsum("ij,jhw->ihw", warp, place)
    x, y = seen[0] / seen[2], seen[1] / seen[2]
    across, down = slopes[0] / seen[2], slopes[1] / seen[2]
    along = -(across * x + down * y)
    return torch.cat((across * place, down * place, along * place[:2]))


def sampled(picture: Tensor, warp: Tensor) -> tuple[Tensor, Tensor]:
    """The picture (C, H, W) where the warp sends each pixel, and a mask of what was inside."""
    height, width = picture.shape[-2:]
    seen = torch.einsum("ij,jhw->ihw", warp, _pixels(height, width))
    x, y = seen[0] / seen[2], seen[1] / seen[2]
    mask = (x > -0.5) & (x < width - 0.5) & (y > -0.5) & (y < height - 0.5)
    grid = torch.stack((2 * x / max(1, width - 1) - 1, 2 * y / max(1, height - 1) - 1), -1)
    moved = F.grid_sample(picture[None], grid[None], padding_mode="border", align_corners=True)
    return moved[0], mask.double()


def _pixels(height: int, width: int) -> Tensor:
    """Homogeneous x, y, 1 of every pixel, (3, H, W)."""
    y, x = torch.meshgrid(
        torch.arange(height, dtype=torch.float64),
        torch.arange(width, dtype=torch.float64),
        indexing="ij",
    )
    return torch.stack((x, y, torch.ones_like(x)))


def _grey(picture: Tensor) -> Tensor:
    return (picture.new_tensor(_GREY)[:, None, None] * picture).sum(0, keepdim=True)


def _smooth(grey: Tensor) -> Tensor:
    place = torch.arange(-2, 3, dtype=torch.float64)
    weights = (-place.square() / (2 * 1.1**2)).exp()
    weights = weights / weights.sum()
    padded = F.pad(grey[None], (2,) * 4, mode="reflect")
    return F.conv2d(F.conv2d(padded, weights.view(1, 1, 5, 1)), weights.view(1, 1, 1, 5))[0]
