"""A folder with raw files, good and bad, and a small network, in which commands run."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from pellucid import Camera, DualDomainConfig, Noise, UNetConfig, unrender, write_mosaic
from pellucid.checkpoint import save_network
from pellucid.cli import main
from pellucid.io import DngFields
from pellucid.noise import add_noise

CAMERA = Camera.of(torch.tensor([[0.5, 0, 0], [-0.6, 1.3, 0.3], [-0.1, 0.2, 0.7]]), torch.ones(3))
NOISE = Noise(2e-3, 1e-6)
FIELDS = DngFields(make="Pellucid", model="Test", iso=800, exposure_time=0.01)
RECIPE = Path(__file__).parents[2] / "recipes" / "default.yaml"


class Run(NamedTuple):
    """What a command did."""

    code: int
    out: list[str]
    err: list[str]


@pytest.fixture
def pellucid(capfd: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    """Runs a command given as one string; what LibRaw itself prints would be seen too."""

    def run(command: str) -> Run:
        with pytest.raises(SystemExit) as stopped:
            main(command.split())
        assert isinstance(stopped.value.code, int)
        out, err = capfd.readouterr()
        return Run(stopped.value.code, out.splitlines(), err.splitlines())

    return run


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A fresh network that is not the identity."""
    config = DualDomainConfig(UNetConfig(widths=(8, 16)), UNetConfig(shuffle=2, widths=(8, 16)))
    torch.manual_seed(0)
    net = config.build()
    for inner in (net.raw_net, net.srgb_net):
        assert inner is not None and isinstance(inner.body.head, nn.Conv2d)
        nn.init.normal_(inner.body.head.weight, std=0.1)
    path = tmp_path_factory.mktemp("weights") / "net.safetensors"
    save_network(net, config, path)
    return path.read_bytes()


@pytest.fixture
def folder(tmp_path: Path, weights: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of a test."""
    monkeypatch.chdir(tmp_path)
    write_photo(tmp_path / "a.dng", 0, NOISE)
    write_photo(tmp_path / "b.dng", 1, None)
    (tmp_path / "net.safetensors").write_bytes(weights)
    (tmp_path / "text.dng").write_text("no raw photograph")
    (tmp_path / "empty.dng").touch()
    whole = (tmp_path / "a.dng").read_bytes()
    (tmp_path / "half.dng").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "recipe.yaml").write_text(RECIPE.read_text())
    (tmp_path / "directory.png").mkdir()
    (tmp_path / "b-restored.png").mkdir()
    (tmp_path / "raws").mkdir()
    (tmp_path / "raws" / "a.dng").write_bytes(whole)
    return tmp_path


def write_photo(path: Path, seed: int, profile: Noise | None) -> None:
    """A noisy DNG of a smooth scene, 64x96."""
    generator = torch.Generator().manual_seed(seed)
    picture = F.interpolate(torch.rand(1, 3, 5, 7, generator=generator), (64, 96), mode="bilinear")
    noisy = add_noise(unrender(picture[0], CAMERA), NOISE, generator=generator)
    write_mosaic(path, noisy, CAMERA, profile, FIELDS)
