"""LPIPS (Zhang et al. 2018) and DISTS (Ding et al. 2020), whose weights others must give.

Nothing is downloaded. A measure is told files: torchvision's weights of AlexNet or VGG16, and the
authors' own. Where one file holds both, as a saved `lpips.LPIPS` does, it is enough.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import pickle
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from pellucid.errors import FileError

_ALEX = (
    (3, 64, 11, 4, 2),
    (64, 192, 5, 1, 2),
    (192, 384, 3, 1, 1),
    (384, 256, 3, 1, 1),
    (256, 256, 3, 1, 1),
)
_ALEX_PLACES = (0, 3, 6, 8, 10)
_VGG = (
    (3, 64, 64),
    (64, 128, 128),
    (128, 256, 256, 256),
    (256, 512, 512, 512),
    (512, 512, 512, 512),
)
_VGG_PLACES = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

Weights = Mapping[str, Tensor]


def read_weights(paths: Sequence[str | Path]) -> dict[str, Tensor]:
    """The tensors of all files, those of a backbone as `features.N.weight`."""
    found: dict[str, Tensor] = {}
    for path in paths:
        try:
            suffix = Path(path).suffix
            held = (
                load_file(path)
                if suffix == ".safetensors"
                else torch.load(path, map_location="cpu", weights_only=True)
            )
        except OSError as error:
            raise FileError.from_os(path, error) from error
        except (SafetensorError, RuntimeError, pickle.UnpicklingError, EOFError) as error:
            raise FileError.of(path, f"holds no weights ({error})") from error
        for name, tensor in held.items():
            found[re.sub(r"^(net\.slice\d+|stage\d+)\.", "features.", name)] = tensor
    return found


class Lpips:
    """Distance in the features of AlexNet; 0 for equal pictures."""

    def __init__(self, weights: Weights, origin: str) -> None:
        """`origin` is what errors call the weights. Raises `FileError` where some are missing."""
        self.layers = [
            _conv(weights, f"features.{place}", *shape, origin=origin)
            for place, shape in zip(_ALEX_PLACES, _ALEX, strict=True)
        ]
        self.shares = [
            _taken(weights, f"lin{n}.model.1.weight", origin) for n in range(len(self.layers))
        ]

    @torch.inference_mode()
    def __call__(self, picture: Tensor, truth: Tensor) -> float:
        """The distance of sRGB pictures (3, H, W) in [0, 1]."""
        pair = torch.stack((picture, truth)).float() * 2 - 1
        # The authors' own constants, for [-1, 1].
        shift, scale = (
            pair.new_tensor((-0.030, -0.088, -0.188)),
            pair.new_tensor((0.458, 0.448, 0.450)),
        )
        seen, distance = (pair - shift[:, None, None]) / scale[:, None, None], 0.0
        for number, (layer, share) in enumerate(zip(self.layers, self.shares, strict=True)):
            if number in (1, 2):
                seen = F.max_pool2d(seen, 3, 2)
            seen = F.relu(layer(seen))
            unit = seen / (seen.square().sum(1, keepdim=True).sqrt() + 1e-8)
            error = (unit[:1] - unit[1:]).square()
            distance += F.conv2d(error, share).mean().item()
        return distance


class Dists:
    """Distance of texture and structure in the features of VGG16; 0 for equal pictures."""

    def __init__(self, weights: Weights, origin: str) -> None:
        """As of `Lpips`."""
        self.stages = [
            [
                _conv(weights, f"features.{place}", ins, outs, 3, 1, 1, origin=origin)
                for place, (ins, outs) in zip(places, pairwise(widths), strict=True)
            ]
            for places, widths in zip(_VGG_PLACES, _VGG, strict=True)
        ]
        sizes = [3, *(widths[-1] for widths in _VGG)]
        alpha, beta = (_taken(weights, name, origin).flatten() for name in ("alpha", "beta"))
        total = alpha.sum() + beta.sum()
        self.alpha, self.beta = ((each / total).split(sizes) for each in (alpha, beta))

    @torch.inference_mode()
    def __call__(self, picture: Tensor, truth: Tensor) -> float:
        """The distance of sRGB pictures (3, H, W) in [0, 1]."""
        pair, distance = torch.stack((picture, truth)).float(), 1.0
        for seen, alpha, beta in zip(self._features(pair), self.alpha, self.beta, strict=True):
            mean = seen.mean((-2, -1))
            centred = seen - mean[..., None, None]
            var, both = centred.square().mean((-2, -1)), centred.prod(0).mean((-2, -1))
            texture = (2 * mean.prod(0) + 1e-6) / (mean.square().sum(0) + 1e-6)
            structure = (2 * both + 1e-6) / (var.sum(0) + 1e-6)
            distance -= (alpha * texture + beta * structure).sum().item()
        return distance

    def _features(self, pair: Tensor) -> list[Tensor]:
        mean, std = (pair.new_tensor(each)[:, None, None] for each in (_MEAN, _STD))
        found, seen = [pair], (pair - mean) / std
        for number, layers in enumerate(self.stages):
            seen = _pooled(seen) if number else seen
            for layer in layers:
                seen = F.relu(layer(seen))
            found.append(seen)
        return found


def _pooled(seen: Tensor) -> Tensor:
    """Half as large: the root of squares averaged by a 3x3 Hann window."""
    hann = seen.new_tensor((0.25, 0.5, 0.25))
    kernel = (hann[:, None] * hann).expand(seen.shape[1], 1, 3, 3)
    squares = F.conv2d(seen.square(), kernel, stride=2, padding=1, groups=seen.shape[1])
    return (squares + 1e-12).sqrt()


def _conv(
    weights: Weights, name: str, ins: int, outs: int, side: int, stride: int, pad: int, origin: str
) -> nn.Conv2d:
    layer = nn.Conv2d(ins, outs, side, stride, pad).requires_grad_(False)
    for part in ("weight", "bias"):
        tensor = _taken(weights, f"{name}.{part}", origin)
        own = getattr(layer, part)
        if tensor.shape != own.shape:
            raise FileError.of(
                origin, f"{name}.{part} is {tuple(tensor.shape)}; expected {tuple(own.shape)}"
            )
        own.copy_(tensor)
    return layer


def _taken(weights: Weights, name: str, origin: str) -> Tensor:
    if name not in weights:
        raise FileError.of(origin, f"lacks {name}; expected a backbone's and the measure's weights")
    return weights[name].float()
