"""Noise from pictures alone: shot and read of a Poisson-Gaussian sensor."""

from collections.abc import Iterable

import torch
from torch import Tensor

from pellucid.calibration.block_fit import fit, sums_of
from pellucid.calibration.blocks import measure, some_blocks, unclipped
from pellucid.calibration.noise_line import FLOOR, Sums
from pellucid.errors import PellucidError
from pellucid.raw import Noise

BLOCKS = 4096
"""More blocks than this change the estimate by less than the model's own error."""
BLOCKS_OF_ALL = 8192
"""Of several shots together."""
CLEANEST = 0.6
"""Share of the shots, but two at least, that the line of several is fitted to. Grain and texture
only ever add to noise, and some scenes are full of them."""


def estimate_noise(mosaic: Tensor) -> Noise:
    """Shot and read noise, two scalars for all sites, of one noisy RGGB mosaic (1, H, W).

    White is 1, black 0, values below black kept. Wherever the picture says nothing (constant, all
    saturated, under 16 pixels) the result is `FLOOR`. Raises `ValueError` for odd sides.
    """
    if mosaic.dim() != 3 or mosaic.shape[0] != 1:
        raise ValueError(f"mosaic has shape {tuple(mosaic.shape)}; expected (1, H, W)")
    if mosaic.shape[1] % 2 or mosaic.shape[2] % 2:
        pixels = f"{mosaic.shape[1]}x{mosaic.shape[2]} pixels"
        raise ValueError(f"mosaic has {pixels}; both sides must be even")
    planes = unclipped(some_blocks(mosaic, BLOCKS))
    shot, read = fit(measure([planes])) if len(planes) else FLOOR
    lowest = (value.to(mosaic) for value in FLOOR)
    return Noise(*map(torch.maximum, (shot.to(mosaic), read.to(mosaic)), lowest))


def block_sums(
    shots: Iterable[Tensor], count: int, darks: Iterable[Tensor] = ()
) -> tuple[Sums, Tensor]:
    """What the blocks of `count` shots at one ISO say of their common line, and whose they are.

    Each mosaic is (1, H, W), as for `estimate_noise`; only `CLEANEST` of the shots are believed.
    Raises PellucidError where all shots together say nothing.
    """
    most = max(BLOCKS_OF_ALL // count, 256)
    seen = [unclipped(some_blocks(shot, most)) for shot in shots]
    unlit = [unclipped(some_blocks(dark, BLOCKS // 4)) for dark in darks]
    planes = [part for part in (*_cleanest(seen), *unlit) if len(part)]
    if not planes:
        raise PellucidError("the shots are clipped or constant everywhere; expected some detail")
    blocks = measure(planes)
    return sums_of(blocks), blocks.shot


def _cleanest(planes: list[Tensor]) -> list[Tensor]:
    """Blocks of the shots whose own lines are lowest."""
    told = [part for part in planes if len(part)]
    kept = min(len(told), max(2, round(CLEANEST * len(told))))
    return sorted(told, key=_height)[:kept] if kept < len(told) else told


def _height(planes: Tensor) -> float:
    """Mean logarithm of a shot's own variance from a hundredth to a half of white."""
    shot, read = fit(measure([planes]))
    signal = torch.logspace(-2, -0.3, 16, dtype=shot.dtype)
    return float((shot * signal + read).log().mean())
