"""Noise from pictures alone: shot and read of a Poisson-Gaussian sensor (after Foi et al. 2008).

As there, a line is fitted to local variances over local means. But no region is declared flat: each
block is noise plus texture of unknown strength, and expectation-maximisation finds the line
together with how common each strength is, so that texture neither tilts nor lifts the line.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from pellucid.bayer import pack
from pellucid.calibration.noise_line import FLOOR, Sums
from pellucid.errors import PellucidError
from pellucid.raw import Noise

SIDE = 8
"""Side of a block in a packed plane."""
FIRST_DETAIL = 2
"""First of a block's `SIDE` frequencies, along both axes, that is detail: scenes are weak there."""
BLOCKS = 4096
"""More blocks than this change the estimate by less than the model's own error."""
TEXTURES = torch.expm1(0.35 * torch.arange(20, dtype=torch.float64))
"""Texture power over noise power, from none to 770; every block has one of these."""
ROUNDS = 60
BLOCKS_OF_ALL = 8192
"""Of several shots together."""
CLEANEST = 0.6
"""Share of the shots, but two at least, that the line of several is fitted to. Grain and texture
only ever add to noise, and some scenes are full of them."""


class _Blocks(NamedTuple):
    """What the fit knows of each block and plane (N, 4)."""

    signal: Tensor
    power: Tensor
    """Mean square of the detail coefficients: noise variance plus texture."""
    shape: Tensor
    """Texture power of the planes relative to their mean."""
    shot: Tensor
    """(N,): number of the photograph that a block is of."""


class _Line(NamedTuple):
    shot: Tensor
    read: Tensor


class _Prior(NamedTuple):
    """How common textures are in each shot: none has its own share, a geometric law the others.

    The two are not tied, because flat blocks may be rarer than faintly textured ones: a law that
    falls from none on puts sigma 17 % off on Kodak24 at shot 2e-4, where this one is 8 % off.
    Each shot has its own, so that grain all over one of them does not lift the line of all.
    """

    flat: Tensor
    decay: Tensor


class _Fit(NamedTuple):
    """A line and how each block was explained by it."""

    line: _Line
    prior: _Prior


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
    planes = _unclipped(_some_blocks(mosaic, BLOCKS))
    shot, read = _fit(_measure(planes, _whose([planes]))).line if len(planes) else FLOOR
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
    seen = [_unclipped(_some_blocks(shot, most)) for shot in shots]
    unlit = [_unclipped(_some_blocks(dark, BLOCKS // 4)) for dark in darks]
    planes = [part for part in (*_cleanest(seen), *unlit) if len(part)]
    if not planes:
        raise PellucidError("the shots are clipped or constant everywhere; expected some detail")
    shot = _whose(planes)
    blocks = _measure(torch.cat(planes), shot)
    line, prior = _fit(blocks)
    noise, texture = _variances(blocks, line)
    weight = _posterior(blocks, noise + texture, prior)[:, None] / (noise + texture) ** 2
    explained = (weight * (blocks.power[..., None] - texture)).sum(2)
    weight = weight.sum(2)
    return Sums.of(blocks.signal, explained / weight, weight), shot


def _cleanest(planes: list[Tensor]) -> list[Tensor]:
    """Blocks of the shots whose own lines are lowest."""
    told = [part for part in planes if len(part)]
    kept = min(len(told), max(2, round(CLEANEST * len(told))))
    return sorted(told, key=_height)[:kept] if kept < len(told) else told


def _height(planes: Tensor) -> float:
    """Mean logarithm of a shot's own variance from a hundredth to a half of white."""
    shot, read = _fit(_measure(planes, _whose([planes]))).line
    signal = torch.logspace(-2, -0.3, 16, dtype=shot.dtype)
    return float((shot * signal + read).log().mean())


def _whose(planes: list[Tensor]) -> Tensor:
    """Number of each block's shot."""
    return torch.cat([torch.full((len(part),), number) for number, part in enumerate(planes)])


def _some_blocks(mosaic: Tensor, most: int) -> Tensor:
    """At most about so many packed blocks (N, 4, SIDE, SIDE), on a regular grid."""
    span = 2 * SIDE
    height, width = mosaic.shape[-2:]
    if min(height, width) < span:
        return mosaic.new_empty(0, 4, SIDE, SIDE)
    stride = span * max(1, math.ceil(math.sqrt((height // span) * (width // span) / most)))
    windows = mosaic[0].unfold(0, span, stride).unfold(1, span, stride)
    # Double: the fit squares variances, and 1e-10 to the fourth is beyond float32.
    return pack(windows.reshape(-1, 1, span, span)).double()


def _unclipped(planes: Tensor) -> Tensor:
    """The blocks that no clipping touches; if there are none, those that are merely finite."""
    planes = planes[planes.isfinite().flatten(1).all(1)]
    if not len(planes):
        return planes
    # Cameras also clip below 1 and at black: there one value repeats, which noise hardly does.
    lowest, highest = planes.amin((0, 2, 3), keepdim=True), planes.amax((0, 2, 3), keepdim=True)
    pinned = ((planes == lowest) | (planes == highest)).double().mean((2, 3)).amax(1) > 1 / 16
    constant = (planes.amax((2, 3)) == planes.amin((2, 3))).any(1)
    kept = planes[~(pinned | constant | (planes >= 1).flatten(1).any(1))]
    return kept if len(kept) else planes


def _measure(planes: Tensor, shot: Tensor) -> _Blocks:
    """Signal, detail power and texture shape of packed blocks (N, 4, SIDE, SIDE)."""
    signal = planes.mean((2, 3)).clamp(min=0)
    cosines = _detail_cosines(planes)
    power = (cosines @ planes @ cosines.T).square().mean((2, 3))
    # Texture is a contrast, so its power goes with the signal squared: a textured block whose
    # planes differ in level must not tilt the line. The offset leaves some to dark planes.
    texture = (signal + 0.1 * signal.mean() + 1e-6) ** 2
    shape = texture / texture.mean(1, keepdim=True)
    return _Blocks(signal, power.clamp(min=1e-14), shape, shot.to(signal.device))


def _detail_cosines(like: Tensor) -> Tensor:
    """The orthonormal cosines (frequency, SIDE) of detail; white noise keeps its variance."""
    frequency = torch.arange(FIRST_DETAIL, SIDE, dtype=like.dtype, device=like.device)
    place = torch.arange(SIDE, dtype=like.dtype, device=like.device) + 0.5
    return math.sqrt(2 / SIDE) * torch.cos(math.pi / SIDE * frequency[:, None] * place)


def _fit(blocks: _Blocks) -> _Fit:
    """Line of noise variance over signal, by expectation-maximisation over the textures."""
    line = _start(blocks)
    some = line.shot.new_full((int(blocks.shot.max()) + 1,), 0.3)
    prior = _Prior(some, some)
    for _ in range(ROUNDS):
        noise, texture = _variances(blocks, line)
        posterior = _posterior(blocks, noise + texture, prior)
        line = _refit(blocks, noise + texture, texture, posterior, line)
        prior = _reprior(posterior, blocks.shot)
    return _Fit(line, prior)


def _start(blocks: _Blocks) -> _Line:
    """A line through a low quantile of power over signal."""
    offset = 0.1 * blocks.signal.mean() + 1e-6
    shot = torch.quantile((blocks.power / (blocks.signal + offset)).mean(1), 0.2)
    return _Line(shot, shot * offset)


def _variances(blocks: _Blocks, line: _Line) -> tuple[Tensor, Tensor]:
    """Variance of noise (N, 4, 1) and of every candidate texture (N, 4, K)."""
    noise = line.shot * blocks.signal + line.read
    texture = noise.mean(1, keepdim=True) * blocks.shape
    return noise[..., None], texture[..., None] * TEXTURES.to(texture)


def _posterior(blocks: _Blocks, variance: Tensor, prior: _Prior) -> Tensor:
    """Probability (N, K) of each texture given a block's detail, whose coefficients are normal."""
    coefficients = (SIDE - FIRST_DETAIL) ** 2
    misfit = (blocks.power[..., None] / variance + variance.log()).sum(1)
    step = torch.arange(len(TEXTURES) - 1, dtype=variance.dtype, device=variance.device)
    flat, decay = prior.flat[:, None], prior.decay[:, None]
    textured = torch.log1p(-flat) + (-decay * step).log_softmax(1)
    belief = torch.cat([flat.log(), textured], 1)[blocks.shot]
    return (belief - coefficients / 2 * misfit).softmax(1)


def _reprior(posterior: Tensor, shot: Tensor) -> _Prior:
    """The most likely prior of each shot's posteriors."""
    blocks = shot.bincount()
    share = posterior.new_zeros(len(blocks), posterior.shape[1]).index_add(0, shot, posterior)
    share = share / blocks.clamp(min=1)[:, None]
    flat = share[:, 0].clamp(1e-3, 1 - 1e-3)
    beyond = (share[:, 1:] * torch.arange(share.shape[1] - 1).to(share)).sum(1) / (1 - flat)
    return _Prior(flat, torch.log1p(1 / beyond.clamp(min=1e-3)))


def _refit(
    blocks: _Blocks, variance: Tensor, texture: Tensor, posterior: Tensor, line: _Line
) -> _Line:
    """One step of Fisher scoring: weighted least squares of power less texture on signal and 1."""
    weight = posterior[:, None] / variance**2
    target = (weight * (blocks.power[..., None] - texture)).sum(2)
    weight, x = weight.sum(2), blocks.signal
    xx, x1, xy, y = (weight * x * x).sum(), (weight * x).sum(), (x * target).sum(), target.sum()
    # A flat frame cannot tell shot from read; four planes' worth of belief in no read settles it.
    one = weight.sum() + 4 * weight.mean()
    # Solved together, then each given the other, so that whoever is held positive is made up for.
    read = _damped((xx * y - x1 * xy) / (xx * one - x1**2), line.read)
    shot = _damped((xy - x1 * read) / xx, line.shot)
    return _Line(shot, _damped((y - x1 * shot) / one, line.read))


def _damped(new: Tensor, old: Tensor) -> Tensor:
    """A step of at most a factor 3, which also keeps it positive."""
    return torch.where(new.isfinite(), new, old).clamp(old / 3, old * 3)
