"""Weights with their configuration in one safetensors file; and the published ones of others."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

import json
import pickle
import warnings
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from pellucid.errors import FileError, PellucidError
from pellucid.importers import Misfit, PublishedOptions, load_foreign, recognise, unwrap
from pellucid.io import replacing
from pellucid.isp import ISPConfig
from pellucid.networks.backbones import BACKBONES, BackboneConfig
from pellucid.networks.dual_domain import DualDomainConfig, DualDomainNet
from pellucid.networks.picture import PictureConfig, PictureNet

FORMAT = "pellucid/2"
# A zip archive, and torch's format until 1.6, a pickle that begins with a long number.
_PICKLES = (b"PK\3\4", b"\x80\2\x8a")

_HEEDED = {"DualDn": ("noise_map", "isp"), "Noise-DA": ("task",)}
"""What published weights leave open; all others tell it themselves."""

Network = DualDomainNet | PictureNet
NetworkConfig = DualDomainConfig | PictureConfig


class Checkpoint(NamedTuple):
    """What a file says of a network."""

    net: Network
    """In float32 and eval mode."""
    config: NetworkConfig | None
    """None for a network that is not ours."""
    origin: str
    """Whose format it is in."""
    facts: dict[str, str]
    """Of the training."""


def save_network(
    net: Network, config: NetworkConfig, path: Path, full_precision: bool = False, /, **facts: str
) -> None:
    """Write weights, in half precision unless told, the configuration, and facts as metadata."""
    weights = {name: tensor.detach().contiguous() for name, tensor in net.state_dict().items()}
    if not full_precision:
        weights = {name: _halved(tensor) for name, tensor in weights.items()}
    if wild := _not_finite(weights):
        raise FileError.of(path, f"not written: {wild} is not finite, or beyond half precision")
    metadata = {"format": FORMAT, "config": json.dumps(asdict(config)), **facts}
    with replacing(path) as file:
        file.write(save(weights, metadata))


def _not_finite(weights: dict[str, Tensor]) -> str | None:
    """The first weight that is no number, if there is one."""
    return next((name for name, value in weights.items() if not value.isfinite().all()), None)


def _halved(tensor: Tensor) -> Tensor:
    """In half precision, but for counters."""
    return tensor.half() if tensor.is_floating_point() else tensor


def load_network(path: str | Path, options: PublishedOptions | None = None) -> Network:
    """Network of a weights file, ours or published, in float32 and eval mode.

    `options` say what published weights do not. Raises `FileError` if it is none.
    """
    return read_checkpoint(path, options).net


def read_checkpoint(path: str | Path, options: PublishedOptions | None = None) -> Checkpoint:
    """The network of a weights file with what is known of it; raises `FileError` if it is none."""
    found = _checkpoint(path, options or PublishedOptions())
    _check_heeded(path, found.origin, options or PublishedOptions())
    return found


def _checkpoint(path: str | Path, options: PublishedOptions) -> Checkpoint:
    facts, weights = _read(path)
    match facts.pop("format", None):
        case "pellucid/2":
            return _own(path, facts, weights)
        # Other programs write a format too: pt, for one.
        case str(other) if other.startswith("pellucid/"):
            raise FileError.of(path, f"format is {other}; expected {FORMAT}")
        case _:
            pass
    try:
        return _published(weights, options)
    except PellucidError as error:
        raise FileError.of(path, str(error)) from error


def _check_heeded(path: str | Path, origin: str, options: PublishedOptions) -> None:
    heeded = _HEEDED.get(origin.split(",")[0], ())
    for option in fields(PublishedOptions):
        if option.name not in heeded and getattr(options, option.name) != option.default:
            said = f"--{option.name.replace('_', '-')}"
            raise FileError.of(path, f"{said} is not for weights of {origin}; expected none")


def _own(path: str | Path, facts: dict[str, str], weights: dict[str, Tensor]) -> Checkpoint:
    if wild := _not_finite(weights):
        raise FileError.of(path, f"damaged: {wild} is not finite")
    try:
        config = _config(json.loads(facts.pop("config")))
        net = config.build()
        net.load_state_dict(weights)
    except (LookupError, TypeError, ValueError, RuntimeError) as error:
        raise FileError.of(path, "damaged: its weights and configuration do not fit") from error
    return Checkpoint(net.eval(), config, FORMAT, facts)


def _published(weights: dict[str, Tensor], options: PublishedOptions) -> Checkpoint:
    try:
        origin, config, fitting = recognise(weights, options)
    except Misfit as misfit:
        return Checkpoint(load_foreign(weights, misfit), None, "another, through spandrel", {})
    net = config.build()
    net.load_state_dict(fitting)
    return Checkpoint(net.eval(), config, origin, {})


def _read(path: str | Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Metadata, and weights in float32."""
    try:
        with Path(path).open("rb") as file:
            pickled = file.read(4).startswith(_PICKLES)
        if pickled:
            return {}, {name: _plain(weight) for name, weight in _unpickle(path).items()}
        with safe_open(path, framework="pt") as file:
            metadata = dict(file.metadata() or {})
            tensors = {name: _plain(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
            return metadata, unwrap(tensors) or {}
    except OSError as error:
        raise FileError.from_os(path, error) from None
    except SafetensorError as error:
        raise FileError.of(path, f"not a safetensors file ({error})") from None


def _unpickle(path: str | Path) -> dict[str, Tensor]:
    """Weights of a torch file; nothing in it is run."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's advice on TorchScript, which is refused
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise FileError.of(path, "holds more than weights; expected tensors only") from None
    except (RuntimeError, EOFError, LookupError, ValueError, TypeError, AttributeError) as error:
        raise FileError.of(path, "damaged, or not a torch file of weights") from error
    weights = unwrap(content)
    if weights is None:
        held = f" of {', '.join(map(str, list(content)[:3]))}" if isinstance(content, dict) else ""
        raise FileError.of(
            path, f"holds a {type(content).__name__}{held}; expected tensors by name"
        )
    return weights


def _plain(tensor: Tensor) -> Tensor:
    """In float32, but for counters."""
    return tensor.float() if tensor.is_floating_point() else tensor


def _config(fields: dict[str, Any]) -> NetworkConfig:
    if "net" in fields:
        picture: dict[str, Any] = fields | {"net": _backbone(fields["net"])}
        return PictureConfig(**picture)
    known: dict[str, Any] = fields | {"isp": ISPConfig(**fields["isp"])}
    known |= {name: _backbone(fields[name]) for name in ("raw", "srgb")}
    return DualDomainConfig(**known)


def _backbone(fields: dict[str, Any] | None) -> BackboneConfig | None:
    """A record whose tuples JSON has made lists."""
    if fields is None:
        return None
    own = {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}
    whole: dict[str, Any] = own
    return BACKBONES[fields["kind"]](**whole)
