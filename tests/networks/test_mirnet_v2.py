import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pellucid.networks.mirnet_v2 import GlobalContext, MIRNetV2, MIRNetV2Config

GOLDEN = Path(__file__).parents[1] / "golden" / "networks"
TINY = MIRNetV2Config(width=8, groups=(1, 2), blocks=1)
DUALDN = MIRNetV2Config(width=64, blocks=1, embed=False)
SMALL_DUALDN = MIRNetV2Config(width=16, blocks=1, embed=False)


def tiny_net(config: MIRNetV2Config = TINY) -> MIRNetV2:
    torch.manual_seed(0)
    return MIRNetV2(config, 3, 3).eval()


@torch.no_grad()
def test_dualdn_weights_give_the_published_result():
    golden = load_file(GOLDEN / "mirnet_v2_dualdn.safetensors")
    weights = {key: value.float() for key, value in golden.items()}
    given, expected = weights.pop("in"), weights.pop("out")
    net = MIRNetV2(SMALL_DUALDN, 16, 16).eval()
    net.load_state_dict(weights)
    error = (net(given) - expected).abs() / expected.abs().clamp(min=1)
    assert error.max() < 1e-4


def test_has_the_published_layout():
    with torch.device("meta"):
        net = MIRNetV2(DUALDN, 64, 64)
    layout = {key: list(value.shape) for key, value in net.state_dict().items()}
    assert layout == json.loads((GOLDEN / "mirnet_v2_dualdn_layout.json").read_text())


@pytest.mark.parametrize(
    ("config", "channels", "count"),
    [
        (MIRNetV2Config(), 3, 5_858_560),
        (MIRNetV2Config(width=64, embed=False), 64, 3_748_224 - (4 + 8 + 4) * 64),
        (DUALDN, 64, (3_896_896 - (8 + 4 + 6 + 3 + 8 + 6) * 64) // 2),
    ],
    ids=["the paper's 5.9 million", "DualDn's raw-only body", "DualDn's bodies"],
)
def test_has_as_many_parameters_as_published(config, channels, count):
    with torch.device("meta"):
        net = MIRNetV2(config, channels, channels)
    assert sum(parameter.numel() for parameter in net.parameters()) == count


def test_has_as_many_groups_and_blocks_as_asked_for():
    net = MIRNetV2(MIRNetV2Config(width=8, groups=(2, 1, 1), blocks=2), 3, 3)
    parts = [group.body[0].dau_top.body[0].groups for group in net.body]
    assert parts == [2, 1, 1] and all(len(group.body) == 2 + 1 for group in net.body)


@pytest.mark.parametrize("width", [8, 24, 60])
def test_widths_that_the_groups_do_not_divide_are_refused(width):
    with pytest.raises(ValueError, match=f"width is {width}; expected a multiple of 16"):
        MIRNetV2(MIRNetV2Config(width=width), 3, 3)


def test_features_of_another_width_are_refused():
    with pytest.raises(ValueError, match="got 16 inputs and 3 outputs.*the width, 16"):
        MIRNetV2(SMALL_DUALDN, 16, 3)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 3), (13, 17), (130, 70)])
@pytest.mark.parametrize("batch", [1, 3])
@torch.no_grad()
def test_any_size(size, batch):
    result = MIRNetV2(TINY, 4, 2)(torch.rand(batch, 4, *size))
    assert result.shape == (batch, 2, *size) and result.isfinite().all()


@torch.no_grad()
def test_batch_equals_singles():
    net, pictures = tiny_net(), torch.rand(3, 3, 12, 16)
    singles = torch.cat([net(picture[None]) for picture in pictures])
    torch.testing.assert_close(net(pictures), singles, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_the_context_is_the_same_everywhere_and_hangs_on_every_pixel():
    context, x = GlobalContext(8), torch.rand(2, 8, 6, 5)
    added = context(x) - x
    torch.testing.assert_close(added, added[..., :1, :1].expand_as(added))
    x[..., 5, 4] += 1
    assert (context(x) - x - added).abs().amax((0, 2, 3)).min() > 0


@torch.no_grad()
def test_the_farthest_pixel_is_seen():
    """Why there is no halo."""
    net, picture = tiny_net(), torch.rand(1, 3, 96, 96)
    changed = picture.clone()
    changed[..., :8, :8] += 1
    assert net.halo is None
    assert (net(changed) - net(picture))[..., -8:, -8:].abs().max() > 0


@torch.no_grad()
def test_a_roll_by_the_stride_rolls_the_inside():
    """To 1e-3: global means change only by what the zeros beyond the edges change."""
    net, picture = tiny_net(), torch.rand(1, 3, 96, 96)
    moved = net(picture.roll(net.stride, -1)).roll(-net.stride, -1)
    inner = slice(40, -40)
    difference = (net(picture) - moved)[..., inner, inner].abs().max()
    odd = net(picture.roll(1, -1)).roll(-1, -1)
    assert difference < 1e-3 < (net(picture) - odd)[..., inner, inner].abs().max()


def test_one_batch_can_be_overfitted():
    torch.manual_seed(0)
    net, clean = MIRNetV2(TINY, 3, 3), torch.linspace(0, 1, 16).expand(2, 3, 16, 16)
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
    torch.testing.assert_close(half.float(), net(picture), atol=0.05, rtol=0.05)


@torch.no_grad()
def test_gives_the_same_twice():
    net, picture = tiny_net(), torch.rand(1, 3, 9, 9)
    assert torch.equal(net(picture), net(picture))
