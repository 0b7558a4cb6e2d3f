import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

from pellucid.networks.swinir import AttentionBlock, SwinIR, SwinIRConfig

GOLDEN = Path(__file__).parents[1] / "golden" / "networks"
TINY = SwinIRConfig(width=8, depths=(2, 2), heads=2, window=4)
DUALDN = SwinIRConfig(width=60, depths=(6, 6, 6), embed=False)
SMALL_DUALDN = SwinIRConfig(width=12, depths=(6, 6, 6), embed=False)
DIV2K = (0.4488, 0.4371, 0.4040)


def tiny_net(config: SwinIRConfig = TINY) -> SwinIR:
    torch.manual_seed(0)
    return SwinIR(config, 3, 3).eval()


def published(name: str) -> tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor]:
    """Weights, input and output."""
    weights = {
        key: value.float() for key, value in load_file(GOLDEN / f"{name}.safetensors").items()
    }
    return weights, weights.pop("in"), weights.pop("out")


def farthest(result: torch.Tensor, expected: torch.Tensor) -> float:
    return ((result - expected).abs() / expected.abs().clamp(min=1)).max().item()


@torch.no_grad()
def test_dualdn_weights_give_the_published_result():
    weights, given, expected = published("swinir_dualdn")
    net = SwinIR(SMALL_DUALDN, 12, 12).eval()
    net.load_state_dict(weights)
    assert farthest(net(given), expected) < 1e-4


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("swinir_noiseda", SwinIRConfig(width=12, depths=(2, 2), heads=2, mean=DIV2K)),
        (
            "swinir_noiseda_window7",
            SwinIRConfig(width=12, depths=(2,), heads=2, window=7, mean=DIV2K),
        ),
    ],
)
@torch.no_grad()
def test_noiseda_weights_give_the_published_result(name, config):
    """The published net mirrors at the edges, adds the picture itself and does not crop."""
    weights, given, expected = published(name)
    net = SwinIR(config, 3, 3).eval()
    net.load_state_dict(weights)
    bottom, right = (e - g for e, g in zip(expected.shape[-2:], given.shape[-2:], strict=True))
    given = F.pad(given, (0, right, 0, bottom), mode="reflect")
    assert farthest(given + net(given), expected) < 1e-4


def test_has_the_published_layout():
    with torch.device("meta"):
        net = SwinIR(DUALDN, 60, 60)
    layout = {key: list(value.shape) for key, value in net.state_dict().items()}
    assert layout == json.loads((GOLDEN / "swinir_dualdn_layout.json").read_text())


@pytest.mark.parametrize(
    ("config", "channels", "count"),
    [
        (SwinIRConfig(), 3, 11_504_163),
        (SwinIRConfig(width=60, embed=False), 60, 1_337_580 - (4 + 8 + 4) * 60),
        (SwinIRConfig(width=64, depths=(6, 6, 6), embed=False), 64, 774_764),
    ],
    ids=["the paper's", "DualDn's raw-only body", "DualDn as configured"],
)
def test_has_as_many_parameters_as_published(config, channels, count):
    with torch.device("meta"):
        net = SwinIR(config, channels, channels)
    assert sum(parameter.numel() for parameter in net.parameters()) == count


def test_heads_that_do_not_divide_the_width_are_refused():
    net = SwinIR(SwinIRConfig(width=64, depths=(1,), embed=False), 64, 64)
    with pytest.raises(ValueError, match="^6 heads do not divide width 64$"):
        net(torch.rand(1, 64, 8, 8))


def test_misfits_are_refused():
    with pytest.raises(ValueError, match="got 8 inputs and 3 outputs.*the width, 8"):
        SwinIR(SwinIRConfig(width=8, heads=2, embed=False), 8, 3)
    with pytest.raises(ValueError, match="got 3 means for 4 inputs"):
        SwinIR(SwinIRConfig(width=8, heads=2, mean=DIV2K), 4, 4)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 3), (13, 17), (130, 70)])
@pytest.mark.parametrize("batch", [1, 3])
@torch.no_grad()
def test_any_size(size, batch):
    result = SwinIR(TINY, 4, 2)(torch.rand(batch, 4, *size))
    assert result.shape == (batch, 2, *size) and result.isfinite().all()


@torch.no_grad()
def test_batch_equals_singles():
    net, pictures = tiny_net(), torch.rand(3, 3, 12, 16)
    singles = torch.cat([net(picture[None]) for picture in pictures])
    torch.testing.assert_close(net(pictures), singles, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("window", [3, 4])
@torch.no_grad()
def test_a_tile_with_its_halo_equals_the_whole(window):
    net = tiny_net(SwinIRConfig(width=8, depths=(2, 3), heads=2, window=window))
    far, side = net.halo, 4 * window
    picture = torch.rand(1, 3, 2 * far + 3 * side, 2 * far + 3 * side)
    tile = net(picture[..., side : side + 2 * far + side, side : side + 2 * far + side])
    inner, same = slice(far, far + side), slice(side + far, side + far + side)
    torch.testing.assert_close(
        tile[..., inner, inner], net(picture)[..., same, same], atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("window", [1, 4])
@torch.no_grad()
def test_sees_as_far_as_it_says_and_no_farther_than_its_halo(window):
    net = tiny_net(SwinIRConfig(width=8, depths=(1, 2), heads=2, window=window)).double()
    middle = net.halo + 4 * net.stride
    picture = torch.rand(1, 3, 1, 2 * middle, dtype=torch.float64, requires_grad=True)
    reach = []
    for pixel in range(middle, middle + net.stride):
        with torch.enable_grad():
            (slope,) = torch.autograd.grad(net(picture)[..., pixel].sum(), picture)
        seen = slope.abs().amax((0, 1, 2)).nonzero()
        low, high = int(seen.min()), int(seen.max())
        assert (low, high) == net.sees(pixel)
        reach += [pixel - low, high - pixel]
    assert net.halo - net.stride < max(reach) <= net.halo


@torch.no_grad()
def test_shifts_by_the_stride_shift_the_result():
    net = tiny_net()
    picture = torch.rand(1, 3, 8, 2 * net.halo + 4 * net.stride)
    inner = slice(net.halo + net.stride, -net.halo - net.stride)
    moved = net(picture.roll(net.stride, -1)).roll(-net.stride, -1)
    torch.testing.assert_close(net(picture)[..., inner], moved[..., inner], atol=1e-5, rtol=1e-5)


def test_leaves_branches_out_in_training_only():
    torch.manual_seed(0)
    block = AttentionBlock(4, nn.Identity(), nn.Linear(4, 4), rate=0.25)
    nn.init.zeros_(block.mlp.weight)
    nn.init.zeros_(block.mlp.bias)
    x = torch.rand(1, 3, 3, 4)
    with torch.no_grad():
        branch = block.norm1(x)
        added = block.train()(x.expand(2000, -1, -1, -1)) - x
        left_out = (added == 0).all(-1).all(-1).all(-1)
        torch.testing.assert_close(added[~left_out], (branch / 0.75).expand_as(added[~left_out]))
        torch.testing.assert_close(block.eval()(x), x + branch)
    assert abs(left_out.float().mean() - 0.25) < 4 * (0.25 * 0.75 / 2000) ** 0.5


def test_rates_rise_to_the_one_asked_for():
    net = SwinIR(SwinIRConfig(width=8, depths=(2, 3), heads=2, drop_path=0.1), 3, 3)
    rates = [module.rate for module in net.modules() if isinstance(module, AttentionBlock)]
    assert rates == pytest.approx([0, 0.025, 0.05, 0.075, 0.1])


def test_one_batch_can_be_overfitted():
    torch.manual_seed(0)
    net = SwinIR(SwinIRConfig(width=12, depths=(2,), heads=2, window=4), 3, 3)
    clean = torch.linspace(0, 1, 16).expand(2, 3, 16, 16)
    noisy = clean + 0.2 * torch.randn_like(clean)
    optimizer = torch.optim.Adam(net.parameters(), 5e-3)
    losses = []
    for _ in range(60):
        loss = (noisy + net(noisy) - clean).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert 3 * losses[-1] < min(losses[0], 0.04)


@torch.no_grad()
def test_works_under_autocast():
    net, picture = tiny_net(), torch.rand(2, 3, 10, 14)
    with torch.autocast("cpu", torch.bfloat16):
        half = net(picture)
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), net(picture), atol=0.05, rtol=0.05)


@torch.no_grad()
def test_gives_the_same_twice():
    net, picture = (
        tiny_net(SwinIRConfig(width=8, depths=(2,), heads=2, drop_path=0.5)),
        torch.rand(1, 3, 9, 9),
    )
    assert torch.equal(net(picture), net(picture))
