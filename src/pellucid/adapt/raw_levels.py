"""The noise of a user's raws as their calmest blocks show it: all of it, rows and tails too.

What each file says of its noise, or what is estimated from it alone, is what a model will be told
of such files, right or wrong. A rule without a truth has to know better.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from pellucid.adapt.noise_texture import clips, smooth
from pellucid.bayer import pack
from pellucid.data.unpaired import Draw
from pellucid.raw import Noise
from pellucid.training.real_raws import RealRaws, Shot

SIDE = 96
"""Of the patches that are looked at, in pixels, and of those that are judged."""
LOOKS, LEAST_LOOKS = 1024, 48
"""Patches of all raws together, and of each at least: calm ones are rare."""
BLOCK, COARSE = 24, 8
"""Sites of one colour a side of a block, and of the means in which it shows what is no noise."""
PARTS, CALM = 8, 0.05
"""Brightnesses that are told apart, and the share of each one's blocks that are believed."""
FEWEST = 32
"""Blocks that make a line."""
ALIKE = 1.25
"""Ratio of neighbouring levels of shot noise, sorted, up to which raws count as of one ISO."""
OFF = 4.0
"""Factor by which what was told may be wrong; a line further off is not believed."""
STEPS = 4


def measured_noise(shots: Sequence[Shot], seed: int) -> list[Noise]:
    """Shot and read noise (3,) of each raw: one line for all whose told shot noise is alike.

    What the raws are told where their blocks say nothing.
    """
    result = [shot.noise for shot in shots]
    for group in groups(shots):
        line = line_of([shots[n] for n in group], seed)
        if line is not None:
            for n in group:
                result[n] = Noise(*(level.expand(3) for level in line))
    return result


def groups(shots: Sequence[Shot]) -> list[list[int]]:
    """Numbers of raws of one ISO each, by their told shot noise."""
    levels = [float(shot.noise.shot.mean()) for shot in shots]
    order = sorted(range(len(shots)), key=levels.__getitem__)
    found = [[order[0]]]
    for last, n in zip(order, order[1:], strict=False):
        if levels[n] > ALIKE * levels[last]:
            found.append([])
        found[-1].append(n)
    return found


def line_of(shots: Sequence[Shot], seed: int) -> Noise | None:
    """Shot and read noise of raws of one ISO; None where their blocks say nothing, or nonsense."""
    told = Noise(*(torch.stack([s.noise[i].mean() for s in shots]).median() for i in (0, 1)))
    blocks = torch.cat(
        [blocks_of(looks_at(shot, seed + n, len(shots))) for n, shot in enumerate(shots)]
    )
    if len(blocks) < FEWEST:
        return None
    odd = blocks - smooth(blocks)
    signal = blocks.mean((2, 3)).clamp(min=0)
    # Six numbers of each block went into what is smooth in it.
    power = odd.square().sum((2, 3)) / (BLOCK**2 - 6)
    coarse = F.avg_pool2d(odd, COARSE).square().mean((2, 3))
    order = (coarse / (told.shot * signal + told.read)).mean(1)
    believed: list[Tensor] = []
    for part in signal.mean(1).argsort().tensor_split(PARTS):
        believed.append(part[order[part].argsort()[: max(FEWEST // PARTS, int(CALM * len(part)))]])
    chosen = torch.cat(believed)
    line = weighted_line(signal[chosen].flatten(), power[chosen].flatten(), told)
    sane = all(float(old) / OFF < float(new) for old, new in zip(told, line, strict=True))
    return line if sane and float(line.shot) < OFF * float(told.shot) else None


def looks_at(shot: Shot, seed: int, count: int) -> Tensor:
    """Patches (N, 1, SIDE, SIDE) of one of `count` raws."""
    raws = RealRaws([shot])
    looks = range(max(LEAST_LOOKS, LOOKS // count))
    return torch.stack([raws.patch(SIDE, Draw(seed, "real", n)).mosaic for n in looks])


def blocks_of(patches: Tensor) -> Tensor:
    """Blocks (N, 4, BLOCK, BLOCK) of patches that do not clip."""
    planes = pack(patches).unfold(2, BLOCK, BLOCK).unfold(3, BLOCK, BLOCK)
    blocks = planes.permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
    return blocks[~clips(blocks)]


def weighted_line(signal: Tensor, power: Tensor, begun: Noise) -> Noise:
    """Least squares of variances on signals, each relative to what the line itself says."""
    line, ones = torch.stack(list(begun)), torch.ones_like(signal)
    for _ in range(STEPS):
        weight = 1 / (line[0] * signal + line[1].clamp(min=float(begun.read) / OFF))
        matrix = torch.stack([signal, ones], 1) * weight[:, None]
        line = torch.linalg.lstsq(matrix, (power * weight)[:, None]).solution[:, 0]
    return Noise(line[0], line[1])
