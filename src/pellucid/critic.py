"""The critic: a diffusion model that predicts noise with restored pictures as conditions.

Noise-DA's (Liao et al. 2025), which is the U-Net of Palette (Saharia et al. 2022) after Dhariwal
and Nichol (2021), made of diffusers' parts. Only training needs it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
from diffusers.models.unets.unet_2d import UNet2DModel
from torch import Tensor, nn

from pellucid.errors import NetworkError
from pellucid.planes import shuffle, unshuffle


@dataclass(frozen=True)
class CriticConfig:
    """Shape of a `Critic`; all defaults are the published ones, for two pictures as conditions."""

    channels: int = 3
    """Of the picture whose noise is predicted."""
    conditions: int = 6
    """Channels of all conditions together."""
    width: int = 64
    """Features at the finest resolution."""
    multipliers: tuple[int, ...] = (1, 2, 4, 8)
    """Features at each resolution, finest first, in widths."""
    blocks: int = 2
    """Residual blocks at each resolution."""
    attention: tuple[int, ...] = ()
    """Resolutions with attention after every block, 0 the finest; the coarsest always has one in
    its middle."""
    head_width: int = 32
    """Features of each head of attention."""
    dropout: float = 0.2
    shuffle: int = 1
    """Pixels per side that share one pixel of the planes inside: 2 takes a quarter of the time."""
    start: Literal["published", "torch"] = "published"
    """Law of fresh weights: the published one is torch's times 2.4, without biases, and slower. The
    small critic's error, with shuffle 2, is 0.35 with it after 100 steps, 0.19 with torch's."""
    checkpointing: bool = False
    """Activations are computed again for the gradient: less memory, more time."""

    @classmethod
    def small(cls, channels: int = 3, conditions: int = 6) -> "CriticConfig":
        """For small machines."""
        return cls(channels, conditions, 32, (1, 2, 3), blocks=1, dropout=0.0, start="torch")

    def build(self) -> "Critic":
        """The critic, with fresh weights."""
        return Critic(self)


class Critic(nn.Module):
    """Noise (B, channels, H, W) in a picture, judged with conditions beside it."""

    def __init__(self, config: CriticConfig) -> None:
        super().__init__()
        self.config = config
        self.net = _unet(config)
        if config.start == "published":
            start_as_published(self.net)

    @property
    def stride(self) -> int:
        """Sides of pictures must be multiples of this."""
        return self.config.shuffle * 2 ** (len(self.config.multipliers) - 1)

    def forward(self, noisy: Tensor, conditions: Tensor, level: Tensor) -> Tensor:
        """Noise in `noisy` at levels gamma (B,); `conditions` are (B, conditions, H, W).

        Raises NetworkError for sides that the stride does not divide.
        """
        height, width = noisy.shape[-2:]
        if height % self.stride or width % self.stride:
            raise NetworkError(
                f"picture has {height}x{width} pixels; sides must be multiples of {self.stride}"
            )
        planes = unshuffle(torch.cat([noisy, conditions], 1), self.config.shuffle)
        # Group norm of channels-last planes is slower on a CPU, and wrong in the second digit where
        # a mean is 60 standard deviations: torch 2.14 takes it from sums of squares in float32.
        planes = planes.contiguous()
        (noise,) = self.net(planes, level, return_dict=False)
        return shuffle(noise, self.config.shuffle)


def _unet(config: CriticConfig) -> UNet2DModel:
    """Resampled by residual blocks; the level scales and shifts what the norms give."""
    planes, resolutions = config.shuffle**2, range(len(config.multipliers))
    with_attention = [i in config.attention for i in resolutions]
    net = UNet2DModel(
        in_channels=planes * (config.channels + config.conditions),
        out_channels=planes * config.channels,
        block_out_channels=tuple(config.width * m for m in config.multipliers),
        layers_per_block=config.blocks,
        down_block_types=tuple(_block(attends, "Down") for attends in with_attention),
        up_block_types=tuple(_block(attends, "Up") for attends in reversed(with_attention)),
        downsample_type="resnet",
        upsample_type="resnet",
        attention_head_dim=config.head_width,
        attn_norm_num_groups=32,
        resnet_time_scale_shift="scale_shift",
        dropout=config.dropout,
    )
    if config.checkpointing:
        cast(Any, net).enable_gradient_checkpointing()
    return net


def _block(attends: bool, way: Literal["Down", "Up"]) -> str:
    """Name that diffusers has for a resolution's blocks."""
    return f"Attn{way}Block2D" if attends else f"Resnet{way}sampleBlock2D"


def start_as_published(net: nn.Module) -> None:
    """Draw all weights anew as Noise-DA does (He et al. 2015), the last layer's as well."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def from_published(weights: Mapping[str, Tensor], config: CriticConfig) -> dict[str, Tensor]:
    """State of a `Critic` from published weights, without their prefix `denoise_fn.`.

    Raises NetworkError for a name that is no part of such a critic.
    """
    table, state = dict(published_modules(config)), dict[str, Tensor]()
    for name, weight in weights.items():
        module, _, leaf = name.rpartition(".")
        if module not in table:
            raise NetworkError(f"{name} is no part of this critic")
        ours = table[module]
        # The published attention is made of convolutions along a line.
        parts = weight.squeeze(-1) if weight.ndim == 3 else weight
        shares = _of_heads(parts, config.head_width) if len(ours) == 3 else [parts]
        state |= {f"net.{one}.{leaf}": w for one, w in zip(ours, shares, strict=True)}
    return state


def to_published(state: Mapping[str, Tensor], config: CriticConfig) -> dict[str, Tensor]:
    """Weights of a `Critic` under the published names, in the published order."""
    weights: dict[str, Tensor] = {}
    for module, ours in published_modules(config):
        for leaf in ("weight", "bias"):
            shares = [state[f"net.{n}.{leaf}"] for n in ours if f"net.{n}.{leaf}" in state]
            if not shares:
                continue
            joined = _in_heads(shares, config.head_width) if len(shares) == 3 else shares[0]
            along_line = ".to_" in ours[0] and leaf == "weight"
            weights[f"{module}.{leaf}"] = joined[..., None] if along_line else joined
    return weights


def _of_heads(joined: Tensor, head_width: int) -> list[Tensor]:
    """Queries, keys and values of all heads, from (query, key, value) of each head in turn."""
    each = joined.reshape(-1, 3, head_width, *joined.shape[1:])
    return [part.flatten(0, 1) for part in each.unbind(1)]


def _in_heads(parts: list[Tensor], head_width: int) -> Tensor:
    """The inverse of `_of_heads`."""
    each = [part.reshape(-1, head_width, *part.shape[1:]) for part in parts]
    return torch.stack(each, 1).flatten(0, 2)


_RESNET = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}


def published_modules(config: CriticConfig) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Published modules with weights, and the one of ours, or three for queries, keys, values.

    Resnets that keep their width have no shortcut, which is listed all the same.
    """
    yield "cond_embed.0", ("time_embedding.linear_1",)
    yield "cond_embed.2", ("time_embedding.linear_2",)
    yield "input_blocks.0.0", ("conv_in",)
    yield from _down(config)
    yield from _resnet("middle_block.0", "mid_block.resnets.0")
    yield from _attention("middle_block.1", "mid_block.attentions.0")
    yield from _resnet("middle_block.2", "mid_block.resnets.1")
    yield from _up(config)
    yield "out.0", ("conv_norm_out",)
    yield "out.2", ("conv_out",)


def _down(config: CriticConfig) -> Iterator[tuple[str, tuple[str, ...]]]:
    count, coarsest = 0, len(config.multipliers) - 1
    for level in range(coarsest + 1):
        for block in range(config.blocks):
            count += 1
            yield from _resnet(f"input_blocks.{count}.0", f"down_blocks.{level}.resnets.{block}")
            if level in config.attention:
                ours = f"down_blocks.{level}.attentions.{block}"
                yield from _attention(f"input_blocks.{count}.1", ours)
        if level < coarsest:
            count += 1
            yield from _resnet(f"input_blocks.{count}.0", f"down_blocks.{level}.downsamplers.0")


def _up(config: CriticConfig) -> Iterator[tuple[str, tuple[str, ...]]]:
    count, coarsest = 0, len(config.multipliers) - 1
    for level in range(coarsest + 1):
        attends = coarsest - level in config.attention
        for block in range(config.blocks + 1):
            theirs, ours = f"output_blocks.{count}", f"up_blocks.{level}"
            yield from _resnet(f"{theirs}.0", f"{ours}.resnets.{block}")
            if attends:
                yield from _attention(f"{theirs}.1", f"{ours}.attentions.{block}")
            if block == config.blocks and level < coarsest:
                yield from _resnet(f"{theirs}.{1 + attends}", f"{ours}.upsamplers.0")
            count += 1


def _resnet(theirs: str, ours: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for layer, our_layer in _RESNET.items():
        yield f"{theirs}.{layer}", (f"{ours}.{our_layer}",)


def _attention(theirs: str, ours: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield f"{theirs}.norm", (f"{ours}.group_norm",)
    yield f"{theirs}.qkv", (f"{ours}.to_q", f"{ours}.to_k", f"{ours}.to_v")
    yield f"{theirs}.proj_out", (f"{ours}.to_out.0",)
