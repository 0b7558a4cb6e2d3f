"""The line of noise variance over signal that the blocks of scenes share.

A line is fitted to local variances over local means, as Foi et al. (2008) do. But no region is
declared flat: each block is noise plus texture of unknown strength, and expectation-maximisation
finds the line together with how common each strength is, so that texture neither tilts nor lifts
the line. What texture a block has at the finest detail is a second unknown, not above the first.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from pellucid.calibration.blocks import COEFFICIENTS, Blocks
from pellucid.calibration.noise_line import Sums
from pellucid.noise_laws import REAL_CAMERAS

TEXTURES = torch.expm1(0.2 * torch.arange(30, dtype=torch.float64))
"""Texture power over noise power, from none to 330; every block has one of these in its planes and
one in its finest detail. In coarser steps faint grain all over a picture has no place."""
ROUNDS = 100
LEAST, MOST = -2.0, 1.0
"""Read noise is believed so many scatters around the median of real cameras, and beyond with
doubt: dark texture looks like read noise, and scenes without darkness show none."""
MODEL_ERROR = 0.045
"""Of the variance: more blocks than tell it this well do not outweigh that doubt."""


class Line(NamedTuple):
    """Noise variance is shot * signal + read."""

    shot: Tensor
    read: Tensor


class _Posterior(NamedTuple):
    """How probable each texture is in each block."""

    each: Tensor
    """(N, 5, K)"""
    share: Tensor
    """(shots, K, K): how common they are in each shot, of the planes and of the finest detail."""


def fit(blocks: Blocks) -> Line:
    """The most likely line."""
    return _fit(blocks)[0]


def sums_of(blocks: Blocks) -> Sums:
    """What each block says of the line once its texture is taken off (N, 5)."""
    line, share = _fit(blocks)
    noise, texture = _variances(blocks, line)
    posterior = _posterior(blocks, noise + texture, share)
    weight, explained = _explained(blocks, noise + texture, texture, posterior)
    return Sums.of(blocks.signal, explained / weight, weight)


def _fit(blocks: Blocks) -> tuple[Line, Tensor]:
    line, share = _start(blocks), _allowed(blocks)
    for _ in range(ROUNDS):
        noise, texture = _variances(blocks, line)
        posterior = _posterior(blocks, noise + texture, share)
        line = _refit(blocks, noise + texture, texture, posterior, line)
        share = posterior.share
    return line, share


def _start(blocks: Blocks) -> Line:
    """A line through a low quantile of power over signal."""
    signal, power = blocks.signal[:, :4], blocks.power[:, :4]
    offset = 0.1 * signal.mean() + 1e-6
    shot = torch.quantile((power / (signal + offset)).mean(1), 0.2)
    return Line(shot, shot * offset)


def _allowed(blocks: Blocks) -> Tensor:
    """How common pairs of textures (shots, K, K) are at first: none at all, or any alike.

    Where all blocks and colours are alike, noise cannot be told from texture everywhere; the start
    then decides, and it is for noise.
    """
    pairs = torch.ones(len(TEXTURES), len(TEXTURES)).tril().to(blocks.power)
    pairs = pairs / pairs.sum()
    pairs[0, 0] += 1
    return (pairs / 2).repeat(int(blocks.shot.max()) + 1, 1, 1)


def _variances(blocks: Blocks, line: Line) -> tuple[Tensor, Tensor]:
    """Variance of noise (N, 5, 1) and of every candidate texture (N, 5, K)."""
    noise = line.shot * blocks.signal + line.read
    texture = noise[:, :4].mean(1, keepdim=True) * blocks.shape
    return noise[..., None], texture[..., None] * TEXTURES.to(texture)


def _posterior(blocks: Blocks, variance: Tensor, share: Tensor) -> _Posterior:
    """Probability of each texture given a block's detail, whose coefficients are normal.

    A block's two textures are a pair (j, l) of share[shot, j, l]; its planes depend on j alone and
    its finest detail on l alone, so that sums over pairs are matrix products.
    """
    misfit = blocks.power[..., None] / variance + variance.log()
    likely = -0.5 * COEFFICIENTS.to(misfit)[:, None] * misfit
    planes, finest = _relative(likely[:, :4].sum(1)), _relative(likely[:, 4])
    each = torch.empty_like(variance)
    shares: list[Tensor] = []
    for number, pairs in enumerate(share):
        mine = blocks.shot == number
        p, f = planes[mine], finest[mine]
        given = p @ pairs
        total = (given * f).sum(1, keepdim=True).clamp(min=1e-300)
        each[mine, :4] = (p * (f @ pairs.T) / total)[:, None]
        each[mine, 4] = given * f / total
        # A thousandth of a block: what no block is now may still come.
        found = pairs * ((p / total).T @ f) + 1e-3 * (pairs > 0)
        shares.append(found / found.sum())
    return _Posterior(each, torch.stack(shares))


def _relative(logarithm: Tensor) -> Tensor:
    return (logarithm - logarithm.amax(1, keepdim=True)).exp()


def _explained(
    blocks: Blocks, variance: Tensor, texture: Tensor, posterior: _Posterior
) -> tuple[Tensor, Tensor]:
    """Weight, and weight times noise variance, that each power stands for (N, 5)."""
    weight = COEFFICIENTS.to(variance)[:, None] / 2 * posterior.each / variance**2
    return weight.sum(2), (weight * (blocks.power[..., None] - texture)).sum(2)


def _refit(
    blocks: Blocks, variance: Tensor, texture: Tensor, posterior: _Posterior, line: Line
) -> Line:
    """One step of Fisher scoring: weighted least squares of power less texture on signal and 1."""
    weight, target = _explained(blocks, variance, texture, posterior)
    x, noise = blocks.signal, variance[..., 0]
    xx, x1, xy, y = (weight * x * x).sum(), (weight * x).sum(), (x * target).sum(), target.sum()
    belief, wanted = _believed_read(line, (weight * noise**2).sum())
    # A flat frame cannot tell shot from read; four powers' worth of belief in no read settles it.
    one, y = weight.sum() + 4 * weight.mean() + belief, y + belief * wanted
    # Solved together, then each given the other, so that whoever is held positive is made up for.
    read = _damped((xx * y - x1 * xy) / (xx * one - x1**2), line.read)
    shot = _damped((xy - x1 * read) / xx, line.shot)
    return Line(shot, _damped((y - x1 * shot) / one, line.read))


def _believed_read(line: Line, known: Tensor) -> tuple[Tensor, Tensor]:
    """Weight and value of what cameras in general say of read noise; none inside their range.

    `known` is what the blocks know of the variance's logarithm, as an inverse variance.
    """
    scatter = REAL_CAMERAS.scatter
    median = REAL_CAMERAS.slope * line.shot.log() + REAL_CAMERAS.intercept
    off = (line.read.log() - median) / scatter
    beyond = (off - off.clamp(LEAST, MOST)).clamp(-3, 3)
    outweighed = (known * MODEL_ERROR**2).clamp(min=1)
    weight = outweighed / (scatter * line.read) ** 2
    return weight * (beyond != 0), line.read * (1 - scatter * beyond)


def _damped(new: Tensor, old: Tensor) -> Tensor:
    """A step of at most a factor 3, which also keeps it positive."""
    return torch.where(new.isfinite(), new, old).clamp(old / 3, old * 3)
