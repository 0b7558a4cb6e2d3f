"""Shapes of backbones, read from the names and shapes of their published weights."""

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple, cast

from torch import Tensor

from pellucid.networks.backbones import BackboneConfig
from pellucid.networks.dncnn import DnCNNConfig
from pellucid.networks.mirnet_v2 import MIRNetV2Config
from pellucid.networks.nafnet import NAFNetConfig
from pellucid.networks.noiseda_unet import NoiseDAUNetConfig
from pellucid.networks.restormer import FourLevels, RestormerConfig
from pellucid.networks.swinir import SwinIRConfig
from pellucid.networks.uformer import UformerConfig

State = dict[str, Tensor]
"""Weights by name."""


class Layout(NamedTuple):
    """How the weights of an architecture are known."""

    name: str
    telltale: str
    """A name that only this architecture has."""
    first: str
    """The weight of its first layer, (features, inputs, 3, 3)."""
    read: Callable[[State], BackboneConfig]


def layout_of(state: State) -> Layout | None:
    """The architecture of a backbone's weights, if it is one of ours."""
    return next((layout for layout in LAYOUTS if layout.telltale in state), None)


def restormer(state: State) -> RestormerConfig:
    """Blocks are counted; heads, width and expansion are sizes of the first block of a level."""
    levels = ("encoder_level1", "encoder_level2", "encoder_level3", "latent")
    inside = [state[f"{level}.0.ffn.project_in.weight"] for level in levels]
    return RestormerConfig(
        width=inside[0].shape[1],
        blocks=cast(FourLevels, tuple(numbered(state, f"{level}.") for level in levels)),
        refinement=numbered(state, "refinement."),
        heads=cast(FourLevels, tuple(len(state[f"{x}.0.attn.temperature"]) for x in levels)),
        expansion=ratio((w.shape[0] // 2, w.shape[1]) for w in inside),
        norm="with_bias" if "latent.0.norm1.body.bias" in state else "bias_free",
        embed="patch_embed.proj.weight" in state,
    )


def swinir(state: State) -> SwinIRConfig:
    """A bias table has (2 window - 1)^2 rows and a column for each head."""
    groups = numbered(state, "layers.")
    block = "layers.0.residual_group.blocks.0"
    table = state[f"{block}.attn.relative_position_bias_table"]
    inside = state[f"{block}.mlp.fc1.weight"]
    return SwinIRConfig(
        width=inside.shape[1],
        depths=tuple(numbered(state, f"layers.{i}.residual_group.blocks.") for i in range(groups)),
        heads=table.shape[1],
        window=window_of(table),
        expansion=ratio([(inside.shape[0], inside.shape[1])]),
        embed="conv_first.weight" in state,
    )


def mirnet_v2(state: State) -> MIRNetV2Config:
    """A grouped convolution has as many times fewer inputs as it has groups."""
    count = numbered(state, "body.")
    first = [state[f"body.{i}.body.0.dau_top.body.0.weight"].shape for i in range(count)]
    return MIRNetV2Config(
        width=first[0][0],
        groups=tuple(shape[0] // shape[1] for shape in first),
        blocks=numbered(state, "body.0.body.") - 1,
        embed="conv_in.weight" in state,
    )


def nafnet(state: State) -> NAFNetConfig:
    """As many levels as there are steps down."""
    levels = range(numbered(state, "downs."))
    return NAFNetConfig(
        width=len(state["intro.weight"]),
        encoders=tuple(numbered(state, f"encoders.{i}.") for i in levels),
        middle=numbered(state, "middle_blks."),
        decoders=tuple(numbered(state, f"decoders.{i}.") for i in levels),
    )


def uformer(state: State) -> UformerConfig:
    """Every stage has its own heads; the window is that of the bias tables."""
    levels = range(numbered(state, "encoderlayer_"))
    stages = [f"encoderlayer_{i}" for i in levels] + ["conv"]
    stages += [f"decoderlayer_{i}" for i in levels]
    tables = [state[f"{stage}.blocks.0.attn.relative_position_bias_table"] for stage in stages]
    inside = state["encoderlayer_0.blocks.0.mlp.linear1.0.weight"]
    return UformerConfig(
        width=inside.shape[1],
        depths=tuple(numbered(state, f"{stage}.blocks.") for stage in stages),
        heads=tuple(table.shape[1] for table in tables),
        window=window_of(tables[0]),
        expansion=ratio([(inside.shape[0], inside.shape[1])]),
        modulators="decoderlayer_0.blocks.0.modulator.weight" in state,
        transposed="upsample_0.deconv.0.weight" in state,
    )


def noiseda_unet(state: State) -> NoiseDAUNetConfig:
    """Published with aligned corners."""
    width = len(state["down_path.0.block.0.weight"])
    depth = numbered(state, "down_path.")
    return NoiseDAUNetConfig(width=width, depth=depth, align_corners=True)


def dncnn(state: State) -> DnCNNConfig:
    """Published to give the noise, but in Noise-DA."""
    return DnCNNConfig(
        width=len(state["dncnn.0.weight"]),
        layers=sum(weight.dim() == 4 for weight in state.values()),
        normalise=any(name.endswith(".running_mean") for name in state),
        bias="dncnn.0.bias" in state,
        noise=True,
    )


def numbered(state: State, prefix: str) -> int:
    """How many modules have this prefix before their number."""
    return len({name[len(prefix) :].split(".")[0] for name in state if name.startswith(prefix)})


def window_of(table: Tensor) -> int:
    """Side of the windows of a table of relative positions."""
    return (math.isqrt(len(table)) + 1) // 2


def ratio(pairs: Iterable[tuple[int, int]]) -> float:
    """The shortest decimal whose product with each second number is the first, rounded down."""
    known = list(pairs)
    low = max(first / second for first, second in known)
    for digits in range(6):
        shortest = math.ceil(round(low * 10**digits, 6)) / 10**digits
        if all(int(shortest * second) == first for first, second in known):
            return shortest
    return low


LAYOUTS = (
    Layout("Restormer", "encoder_level1.0.attn.temperature", "patch_embed.proj.weight", restormer),
    Layout("SwinIR", "layers.0.residual_group.blocks.0.norm1.weight", "conv_first.weight", swinir),
    Layout("MIRNet-v2", "body.0.body.0.dau_top.body.0.weight", "conv_in.weight", mirnet_v2),
    Layout("NAFNet", "middle_blks.0.conv1.weight", "intro.weight", nafnet),
    Layout("Uformer", "input_proj.proj.0.weight", "input_proj.proj.0.weight", uformer),
    Layout(
        "Noise-DA's U-Net",
        "down_path.0.block.0.weight",
        "down_path.0.block.0.weight",
        noiseda_unet,
    ),
    Layout("DnCNN", "dncnn.0.weight", "dncnn.0.weight", dncnn),
)
"""Every architecture that is read."""
