"""Blind noise estimation: what was put into a generated scene is found again."""

import pytest
import torch
from torch import Generator, Tensor

from pellucid.bayer import mosaic_of
from pellucid.calibration.blind import FLOOR, estimate_noise
from pellucid.color import decode
from pellucid.data.dead_leaves import DeadLeaves
from pellucid.noise import add_noise
from pellucid.raw import Noise

LEVELS = [(1e-5, 8e-7), (1.5e-4, 9e-7), (2e-4, 1e-9), (2e-3, 4.7e-7), (2e-2, 1.6e-4)]


def seeded(seed: int) -> Generator:
    return Generator().manual_seed(seed)


def ramp(low: float, high: float, side: int = 512) -> Tensor:
    return torch.linspace(low, high, side).expand(1, side, side).contiguous()


@pytest.fixture(scope="module")
def leaves() -> Tensor:
    picture = DeadLeaves().patch(512, seeded(3))
    return mosaic_of(0.7 * decode(picture, "rec709"))


def sigma(noise: Noise, signal: float) -> float:
    return float((noise.shot * signal + noise.read).sqrt())


def worst_ratio(found: Noise, true: Noise, signals: tuple[float, ...]) -> float:
    """How far sigma is off at the worst of some signals, 0 if right everywhere."""
    return max(abs(sigma(found, x) / sigma(true, x) - 1) for x in signals)


@pytest.mark.parametrize("level", LEVELS)
def test_sigma_on_a_smooth_scene_is_within_5_percent(level):
    true = Noise(*level)
    found = estimate_noise(add_noise(ramp(0, 0.6), true, generator=seeded(0)))
    assert worst_ratio(found, true, (0.01, 0.1, 0.5)) < 0.05


@pytest.mark.parametrize("level", LEVELS[1:])
def test_sigma_on_a_textured_scene_is_within_15_percent(leaves, level):
    true = Noise(*level)
    found = estimate_noise(add_noise(leaves, true, generator=seeded(0)))
    assert worst_ratio(found, true, (0.05, 0.1, 0.3)) < 0.15


def test_texture_on_half_of_the_blocks_is_not_taken_for_noise():
    """Waves of four times the noise's power."""
    true, x = Noise(2e-4, 1e-6), ramp(0.05, 0.6)
    rows = torch.arange(512.0)[:, None]
    busy = (rows % 32 < 16) * torch.sin(1.3 * rows + 1.3 * torch.arange(512.0))
    waves = busy * (8 * (true.shot * x + true.read)).sqrt()
    found = estimate_noise(add_noise(x + waves, true, generator=seeded(1)))
    assert worst_ratio(found, true, (0.1, 0.3)) < 0.1


def test_half_the_light_is_half_the_shot_and_a_quarter_of_the_read(leaves):
    noisy = add_noise(leaves, Noise(2e-3, 1e-5), generator=seeded(2))
    whole, half = estimate_noise(noisy), estimate_noise(noisy / 2)
    torch.testing.assert_close(half.shot, whole.shot / 2, rtol=1e-3, atol=0)
    torch.testing.assert_close(half.read, whole.read / 4, rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize("black", [-1.0, 0.0])
def test_clipping_at_either_end_changes_little(black):
    true = Noise(2e-3, 1e-5)
    noisy = add_noise(ramp(0, 1.3).clamp(max=1), true, generator=seeded(3)).clamp(black, 1)
    assert worst_ratio(estimate_noise(noisy), true, (0.02, 0.1, 0.5)) < 0.05


def test_saturation_below_white_and_constant_blocks_are_left_out():
    true = Noise(2e-3, 1e-5)
    noisy = add_noise(ramp(0, 1), true, generator=seeded(4)).clamp(max=0.8)
    noisy[:, :96] = 0.3
    assert worst_ratio(estimate_noise(noisy), true, (0.02, 0.1, 0.5)) < 0.05


def test_quantising_to_twelve_bits_changes_little():
    true = Noise(1e-4, 1e-6)
    noisy = add_noise(ramp(0, 0.6), true, generator=seeded(5))
    found = estimate_noise((noisy * 4095).round() / 4095)
    assert worst_ratio(found, true, (0.02, 0.1, 0.5)) < 0.05


def test_dark_frame_gives_its_read_noise():
    dark = add_noise(torch.zeros(1, 512, 512), Noise(1e-4, 1e-6), generator=seeded(6))
    assert float(estimate_noise(dark).read) == pytest.approx(1e-6, rel=0.03)


def test_flat_frame_gives_its_sigma():
    true = Noise(2e-4, 1e-6)
    flat = add_noise(torch.full((1, 512, 512), 0.3), true, generator=seeded(7))
    assert worst_ratio(estimate_noise(flat), true, (0.3,)) < 0.02


def test_hot_pixels_and_what_is_not_finite_are_outliers():
    true = Noise(2e-3, 1e-5)
    noisy = add_noise(ramp(0, 0.6), true, generator=seeded(8))
    noisy[torch.rand(noisy.shape, generator=seeded(9)) < 3e-4] = 0.9
    noisy[0, 40, 50], noisy[0, 200, 300] = torch.nan, torch.inf
    assert worst_ratio(estimate_noise(noisy), true, (0.02, 0.1, 0.5)) < 0.05


@pytest.mark.parametrize("value", [-0.01, 0.0, 0.3, 1.0, float("nan")])
@pytest.mark.parametrize("side", [2, 16, 64])
def test_constant_mosaic_gives_the_floor(value, side):
    found = estimate_noise(torch.full((1, side, side), value))
    torch.testing.assert_close(found, FLOOR)


def test_tiny_mosaic_gives_sigma_within_a_third():
    true = Noise(2e-3, 1e-5)
    for seed in range(20):
        noisy = add_noise(torch.full((1, 16, 16), 0.2), true, generator=seeded(seed))
        assert worst_ratio(estimate_noise(noisy), true, (0.2,)) < 1 / 3


def test_a_grid_of_blocks_stands_for_24_megapixels():
    true = Noise(2e-3, 1e-5)
    tile = add_noise(ramp(0, 0.6, 256), true, generator=seeded(10))
    found = estimate_noise(tile.repeat(1, 16, 24))
    assert worst_ratio(found, true, (0.02, 0.1, 0.5)) < 0.1


def test_result_is_two_float32_scalars():
    assert [(v.shape, v.dtype) for v in estimate_noise(ramp(0, 1))] == [((), torch.float32)] * 2


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 3, 5), "mosaic has 3x5 pixels; both sides must be even"),
        ((4, 8, 8), r"mosaic has shape \(4, 8, 8\); expected \(1, H, W\)"),
    ],
)
def test_what_is_no_mosaic_is_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        estimate_noise(torch.zeros(shape))


def test_texture_all_over_a_blurred_scene_is_not_taken_for_noise():
    """It has as much power as the noise at 0.1, but less at the finest detail."""
    true, x = Noise(2e-4, 1e-6), ramp(0.02, 0.6)
    texture = torch.randn(1, 512, 512, generator=seeded(11))
    texture = torch.nn.functional.avg_pool2d(texture, 3, 1, 1, count_include_pad=False)
    scene = x * (1 + 0.06 * texture / texture.std())
    found = estimate_noise(add_noise(scene, true, generator=seeded(12)))
    assert worst_ratio(found, true, (0.05, 0.1, 0.3)) < 0.12
