import pytest
import torch

from pellucid.data.synthesis import generator_of
from pellucid.detail import is_star_field, points
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
    """Of sky alone one pixel in a hundred keeps noise; no more where it is twice what was said."""
    sky = torch.full((1, 512, 512), SKY)
    noisy = add_noise(sky, NOISE, generator=generator_of(0))
    told = Noise(NOISE.shot * said, NOISE.read * said)
    assert points(noisy, sky, told).mean() < 1e-2


def test_edges_and_lines_are_no_points():
    clean = torch.full((1, 128, 128), SKY)
    clean[:, :, 64:] = 0.5
    clean[:, 30] = 0.2
    noisy = add_noise(clean, NOISE, generator=generator_of(0))
    assert points(noisy, clean, NOISE)[0, 20:40].mean() < 1e-2
    assert points(noisy, clean, NOISE)[0, :, 60:70].mean() < 1e-2


def sky_of(stars, seed=0, side=1024):
    """A sky with so many stars at any places, half as many of twice the height."""
    generator = generator_of(seed)
    sky = torch.full((1, side, side), SKY)
    heights = 3 / torch.rand(stars, generator=generator).clamp(min=0.01)
    for height in heights:
        y, x = (torch.rand(2, generator=generator) * (side - 16) + 8).tolist()
        top, left = int(y) - 4, int(x) - 4
        rows, columns = torch.arange(top, top + 9) - y, torch.arange(left, left + 9) - x
        shape = torch.exp(-(rows[:, None] ** 2 + columns**2) / (2 * 0.64**2))
        sky[0, top : top + 9, left : left + 9] += height * STD * shape
    return sky


@pytest.mark.parametrize("stars", [80, 600])
def test_a_star_field_is_known(stars):
    clean = sky_of(stars)
    noisy = add_noise(clean, NOISE, generator=generator_of(1))
    assert is_star_field(noisy, torch.full_like(clean, SKY), NOISE)


@pytest.mark.parametrize("light", [0.0005, 0.01, 0.2])
def test_noise_few_points_and_texture_are_no_star_field(light):
    """Nor the long tail of few photons, nor the grain of a picture that the network smoothed."""
    sky = torch.full((1, 768, 768), light)
    photons = torch.poisson(sky / 1e-3, generator=generator_of(2)) * 1e-3
    assert not is_star_field(photons, sky, NOISE)
    noisy = add_noise(sky_of(4, side=768), NOISE, generator=generator_of(1))
    assert not is_star_field(noisy, torch.full_like(sky, SKY), NOISE)
    grain = light * (1 + 0.2 * torch.randn(sky.shape, generator=generator_of(3)))
    assert not is_star_field(add_noise(grain, NOISE, generator=generator_of(4)), sky, NOISE)
