import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pellucid.networks.swinir import AttentionBlock, WindowAttention
from pellucid.networks.uformer import Uformer, UformerConfig

GOLDEN = Path(__file__).parents[1] / "golden" / "networks"
LAYOUT: dict[str, list[int]] = json.loads((GOLDEN / "uformer_noiseda_layout.json").read_text())
SMALL_NOISEDA = UformerConfig(width=8, depths=(1,) * 9, heads=(1,) * 9)
TINY = UformerConfig(width=4, depths=(1, 2, 1, 2, 2), heads=(1, 1, 2, 1, 1), window=2)
DEEP = UformerConfig(width=2, depths=(1,) * 9, heads=(1,) * 9)


def tiny_net(config: UformerConfig = TINY) -> Uformer:
    torch.manual_seed(0)
    return Uformer(config, 3, 3).eval()


def golden_weights(net: Uformer) -> dict[str, torch.Tensor]:
    """What was drawn for the golden result, tensor after tensor in the published order."""
    shapes = {key: value.shape for key, value in net.state_dict().items()}
    generator, weights = torch.Generator().manual_seed(99), {}
    for key in (key for key in LAYOUT if key in shapes):
        drawn = torch.randn(shapes[key], generator=generator)
        if ".norm" in key and key.endswith("weight"):
            drawn = 1 + 0.1 * drawn
        elif drawn.ndim == 1:
            drawn = 0.05 * drawn
        elif key.endswith("table"):
            drawn = 0.3 * drawn
        else:
            drawn = drawn / drawn[0].numel() ** 0.5
        weights[key] = drawn.half().float()
    return weights


@torch.no_grad()
def test_published_weights_give_the_published_result():
    golden, net = load_file(GOLDEN / "uformer_noiseda.safetensors"), tiny_net(SMALL_NOISEDA)
    weights = golden_weights(net)
    total = torch.stack([value.double().abs().sum() for value in weights.values()]).sum()
    assert total.item() == pytest.approx(golden["weights_sum_of_absolutes"].item(), rel=1e-6), (
        "torch draws other numbers than when the golden result was made"
    )
    net.load_state_dict(weights)
    sampled = net(golden["in"])[..., 1::4, 1::4]
    error = (sampled - golden["out"]).abs() / golden["out"].abs().clamp(min=1)
    assert error.max() < 1e-4


def test_has_the_published_layout():
    with torch.device("meta"):
        net = Uformer(UformerConfig(), 3, 3)
    assert {key: list(value.shape) for key, value in net.state_dict().items()} == LAYOUT
    assert sum(parameter.numel() for parameter in net.parameters()) == 21_713_757
    # Their index of each block is a buffer; ours is computed.
    assert len(LAYOUT) + sum(UformerConfig().depths) == 344


@pytest.mark.parametrize(("bottom", "shifts"), [(False, [0, 0]), (True, [0, 1])])
def test_windows_shift_at_every_second_block_but_at_the_bottom_when_asked(bottom, shifts):
    config = UformerConfig(
        width=4, depths=(3, 2, 2), heads=(1, 1, 1), window=2, shift_bottom=bottom
    )
    net = Uformer(config, 3, 3)
    found = [module.shift for module in net.modules() if isinstance(module, WindowAttention)]
    assert found == [0, 1, 0, *shifts, 0, 1]


@pytest.mark.parametrize("config", [TINY, DEEP], ids=["tiny", "stride 128"])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 3), (13, 17), (130, 70)])
@pytest.mark.parametrize("batch", [1, 3])
@torch.no_grad()
def test_any_size(config, size, batch):
    result = Uformer(config, 4, 2)(torch.rand(batch, 4, *size))
    assert result.shape == (batch, 2, *size) and result.isfinite().all()


@pytest.mark.parametrize(
    ("depths", "heads", "got"), [((1, 1), (1, 1), "2 depths and 2"), ((1,) * 3, (1,) * 5, "3 .* 5")]
)
def test_other_than_an_odd_number_of_stages_is_refused(depths, heads, got):
    with pytest.raises(ValueError, match=got):
        Uformer(UformerConfig(depths=depths, heads=heads), 3, 3)


def test_heads_that_do_not_divide_the_width_are_refused():
    net = Uformer(UformerConfig(width=4, depths=(1,), heads=(3,)), 3, 3)
    with pytest.raises(ValueError, match="^3 heads do not divide width 4$"):
        net(torch.rand(1, 3, 8, 8))


@torch.no_grad()
def test_batch_equals_singles():
    net, pictures = tiny_net(), torch.rand(3, 3, 12, 16)
    singles = torch.cat([net(picture[None]) for picture in pictures])
    torch.testing.assert_close(net(pictures), singles, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("bottom", [False, True])
@torch.no_grad()
def test_a_tile_with_its_halo_equals_the_whole(bottom):
    net = tiny_net(
        UformerConfig(width=4, depths=(2, 2, 2), heads=(1, 1, 1), window=2, shift_bottom=bottom)
    )
    far, side = net.halo, 2 * net.stride
    picture = torch.rand(1, 3, 2 * far + 3 * side, 2 * far + 3 * side)
    tile = net(picture[..., side : side + 2 * far + side, side : side + 2 * far + side])
    inner, same = slice(far, far + side), slice(side + far, side + far + side)
    torch.testing.assert_close(
        tile[..., inner, inner], net(picture)[..., same, same], atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize(("window", "bottom"), [(1, False), (2, False), (2, True)])
@torch.no_grad()
def test_sees_as_far_as_it_says_and_no_farther_than_its_halo(window, bottom):
    depths = (1, 2, 2, 1, 1)
    net = tiny_net(
        UformerConfig(width=4, depths=depths, heads=(1,) * 5, window=window, shift_bottom=bottom)
    ).double()
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


def test_geometry_of_the_published_net():
    with torch.device("meta"):
        net = Uformer(UformerConfig(), 3, 3)
    assert (net.stride, net.halo) == (128, 640)


def test_rates_rise_to_the_one_asked_for_and_fall_again():
    config = UformerConfig(
        width=4, depths=(1, 2, 2, 2, 1), heads=(1, 1, 1, 1, 1), window=2, drop_path=0.1
    )
    blocks = [m for m in Uformer(config, 3, 3).modules() if isinstance(m, AttentionBlock)]
    rates = [block.rate for block in blocks]
    assert rates == pytest.approx([0, 0.05, 0.1, 0.1, 0.1, 0.1, 0.05, 0])


def test_one_batch_can_be_overfitted():
    net = tiny_net(UformerConfig(width=16, depths=(1, 1, 1), heads=(1, 1, 1), window=4))
    clean = torch.linspace(0, 1, 8).expand(1, 3, 8, 8)
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


AUTHORS = replace(TINY, modulators=True, transposed=True)


@torch.no_grad()
def test_modulators_add_the_same_in_every_window():
    block = tiny_net(AUTHORS).decoderlayer_0.blocks[1]
    assert block.shift == 1
    block.attn, weights = torch.nn.Identity(), block.modulator.weight
    added = block.attended(torch.zeros(1, 4, 6, weights.shape[1])).roll((-1, -1), (1, 2))
    for y in range(0, 4, 2):
        for x in range(0, 6, 2):
            assert torch.equal(added[0, y : y + 2, x : x + 2].flatten(0, 1), weights)


def test_only_the_way_up_has_modulators_and_transposed_convolutions():
    more = tiny_net(AUTHORS).state_dict().keys() - tiny_net().state_dict().keys()
    names = {name.split(".")[0].rstrip("01") for name in more}
    assert names == {"decoderlayer_", "upsample_"}


@torch.no_grad()
def test_the_authors_version_in_a_tile_with_its_halo_equals_the_whole():
    net = tiny_net(AUTHORS)
    far, side = net.halo, 2 * net.stride
    picture = torch.rand(1, 3, 2 * far + 2 * side, 2 * far + 2 * side)
    tile = net(picture[..., side : side + 2 * far + side, side : side + 2 * far + side])
    inner, same = slice(far, far + side), slice(side + far, side + far + side)
    torch.testing.assert_close(
        tile[..., inner, inner], net(picture)[..., same, same], atol=1e-5, rtol=1e-5
    )
