"""Checkpoints of DualDn, of Noise-DA and of each network's own authors as networks of ours."""

from dataclasses import dataclass, replace
from typing import NamedTuple, cast

import torch
from torch import Tensor

from pellucid.choices import ISPChoice, Task
from pellucid.errors import PellucidError
from pellucid.importers.layouts import LAYOUTS, State, layout_of
from pellucid.isp import ISPConfig
from pellucid.networks.backbones import BackboneConfig
from pellucid.networks.dncnn import DnCNNConfig
from pellucid.networks.dual_domain import DualDomainConfig
from pellucid.networks.picture import PictureConfig, ValueRange
from pellucid.networks.swinir import SwinIRConfig

_RANGES: dict[Task, ValueRange] = {"denoise": "unit", "derain": "signed", "deblur": "signed"}
_WRAPPERS = ("params_ema", "params", "state_dict", "model_state_dict", "model", "net")
# Made again from the sizes of windows and pictures.
_MADE_AGAIN = (".relative_position_index", ".attn_mask")
# Of the critic, which only training needs.
_SCHEDULE = frozenset(
    "gammas sqrt_recip_gammas sqrt_recipm1_gammas posterior_log_variance_clipped "
    "posterior_mean_coef1 posterior_mean_coef2".split()
)
_SWINIR_MEAN = (0.4488, 0.4371, 0.4040)
"""Mean colour of DIV2K, which a SwinIR of colour pictures takes off."""


class Misfit(PellucidError):
    """Weights that are not what they look like, or like nothing known."""


@dataclass(frozen=True)
class PublishedOptions:
    """What the names and shapes of published weights do not tell."""

    noise_map: bool = True
    """Whether a DualDn raw network was trained with its noise map."""
    isp: ISPChoice = "dualdn"
    task: Task | None = None
    """What a Noise-DA network is for, which says its range of values; never guessed."""


class Imported(NamedTuple):
    """A published checkpoint as a network of ours."""

    origin: str
    """Whose it is, in words."""
    config: DualDomainConfig | PictureConfig
    weights: State


def unwrap(content: object) -> State | None:
    """The weights in what a file holds, without wrapping, and names without `module.`."""
    if not isinstance(content, dict):
        return None
    held = cast(dict[object, object], content)
    inner = next((held[key] for key in _WRAPPERS if isinstance(held.get(key), dict)), held)
    state = cast(dict[object, object], inner)
    if not state or not all(isinstance(v, Tensor) and isinstance(k, str) for k, v in state.items()):
        return None
    weights = cast(State, state)
    prefixed = all(name.startswith("module.") for name in weights)
    return {name.removeprefix("module.") if prefixed else name: v for name, v in weights.items()}


def recognise(state: State, options: PublishedOptions) -> Imported:
    """The network that weights are of; raises Misfit unless all names and shapes fit."""
    state = {n: weight for n, weight in state.items() if not n.endswith(_MADE_AGAIN)}
    dualdn = {"conv_out.weight": "backbone.", "conv_out1.weight": "backbone1."}
    if any(out in state and _under(state, body) for out, body in dualdn.items()):
        imported = _dualdn(state, options)
    elif any(name.startswith("RestorationNet.") for name in state):
        imported = _noiseda(state, options)
    else:
        imported = _official(state, options)
    check(imported)
    return imported


def _dualdn(state: State, options: PublishedOptions) -> Imported:
    dual = "conv_out1.weight" in state
    if dual and not options.noise_map:
        raise PellucidError(
            "DualDn's network of both domains has no version without noise map; "
            "expected --noise-map"
        )
    isp = ISPConfig.dualdn() if options.isp == "dualdn" else ISPConfig()
    told = options.noise_map
    config = DualDomainConfig(
        None, None, isp, told, "none", unclip=False, noise_floor=1e-7, clip_black=True
    )
    if dual:
        raw, srgb = _domain(state, "1"), _domain(state, "2")
        weights = _moved(state, "1", "raw_net.", told) | _moved(state, "2", "srgb_net.", told)
        config = replace(config, raw=raw, srgb=srgb, noise_map="published")
        used = ("1", "2")
    else:
        body, channels = _domain(state, ""), len(state.get("conv_out.weight", ()))
        raw_only = channels == 4
        net = "raw_net." if raw_only else "srgb_net."
        weights = _moved(state, "", net, raw_only and told)
        config = replace(config, **({"raw": body} if raw_only else {"srgb": body}))
        used = ("",)
    return Imported(_dualdn_name(config), config, weights | _rest(state, used))


def _domain(state: State, digit: str) -> BackboneConfig:
    """The backbone of one domain."""
    body = _under(state, f"backbone{digit}.")
    layout = layout_of(body)
    if layout is None:
        raise Misfit(f"looks like DualDn, but backbone{digit} is none of {_names()}")
    return layout.read(body)


def _moved(state: State, digit: str, net: str, told: bool) -> State:
    """Weights of one domain under the names of a `Residual`; what the mode does not use is left."""
    first = f"nm_fuse{digit}.conv_out.weight" if told else f"conv_in{digit}.weight"
    names = {first: f"{net}fuse.weight", f"conv_out{digit}.weight": f"{net}head.weight"}
    moved = {names[name]: state[name] for name in names if name in state}
    body = _under(state, f"backbone{digit}.")
    return moved | {f"{net}body.{name}": weight for name, weight in body.items()}


def _rest(state: State, digits: tuple[str, ...]) -> State:
    """What is no part of a DualDn at all, for `check` to name."""
    known = {f"{layer}{digit}.weight" for digit in digits for layer in ("conv_in", "conv_out")}
    known |= {f"nm_fuse{digit}.conv_out.weight" for digit in digits}
    bodies = tuple(f"backbone{digit}." for digit in digits)
    return {n: w for n, w in state.items() if n not in known and not n.startswith(bodies)}


def _dualdn_name(config: DualDomainConfig) -> str:
    if config.raw and config.srgb:
        return "DualDn, both domains"
    return "DualDn, raw only" if config.raw else "DualDn, sRGB only"


def _noiseda(state: State, options: PublishedOptions) -> Imported:
    body = _under(state, "RestorationNet.")
    rest = {
        name: weight
        for name, weight in state.items()
        if not name.startswith(("RestorationNet.", "denoise_fn.")) and name not in _SCHEDULE
    }
    config = _picture_config(body, _task_range(options))
    if isinstance(config.net, DnCNNConfig):
        config = replace(config, net=replace(config.net, noise=False))
    if isinstance(config.net, SwinIRConfig):
        config = replace(config, skips=2)
    return Imported(f"Noise-DA, {options.task}", config, _as_picture_net(body) | rest)


def _task_range(options: PublishedOptions) -> ValueRange:
    if options.task is None:
        raise PellucidError(
            "weights of Noise-DA do not tell what they are for; expected --task denoise, derain or "
            "deblur"
        )
    return _RANGES[options.task]


def _official(state: State, options: PublishedOptions) -> Imported:
    state = _kair_dncnn(state)
    layout = layout_of(state)
    if layout is not None and layout.name == "Noise-DA's U-Net":
        config = _picture_config(state, _task_range(options))
        return Imported(f"Noise-DA, {options.task}", config, _as_picture_net(state))
    config = _picture_config(state, "unit")
    net = config.net
    if isinstance(net, SwinIRConfig) and net.window == 7:
        # Windows of 7 are those of SwinIR's networks for JPEG, which see 0 to 255.
        mean = tuple(255 * value for value in net.mean)
        config = replace(config, net=replace(net, mean=mean), value_range="byte")
    return Imported(layout.name if layout else "", config, _as_picture_net(state))


def _kair_dncnn(state: State) -> State:
    """Names of KAIR's DnCNN, `model.0.weight` and on, as those of the others."""
    plain = all(name.startswith("model.") and name.count(".") == 2 for name in state)
    # With batch norm, which KAIR folds away in what it publishes, its constants would differ.
    plain = plain and not any(name.endswith("running_mean") for name in state)
    return {f"dncnn.{n.removeprefix('model.')}": w for n, w in state.items()} if plain else state


def _picture_config(state: State, value_range: ValueRange) -> PictureConfig:
    """The network of pictures that weights are of; raises Misfit if they look like none."""
    layout = layout_of(state)
    if layout is None:
        raise Misfit(
            f"got {len(state)} tensors, first {', '.join(list(state)[:3])}; expected weights of "
            f"Pellucid, DualDn, Noise-DA, or {_names()}"
        )
    try:
        net, channels = layout.read(state), state[layout.first].shape[1]
    except (LookupError, ZeroDivisionError) as error:
        raise Misfit(f"looks like {layout.name}, but lacks {error}") from error
    if channels not in (1, 3):
        raise Misfit(f"{layout.name} for {channels} channels; expected 1 or 3")
    if isinstance(net, SwinIRConfig) and channels == 3:
        net = replace(net, mean=_SWINIR_MEAN)
    return PictureConfig(net, value_range, channels)


def check(imported: Imported) -> None:
    """Raise Misfit at the first name or shape that is not that of the network."""
    try:
        with torch.device("meta"):
            expected = imported.config.build().state_dict()
    except ValueError as error:
        raise Misfit(f"looks like {imported.origin}, but {error}") from error
    got, said = imported.weights, f"looks like {imported.origin}, but"
    for name in got.keys() - expected.keys():
        raise Misfit(f"{said} {name} is no part of it")
    for name, like in expected.items():
        # Counters came to torch later than batch norm.
        if name not in got and not name.endswith(".num_batches_tracked"):
            raise Misfit(f"{said} {name} is missing")
        if name in got and got[name].shape != like.shape:
            shapes = f"{list(got[name].shape)}; expected {list(like.shape)}"
            raise Misfit(f"{said} {name} has shape {shapes}")


def _as_picture_net(body: State) -> State:
    return {f"net.body.{name}": weight for name, weight in body.items()}


def _under(state: State, prefix: str) -> State:
    return {n.removeprefix(prefix): w for n, w in state.items() if n.startswith(prefix)}


def _names() -> str:
    *names, last = (layout.name for layout in LAYOUTS)
    return f"{', '.join(names)} or {last}"
