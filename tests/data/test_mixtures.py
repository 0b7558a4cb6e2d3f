import pytest
import torch

from pellucid.data.degradations import Degradation, GaussianNoise
from pellucid.data.mixtures import Mixed, Mixture
from pellucid.data.sources import WeightedSource


class Level:
    """Pictures of one level."""

    def __init__(self, level: float) -> None:
        self.level = level

    def patch(self, size, generator):
        return torch.full((3, size, size), self.level)


class Brighter(Degradation):
    """Adds a number, and looks far."""

    margin = 9

    def __call__(self, clean, generator):
        return clean + 1


def drawn(count, draw):
    generator = torch.Generator().manual_seed(0)
    return [draw(generator).mean().item() for _ in range(count)]


def test_sources_are_drawn_as_often_as_their_weights_say():
    mixture = Mixture([WeightedSource(Level(0.0), 1), WeightedSource(Level(1.0), 3)])
    mean = sum(drawn(2000, lambda generator: mixture.patch(2, generator))) / 2000
    assert mean == pytest.approx(0.75, abs=4 * (0.75 * 0.25 / 2000) ** 0.5)


@pytest.mark.parametrize(("weights", "share"), [((), 0.5), ((3.0, 1.0), 0.25), ((1.0, 0.0), 0.0)])
def test_degradations_are_drawn_as_often_as_their_weights_say(weights, share):
    mixed = Mixed((GaussianNoise(sigma=(0, 0)), Brighter()), weights)
    values = drawn(2000, lambda generator: mixed(torch.zeros(3, 2, 2), generator))
    assert set(values) <= {0.0, 1.0}
    assert sum(values) / 2000 == pytest.approx(share, abs=4 * (0.25 / 2000) ** 0.5 * (share > 0))
    assert mixed.margin == 9


def test_weights_must_fit():
    with pytest.raises(ValueError, match="got 1 degradations and 2 weights; expected as many"):
        Mixed((Brighter(),), (1.0, 2.0))
    with pytest.raises(ValueError, match="got 0 degradations"):
        Mixed(())
