"""`pellucid models`, and `pellucid restore` with weights of others."""

import sys
from typing import get_args

import pytest
import torch

from pellucid import Restorer, develop, load_network, read_picture, read_raw, write_picture
from pellucid.choices import Task
from pellucid.importers import PublishedOptions
from pellucid.models import SHIPPED
from pellucid.networks.nafnet import NAFNet, NAFNetConfig
from pellucid.networks.noiseda_unet import NoiseDAUNet, NoiseDAUNetConfig
from pellucid.networks.swinir import SwinIR, SwinIRConfig


@pytest.fixture
def models(folder, monkeypatch):
    """Published weights: of Noise-DA, of NAFNet, and of a DualDn that loads but cannot run."""
    monkeypatch.setitem(sys.modules, "spandrel", None)
    torch.manual_seed(0)
    unet = NoiseDAUNet(NoiseDAUNetConfig(width=4), 3, 3).state_dict()
    torch.save({f"RestorationNet.{k}": v for k, v in unet.items()}, folder / "Network.pth")
    nafnet = NAFNet(NAFNetConfig(width=4, encoders=(1,), middle=1, decoders=(1,)), 3, 3)
    torch.save({"params": nafnet.state_dict()}, folder / "nafnet.pth")
    body = SwinIR(SwinIRConfig(width=8, depths=(1,), heads=6, embed=False), 8, 8).state_dict()
    odd = {f"backbone.{name}": weight for name, weight in body.items()}
    ends = {"conv_in": (8, 4), "nm_fuse.conv_out": (8, 8), "conv_out": (4, 8)}
    odd |= {f"{name}.weight": torch.rand(*shape, 1, 1) for name, shape in ends.items()}
    torch.save({"params": odd}, folder / "odd.pth")
    torch.save({"a": torch.ones(2)}, folder / "alien.pth")
    (folder / "link.safetensors").symlink_to("net.safetensors")
    write_picture(folder / "rain.png", torch.rand(3, 37, 50), bits=16)
    return folder


def test_lists_what_ships(pellucid):
    run = pellucid("models")
    assert run.code == 0 and run.err == []
    assert [line.split()[0] for line in run.out] == list(SHIPPED)
    assert all(line.endswith(" parameters") for line in run.out)


@pytest.mark.parametrize("task", get_args(Task))
def test_every_task_has_a_model_of_its_name(models, pellucid, task):
    assert pellucid(f"restore rain.png --task {task} -o task.png").code == 0
    assert pellucid(f"restore rain.png --model {task} -o model.png").code == 0
    assert read_picture("task.png").equal(read_picture("model.png"))


def test_shows_a_shipped_model_with_its_card(pellucid):
    run = pellucid("models show default")
    facts = {line[:16].strip(): line[17:] for line in run.out[: run.out.index("")]}
    count = sum(weight.numel() for weight in Restorer.load().net.state_dict().values())
    assert facts["parameters"] == f"{count:,}" and facts["raw network"].startswith("unet: ")
    assert facts["raw tiles"].startswith("stride 16, halo ") and facts["format"] == "pellucid/2"
    assert "# Model card: `default`" in run.out


def test_shows_published_weights(models, pellucid):
    rain = pellucid("models show Network.pth --task derain")
    assert rain.code == 0 and rain.err == []
    assert "format           Noise-DA, derain" in rain.out
    assert "range of values  -1 to 1" in rain.out
    assert any(line.startswith("network          noiseda_unet: width 4") for line in rain.out)
    raw = pellucid("models show odd.pth --no-noise-map")
    assert "format           DualDn, raw only" in raw.out
    assert "raw noise map    no" in raw.out
    assert all("None" not in line and "[" not in line for line in rain.out + raw.out)


@pytest.mark.parametrize(("option", "limit"), [("", 3e-3), (" --full-precision", 0)])
@torch.no_grad()
def test_what_is_converted_gives_the_same(models, pellucid, option, limit):
    run = pellucid(f"models convert Network.pth --task derain -o own.safetensors{option}")
    assert (run.code, run.out, run.err) == (0, ["wrote own.safetensors"], [])
    picture = torch.rand(1, 3, 24, 40)
    published = load_network("Network.pth", PublishedOptions(task="derain"))
    own = load_network("own.safetensors")
    assert own.value_range == "signed"
    difference = (own(picture) - published(picture)).abs().max()
    assert (published(picture) - picture).abs().max() > 0.05
    assert difference <= limit
    assert "origin           Noise-DA, derain" in pellucid("models show own.safetensors").out


def test_restore_runs_published_weights_on_pictures(models, pellucid):
    run = pellucid("restore rain.png --model Network.pth --task derain -o out.png --bits 16")
    assert (run.code, run.out, run.err) == (0, ["wrote out.png"], [])
    restorer = Restorer.load("Network.pth", options=PublishedOptions(task="derain"))
    expected = restorer.restore_picture(read_picture("rain.png"))
    assert (expected - read_picture("rain.png")).abs().max() > 0.05
    torch.testing.assert_close(read_picture("out.png"), expected.clamp(0, 1), atol=2e-5, rtol=0)


def test_restore_runs_networks_of_pictures_on_raws(models, pellucid):
    run = pellucid("restore a.dng --model nafnet.pth -o out.png --bits 16")
    assert run.code == 0 and run.err == []
    raw = read_raw("a.dng")
    expected = Restorer.load("nafnet.pth").restore_picture(develop(raw))
    assert (expected - develop(raw)).abs().max() > 0.05
    torch.testing.assert_close(read_picture("out.png"), expected.clamp(0, 1), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("restore rain.png --model net.safetensors -o o.png", "rain.png: the model restores raw"),
        ("restore rain.png --model Network.pth -o o.png", "expected --task denoise, derain or"),
        ("restore rain.png --model Network.pth --task dehaze -o o.png", "invalid choice: 'dehaze'"),
        ("restore a.dng --model odd.pth -o o.png", "a.dng: 6 heads do not divide width 8"),
        ("restore a.dng --model alien.pth -o o.png", "alien.pth: got 1 tensors, first a; expected"),
        ("restore a.dng --model nafnet.pth -o o.dng", "the model restores pictures; expected -o"),
        ("restore a.dng --task denoise -o o.dng --linear", "the model restores pictures"),
        ("restore raws --task derain -o o --format dng", "the model restores pictures; expected"),
        ("restore a.dng --task derain --model net.safetensors -o o.png", "--task is not for"),
        ("restore a.dng --isp pellucid --model net.safetensors -o o.png", "--isp is not for"),
        ("restore rain.png --isp pellucid -o o.png", "--isp is not for weights of pellucid/2"),
        (
            "restore rain.png --task denoise --model nafnet.pth -o o.png",
            "not for weights of NAFNet",
        ),
        ("models show odd.pth --task denoise", "--task is not for weights of DualDn, raw only"),
        ("models show alien.pth", "pip install 'pellucid[foreign]'"),
        ("models show missing.pth", "missing.pth: no such model"),
        ("models convert alien.pth -o o.safetensors", "alien.pth: got 1 tensors"),
        ("models convert nafnet.pth -o o.pth", "unknown ending '.pth'; expected .safetensors"),
        ("models convert nafnet.pth -o no/o.safetensors", "no"),
        ("models convert link.safetensors -o net.safetensors", "the same file as link.safetensors"),
        ("models convert nafnet.pth", "see pellucid models convert --help"),
        ("models teach", "invalid choice: 'teach'"),
    ],
)
def test_mistakes_get_one_line(models, pellucid, command, said):
    run = pellucid(command)
    assert run.code == 2 and len(run.err) == 1 and said in run.err[0]
    assert not list(models.glob("o.*")) and not (models / "o").exists()


@pytest.mark.parametrize(
    ("given", "options", "why"),
    [
        (
            "rain.png --model nafnet.pth -o o.png",
            "--exposure 1|--tone 0.5|--noise 1e-3,0|--stars keep|--white-balance auto|"
            "--reference rain.png",
            "for finished pictures",
        ),
        (
            "a.dng --model nafnet.pth -o o.png",
            "--noise 1e-3,0|--stars keep",
            "with a model that restores pictures",
        ),
        ("raws rain.png --model nafnet.pth -o o", "--noise 1e-3,0", "with a model that restores"),
        (
            "a.dng --model net.safetensors --reference rain.png -o o.png",
            "--exposure 1|--tone 0.5",
            "with --reference, which says how bright the picture is",
        ),
    ],
)
def test_an_option_that_can_do_nothing_is_refused(models, pellucid, given, options, why):
    for option in options.split("|"):
        run = pellucid(f"restore {given} {option}")
        assert run.code == 2 and len(run.err) == 1 and run.out == [], run
        assert run.err[0].startswith(f"pellucid: {option.split()[0]} does nothing {why}")
    assert not list(models.glob("o*.png"))


def test_an_option_may_be_for_some_of_the_files(models, pellucid):
    run = pellucid("restore raws rain.png --model nafnet.pth -o o --exposure 1")
    assert run.code == 0 and run.out[-1] == "restored 2 of 2"
