"""Weights with their configuration in one safetensors file."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from pellucid.errors import FileError
from pellucid.io import replacing
from pellucid.isp import ISPConfig
from pellucid.networks.dual_domain import DualDomainConfig, DualDomainNet
from pellucid.networks.unet import UNetConfig

FORMAT = "pellucid/1"


def save_network(net: DualDomainNet, config: DualDomainConfig, path: Path, **facts: str) -> None:
    """Write half-precision weights, the configuration, and facts about the training as metadata."""
    weights = {
        name: tensor.detach().half().contiguous() for name, tensor in net.state_dict().items()
    }
    metadata = {"format": FORMAT, "config": json.dumps(asdict(config)), **facts}
    with replacing(path) as file:
        file.write(save(weights, metadata))


def load_network(path: str | Path) -> DualDomainNet:
    """Network of a weights file, in float32 and eval mode; raises `FileError` if it is not one."""
    try:
        with safe_open(path, framework="pt") as file:  # pyright: ignore[reportUnknownVariableType]
            metadata = dict(file.metadata() or {})
            weights = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except OSError as error:
        raise FileError.from_os(path, error) from None
    except SafetensorError as error:
        raise FileError.of(path, f"not a safetensors file ({error})") from None
    if metadata.get("format") != FORMAT:
        raise FileError.of(path, f"format is {metadata.get('format')}; expected {FORMAT}")
    net = _config(json.loads(metadata["config"])).build()
    net.load_state_dict(weights)
    return net.eval()


def _config(fields: dict[str, Any]) -> DualDomainConfig:
    nets = [_unet(fields[name]) if fields[name] else None for name in ("raw", "srgb")]
    return DualDomainConfig(nets[0], nets[1], ISPConfig(**fields["isp"]), fields["noise_map"])


def _unet(fields: dict[str, Any]) -> UNetConfig:
    return UNetConfig(**{**fields, "widths": tuple(fields["widths"])})
