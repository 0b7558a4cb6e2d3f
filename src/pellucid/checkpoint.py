"""Weights with their configuration in one safetensors file."""
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

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
    metadata, weights = _read(path)
    if metadata.get("format") != FORMAT:
        raise FileError.of(path, f"format is {metadata.get('format')}; expected {FORMAT}")
    try:
        net = _config(json.loads(metadata["config"])).build()
        net.load_state_dict(weights)
    except (LookupError, TypeError, ValueError, RuntimeError) as error:
        raise FileError.of(path, "damaged: its weights and configuration do not fit") from error
    return net.eval()


def _read(path: str | Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Metadata, and weights in float32."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = dict(file.metadata() or {})
            return metadata, {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except OSError as error:
        raise FileError.from_os(path, error) from None
    except SafetensorError as error:
        raise FileError.of(path, f"not a safetensors file ({error})") from None


def _config(fields: dict[str, Any]) -> DualDomainConfig:
    nets = [_unet(fields[name]) if fields[name] else None for name in ("raw", "srgb")]
    isp, unclip = ISPConfig(**fields["isp"]), fields.get("unclip", True)
    return DualDomainConfig(nets[0], nets[1], isp, fields["noise_map"], unclip)


def _unet(fields: dict[str, Any]) -> UNetConfig:
    return replace(UNetConfig(**fields), widths=tuple(fields["widths"]))
