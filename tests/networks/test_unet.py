from dataclasses import replace

import pytest
import torch

from pellucid.networks import UNetConfig
from pellucid.networks.backbones import Residual

TINY = UNetConfig(shuffle=2, widths=(6, 8, 10))


def noisy_net(config: UNetConfig = TINY, channels: int = 3) -> Residual:
    """A net that is not the identity."""
    torch.manual_seed(0)
    net = Residual(config, channels, told=True)
    torch.nn.init.normal_(net.body.head.weight, std=0.1)
    return net.eval()


def test_starts_as_the_identity():
    picture, std = torch.rand(2, 3, 20, 20), torch.rand(2, 3, 20, 20)
    assert torch.equal(Residual(TINY, 3, told=True)(picture, std), picture)
    assert not torch.equal(Residual(TINY, 3, told=True, zero_last=False)(picture, std), picture)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 5), (16, 16), (31, 45)])
@pytest.mark.parametrize("batch", [1, 3])
def test_any_size(size, batch):
    picture = torch.rand(batch, 3, *size)
    restored = noisy_net()(picture, picture)
    assert restored.shape == picture.shape and restored.isfinite().all()


@pytest.mark.parametrize("leak", [0.0, 0.1])
@torch.no_grad()
def test_is_homogeneous(leak):
    net = noisy_net(replace(TINY, leak=leak))
    picture, std = torch.rand(1, 3, 24, 24), torch.rand(1, 3, 24, 24)
    torch.testing.assert_close(
        net(8 * picture, 8 * std), 8 * net(picture, std), atol=1e-4, rtol=1e-5
    )


@pytest.mark.parametrize("leak", [0.0, 0.1])
def test_only_a_leak_revives_a_block_that_died(leak):
    net, picture = noisy_net(replace(TINY, leak=leak)), torch.rand(1, 3, 16, 16)
    last = net.body.decoders[0][-2]
    with torch.no_grad():
        last.weight.copy_(-last.weight.abs())
    net(picture, picture).sum().backward()
    assert bool(last.weight.grad.any()) == bool(leak)


@torch.no_grad()
def test_batch_equals_singles():
    net, picture, std = noisy_net(), torch.rand(3, 3, 16, 16), torch.rand(3, 3, 16, 16)
    singles = torch.cat([net(p[None], s[None]) for p, s in zip(picture, std, strict=True)])
    torch.testing.assert_close(net(picture, std), singles, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("config", "channels"), [(TINY, 3), (UNetConfig(widths=(4, 4, 4, 4)), 4)])
@torch.no_grad()
def test_sees_no_farther_than_its_halo(config, channels):
    net = noisy_net(config, channels)
    side = 2 * net.halo + 2 * net.stride
    picture = torch.rand(1, channels, side, side)
    changed = picture.clone()
    changed[..., : net.stride, :] += 1
    difference = (net(changed, picture) - net(picture, picture)).abs().amax((0, 1, 3))
    reach = int(difference.nonzero().max()) + 1 - net.stride
    assert 0.3 * net.halo < reach <= net.halo


@torch.no_grad()
def test_shifts_by_the_stride_shift_the_result():
    net = noisy_net()
    side = 2 * net.halo + 4 * net.stride
    picture = torch.rand(1, 3, side, side)
    shifted = torch.roll(picture, net.stride, -1)
    inner = slice(net.halo + net.stride, -net.halo - net.stride)
    plain, moved = net(picture, picture), torch.roll(net(shifted, shifted), -net.stride, -1)
    torch.testing.assert_close(plain[..., inner], moved[..., inner], atol=1e-5, rtol=1e-5)


def test_one_batch_can_be_overfitted():
    torch.manual_seed(0)
    net = Residual(UNetConfig(shuffle=2, widths=(16, 24)), 3, told=True)
    clean = torch.rand(2, 3, 16, 16)
    noisy, std = clean + 0.1 * torch.randn_like(clean), torch.full_like(clean, 0.1)
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    losses = []
    for _ in range(200):
        loss = (net(noisy, std) - clean).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


@torch.no_grad()
def test_biases_are_there_when_asked_for():
    plain, biased = (
        Residual(UNetConfig(widths=(4, 6), bias=bias), 4, told=True) for bias in (False, True)
    )
    named = [
        {n for n, _ in net.named_parameters() if n.endswith("bias")} for net in (plain, biased)
    ]
    assert not named[0] and len(named[1]) > 4
