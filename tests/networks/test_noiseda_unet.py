import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pellucid.networks.noiseda_unet import NoiseDAUNet, NoiseDAUNetConfig

GOLDEN = Path(__file__).parents[1] / "golden" / "networks"
TINY = NoiseDAUNetConfig(width=4, depth=3)


def tiny_net(config: NoiseDAUNetConfig = TINY) -> NoiseDAUNet:
    torch.manual_seed(0)
    return NoiseDAUNet(config, 3, 3).eval()


def published_net(align_corners: bool) -> tuple[NoiseDAUNet, torch.Tensor, torch.Tensor]:
    """Weights published at width 8, what they were given and what they gave."""
    golden = load_file(GOLDEN / "unet_noiseda.safetensors")
    weights = {key: value.float() for key, value in golden.items()}
    given, expected = weights.pop("in"), weights.pop("out")
    net = NoiseDAUNet(NoiseDAUNetConfig(width=8, align_corners=align_corners), 3, 3).eval()
    net.load_state_dict(weights)
    return net, given, expected


@torch.no_grad()
def test_published_weights_give_the_published_result():
    net, given, expected = published_net(align_corners=True)
    error = (net(given) - expected).abs() / expected.abs().clamp(min=1)
    assert error.max() < 1e-4


@torch.no_grad()
def test_published_weights_need_aligned_corners():
    net, given, expected = published_net(align_corners=False)
    assert (net(given) - expected).abs().max() > 1e-3


def test_has_the_published_layout():
    with torch.device("meta"):
        net = NoiseDAUNet(NoiseDAUNetConfig(), 3, 3)
    layout = {key: list(value.shape) for key, value in net.state_dict().items()}
    assert layout == json.loads((GOLDEN / "unet_noiseda_layout.json").read_text())
    assert sum(p.numel() for p in net.parameters()) == 8_559_171


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 3), (13, 17), (130, 70)])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("align_corners", [False, True])
@torch.no_grad()
def test_any_size(size, batch, align_corners):
    net = NoiseDAUNet(NoiseDAUNetConfig(width=4, align_corners=align_corners), 4, 2)
    result = net(torch.rand(batch, 4, *size))
    assert result.shape == (batch, 2, *size) and result.isfinite().all()


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@torch.no_grad()
def test_sees_no_farther_than_its_halo(depth):
    """In float64, where no effect is rounded away."""
    net = tiny_net(NoiseDAUNetConfig(width=4, depth=depth)).double()
    side = 2 * net.halo + 2 * net.stride
    picture = torch.rand(1, 3, side, side, dtype=torch.float64)
    changed = picture.clone()
    changed[..., : net.stride, :] += 1
    difference = (net(changed) - net(picture)).abs().amax((0, 1, 3))
    reach = int(difference.nonzero().max()) + 1 - net.stride
    assert net.halo - net.stride < reach <= net.halo


@torch.no_grad()
def test_shifts_by_the_stride_shift_the_result():
    net = tiny_net()
    side = 2 * net.halo + 4 * net.stride
    picture = torch.rand(1, 3, side, side)
    inner = slice(net.halo + net.stride, -net.halo - net.stride)
    plain = net(picture)
    moved = torch.roll(net(torch.roll(picture, net.stride, -1)), -net.stride, -1)
    torch.testing.assert_close(plain[..., inner], moved[..., inner], atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_aligned_corners_feel_the_size_of_the_picture():
    """Why they have no halo: far beyond all convolutions, a crop changes the result."""
    free, aligned = published_net(False)[0], published_net(True)[0]
    assert aligned.halo is None
    picture = torch.rand(1, 3, 2 * free.halo + 16, 16)
    part = picture[..., : free.halo + 8, :]
    for net, same in ((free, True), (aligned, False)):
        difference = net(picture) - torch.nn.functional.pad(net(part), (0, 0, 0, free.halo + 8))
        assert (difference[..., :8, :].abs().max().item() < 1e-5) is same


@torch.no_grad()
def test_batch_equals_singles_and_repeats():
    net, pictures = tiny_net(), torch.rand(3, 3, 16, 24)
    together = net(pictures)
    assert torch.equal(together, net(pictures))
    singles = torch.cat([net(picture[None]) for picture in pictures])
    torch.testing.assert_close(together, singles, atol=1e-5, rtol=1e-5)


def test_one_batch_can_be_overfitted():
    net = tiny_net(NoiseDAUNetConfig(width=24, depth=2)).train()
    noise = 0.1 * torch.randn(1, 3, 8, 8)
    noisy = torch.rand(1, 3, 8, 8) + noise
    optimizer = torch.optim.Adam(net.parameters(), 2e-3)
    for _ in range(60):
        loss = (net(noisy) + noise).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < noise.abs().mean() / 3
