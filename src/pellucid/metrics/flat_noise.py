"""Noise that is left where a picture is flat."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import math

import torch
import torch.nn.functional as F
from torch import Tensor

BLOCK = 8
_SHARE = 0.1
_SMOOTH = 5


def flat_noise(picture: Tensor, reference: Tensor) -> float:
    """Standard deviation in 8-bit levels of a picture (3, H, W), after its slope is removed.

    The median over the tenth of 8x8 blocks that are flattest in the `reference`, smoothed: the
    truth, or what was given, so that all models are judged at the same places. Not a number for
    pictures smaller than two blocks.
    """
    if min(picture.shape[-2:]) < 2 * BLOCK:
        return math.nan
    smooth = F.avg_pool2d(reference.double()[None], _SMOOTH, 1, _SMOOTH // 2)[0]
    bumps = _blocks(smooth).var(-1).mean(0)
    flattest = bumps.argsort()[: max(1, round(_SHARE * len(bumps)))]
    kept = _blocks(picture.double())[:, flattest]
    return 255 * _beside_slope(kept).square().mean(-1).sqrt().mean(0).median().item()


def _blocks(picture: Tensor) -> Tensor:
    """(3, blocks, 64)"""
    rows = picture.unfold(-2, BLOCK, BLOCK).unfold(-2, BLOCK, BLOCK)
    return rows.reshape(picture.shape[0], -1, BLOCK * BLOCK)


def _beside_slope(blocks: Tensor) -> Tensor:
    """What a plane does not explain, larger by what it took from 64 pixels."""
    place = torch.arange(BLOCK, dtype=torch.float64).repeat(BLOCK)
    plane = torch.stack(
        (torch.ones(BLOCK**2, dtype=torch.float64), place, place.view(BLOCK, BLOCK).T.flatten()), 1
    )
    base = torch.linalg.qr(plane).Q
    return (blocks - blocks @ base @ base.T) * math.sqrt(BLOCK**2 / (BLOCK**2 - 3))
