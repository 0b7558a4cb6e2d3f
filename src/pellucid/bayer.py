"""Bayer mosaics: packing, phases, and padding from a sensor's phase to RGGB (Liu et al. 2019)."""

from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from pellucid.planes import shuffle, unshuffle

Phase = Literal["RGGB", "GRBG", "GBRG", "BGGR"]

PHASES: tuple[Phase, ...] = ("RGGB", "GRBG", "GBRG", "BGGR")
"""The four phases; number 2 * row + column of the red site is the index."""


class Padding(NamedTuple):
    """Rows and columns added around a mosaic, in the order of `torch.nn.functional.pad`."""

    left: int = 0
    right: int = 0
    top: int = 0
    bottom: int = 0


def red_offset(phase: Phase) -> tuple[int, int]:
    """Row and column of the first red site."""
    return divmod(PHASES.index(phase), 2)


def pack(mosaic: Tensor) -> Tensor:
    """Planes R, G1, G2, B (..., 4, H/2, W/2) of an RGGB mosaic (..., 1, H, W)."""
    height, width = mosaic.shape[-2:]
    if mosaic.shape[-3] != 1 or height % 2 or width % 2:
        raise ValueError(
            f"mosaic has {mosaic.shape[-3]} channels of {height}x{width} pixels; "
            "it must have 1 channel and even sides"
        )
    return unshuffle(mosaic, 2)


def unpack(planes: Tensor) -> Tensor:
    """RGGB mosaic (..., 1, H, W) of planes (..., 4, H/2, W/2)."""
    return shuffle(planes, 2)


def mosaic_of(picture: Tensor) -> Tensor:
    """RGGB mosaic (..., 1, H, W) that a sensor would take of a picture (..., 3, H, W)."""
    sites = torch.unflatten(unshuffle(picture, 2), -3, (3, 4))
    planes = [sites[..., channel, site, :, :] for site, channel in enumerate((0, 1, 1, 2))]
    return unpack(torch.stack(planes, dim=-3))


def rggb_padding(phase: Phase, height: int, width: int) -> Padding:
    """The padding that brings a mosaic to RGGB with even sides."""
    top, left = red_offset(phase)
    return Padding(left, (width + left) % 2, top, (height + top) % 2)


def pad(mosaic: Tensor, padding: Padding) -> Tensor:
    """Mosaic with mirrored borders; the edge itself is not repeated, so the phase holds."""
    if not any(padding):
        return mosaic
    height, width = mosaic.shape[-2:]
    if max(padding.top, padding.bottom) >= height or max(padding.left, padding.right) >= width:
        raise ValueError(f"mosaic of {height}x{width} pixels is too small to mirror {max(padding)}")
    padded = F.pad(mosaic.reshape(-1, 1, height, width), tuple(padding), mode="reflect")
    return padded.reshape(*mosaic.shape[:-2], *padded.shape[-2:])


def unpad(picture: Tensor, padding: Padding) -> Tensor:
    """The inverse of `pad`, for pictures and mosaics alike."""
    left, right, top, bottom = padding
    height, width = picture.shape[-2:]
    return picture[..., top : height - bottom, left : width - right]


def per_site(values: Tensor) -> Tensor:
    """Values (..., 3) for R, G, B or (..., 4) for R, G1, G2, B as (..., 4, 1, 1) beside planes."""
    if values.shape[-1] not in (3, 4):
        raise ValueError(
            f"got {values.shape[-1]} values per picture; expected 3 (R, G, B) or 4 (R, G1, G2, B)"
        )
    return (values[..., [0, 1, 1, 2]] if values.shape[-1] == 3 else values)[..., None, None]
