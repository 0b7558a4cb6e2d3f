import pytest
import torch
from torch import nn

from pellucid.networks import PictureConfig, PictureNet, UNetConfig
from pellucid.networks.backbones import Residual
from pellucid.networks.dncnn import DnCNNConfig
from pellucid.networks.noiseda_unet import NoiseDAUNetConfig

RANGES = {"unit": (0, 1), "signed": (-1, 1), "byte": (0, 255)}
TINY = DnCNNConfig(width=4, layers=2, normalise=False, bias=True)
PICTURE = torch.rand(2, 3, 9, 12, generator=torch.Generator().manual_seed(0))


class Spy(nn.Module):
    """Remembers what it was given, and gives a number."""

    stride, halo = 3, 5

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = number

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen = x
        return torch.full_like(x, self.number)


def random_net(config: PictureConfig) -> PictureNet:
    torch.manual_seed(0)
    net = config.build().eval()
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.2)
    return net


@pytest.mark.parametrize("value_range", RANGES)
@pytest.mark.parametrize("colours", [1, 3])
@torch.no_grad()
def test_starts_as_the_identity(value_range, colours):
    net = PictureConfig(NoiseDAUNetConfig(width=4, depth=2), value_range, colours).build()
    torch.testing.assert_close(net(PICTURE), PICTURE)


@pytest.mark.parametrize(("value_range", "ends"), RANGES.items())
def test_the_network_inside_has_its_own_range(value_range, ends):
    low, high = ends
    net = PictureNet(Spy(high), value_range)
    white = net(torch.tensor([0.0, 1.0]).expand(1, 3, 4, 2))
    assert torch.equal(net.net.seen, torch.tensor([float(low), high]).expand(1, 3, 4, 2))
    assert torch.equal(white, torch.ones(1, 3, 4, 2))


def test_nothing_is_clamped():
    assert (PictureNet(Spy(3.0))(PICTURE) == 3).all()
    assert (PictureNet(Spy(-3.0), "signed")(PICTURE) == -1).all()


@torch.no_grad()
def test_in_the_unit_range_it_is_its_network():
    net = random_net(PictureConfig(TINY))
    assert isinstance(net.net, Residual)
    torch.testing.assert_close(net(PICTURE), net.net(PICTURE))


@torch.no_grad()
def test_each_colour_goes_by_itself_through_a_grey_network():
    net = random_net(PictureConfig(TINY, "signed", colours=1))
    grey = [net(PICTURE[:, i : i + 1].expand(-1, 3, -1, -1))[:, i : i + 1] for i in range(3)]
    torch.testing.assert_close(net(PICTURE), torch.cat(grey, 1))
    assert (net(PICTURE) - PICTURE).abs().max() > 0.01


@pytest.mark.parametrize("value_range", RANGES)
@torch.no_grad()
def test_the_picture_is_added_as_often_as_said(value_range):
    low, high = RANGES[value_range]
    once, twice = (random_net(PictureConfig(TINY, value_range, skips=n)) for n in (1, 2))
    added = PICTURE + low / (high - low)
    torch.testing.assert_close(twice(PICTURE), once(PICTURE) + added)


def test_tells_the_geometry_of_the_network_inside():
    assert (PictureNet(Spy(0)).stride, PictureNet(Spy(0)).halo) == (3, 5)
    net = PictureConfig(UNetConfig(widths=(4, 8))).build()
    assert (net.stride, net.halo) == (net.net.stride, net.net.halo)
    aligned = PictureConfig(NoiseDAUNetConfig(width=4, align_corners=True)).build()
    assert aligned.halo is None
