"""Uformer (Wang et al. 2022): a U-Net of blocks that attend in windows and mix with neighbours.

By default the version without modulators that Noise-DA (Liao et al. 2025) comes with, which
interpolates on the way up; the authors' own has modulators and transposed convolutions.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from pellucid.networks.swinir import (
    AttentionBlock,
    WindowAttention,
    named,
    offset,
    rising,
    whole_windows,
)
from pellucid.networks.unet import fit
from pellucid.records import refuse_below


@dataclass(frozen=True)
class UformerConfig:
    """Shape of a `Uformer`; the defaults are the published ones.

    `depths` and `heads` hold a number for each stage: down, at the bottom, and up again.
    """

    kind: Literal["uformer"] = "uformer"
    width: int = 32
    """Features at full resolution; each level down has twice as many."""
    depths: tuple[int, ...] = (2, 2, 2, 2, 2, 2, 2, 2, 2)
    """Blocks in each stage."""
    heads: tuple[int, ...] = (1, 2, 4, 8, 16, 16, 8, 4, 2)
    window: int = 8
    """Side of a window, in pixels of the level."""
    expansion: float = 4.0
    """Features inside the feed-forward network of a block, in widths."""
    drop_path: float = 0.0
    """Chance in training that a bottom block is left out; the published training used 0.1."""
    shift_bottom: bool = False
    """Shift windows at the bottom too. Built for 128x128 pixels, one window there, the published
    net shifts none, whatever it is given later."""
    modulators: bool = False
    """Add a learned number to each feature at each place of a window, on the way up (section 3.3).
    """
    transposed: bool = False
    """Go up by transposed convolutions, as the authors do; Noise-DA interpolates and convolves."""

    def __post_init__(self) -> None:
        """Check the sizes."""
        refuse_below(self, 1, "width", "heads", "window")


class Uformer(nn.Module):
    """Picture (B, inputs, H, W) to what must be added to it (B, outputs, H, W).

    Sides are padded to the stride inside and cropped again. Noise-DA's own net returns the same:
    its caller adds the picture.
    """

    def __init__(self, config: UformerConfig, inputs: int, outputs: int) -> None:
        """Raises ValueError unless the stages are odd in number, and as many for the heads."""
        super().__init__()
        self.config = config
        stages, levels = len(config.depths), len(config.depths) // 2
        if stages % 2 == 0 or stages != len(config.heads):
            raise ValueError(
                f"got {stages} depths and {len(config.heads)} heads; expected the same odd number"
            )
        widths = [config.width * 2**level for level in range(levels + 1)]
        first = nn.Conv2d(inputs, widths[0], 3, padding=1)
        self.input_proj = named(proj=nn.Sequential(first, nn.LeakyReLU()))
        for i, (fine, coarse) in enumerate(zip(widths, widths[1:], strict=False)):
            self.add_module(f"encoderlayer_{i}", Stage(config, i, fine))
            # The missing letter is theirs, and in every checkpoint.
            self.add_module(f"dowsample_{i}", down(fine, coarse))
        self.conv = Stage(config, levels, widths[-1])
        below = widths[-1]
        for i, fine in enumerate(reversed(widths[:-1])):
            self.add_module(f"upsample_{i}", up(below, fine, config.transposed))
            below = 2 * fine
            self.add_module(f"decoderlayer_{i}", Stage(config, levels + 1 + i, below))
        self.output_proj = named(proj=nn.Sequential(nn.Conv2d(below, outputs, 3, padding=1)))
        self.to(memory_format=torch.channels_last)

    @property
    def levels(self) -> int:
        """Halvings of the resolution."""
        return len(self.config.depths) // 2

    @property
    def stride(self) -> int:
        """Shifts of the picture by multiples of this shift the result: a window at the bottom."""
        return self.config.window * 2**self.levels

    @property
    def halo(self) -> int:
        """How far a pixel of the result sees, up to a whole stride."""
        reach = max(
            max(start - low, high - start)
            for start in range(self.stride)
            for low, high in [self.sees(start)]
        )
        return -(-reach // self.stride) * self.stride

    def sees(self, pixel: int) -> tuple[int, int]:
        """First and last pixel of a row that one of the result sees, layer after layer back."""
        window, depths = self.config.window, self.config.depths
        low, high = pixel - 1, pixel + 1
        skipped: list[tuple[int, int]] = []
        for depth in reversed(depths[self.levels + 1 :]):
            low, high = stage_seen(low, high, depth, window)
            skipped.append((low, high))
            low, high = (low - 2) // 2, (high + 2) // 2
        low, high = stage_seen(low, high, depths[self.levels], window, self.config.shift_bottom)
        for depth in reversed(depths[: self.levels]):
            beside = skipped.pop()
            low, high = min(2 * low - 1, beside[0]), max(2 * high + 2, beside[1])
            low, high = stage_seen(low, high, depth, window)
        return low - 1, high + 1

    def forward(self, x: Tensor) -> Tensor:
        """The difference; of any size."""
        height, width = x.shape[-2:]
        x = fit(x, self.stride).contiguous(memory_format=torch.channels_last)
        x = self.input_proj(x)
        kept: list[Tensor] = []
        for i in range(self.levels):
            kept.append(self.get_submodule(f"encoderlayer_{i}")(x))
            x = self.get_submodule(f"dowsample_{i}")(kept[-1])
        x = self.conv(x)
        for i in range(self.levels):
            x = torch.cat([self.get_submodule(f"upsample_{i}")(x), kept.pop()], dim=1)
            x = self.get_submodule(f"decoderlayer_{i}")(x)
        return self.output_proj(x)[..., :height, :width]


class Stage(nn.Module):
    """LeWin blocks (section 3.2) of one resolution."""

    def __init__(self, config: UformerConfig, stage: int, width: int) -> None:
        super().__init__()
        levels, window = len(config.depths) // 2, config.window
        shifts = config.shift_bottom or stage != levels
        block = ModulatedBlock if config.modulators and stage > levels else AttentionBlock
        blocks = [
            block(
                width,
                WindowAttention(
                    width,
                    config.heads[stage],
                    window,
                    offset(i, window) if shifts else 0,
                    QueryKeyValue(width),
                ),
                FeedForward(width, int(config.expansion * width)),
                rate,
            )
            for i, rate in enumerate(drop_rates(config, stage))
        ]
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same shape (B, C, H, W), whose sides the window divides."""
        return self.blocks(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ModulatedBlock(AttentionBlock):
    """A block that adds to the features at each place of a window what it has learned for it."""

    def __init__(self, width: int, attn: WindowAttention, mlp: nn.Module, rate: float) -> None:
        super().__init__(width, attn, mlp, rate)
        self.window, self.shift = attn.window, attn.shift
        self.modulator = nn.Embedding(attn.window**2, width)

    def attended(self, x: Tensor) -> Tensor:
        """What attention makes of normalised features."""
        places = torch.unflatten(self.modulator.weight, 0, (self.window, self.window))
        places = places.roll((self.shift, self.shift), (0, 1))
        return self.attn(x + places.repeat(*(n // self.window for n in x.shape[1:3]), 1))


class QueryKeyValue(nn.Module):
    """Queries, keys and values (B, H, W, 3C) of features (B, H, W, C)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.to_q = nn.Linear(width, width)
        self.to_kv = nn.Linear(width, 2 * width)

    def forward(self, x: Tensor) -> Tensor:
        """The three after one another."""
        return torch.cat([self.to_q(x), self.to_kv(x)], dim=-1)


class FeedForward(nn.Module):
    """LeFF (section 3.2): a perceptron that looks at the neighbours half-way, on (B, H, W, C)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        depthwise = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.linear1 = nn.Sequential(nn.Linear(width, hidden), nn.GELU())
        self.dwconv = nn.Sequential(depthwise, nn.GELU())
        self.linear2 = nn.Sequential(nn.Linear(hidden, width))

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same shape."""
        mixed = self.dwconv(self.linear1(x).permute(0, 3, 1, 2))
        return self.linear2(mixed.permute(0, 2, 3, 1))


def drop_rates(config: UformerConfig, stage: int) -> list[float]:
    """Chances that each block of a stage is left out: rising on the way down, falling up again."""
    depths, bottom = config.depths, len(config.depths) // 2
    down, up = sum(depths[:bottom]), sum(depths[bottom + 1 :])
    rates = rising(config.drop_path, down) + [config.drop_path] * depths[bottom]
    rates += reversed(rising(config.drop_path, up))
    return rates[sum(depths[:stage]) : sum(depths[: stage + 1])]


def stage_seen(
    low: int, high: int, depth: int, window: int, shifts: bool = True
) -> tuple[int, int]:
    """First and last pixel that those from `low` to `high` of a stage's result see before it."""
    for i in reversed(range(depth)):
        start = offset(i, window) if shifts else 0
        low, high = whole_windows(low - 1, high + 1, window, start)
    return low, high


def down(inputs: int, outputs: int) -> nn.Sequential:
    """Half the resolution, under the published name."""
    return named(conv=nn.Sequential(nn.Conv2d(inputs, outputs, 4, 2, padding=1)))


def up(inputs: int, outputs: int, transposed: bool) -> nn.Sequential:
    """Twice the resolution, bilinear unless `transposed`, under the published name."""
    if transposed:
        return named(deconv=nn.Sequential(nn.ConvTranspose2d(inputs, outputs, 2, 2)))
    larger = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
    return named(deconv=nn.Sequential(larger, nn.Conv2d(inputs, outputs, 3, padding=1)))
