"""Published checkpoints: what they are is read from names and shapes, and all of them must fit."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from pellucid import (
    Camera,
    DualDomainNet,
    FileError,
    ISPConfig,
    Noise,
    PellucidError,
    Rendering,
    load_network,
)
from pellucid.importers import Misfit, PublishedOptions, recognise, unwrap
from pellucid.networks import PictureNet
from pellucid.networks.backbones import build
from pellucid.networks.dncnn import DnCNNConfig
from pellucid.networks.mirnet_v2 import MIRNetV2Config
from pellucid.networks.nafnet import NAFNetConfig
from pellucid.networks.noiseda_unet import NoiseDAUNetConfig
from pellucid.networks.restormer import RestormerConfig
from pellucid.networks.swinir import SwinIRConfig
from pellucid.networks.uformer import UformerConfig

GOLDEN = Path(__file__).parent / "golden"
DIV2K = (0.4488, 0.4371, 0.4040)
RESTORMER = RestormerConfig(width=8, blocks=(1, 2, 1, 2), refinement=3, heads=(1, 2, 2, 4))
SWINIR = SwinIRConfig(width=12, depths=(1, 2), heads=3, window=4, expansion=1.5, mean=DIV2K)
UFORMER = UformerConfig(width=4, depths=(1, 2, 2, 1, 1), heads=(1, 2, 2, 4, 1), window=4)
OFFICIAL = [
    RESTORMER,
    replace(RESTORMER, norm="with_bias", expansion=2.0),
    replace(RESTORMER, width=10, expansion=1.75),
    SWINIR,
    MIRNetV2Config(width=32, groups=(1, 2, 4), blocks=3),
    NAFNetConfig(width=4, encoders=(1, 2, 3), middle=2, decoders=(3, 1, 2)),
    UFORMER,
    replace(UFORMER, modulators=True, transposed=True, expansion=3.0),
    DnCNNConfig(width=6, layers=5, noise=True),
    DnCNNConfig(width=4, layers=3, normalise=False, bias=True, noise=True),
]
SMALL = OFFICIAL[5]


def random_weights(config, channels: int = 3) -> dict[str, torch.Tensor]:
    """A state dict under the names of the architecture's authors."""
    torch.manual_seed(0)
    return build(config, channels, channels).state_dict()


def under(prefix: str, weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {f"{prefix}{name}": weight for name, weight in weights.items()}


def saved(content: object, path: Path) -> Path:
    torch.save(content, path)
    return path


def layout(name: str) -> dict[str, torch.Tensor]:
    """Published names with tensors that have shapes only."""
    shapes = json.loads((GOLDEN / "networks" / f"{name}_layout.json").read_text())
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}


def size(weights: dict[str, torch.Tensor]) -> int:
    return sum(w.numel() for name, w in weights.items() if "running" not in name and w.dim())


# -- DualDn ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "told", "module"),
    [
        ("DualDn", True, ""),
        ("Raw_Dn", True, "module."),
        ("Raw_Dn", False, ""),
        ("sRGB_Dn", True, "module."),
    ],
)
@torch.no_grad()
def test_dualdn_gives_the_published_result(kind, told, module, tmp_path):
    """Raw to 1e-4, sRGB to 1e-3, where values reach -13."""
    golden = load_file(GOLDEN / "dualdn_nets" / "io.safetensors")
    weights = load_file(GOLDEN / "dualdn_nets" / f"{kind}_SwinIR.safetensors")
    path = saved({"params": under(module, weights)}, tmp_path / "net_g_latest.pth")
    net = load_network(path, PublishedOptions(noise_map=told))
    red, green, blue, green_too = golden["wb_matrix"].reshape(2, 4).unbind(-1)
    camera = Camera.of(
        torch.inverse(golden["rgb_xyz_matrix"][:, 0]),
        torch.stack([red, green, green_too, blue], -1),
    )
    noise = Noise(golden["k"].flatten(), golden["sigma"].flatten())
    rendering = Rendering(torch.ones(2), golden["alpha"].flatten())
    restored = net(golden["raw"], camera, noise, rendering)
    for got, name, limit in zip(restored, ("out_raw", "out_srgb"), (1e-4, 1e-3), strict=True):
        expected = golden[f"{kind}_SwinIR_nm{int(told)}/{name}"]
        error = (got[..., :40, 24:] - expected).abs() / expected.abs().clamp(min=1)
        assert error.max() < limit
    assert (restored.srgb - net.develop(golden["raw"], camera, rendering)).abs().max() > 0.01


def dual_layout(name: str, width: int) -> dict[str, torch.Tensor]:
    ends = {"conv_in": (width, 2), "nm_fuse": (width, 2), "conv_out": (1, width)}
    weights = under("backbone1.", layout(name)) | under("backbone2.", layout(name))
    for layer, (outputs, inputs) in ends.items():
        for domain, channels in (("1", 4), ("2", 3)):
            shape = (channels, width) if layer == "conv_out" else (outputs, inputs * channels)
            whole = f"{layer}{domain}.conv_out" if layer == "nm_fuse" else f"{layer}{domain}"
            weights[f"{whole}.weight"] = torch.empty(*shape, 1, 1, device="meta")
    return weights


@pytest.mark.parametrize(
    ("name", "width", "count"),
    [
        ("restormer_dualdn", 64, 53_048_212),
        ("mirnet_v2_dualdn", 64, 3_896_896),
        ("swinir_dualdn", 60, 1_371_420),
    ],
)
def test_dualdn_fits_at_its_published_size(name, width, count):
    """All but the four layers that one of the modes does not use is taken."""
    weights = dual_layout(name, width)
    assert size(weights) == count
    imported = recognise(weights, PublishedOptions())
    assert size(imported.weights) == count - (2 * 4 + 2 * 3) * width
    config = imported.config
    assert (config.isp, config.noise_map) == (ISPConfig.dualdn(), "published")
    assert (config.noise_floor, config.clip_black, config.unclip) == (1e-7, True, False)
    assert recognise(weights, PublishedOptions(isp="pellucid")).config.isp == ISPConfig()


def test_a_network_of_both_domains_needs_its_noise_map():
    with pytest.raises(PellucidError, match="has no version without noise map; expected --noise"):
        recognise(dual_layout("mirnet_v2_dualdn", 64), PublishedOptions(noise_map=False))


def test_what_dualdn_clips_is_clipped():
    weights = load_file(GOLDEN / "dualdn_nets" / "Raw_Dn_SwinIR.safetensors")
    config = recognise(weights, PublishedOptions()).config
    net, noise = config.build(), Noise(1e-3, 0.0)
    mosaic = torch.rand(1, 1, 16, 16) - 0.5
    dark = (mosaic * noise.shot < 1e-7).float().mean()
    assert 0.4 < dark < 0.6
    seen = []
    net.raw_net.register_forward_pre_hook(lambda module, inputs: seen.append(inputs))
    net.denoise_raw(mosaic, noise)
    planes, std = seen[0]
    assert planes.min() == 0 and std.min() == pytest.approx(1e-7**0.5)


# -- Noise-DA --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "task", "low", "skips"),
    [
        ("unet_noiseda", "denoise", 0, 1),
        ("unet_noiseda", "derain", -1, 1),
        ("unet_noiseda", "deblur", -1, 1),
        ("dncnn_noiseda", "denoise", 0, 1),
        ("restormer_noiseda", "derain", -1, 1),
        ("swinir_noiseda", "denoise", 0, 2),
        ("swinir_noiseda", "derain", -1, 2),
    ],
)
@torch.no_grad()
def test_noiseda_adds_the_published_result_in_its_range(name, task, low, skips, tmp_path):
    """Its SwinIR has added the picture already. Uformer is in tests/networks/test_uformer.py."""
    weights = load_file(GOLDEN / "networks" / f"{name}.safetensors")
    given, residual = weights.pop("in").float(), weights.pop("out").float()
    weights = under("RestorationNet.", weights)
    weights |= {"denoise_fn.out.0.weight": torch.ones(2), "gammas": torch.ones(3)}
    net = load_network(saved(weights, tmp_path / "9_Network.pth"), PublishedOptions(task=task))
    assert net.skips == skips and not net.training
    restored = net((given - low) / (1 - low)) * (1 - low) + low
    error = (restored - given - residual).abs() / residual.abs().clamp(min=1)
    assert error.max() < 1e-4


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("unet_noiseda", 8_559_171),
        ("dncnn_noiseda", 558_336),
        ("restormer_noiseda", 26_111_668),
        ("uformer_noiseda", 21_713_757),
    ],
)
def test_noiseda_fits_at_its_published_size(name, count):
    weights = under("RestorationNet.", layout(name))
    assert size(weights) == count
    assert size(recognise(weights, PublishedOptions(task="denoise")).weights) == count


@pytest.mark.parametrize("prefix", ["RestorationNet.", ""])
def test_the_task_of_noiseda_is_never_guessed(prefix):
    weights = under(prefix, layout("unet_noiseda"))
    with pytest.raises(PellucidError, match="expected --task denoise, derain or deblur"):
        recognise(weights, PublishedOptions())


# -- the networks' own authors ---------------------------------------------------------------------


@pytest.mark.parametrize("config", OFFICIAL, ids=str)
@torch.no_grad()
def test_the_shape_of_a_network_is_read_from_its_weights(config):
    weights = random_weights(config)
    imported = recognise(weights, PublishedOptions())
    assert imported.config.net == config
    assert imported.config.value_range == "unit" and imported.config.colours == 3
    net = imported.config.build()
    net.load_state_dict(imported.weights)
    body, picture = build(config, 3, 3).eval(), torch.rand(1, 3, 17, 13)
    body.load_state_dict(weights)
    torch.testing.assert_close(net.eval()(picture), picture + body(picture))


def test_swinir_for_jpeg_sees_bytes():
    """Known by its windows of 7."""
    config = recognise(random_weights(replace(SWINIR, window=7)), PublishedOptions()).config
    assert config.value_range == "byte"
    assert config.net.mean == pytest.approx([255 * value for value in DIV2K])


def test_grey_networks_take_each_colour():
    config = recognise(random_weights(replace(SWINIR, mean=()), 1), PublishedOptions()).config
    assert config.colours == 1 and config.net.mean == ()


def test_kairs_names_of_dncnn():
    weights = random_weights(OFFICIAL[-1])
    renamed = {name.replace("dncnn.", "model."): weight for name, weight in weights.items()}
    assert recognise(renamed, PublishedOptions()).config.net == OFFICIAL[-1]


def test_buffers_that_are_made_again_may_be_there_or_not():
    weights = random_weights(SWINIR)
    block = "layers.1.residual_group.blocks.1"
    weights |= {f"{block}.attn_mask": torch.ones(3)}
    weights |= {f"{block}.attn.relative_position_index": torch.ones(3)}
    assert recognise(weights, PublishedOptions()).config.net == SWINIR


def test_counters_may_be_missing():
    """Those of batch norm came to torch later than the network."""
    weights = random_weights(OFFICIAL[-2])
    for name in [name for name in weights if name.endswith("num_batches_tracked")]:
        del weights[name]
    imported = recognise(weights, PublishedOptions())
    imported.config.build().load_state_dict(imported.weights)


@pytest.mark.parametrize("key", ["params", "params_ema", "state_dict", "model", None])
@pytest.mark.parametrize("module", ["", "module."])
def test_wrappings_come_off(key, module):
    weights, other = random_weights(SMALL), {"epoch": 3, "optimizer": {"lr": 0.1}}
    content = under(module, weights)
    assert unwrap({**other, key: content} if key else content) == weights


def test_averaged_weights_come_first():
    assert unwrap({"params": {"a": torch.zeros(1)}, "params_ema": {"b": torch.ones(1)}}).keys() == {
        "b"
    }


@pytest.mark.parametrize("form", ["zip", "old", "safetensors"])
def test_forms_of_files(form, tmp_path):
    weights, path = random_weights(SMALL), tmp_path / "net.file"
    match form:
        case "safetensors":
            plain = {name: weight.contiguous() for name, weight in weights.items()}
            save_file(plain, path, {"format": "pt"})
        case _:
            torch.save({"params": weights}, path, _use_new_zipfile_serialization=form == "zip")
    net = load_network(path)
    assert isinstance(net, PictureNet) and not net.training
    assert all(torch.equal(net.net.body.state_dict()[name], w) for name, w in weights.items())


# -- what does not fit -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda w: w | {"extra.weight": torch.ones(1)}, "NAFNet, but .*extra.weight is no part of"),
        (lambda w: {k: v for k, v in w.items() if k != "ending.bias"}, "ending.bias is missing"),
        (lambda w: w | {"ending.bias": torch.ones(5)}, r"shape \[5\]; expected \[3\]"),
        (lambda w: {k: v for k, v in w.items() if k != "intro.weight"}, "lacks 'intro.weight'"),
        (lambda w: w | {"intro.weight": torch.ones(4, 6, 3, 3)}, "6 channels; expected 1 or 3"),
        (lambda w: under("a.", w), r"got \d+ tensors, first a.intro.weight, .*; expected weights"),
        (lambda w: {}, "got 0 tensors"),
    ],
)
def test_weights_that_do_not_fit_are_refused(change, said):
    with pytest.raises(Misfit, match=said):
        recognise(change(random_weights(SMALL)), PublishedOptions())


def test_a_dualdn_with_a_layer_more_or_of_another_backbone_is_refused():
    weights = dual_layout("mirnet_v2_dualdn", 64)
    with pytest.raises(Misfit, match="DualDn, both domains, but conv_in3.weight is no part of it"):
        recognise(weights | {"conv_in3.weight": torch.ones(1)}, PublishedOptions())
    weights = {name.replace("dau_top", "other"): weight for name, weight in weights.items()}
    with pytest.raises(Misfit, match="backbone1 is none of Restormer, "):
        recognise(weights, PublishedOptions())


class Anything:
    """What only a pickle that runs code could make."""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"params": Anything()}, "holds more than weights; expected tensors only"),
        ({"epoch": 3, "best": 0.5}, "holds a dict of epoch, best; expected tensors by name"),
        (torch.ones(3), "holds a Tensor; expected tensors by name"),
        (3, "holds a int; expected tensors by name"),
        ({"a": torch.ones(1)}, "got 1 tensors, first a; expected weights of Pellucid, DualDn, "),
    ],
)
def test_files_without_a_network_get_one_line(content, said, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "spandrel", None)
    path = saved(content, tmp_path / "net.pth")
    with pytest.raises(FileError, match=said) as error:
        load_network(path)
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)


@pytest.mark.parametrize("end", [4, 100, -10])
def test_damaged_files_get_one_line(end, tmp_path):
    path = saved(random_weights(SMALL), tmp_path / "net.pth")
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(FileError, match="damaged, or not a torch file") as error:
        load_network(path)
    assert "\n" not in str(error.value)


# -- what only spandrel knows ----------------------------------------------------------------------


class Enlarger(nn.Module):
    """Gives every pixel four times, brighter."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale, self.gain = scale, nn.Parameter(torch.tensor(1.5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.gain * x.repeat_interleave(self.scale, -1).repeat_interleave(self.scale, -2)


class Descriptor(SimpleNamespace):
    """Of spandrel, as far as it is used."""

    def __call__(self, x):
        return self.model(x)

    def float(self):
        return self

    def eval(self):
        return self


def stand_in(descriptor: Descriptor | None) -> SimpleNamespace:
    def load(weights):
        if descriptor is None or "alien" not in weights:
            raise KeyError("unsupported")
        return descriptor

    loader = SimpleNamespace(load_from_state_dict=load)
    return SimpleNamespace(ModelLoader=lambda: loader, ImageModelDescriptor=Descriptor)


def describe(scale: int = 1, inputs: int = 3, outputs: int = 3) -> Descriptor:
    return Descriptor(
        model=Enlarger(scale),
        scale=scale,
        input_channels=inputs,
        output_channels=outputs,
        size_requirements=SimpleNamespace(multiple_of=8),
        architecture=SimpleNamespace(name="Alien"),
    )


@pytest.mark.parametrize("scale", [1, 2])
@torch.no_grad()
def test_others_come_through_spandrel_and_keep_the_size(scale, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "spandrel", stand_in(describe(scale)))
    net = load_network(saved({"alien": torch.ones(1)}, tmp_path / "net.pth"))
    assert isinstance(net, PictureNet) and (net.stride, net.halo) == (8, None)
    picture = torch.full((1, 3, 16, 24), 0.4)
    torch.testing.assert_close(net(picture), 1.5 * picture)


@pytest.mark.parametrize(
    ("descriptor", "said"),
    [
        (None, "expected weights of .* DnCNN, or of what spandrel knows"),
        (describe(1, 4, 3), "Alien for 4 channels gives 3; expected as many, 1 or 3"),
    ],
)
def test_what_spandrel_knows_not_or_not_as_a_picture(descriptor, said, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "spandrel", stand_in(descriptor))
    with pytest.raises(FileError, match=said):
        load_network(saved({"alien": torch.ones(1)}, tmp_path / "net.pth"))


def test_without_spandrel_one_is_told_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "spandrel", None)
    with pytest.raises(FileError, match=r"for other networks pip install 'pellucid\[foreign\]'$"):
        load_network(saved({"alien": torch.ones(1)}, tmp_path / "net.pth"))


@torch.no_grad()
def test_scunet_through_spandrel(tmp_path):
    pytest.importorskip("spandrel", reason="needs pip install 'pellucid[foreign]'")
    from spandrel.architectures.SCUNet import SCUNet

    torch.manual_seed(0)
    weights = SCUNet(config=[2] * 7, dim=64).state_dict()
    net = load_network(saved(weights, tmp_path / "scunet.pth"))
    picture = torch.rand(1, 3, 45, 70)
    assert net(picture).shape == picture.shape and not torch.equal(net(picture), picture)


def test_networks_of_ours_do_not_ask_spandrel(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "spandrel", None)
    for config in (NAFNetConfig(width=4), RESTORMER, NoiseDAUNetConfig(width=4)):
        path = saved(random_weights(config), tmp_path / "net.pth")
        told = PublishedOptions(task="derain" if isinstance(config, NoiseDAUNetConfig) else None)
        assert not isinstance(load_network(path, told), DualDomainNet)
