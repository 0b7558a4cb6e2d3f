import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pellucid.networks.nafnet import LocalMean, NAFBlock, NAFNet, NAFNetConfig

GOLDEN = Path(__file__).parents[1] / "golden" / "networks"
TINY = NAFNetConfig(width=8, encoders=(1, 1, 1), middle=1, decoders=(1, 1, 1))
GOPRO = {"encoders": (1, 1, 1, 28), "middle": 1, "decoders": (1, 1, 1, 1)}


def tiny_net(config: NAFNetConfig = TINY) -> NAFNet:
    """A net whose blocks are not the identity."""
    torch.manual_seed(0)
    net = NAFNet(config, 3, 3).eval()
    for name, parameter in net.named_parameters():
        if name.endswith(("beta", "gamma")):
            torch.nn.init.normal_(parameter)
    return net


@torch.no_grad()
def test_published_block_gives_the_published_result():
    golden = load_file(GOLDEN / "nafblock_noiseda.safetensors")
    weights = {key: value.float() for key, value in golden.items()}
    given, expected = weights.pop("in"), weights.pop("out")
    block = NAFBlock(8, dilation=2)
    block.load_state_dict(weights)
    error = (block(given) - expected).abs() / expected.abs().clamp(min=1)
    assert error.max() < 1e-4


def test_blocks_have_the_published_layout():
    layout = {key: list(value.shape) for key, value in NAFBlock(32).state_dict().items()}
    assert layout == json.loads((GOLDEN / "nafblock_noiseda_layout.json").read_text())


def test_has_the_published_names():
    with torch.device("meta"):
        keys = NAFNet(NAFNetConfig(), 3, 3).state_dict().keys()
    outside = {key for key in keys if key.split(".")[0][-2:] not in ("rs", "ks")}
    assert outside == {
        *(f"{name}.{kind}" for name in ("intro", "ending") for kind in ("weight", "bias")),
        *(f"downs.{i}.{kind}" for i in range(4) for kind in ("weight", "bias")),
        *(f"ups.{i}.0.weight" for i in range(4)),
    }
    blocks = {key.rsplit(".conv1.", 1)[0] for key in keys if ".conv1." in key}
    assert blocks == {
        *(f"encoders.{i}.{j}" for i, count in enumerate((2, 2, 4, 8)) for j in range(count)),
        *(f"middle_blks.{j}" for j in range(12)),
        *(f"decoders.{i}.{j}" for i in range(4) for j in range(2)),
    }


@pytest.mark.parametrize(
    ("config", "millions"),
    [
        (NAFNetConfig(), 29.16),
        (NAFNetConfig(width=64), 115.98),
        (NAFNetConfig(**GOPRO), 17.11),
        (NAFNetConfig(width=64, **GOPRO), 67.89),
    ],
)
def test_has_as_many_parameters_as_published(config, millions):
    with torch.device("meta"):
        net = NAFNet(config, 3, 3)
    assert sum(p.numel() for p in net.parameters()) / 1e6 == pytest.approx(millions, abs=0.006)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 3), (13, 17), (130, 70)])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("window", [None, 48])
@torch.no_grad()
def test_any_size(size, batch, window):
    config = NAFNetConfig(width=4, encoders=(1, 1), middle=1, decoders=(1, 1), window=window)
    result = NAFNet(config, 4, 2)(torch.rand(batch, 4, *size))
    assert result.shape == (batch, 2, *size) and result.isfinite().all()


def test_more_encoders_than_decoders_are_refused():
    with pytest.raises(ValueError, match="got 4 encoders and 2 decoders"):
        NAFNet(NAFNetConfig(decoders=(1, 1)), 3, 3)


@torch.no_grad()
def test_the_farthest_pixel_is_seen():
    """Why there is no halo."""
    net, picture = tiny_net(), torch.rand(1, 3, 96, 96)
    changed = picture.clone()
    changed[..., :8, :8] += 1
    assert net.halo is None
    assert (net(changed) - net(picture))[..., -1, -1].abs().max() > 1e-5


@pytest.mark.parametrize("window", [1, 4, 5])
@torch.no_grad()
def test_local_means_are_the_means_around(window):
    picture = torch.rand(2, 3, 9, 12)
    means = LocalMean(window)(picture)
    assert means.shape == picture.shape
    inside = torch.nn.functional.avg_pool2d(picture, window, 1)
    first = (window - 1) // 2
    rows, columns = (slice(first, first + side) for side in inside.shape[-2:])
    torch.testing.assert_close(means[..., rows, columns], inside)
    assert torch.equal(means[..., 0, columns], means[..., first, columns])


@torch.no_grad()
def test_a_window_as_large_as_the_picture_changes_nothing():
    picture = torch.rand(1, 3, 40, 32)
    whole, local, narrow = (
        tiny_net(replace(TINY, window=window))(picture) for window in (None, 40, 16)
    )
    error, change = (whole - local).abs().max(), (whole - narrow).abs().max()
    assert error < 1e-5 < 1e-3 < change


@torch.no_grad()
def test_batch_equals_singles_and_repeats():
    net, pictures = tiny_net(), torch.rand(3, 3, 16, 24)
    together = net(pictures)
    assert torch.equal(together, net(pictures))
    singles = torch.cat([net(picture[None]) for picture in pictures])
    torch.testing.assert_close(together, singles, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_half_precision_stays_near():
    net, picture = tiny_net(), torch.rand(1, 3, 32, 32)
    with torch.autocast("cpu", torch.bfloat16):
        half = net(picture).float()
    full = net(picture)
    assert (half - full).norm() < 0.05 * full.norm()


def test_one_batch_can_be_overfitted():
    torch.manual_seed(0)
    net = NAFNet(NAFNetConfig(width=16, encoders=(1, 1), middle=1, decoders=(1, 1)), 3, 3)
    noise = 0.1 * torch.randn(2, 3, 16, 16)
    noisy = torch.rand(2, 3, 16, 16) + noise
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    for _ in range(60):
        loss = (net(noisy) + noise).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < noise.abs().mean() / 3
