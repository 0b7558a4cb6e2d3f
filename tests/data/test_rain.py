import math

import pytest
import torch

from pellucid.data.rain import HEAVY_RAIN, Rain, Shower, distance, streaks
from pellucid.data.splat import softened

STRAIGHT = {"spread": (0.0, 0.0), "veil": (0.0, 0.0), "length": (20.0, 40.0)}


def of_seed(seed):
    return torch.Generator().manual_seed(seed)


def direction(grey):
    """Degrees from the vertical of what a picture's lines follow, by its structure tensor."""
    across, down = grey.diff(dim=1)[:-1], grey.diff(dim=0)[:, :-1]
    jxx, jxy, jyy = (across**2).sum(), (across * down).sum(), (down**2).sum()
    return -math.degrees(0.5 * math.atan2(2 * jxy, jxx - jyy))


@pytest.mark.parametrize("blend", ["light", "add"])
@pytest.mark.parametrize("seed", range(4))
def test_rain_only_brightens(blend, seed):
    clean = torch.rand(3, 64, 64, generator=of_seed(9))
    rainy = Rain(blend=blend)(clean, of_seed(seed))
    assert (rainy - clean).min() > -1e-6 and rainy.max() <= 1
    assert (rainy - clean).max() > 0.05


@pytest.mark.parametrize("angle", [-40.0, -10.0, 0.0, 25.0])
def test_streaks_have_the_asked_angle(angle):
    rain = Rain(angle=(angle, angle), **STRAIGHT)
    rainy = rain(torch.zeros(3, 128, 128), of_seed(1)).mean(0)
    # Thin lines alias; softened, they do not.
    found = direction(softened(rainy, 1.5)[8:-8, 8:-8])
    assert found == pytest.approx(angle, abs=2.5)


def test_angles_spread_as_asked():
    vertical = Rain(angle=(0.0, 0.0), **STRAIGHT)(torch.zeros(3, 96, 96), of_seed(0))
    spread = Rain(angle=(0.0, 0.0), **{**STRAIGHT, "spread": (20.0, 20.0)})
    crossing = spread(torch.zeros(3, 96, 96), of_seed(0))
    tilt = [
        (each.diff(dim=1) ** 2).sum() / (each.diff(dim=2) ** 2).sum()
        for each in (vertical, crossing)
    ]
    assert tilt[1] > 2 * tilt[0]


def test_a_streak_is_as_long_and_strong_as_asked():
    # Sparse: most streaks lie alone.
    shower = Shower(angle=0, spread=0, length=30, width=1, density=0.05, strength=0.5)
    drawn = streaks(shower, 600, 600, of_seed(3))
    per_streak = drawn.sum() / (0.05 * 600 * 600 / 1000)
    # Mean strength 5/8 of the strongest, three quarters of the length in its softened ends.
    profile = math.sqrt(2 * math.pi * (1 + 1 / 6))
    assert per_streak.item() == pytest.approx(0.5 * 0.625 * 30 * 0.75 * profile, rel=0.35)
    assert 0.4 < drawn.max() < 0.8


def test_density_is_the_same_at_the_border():
    shower = Shower(angle=30, spread=2, length=20, width=0.6, density=8, strength=0.5)
    drawn = torch.stack([streaks(shower, 60, 60, of_seed(seed)) for seed in range(20)]).mean(0)
    border = torch.cat([drawn[:5].flatten(), drawn[-5:].flatten(), drawn[:, :5].flatten()])
    assert border.mean().item() == pytest.approx(drawn[20:40, 20:40].mean().item(), rel=0.2)


def test_far_layers_have_more_shorter_and_fainter_streaks():
    showers = Rain(layers=(4, 4)).showers(of_seed(0))
    assert len(showers) == 4
    for far, near in zip(showers, showers[1:], strict=False):
        assert far.density > near.density and far.angle == near.angle
        assert far.length < near.length and far.width < near.width and far.strength < near.strength


def test_the_veil_greys_what_is_far():
    fog = Rain(density=(0.0, 0.0), veil=(0.5, 0.5), brightness=(0.8, 0.8))
    veiled = fog(torch.zeros(3, 50, 50), of_seed(0))
    assert torch.equal(veiled[0], veiled[1]) and 0.2 < veiled.max() < 0.8
    maps = torch.stack([distance(30, 30, of_seed(seed)) for seed in range(40)])
    assert 0 <= maps.min() and maps.max() <= 1
    assert maps[:, :10].mean() > maps[:, -10:].mean() + 0.2, "higher up is farther"


def test_rain_is_less_seen_before_bright_things():
    rain = Rain(brightness=(0.9, 0.9))
    dark, bright = (
        (rain(torch.full((3, 64, 64), grey), of_seed(2)) - grey).mean() for grey in (0.1, 0.8)
    )
    assert dark > 3 * bright > 0
    assert (rain(torch.ones(3, 64, 64), of_seed(2)) - 1).abs().max() < 1e-6


def test_two_generators_are_two_domains():
    clean = torch.full((3, 64, 64), 0.3)
    light, heavy = (
        sum((rain(clean, of_seed(seed)) - clean).mean().item() for seed in range(20)) / 20
        for rain in (Rain(), HEAVY_RAIN)
    )
    assert heavy > 2 * light
    assert 0.06 < heavy < 0.4, "Rain100H's means"
