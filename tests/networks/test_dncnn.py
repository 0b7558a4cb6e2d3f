import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from pellucid.networks.dncnn import DnCNN, DnCNNConfig

GOLDEN = Path(__file__).parents[1] / "golden" / "networks"
TINY = DnCNNConfig(width=8, layers=5)


def published_net() -> tuple[DnCNN, torch.Tensor, torch.Tensor]:
    """Noise-DA's with five layers, what it was given and what it gave."""
    golden = load_file(GOLDEN / "dncnn_noiseda.safetensors")
    # The counters of batch norm are the only integers.
    weights = {k: v.float() if v.is_floating_point() else v for k, v in golden.items()}
    given, expected = weights.pop("in"), weights.pop("out")
    net = DnCNN(DnCNNConfig(layers=5), 3, 3).eval()
    net.load_state_dict(weights)
    return net, given, expected


def tiny_net(config: DnCNNConfig = TINY) -> DnCNN:
    torch.manual_seed(0)
    return DnCNN(config, 3, 3).eval()


@torch.no_grad()
def test_published_weights_give_the_published_result():
    net, given, expected = published_net()
    error = (net(given) - expected).abs() / expected.abs().clamp(min=1)
    assert error.max() < 1e-4


@torch.no_grad()
def test_a_folded_batch_norm_gives_the_same_result():
    """What KAIR's weights are."""
    net, given, expected = published_net()
    layers = list(net.dncnn)
    folded = [
        fuse_conv_bn_eval(one, two) if isinstance(two, nn.BatchNorm2d) else one
        for one, two in zip(layers, [*layers[1:], None], strict=True)
        if not isinstance(one, nn.BatchNorm2d)
    ]
    plain = DnCNN(DnCNNConfig(layers=5, normalise=False, bias=True), 3, 3).eval()
    for layer in (plain.dncnn[0], plain.dncnn[-1]):
        nn.init.zeros_(layer.bias)
    named = {f"dncnn.{key}": value for key, value in nn.Sequential(*folded).state_dict().items()}
    missing, unexpected = plain.load_state_dict(named, strict=False)
    assert missing == ["dncnn.0.bias", "dncnn.8.bias"] and not unexpected
    torch.testing.assert_close(plain(given), expected, atol=1e-4, rtol=1e-4)


def test_has_the_published_layout():
    with torch.device("meta"):
        net = DnCNN(DnCNNConfig(), 3, 3)
    layout = {key: list(value.shape) for key, value in net.state_dict().items()}
    assert layout == json.loads((GOLDEN / "dncnn_noiseda_layout.json").read_text())
    assert sum(p.numel() for p in net.parameters()) == 558_336


@pytest.mark.parametrize(
    ("layers", "channels", "published"), [(17, 1, 555_137), (20, 3, 668_227)], ids=["grey", "blind"]
)
def test_has_the_layout_of_kair(layers, channels, published):
    with torch.device("meta"):
        net = DnCNN(DnCNNConfig(layers=layers, normalise=False, bias=True), channels, channels)
    kinds = ("weight", "bias")
    assert list(net.state_dict()) == [f"dncnn.{2 * i}.{k}" for i in range(layers) for k in kinds]
    assert sum(p.numel() for p in net.parameters()) == published


@torch.no_grad()
def test_what_is_added_is_the_negative_of_noise():
    picture = torch.rand(1, 3, 8, 8)
    added, noise = (tiny_net(DnCNNConfig(width=8, layers=5, noise=n)) for n in (False, True))
    assert added(picture).any() and torch.equal(added(picture), -noise(picture))


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 3), (13, 17), (130, 70)])
@pytest.mark.parametrize("batch", [1, 3])
@torch.no_grad()
def test_any_size(size, batch):
    result = DnCNN(TINY, 4, 2).eval()(torch.rand(batch, 4, *size))
    assert result.shape == (batch, 2, *size) and result.isfinite().all()


@torch.no_grad()
def test_sees_as_far_as_its_halo():
    net, picture = tiny_net().double(), torch.rand(1, 3, 24, 24, dtype=torch.float64)
    changed = picture.clone()
    changed[..., :1, :] += 1
    difference = (net(changed) - net(picture)).abs().amax((0, 1, 3))
    assert int(difference.nonzero().max()) == net.halo == TINY.layers


@torch.no_grad()
def test_shifts_shift_the_result():
    net, picture = tiny_net(), torch.rand(1, 3, 24, 24)
    inner = slice(net.halo + 1, -net.halo - 1)
    plain = net(picture)
    moved = torch.roll(net(torch.roll(picture, net.stride, -1)), -net.stride, -1)
    torch.testing.assert_close(plain[..., inner], moved[..., inner], atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_batch_equals_singles_and_repeats():
    net, pictures = tiny_net(), torch.rand(3, 3, 16, 24)
    together = net(pictures)
    assert torch.equal(together, net(pictures))
    singles = torch.cat([net(picture[None]) for picture in pictures])
    torch.testing.assert_close(together, singles, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("normalise", [True, False])
def test_one_batch_can_be_overfitted(normalise):
    net = tiny_net(DnCNNConfig(width=32, layers=4, normalise=normalise, bias=True)).train()
    noise = 0.1 * torch.randn(1, 3, 8, 8)
    noisy = torch.rand(1, 3, 8, 8) + noise
    optimizer = torch.optim.Adam(net.parameters(), 2e-3)
    for _ in range(60):
        loss = (net(noisy) + noise).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < noise.abs().mean() / 3
