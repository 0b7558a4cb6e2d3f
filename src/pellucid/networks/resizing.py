"""A U-Net of other widths that begins with the weights of a trained one.

Features that are added are read with weight 0 (Net2Net, Chen et al. 2016): wider everywhere, the
network does what it did, and training finds work for them. Where it is narrower, the features go
that weigh least, by the weights they are written with times those they are read with.
"""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from itertools import pairwise
from typing import NamedTuple, TypeVar, cast

import torch
from torch import Tensor, nn

from pellucid.networks.unet import UNet, UNetConfig

Convolution = nn.Conv2d | nn.ConvTranspose2d
Config = TypeVar("Config")


class Features(NamedTuple):
    """Features inside a U-Net: the layers that write them, and those that read them."""

    writers: tuple[Convolution, ...]
    readers: tuple[Convolution, ...]


def without_widths(config: Config) -> Config:
    """The configuration with all widths of U-Nets 1: what two must share to be resized."""
    if isinstance(config, UNetConfig):
        return cast(Config, replace(config, widths=(1,) * len(config.widths)))
    if not is_dataclass(config) or isinstance(config, type):
        return config
    inner = {field.name: without_widths(getattr(config, field.name)) for field in fields(config)}
    return replace(config, **inner)


@torch.no_grad()
def resize(trained: nn.Module, fresh: nn.Module) -> None:
    """Give `fresh` the weights of `trained`, which differs in the widths of its U-Nets alone."""
    if isinstance(trained, UNet):
        _resize_unet(trained, cast(UNet, fresh))
        return
    own = zip(trained.parameters(recurse=False), fresh.parameters(recurse=False), strict=True)
    for value, parameter in own:
        parameter.copy_(value)
    for old, new in zip(trained.children(), fresh.children(), strict=True):
        resize(old, new)


def _resize_unet(trained: UNet, fresh: UNet) -> None:
    """As `resize`, of one U-Net."""
    written: dict[nn.Module, Tensor] = {}
    read: dict[nn.Module, Tensor] = {}
    for old, new in zip(_features(trained), _features(fresh), strict=True):
        kept = _heaviest(old, len(_by_output(new.writers[0])))
        written |= dict.fromkeys(old.writers, kept)
        read |= dict.fromkeys(old.readers, kept)
    for old, new in zip(_convolutions(trained), _convolutions(fresh), strict=True):
        before, after = _by_output(old), _by_output(new)
        outputs = written.get(old, torch.arange(len(before)))
        inputs = read.get(old, torch.arange(before.shape[1]))
        after[: len(outputs)] = 0
        after[: len(outputs), : len(inputs)] = before[outputs][:, inputs]
        if old.bias is not None and new.bias is not None:
            new.bias[: len(outputs)] = old.bias[outputs]


def _features(net: UNet) -> Iterator[Features]:
    """All features of a U-Net; those that are added to others are one with them."""
    for level, encoder in enumerate(net.encoders):
        coming = _convolutions(encoder)
        if level:
            yield Features((_down(net, level - 1),), coming[:1])
        yield from (Features((writer,), (reader,)) for writer, reader in pairwise(coming))
        going = coming
        if level < len(net.decoders):
            going = _convolutions(net.decoders[level])
            both = coming[-1], cast(Convolution, net.ups[level])
            yield Features(both, (_down(net, level), going[0]))
            yield from (Features((writer,), (reader,)) for writer, reader in pairwise(going))
        yield Features(going[-1:], (cast(Convolution, net.ups[level - 1]) if level else net.head,))


def _down(net: UNet, level: int) -> Convolution:
    """The layer that leaves a level for the coarser one."""
    return cast(Convolution, net.downs[level])


def _convolutions(part: nn.Module) -> tuple[Convolution, ...]:
    """All convolutions of a part, in its order."""
    return tuple(layer for layer in part.modules() if isinstance(layer, Convolution))


def _heaviest(features: Features, count: int) -> Tensor:
    """Indices of the `count` features that weigh most, in their order; of all of fewer."""
    written = sum(_by_output(layer).square().flatten(1).sum(1) for layer in features.writers)
    read = sum(
        _by_output(layer).transpose(0, 1).square().flatten(1).sum(1) for layer in features.readers
    )
    weight = cast(Tensor, written * read)
    return weight.topk(min(count, len(weight))).indices.sort().values


def _by_output(layer: Convolution) -> Tensor:
    """Weights with the outputs first, then the inputs."""
    transposed = isinstance(layer, nn.ConvTranspose2d)
    return layer.weight.transpose(0, 1) if transposed else layer.weight
