"""Lenses move and blur colours before they are sampled, and only where they are asked for."""

import math

import pytest
import torch

from pellucid.data import DeadLeaves, RawSynthesis, SyntheticRaw
from pellucid.data.lens import Lens, through_lens
from pellucid.data.synthesis import generator_of
from pellucid.errors import ConfigError


def _wave(y: float, x: float) -> torch.Tensor:
    """A smooth picture (3, 48, 64), moved down and to the right."""
    rows, columns = torch.arange(48.0)[:, None] - y, torch.arange(64.0) - x
    return (0.5 + 0.2 * torch.sin(0.9 * columns) + 0.2 * torch.cos(0.7 * rows)).expand(3, 48, 64)


def test_each_colour_lies_where_it_was_moved():
    moved = through_lens(_wave(0, 0), (0.4, 0, -1.3), (-0.7, 0, 2), (0, 0, 0))
    away = (slice(10, -10), slice(10, -10))
    for colour, (y, x) in enumerate(((0.4, -0.7), (0, 0), (-1.3, 2))):
        expected = _wave(y, x)[colour]
        torch.testing.assert_close(moved[colour][away], expected[away], atol=4e-3, rtol=0)
    torch.testing.assert_close(moved[1], _wave(0, 0)[1])


def test_each_colour_is_blurred_by_its_own_gaussian():
    point = torch.zeros(3, 41, 41)
    point[:, 20, 20] = 1
    blurred = through_lens(point, (0, 0, 0), (0, 0, 0), (0.6, 0, 1.1)).double()
    place = torch.arange(41.0).double() - 20
    torch.testing.assert_close(blurred[1].float(), point[1])
    for colour, sigma in ((0, 0.6), (2, 1.1)):
        light = blurred[colour]
        torch.testing.assert_close(light.sum().item(), 1.0, atol=1e-5, rtol=0)
        for axis in (0, 1):
            spread = (light.sum(axis) * place.square()).sum().sqrt().item()
            assert spread == pytest.approx(sigma, rel=0.02)


def test_shifts_are_small_more_often_than_not_and_never_beyond_the_most():
    point = torch.zeros(3, 33, 33)
    point[:, 14:19, 14:19] = torch.ones(5, 5)
    place = torch.arange(33.0) - 16
    lens, far = Lens(share=1.0, shift=1.5, blur=0.0), []
    for n in range(300):
        seen = lens(point, generator_of(n))
        torch.testing.assert_close(seen[1], point[1])
        for colour in (0, 2):
            light = seen[colour] / seen[colour].sum()
            far.append(math.hypot(*((light.sum(a) * place).sum().item() for a in (0, 1))))
    assert 1.3 < max(far) < 1.6 and 0.4 < sum(f < 1.5 / 4 for f in far) / len(far) < 0.6


def test_a_share_of_the_samples_is_seen_through_lenses():
    def samples(lens: Lens | None) -> SyntheticRaw:
        return SyntheticRaw([DeadLeaves()], [1.0], RawSynthesis(lens=lens), 32, seed=0)

    plain = samples(None)
    for share, low, high in ((0.0, 0, 0), (0.5, 12, 28), (1.0, 40, 40)):
        other = samples(Lens(share=share))
        changed = sum(not torch.equal(plain[n].colour, other[n].colour) for n in range(40))
        assert low <= changed <= high, share
    seen = samples(Lens(share=1.0))[3]
    assert torch.equal(seen.clean[0, 0::2, 0::2], seen.colour[0, 0::2, 0::2])
    assert torch.equal(seen.clean[0, 1::2, 1::2], seen.colour[2, 1::2, 1::2])
    assert 0 <= seen.colour.min() and seen.colour.max() <= 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"share": 1.2}, "share is 1.2; expected 0 to 1"),
        ({"shift": -1.0}, "shift is -1; expected 0 or more"),
        ({"blur": -0.1}, "blur is -0.1; expected 0 or more"),
    ],
)
def test_impossible_lenses_are_refused(wrong: dict[str, float], said: str):
    with pytest.raises(ConfigError, match=said):
        Lens(**wrong)
