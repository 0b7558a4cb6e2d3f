import pytest
import torch

from pellucid.data.splat import softened, splat


def test_points_keep_their_weight_and_place():
    generator = torch.Generator().manual_seed(0)
    y, x, weight = torch.rand(3, 200, generator=generator) * torch.tensor([[6.0], [9.0], [1.0]])
    picture = splat(y, x, weight, 7, 10)
    rows, columns = torch.arange(7.0)[:, None], torch.arange(10.0)
    assert picture.sum().item() == pytest.approx(weight.sum().item(), rel=1e-5)
    assert (picture * rows).sum().item() == pytest.approx((weight * y).sum().item(), rel=1e-5)
    assert (picture * columns).sum().item() == pytest.approx((weight * x).sum().item(), rel=1e-5)


def test_what_lies_outside_is_lost():
    far = torch.tensor([-9.0, 3.0, 99.0, 1.0])
    assert not splat(far, far.flip(0) + 20, torch.ones(4), 5, 5).any()
    half_in = splat(torch.tensor([-0.5]), torch.tensor([2.0]), torch.ones(1), 5, 5)
    assert half_in[0, 2] == 0.5 and half_in.sum() == 0.5


def test_softening_spreads_by_its_variance():
    point = torch.zeros(2, 31, 31)
    point[:, 15, 15] = 1
    soft = softened(point, 2.0)
    place = torch.arange(31.0) - 15
    assert soft.sum().item() == pytest.approx(2)
    assert (soft[0].sum(0) * place**2).sum().item() == pytest.approx(4, rel=0.05)
    assert softened(point, 0) is point
