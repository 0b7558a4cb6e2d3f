import pytest
import torch

from pellucid import Camera, DualDomainConfig, DualDomainNet, Noise, Rendering, UNetConfig, render
from pellucid.noise import standard_deviation
from pellucid.noise_map import propagated_map, published_map

RAW, SRGB = UNetConfig(widths=(4, 8)), UNetConfig(shuffle=2, widths=(4, 8))
CAMERA = Camera.of(torch.eye(3).expand(2, 3, 3), torch.tensor([[2.0, 1.0, 1.5], [1.5, 1.0, 2.0]]))
NOISE = Noise(torch.tensor([1e-3, 1e-2]), torch.tensor([1e-6, 1e-4]))
MOSAIC = 0.5 * torch.rand(2, 1, 24, 32, generator=torch.Generator().manual_seed(1))


def test_starts_as_the_isp_alone():
    net = DualDomainConfig(RAW, SRGB).build()
    restored = net(MOSAIC, CAMERA, NOISE)
    assert torch.equal(restored.mosaic, MOSAIC)
    torch.testing.assert_close(restored.srgb, render(MOSAIC, CAMERA))


@pytest.mark.parametrize("levels", [(1e-3, 1e-6), ([1e-3, 2e-3, 1e-3], [1e-6, 1e-6, 2e-6])])
def test_a_single_raw_is_restored_like_a_batch_of_one(levels):
    net = DualDomainConfig(RAW, SRGB, zero_last=False).build()
    camera, noise = Camera(*(values[0] for values in CAMERA)), Noise(*map(torch.tensor, levels))
    single = net(MOSAIC[0], camera, noise, Rendering(1.5, 0.5))
    assert single.mosaic.shape == (1, 24, 32) and single.srgb.shape == (3, 24, 32)
    batch = net(MOSAIC[:1], *(type(r)(*(v[None] for v in r)) for r in (camera, noise)),
                Rendering(torch.tensor([1.5]), torch.tensor([0.5])))  # fmt: skip
    assert torch.equal(single.mosaic, batch.mosaic[0]) and torch.equal(single.srgb, batch.srgb[0])
    with pytest.raises(ValueError, match=r"^got a mosaic of shape 24x32; expected \(B, 1, H, W\)"):
        net(MOSAIC[0, 0], camera, noise)


@pytest.mark.parametrize(("raw", "srgb"), [(RAW, None), (None, SRGB), (RAW, SRGB)])
def test_each_network_learns_where_it_is_present(raw, srgb):
    net = DualDomainConfig(raw, srgb).build()
    restored = net(MOSAIC, CAMERA, NOISE, Rendering(torch.ones(2), torch.tensor([0.0, 1.0])))
    assert restored.srgb.shape == (2, 3, 24, 32)
    restored.srgb.square().mean().backward()
    heads = [head for head in (net.raw_net, net.srgb_net) if head is not None]
    assert len(heads) == (raw is not None) + (srgb is not None)
    assert all(head.body.head.weight.grad.abs().sum() > 0 for head in heads)


def test_two_absent_networks_are_refused():
    with pytest.raises(ValueError, match="expected at least one"):
        DualDomainNet(None, None)


@pytest.mark.parametrize(
    ("kind", "build"), [("published", published_map), ("propagated", propagated_map)]
)
def test_the_srgb_network_is_given_the_map_that_was_asked_for(kind, build):
    net = DualDomainConfig(RAW, SRGB, noise_map=kind).build()
    std = net.srgb_std(MOSAIC, CAMERA, NOISE, Rendering())
    assert torch.equal(std, build(MOSAIC, NOISE, CAMERA, Rendering(), net.isp))


def test_without_a_noise_map_the_networks_see_the_picture_alone():
    net = DualDomainConfig(RAW, SRGB, raw_noise_map=False, noise_map="none").build()
    assert net.srgb_std(MOSAIC, CAMERA, NOISE, Rendering()) is None
    assert net.raw_net.body.encoders[0][0].in_channels == 4
    assert net.srgb_net.body.encoders[0][0].in_channels == 3 * 4
    assert net(MOSAIC, CAMERA, NOISE).srgb.shape == (2, 3, 24, 32)


def test_dualdns_map_is_that_of_the_noisy_mosaic():
    clean = MOSAIC / 2
    for kind, mapped in (("published", MOSAIC), ("propagated", clean)):
        net = DualDomainConfig(RAW, SRGB, noise_map=kind).build()
        assert net.mapped(MOSAIC, clean) is mapped


@pytest.mark.parametrize("noise", [NOISE, Noise(2e-2, 1e-3)])
def test_a_saturated_grey_averaged_after_clipping_comes_out_white(noise):
    """Its noisy values average to less than 1; without `unclip` green would fall behind."""
    saturated = torch.ones(2, 1, 24, 32)
    std = standard_deviation(saturated, noise)
    averaged = saturated - std * 0.3989
    for unclip, white in ((True, True), (False, False)):
        net = DualDomainConfig(RAW, None, unclip=unclip).build()
        srgb = net(averaged, CAMERA, noise).srgb
        spread = (srgb.amax(1) - srgb.amin(1)).max().item()
        assert (spread < 0.01) is white, spread


def test_the_isp_keeps_full_precision_where_the_networks_do_not():
    torch.manual_seed(0)
    net = DualDomainConfig(RAW, SRGB).build()
    for part in (net.raw_net, net.srgb_net):
        torch.nn.init.normal_(part.body.head.weight, std=0.01)
    exact = net(MOSAIC, CAMERA, NOISE)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = net(MOSAIC, CAMERA, NOISE)
        developed = net.develop(MOSAIC, CAMERA, Rendering())
        std = net.srgb_std(MOSAIC, CAMERA, NOISE, Rendering())
    assert torch.equal(developed, render(MOSAIC, CAMERA))
    assert torch.equal(std, net.srgb_std(MOSAIC, CAMERA, NOISE, Rendering()))
    assert not torch.equal(mixed.mosaic, exact.mosaic)
    torch.testing.assert_close(mixed.mosaic, exact.mosaic, atol=2e-3, rtol=0)
