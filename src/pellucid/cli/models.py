"""`pellucid models`, `pellucid models show` and `pellucid models convert`."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from dataclasses import asdict
from pathlib import Path
from typing import cast

from jsonargparse import Namespace
from torch import nn

from pellucid.checkpoint import Checkpoint, read_checkpoint, save_network
from pellucid.choices import Truth
from pellucid.cli.restore import published
from pellucid.errors import FileError
from pellucid.io.places import check_apart
from pellucid.io.replacing import check_file
from pellucid.models import SHIPPED, weights_of
from pellucid.networks.backbones import BackboneConfig
from pellucid.networks.dual_domain import DualDomainConfig, DualDomainNet, Geometry
from pellucid.networks.picture import PictureNet

FAMILIAR = {
    "default": "raw photographs, any camera and ISO",
    "denoise": "finished pictures with noise",
    "derain": "finished pictures with rain",
    "deblur": "finished pictures blurred by motion",
}
"""What the shipped models are for."""


def models_command(options: Namespace) -> int:
    """List the shipped models, or show or convert one."""
    match options.action:
        case "show":
            show(options.show)
        case "convert":
            convert(options.convert)
        case _:
            for name in SHIPPED:
                with weights_of(name) as path:
                    count = parameters(read_checkpoint(path).net)
                print(f"{name:16} {FAMILIAR[name]}; {count:,} parameters")
    return 0


def show(options: Namespace) -> None:
    """Print what is known of a model, its model card included."""
    with weights_of(options.model) as path:
        found = read_checkpoint(path, published(options))
        for name, fact in facts_of(found).items():
            print(f"{name:16} {fact}")
        for card in (path.with_suffix(".md"), path.with_name("card.md")):
            if path.suffix == ".safetensors" and card.is_file():
                print(f"\n{card.read_text().strip()}")
                break


def convert(options: Namespace) -> None:
    """Write a model in our format."""
    output = Path(options.output)
    check_file(output, ".safetensors")
    with weights_of(options.model) as path:
        check_apart(output, path)
        found = read_checkpoint(path, published(options))
        if found.config is None:
            raise FileError.of(path, "only networks of our own can be converted; this is not one")
        facts = found.facts | {"origin": found.facts.get("origin", found.origin)}
        save_network(found.net, found.config, output, options.full_precision, **facts)
    print(f"wrote {output}")


TRUTHS: dict[Truth, str] = {
    "mosaic": "the clean mosaic, developed",
    "colour": "the scene: demosaicking is mended",
}


def facts_of(found: Checkpoint) -> dict[str, str]:
    """What a weights file says, in words."""
    net, config = found.net, found.config
    facts = {"format": found.origin, "parameters": f"{parameters(net):,}"}
    if isinstance(net, DualDomainNet):
        assert isinstance(config, DualDomainConfig)
        if config.raw and net.raw_net:
            facts |= {"raw network": architecture(config.raw)}
            facts |= {"raw tiles": tiling(net.raw_geometry), "raw noise map": yes(net.raw_net.told)}
        if config.srgb and net.srgb_net:
            facts |= {"sRGB network": architecture(config.srgb)}
            facts |= {"sRGB tiles": tiling(net.srgb_geometry), "sRGB noise map": net.noise_map}
            facts |= {"pictures are": TRUTHS[net.truth]}
        facts |= {"pipeline": _fields(asdict(net.isp))}
    else:
        facts |= picture_facts(net, found)
    return facts | found.facts


def picture_facts(net: PictureNet, found: Checkpoint) -> dict[str, str]:
    """What is said of a network of pictures."""
    config = found.config
    if config is None or isinstance(config, DualDomainConfig):
        kind = type(getattr(net.net, "model", net.net)).__name__
        return {"network": kind, "tiles": tiling(Geometry(net.stride, net.halo))}
    return {
        "network": architecture(config.net),
        "tiles": tiling(Geometry(net.stride, net.halo)),
        "range of values": {"unit": "0 to 1", "signed": "-1 to 1", "byte": "0 to 255"}[
            net.value_range
        ],
        "channels": "3" if net.colours == 3 else "1, each colour by itself",
    }


def architecture(config: BackboneConfig) -> str:
    """The kind of a backbone and its sizes."""
    fields = asdict(config)
    return f"{fields.pop('kind')}: {_fields(fields)}"


def tiling(geometry: Geometry) -> str:
    """How a picture may be cut for a network."""
    if geometry.halo is None:
        return f"stride {geometry.stride}, no halo makes them exact: they overlap and are blended"
    return f"stride {geometry.stride}, halo {geometry.halo}"


def parameters(net: nn.Module) -> int:
    """How many numbers are learned."""
    return sum(parameter.numel() for parameter in net.parameters())


def yes(value: bool) -> str:
    """A truth in words."""
    return "yes" if value else "no"


def _fields(fields: dict[str, object]) -> str:
    return ", ".join(f"{name} {_words(value)}" for name, value in fields.items())


def _words(value: object) -> str:
    match value:
        case bool():
            return yes(value)
        case tuple():
            return "-".join(map(str, cast(tuple[object, ...], value))) or "none"
        case _:
            return "none" if value is None else str(value)
