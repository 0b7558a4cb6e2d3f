import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pellucid.networks.restormer import ChannelAttention, Restormer, RestormerConfig

GOLDEN = Path(__file__).parents[1] / "golden" / "networks"
TINY = RestormerConfig(width=8, blocks=(1, 1, 1, 1), refinement=1)
DUALDN = RestormerConfig(width=64, blocks=(2, 3, 3, 4), refinement=2, embed=False)
SMALL_DUALDN = RestormerConfig(width=8, blocks=(2, 3, 3, 4), refinement=2, embed=False)


def tiny_net(config: RestormerConfig = TINY) -> Restormer:
    torch.manual_seed(0)
    return Restormer(config, 3, 3).eval()


@pytest.mark.parametrize(
    ("name", "config", "channels"),
    [("restormer_noiseda", TINY, 3), ("restormer_dualdn", SMALL_DUALDN, 8)],
)
@torch.no_grad()
def test_published_weights_give_the_published_result(name, config, channels):
    weights = {
        key: value.float() for key, value in load_file(GOLDEN / f"{name}.safetensors").items()
    }
    given, expected = weights.pop("in"), weights.pop("out")
    net = Restormer(config, channels, channels).eval()
    net.load_state_dict(weights)
    error = (net(given) - expected).abs() / expected.abs().clamp(min=1)
    assert error.max() < 1e-4


@pytest.mark.parametrize(
    ("name", "config", "channels"),
    [("restormer_noiseda", RestormerConfig(), 3), ("restormer_dualdn", DUALDN, 64)],
)
def test_has_the_published_layout(name, config, channels):
    with torch.device("meta"):
        net = Restormer(config, channels, channels)
    layout = {key: list(value.shape) for key, value in net.state_dict().items()}
    assert layout == json.loads((GOLDEN / f"{name}_layout.json").read_text())


@pytest.mark.parametrize(
    ("config", "channels", "published"),
    [
        (RestormerConfig(), 3, 26_111_668),
        (RestormerConfig(width=64, embed=False), 64, 46_229_204 - 4 * 64 - 64 * 4 - 8 * 64),
        (RestormerConfig(norm="with_bias"), 3, 26_126_644),
    ],
    ids=["Noise-DA", "DualDn's raw-only body", "the paper's for real noise"],
)
def test_has_as_many_parameters_as_published(config, channels, published):
    with torch.device("meta"):
        net = Restormer(config, channels, channels)
    assert sum(p.numel() for p in net.parameters()) == published


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 3), (13, 17), (130, 70)])
@pytest.mark.parametrize("batch", [1, 3])
@torch.no_grad()
def test_any_size(size, batch):
    result = Restormer(TINY, 4, 2)(torch.rand(batch, 4, *size))
    assert result.shape == (batch, 2, *size) and result.isfinite().all()


def test_features_of_another_width_are_refused():
    with pytest.raises(ValueError, match="got 3 inputs; expected the width 8"):
        Restormer(SMALL_DUALDN, 3, 3)


@torch.no_grad()
def test_the_farthest_pixel_is_seen():
    """Why there is no halo."""
    net, picture = tiny_net(), torch.rand(1, 3, 96, 96)
    changed = picture.clone()
    changed[..., :8, :8] += 1
    assert net.halo is None
    assert (net(changed) - net(picture))[..., -1, -1].abs().max() > 1e-5


@pytest.mark.parametrize("norm", ["bias_free", "with_bias"])
@torch.no_grad()
def test_batch_equals_singles_and_repeats(norm):
    net = tiny_net(replace(TINY, norm=norm))
    pictures = torch.rand(3, 3, 16, 24)
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


def test_black_has_finite_gradients():
    net, black = tiny_net(), torch.zeros(1, 3, 8, 8, requires_grad=True)
    net(black).sum().backward()
    assert black.grad.isfinite().all()
    assert all(weight.grad.isfinite().all() for weight in net.parameters())


def test_one_batch_can_be_overfitted():
    net = tiny_net().train()
    noise = 0.1 * torch.randn(2, 3, 8, 8)
    noisy = torch.rand(2, 3, 8, 8) + noise
    optimizer = torch.optim.Adam(net.parameters(), 5e-3)
    for _ in range(60):
        loss = (net(noisy) + noise).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < noise.abs().mean() / 3


def test_half_precision_holds_what_sums_over_a_picture_do_not():
    torch.manual_seed(0)
    attention = ChannelAttention(8, 2)
    x = 20 * torch.randn(1, 8, 64, 64)
    exact = attention(x)
    with torch.autocast("cpu", torch.float16):
        half = attention(x)
    assert half.isfinite().all()
    torch.testing.assert_close(half.float(), exact, rtol=0.02, atol=0.02 * exact.std().item())
