"""SwinIR (Liang et al. 2021): attention in windows, which every other block shifts by half.

Inside, pictures are (B, H, W, C), so that layer norm and linear layers act on them as they are;
seen as (B, C, H, W) the same memory is channels-last, which convolutions like best.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pellucid.errors import NetworkError
from pellucid.networks.unet import fit
from pellucid.records import refuse_below


@dataclass(frozen=True)
class SwinIRConfig:
    """Shape of a `SwinIR`; the defaults are those of the published denoisers."""

    kind: Literal["swinir"] = "swinir"
    width: int = 180
    """Features, a multiple of `heads`."""
    depths: tuple[int, ...] = (6, 6, 6, 6, 6, 6)
    """Blocks in each group."""
    heads: int = 6
    window: int = 8
    """Side of a window in pixels."""
    expansion: float = 2.0
    """Features between the two layers of a block's perceptron, in widths."""
    drop_path: float = 0.0
    """Chance in training that the last block is left out; the published training used 0.1."""
    embed: bool = True
    """Without the first and the last convolution, as in DualDn, inputs and outputs are features."""
    mean: tuple[float, ...] = ()
    """Taken off each input first; the published RGB weights need (0.4488, 0.4371, 0.4040)."""

    def __post_init__(self) -> None:
        """Check the sizes."""
        refuse_below(self, 1, "width", "heads", "window")


class SwinIR(nn.Module):
    """Picture (B, inputs, H, W) to what must be added to it (B, outputs, H, W).

    Sides are padded to the window inside and cropped again. The heads must divide the width: the
    published DualDn, with 6 and 64, loads, but `forward` raises ValueError.
    """

    def __init__(self, config: SwinIRConfig, inputs: int, outputs: int) -> None:
        """Raises ValueError if a mean or, without `embed`, the width does not fit the inputs."""
        super().__init__()
        self.config = config
        width = config.width
        if not config.embed and (inputs, outputs) != (width, width):
            raise ValueError(
                f"got {inputs} inputs and {outputs} outputs; without embedding both are the "
                f"width, {width}"
            )
        if config.mean and len(config.mean) != inputs:
            raise ValueError(f"got {len(config.mean)} means for {inputs} inputs; expected as many")
        rates = iter(rising(config.drop_path, sum(config.depths)))
        self.conv_first = nn.Conv2d(inputs, width, 3, padding=1) if config.embed else None
        self.patch_embed = named(norm=nn.LayerNorm(width))
        self.layers = nn.Sequential(
            *(Group(config, [next(rates) for _ in range(depth)]) for depth in config.depths)
        )
        self.norm = nn.LayerNorm(width)
        self.conv_after_body = nn.Conv2d(width, width, 3, padding=1)
        self.conv_last = nn.Conv2d(width, outputs, 3, padding=1) if config.embed else None
        self.to(memory_format=torch.channels_last)

    @property
    def stride(self) -> int:
        """Shifts of the picture by multiples of this shift the result."""
        return self.config.window

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
        window, ends = self.config.window, int(self.config.embed)
        low, high = pixel - ends - 1, pixel + ends + 1
        for depth in reversed(self.config.depths):
            low, high = low - 1, high + 1
            for i in reversed(range(depth)):
                low, high = whole_windows(low, high, window, offset(i, window))
        return low - ends, high + ends

    def forward(self, x: Tensor) -> Tensor:
        """The difference; of any size."""
        height, width = x.shape[-2:]
        x = fit(x, self.stride).contiguous(memory_format=torch.channels_last)
        if self.config.mean:
            x = x - x.new_tensor(self.config.mean)[:, None, None]
        if self.conv_first is not None:
            x = self.conv_first(x)
        deep = self.norm(self.layers(self.patch_embed(x.permute(0, 2, 3, 1))))
        x = x + self.conv_after_body(deep.permute(0, 3, 1, 2))
        if self.conv_last is not None:
            x = self.conv_last(x)
        return x[..., :height, :width]


class Group(nn.Module):
    """Blocks and a convolution around which their input is added, on (B, H, W, C)."""

    def __init__(self, config: SwinIRConfig, rates: list[float]) -> None:
        """One block for each of `rates`, the chances that it is left out."""
        super().__init__()
        width, hidden = config.width, int(config.expansion * config.width)
        blocks = [
            AttentionBlock(
                width,
                WindowAttention(
                    width,
                    config.heads,
                    config.window,
                    offset(i, config.window),
                    nn.Linear(width, 3 * width),
                ),
                named(fc1=nn.Linear(width, hidden), act=nn.GELU(), fc2=nn.Linear(hidden, width)),
                rate,
            )
            for i, rate in enumerate(rates)
        ]
        self.residual_group = named(blocks=nn.Sequential(*blocks))
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same shape."""
        deep = self.residual_group(x).permute(0, 3, 1, 2)
        return x + self.conv(deep).permute(0, 2, 3, 1)


class AttentionBlock(nn.Module):
    """Attention, then a perceptron, each normalised before and added after, on (B, H, W, C)."""

    def __init__(self, width: int, attn: nn.Module, mlp: nn.Module, rate: float) -> None:
        """`rate` is the chance in training that a picture passes by either."""
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(width), attn
        self.norm2, self.mlp = nn.LayerNorm(width), mlp
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same shape."""
        x = x + self._drop(self.attended(self.norm1(x)))
        return x + self._drop(self.mlp(self.norm2(x)))

    def attended(self, x: Tensor) -> Tensor:
        """What attention makes of normalised features."""
        return self.attn(x)

    def _drop(self, branch: Tensor) -> Tensor:
        """Stochastic depth (Huang et al. 2016)."""
        if not self.training or self.rate == 0:
            return branch
        kept = branch.new_empty(len(branch), 1, 1, 1).bernoulli_(1 - self.rate)
        return branch * kept / (1 - self.rate)


class WindowAttention(nn.Module):
    """Each pixel of (B, H, W, C) attends to those of its window (Liu et al. 2021, eq. 4)."""

    relative_position_index: Tensor

    def __init__(self, width: int, heads: int, window: int, shift: int, qkv: nn.Module) -> None:
        """`qkv` makes queries, keys and values (B, H, W, 3C); the windows begin at `shift`."""
        super().__init__()
        self.heads, self.window, self.shift = heads, window, shift
        self.relative_position_bias_table = nn.Parameter(
            nn.init.trunc_normal_(torch.empty((2 * window - 1) ** 2, heads), std=0.02)
        )
        self.register_buffer("relative_position_index", differences(window), persistent=False)
        self.qkv = qkv
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same shape; raises ValueError if the heads do not divide C."""
        batch, height, width, features = x.shape
        if features % self.heads:
            raise NetworkError(f"{self.heads} heads do not divide width {features}")
        rows, columns, side = height // self.window, width // self.window, self.window
        shifts = (-self.shift, -self.shift)
        mixed = self.qkv(x).roll(shifts, (1, 2)) if self.shift else self.qkv(x)
        windows = mixed.reshape(batch, rows, side, columns, side, 3, self.heads, -1)
        windows = windows.permute(5, 1, 3, 0, 6, 2, 4, 7).reshape(
            3, rows * columns, batch, self.heads, side * side, -1
        )
        seen = self._attend(windows)
        if self.shift:
            border, apart = seam(rows, columns, side, self.shift, x.device)
            seen = seen.index_copy(0, border, self._attend(windows[:, border], apart))
        seen = seen.reshape(rows, columns, batch, self.heads, side, side, -1)
        seen = seen.permute(2, 0, 4, 1, 5, 3, 6).reshape(batch, height, width, features)
        return self.proj(seen.roll((self.shift, self.shift), (1, 2)) if self.shift else seen)

    def _attend(self, windows: Tensor, apart: Tensor | None = None) -> Tensor:
        """Values (n, B, heads, N, C/heads) that n windows of queries, keys and values agree on.

        No pixel sees another where `apart` (n, N, N) says so.
        """
        batch = windows.shape[2]
        bias = self.relative_position_bias_table[self.relative_position_index]
        # Four dimensions, or torch takes its slow path.
        bias = bias.permute(2, 0, 1)[None]
        if apart is not None:
            bias = bias.masked_fill(apart[:, None], float("-inf")).repeat_interleave(batch, 0)
        queries, keys, values = windows.flatten(1, 2).unbind()
        seen = F.scaled_dot_product_attention(queries, keys, values, bias.to(queries))
        return torch.unflatten(seen, 0, (-1, batch))


def differences(window: int) -> Tensor:
    """Which entry of the bias table belongs to each two pixels of a window (N, N)."""
    places = torch.cartesian_prod(torch.arange(window), torch.arange(window))
    row, column = (places[:, None] - places[None] + window - 1).unbind(-1)
    return row * (2 * window - 1) + column


def seam(
    rows: int, columns: int, window: int, shift: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Windows (n,) that a roll fills from opposite edges, and whether two pixels are (n, N, N).

    They are the last ones of each row and column; what comes from opposite edges must not meet.
    """
    right = torch.arange(rows - 1, device=device) * columns + columns - 1
    border = torch.cat([right, torch.arange(columns, device=device) + (rows - 1) * columns])
    wrapped = torch.arange(window, device=device) >= window - shift
    lowest, last = border >= (rows - 1) * columns, border % columns == columns - 1
    part = 2 * (lowest[:, None, None] & wrapped[:, None]) + (last[:, None, None] & wrapped)
    part = part.flatten(1)
    return border, part[:, :, None] != part[:, None]


def offset(block: int, window: int) -> int:
    """Where the windows of a block begin: every other one is shifted by half."""
    return block % 2 * (window // 2)


def whole_windows(low: int, high: int, window: int, start: int) -> tuple[int, int]:
    """First and last pixel of the windows that hold `low` to `high`; one begins at `start`."""
    low, high = (low - start) // window * window, ((high - start) // window + 1) * window - 1
    return low + start, high + start


def rising(last: float, count: int) -> list[float]:
    """`count` numbers from 0 to `last` in even steps."""
    return [last * i / max(count - 1, 1) for i in range(count)]


def named(**layers: nn.Module) -> nn.Sequential:
    """Layers one after another, each under its name."""
    return nn.Sequential(OrderedDict(layers))
