"""The chart's measures find again what was put into synthetic edges and patches."""

import chart
import edges
import numpy as np
import pytest
import torch
from scipy.special import erf

from pellucid.color import decode

WIDTH_OF_SIGMA = 2.5631
"""10-90 % distance of a step blurred by a normal law of deviation 1."""


def strip(blur, low=0.04, high=0.3, place=22.3, slope=0.03, sigma=0.0, seed=0):
    """Linear strip (73, 50, 3) whose display values are a step blurred by a normal law."""
    along, across = np.indices((73, 50)).astype(float)
    distance = (across - place - slope * (along - 36)) / np.hypot(1, slope)
    display = low + (high - low) * (1 + erf(distance / blur / 2**0.5)) / 2
    linear = decode(torch.from_numpy(display), "rec709").numpy()[..., None] * [1, 0.8, 0.6]
    return linear + np.random.default_rng(seed).normal(0, sigma, linear.shape)


def rise_of(one, line):
    curve, _ = edges.edge_curve(edges.spread(one, line).sum(0), edges.MIX["red"])
    return edges.rise(curve)


@pytest.mark.parametrize("slope", [0, 0.01, -0.05])
@pytest.mark.parametrize("blur", [2, 2.7, 3.2])
def test_rise_of_an_edge_of_known_blur(blur, slope):
    one = strip(blur, place=21.8, slope=slope)
    line = edges.find_line(one)
    # In linear light the middle of the step lies a little towards the bright side.
    assert line.place == pytest.approx(21.8, abs=blur / 3)
    assert line.slope == pytest.approx(slope, abs=1e-3)
    assert rise_of(one, line) == pytest.approx(WIDTH_OF_SIGMA * blur, rel=0.03)


def test_noise_does_not_bias_the_rise():
    """At the deviation that `colorchart.dng` has; each edge by the line that it shows itself."""
    noisy = [strip(2.7, sigma=0.004, seed=seed) for seed in range(24)]
    rises = np.array([rise_of(one, edges.find_line(one)) for one in noisy])
    error = rises.std() / len(rises) ** 0.5
    assert rises.std() < 0.06 * rises.mean()
    assert abs(rises.mean() - WIDTH_OF_SIGMA * 2.7) < 3 * error + 0.01 * rises.mean()


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    monkeypatch.setattr(edges, "DRAWS", 50)


def judged(blur, high, number=12):
    """Borders of blur 2.5 in noise, and their restorations of another blur without any."""
    noisy = [strip(2.5, high=high, sigma=0.003, seed=seed) for seed in range(number)]
    borders = edges.find_borders(noisy, [strip(blur, high=high)] * number)
    return edges.judge_borders(borders, edges.MIX["red"])


@pytest.mark.parametrize("blur", [2.5, 3.0])
def test_a_restoration_is_as_much_wider_as_it_is_blurred(blur):
    found = judged(blur, 0.3)
    value, low, high = found["mean_ratio"]
    assert low < value < high and high - low < 0.06
    assert value == pytest.approx(blur / 2.5, abs=0.03)
    assert found["strong_edges"] == 12 and found["weak_edges"] == 0
    assert found["noisy_rise_px"] == pytest.approx(2.5 * WIDTH_OF_SIGMA, rel=0.03)
    assert (found["beyond_10_percent"] > 8) == (found["surely_beyond"] > 3) == (blur == 3)


def test_weak_edges_are_measured_together():
    noisy = [strip(2.5, high=0.11, sigma=0.001, seed=seed) for seed in range(12)]
    strong = [strip(2.5)]
    borders = edges.find_borders(noisy + strong, [strip(3.0, high=0.11)] * 12 + strong)
    found = edges.judge_borders(borders, edges.MIX["red"])
    assert found["weak_edges"] == 12 and found["strong_edges"] == 1
    assert found["weak_ratio"][0] == pytest.approx(1.2, abs=0.04)
    assert found["mean_ratio"][0] == pytest.approx(1, abs=1e-6)


def test_noise_of_a_patch_is_found_under_quadratic_shading():
    y, x = np.mgrid[-1:1:33j, -1:1:33j]
    shading = (0.3 + 0.1 * x - 0.05 * y + 0.08 * x * y + 0.1 * x**2 - 0.2 * y**2)[..., None]
    sigmas = np.array([0.004, 0.01, 0.02])
    patch = shading + np.random.default_rng(0).normal(0, sigmas, (33, 33, 3))
    four_errors = 4 / (2 * 33**2) ** 0.5
    np.testing.assert_allclose(chart.noise(patch), sigmas, rtol=four_errors)
    assert chart.noise(np.repeat(shading, 3, 2)).max() < 1e-12


def test_every_side_of_every_patch_is_a_strip_with_the_frame_first():
    picture = np.zeros((1156, 1734, 3))
    for y in chart.ROWS:
        for x in chart.COLUMNS:
            picture[y - 43 : y + 44, x - 46 : x + 47] = (1, 2, 3)
    strips = chart.strips(picture)
    assert len(strips) == 96 and {one.shape for one in strips} == {(73, 50, 3)}
    for one in strips:
        assert np.all(one[:, 12:16] == 0) and np.all(one[:, 24:] == (1, 2, 3))
