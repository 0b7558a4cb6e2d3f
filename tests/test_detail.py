import pytest
import torch

from pellucid.data.synthesis import generator_of
from pellucid.detail import points
from pellucid.noise import add_noise
from pellucid.raw import Noise

NOISE = Noise(1e-3, 1e-6)
SKY = 0.02
STD = (1e-3 * SKY + 1e-6) ** 0.5


def stars(height):
    """Points of 1.5 pixels every 32 pixels, `height` standard deviations high, and their places."""
    offset = torch.arange(256) % 32 - 16.0
    shape = torch.exp(-(offset[:, None] ** 2 + offset**2) / (2 * 0.64**2))
    return SKY + height * STD * shape[None], shape > 0.5


def test_stars_are_found():
    clean, where = stars(9.0)
    noisy = add_noise(clean, NOISE, generator=generator_of(0))
    found = points(noisy, torch.full_like(clean, SKY), NOISE)[0][where]
    assert (found > 0.9).float().mean() > 0.95


@pytest.mark.parametrize("said", [1.0, 0.25])
def test_noise_is_not_taken_for_stars(said):
    """Nor where the noise is twice what it was said to be."""
    sky = torch.full((1, 512, 512), SKY)
    noisy = add_noise(sky, NOISE, generator=generator_of(0))
    told = Noise(NOISE.shot * said, NOISE.read * said)
    assert points(noisy, sky, told).mean() < 3e-3


def test_edges_and_lines_are_no_points():
    clean = torch.full((1, 128, 128), SKY)
    clean[:, :, 64:] = 0.5
    clean[:, 30] = 0.2
    noisy = add_noise(clean, NOISE, generator=generator_of(0))
    assert points(noisy, clean, NOISE)[0, 20:40].mean() < 1e-2
    assert points(noisy, clean, NOISE)[0, :, 60:70].mean() < 1e-2
