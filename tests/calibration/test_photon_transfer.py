"""Photon transfer: what was put into flats and darks is found again, and fixed patterns are not."""

import pytest
import torch
from torch import Generator, Tensor

from pellucid.calibration.noise_line import levels_of, line_of
from pellucid.calibration.photon_transfer import (
    Tiles,
    joined,
    row_variance,
    stand_out,
    sums_of,
    tiles_of,
)
from pellucid.errors import PellucidError
from pellucid.noise import EldSensor, add_eld_noise

SIDE = 256
SENSOR = EldSensor(1.66, 1.48, 0.14, 0.9, levels=15359.0)
SHOT, READ = SENSOR.gain / SENSOR.levels, SENSOR.read_variance / SENSOR.levels**2


def seeded(seed: int) -> Generator:
    return Generator().manual_seed(seed)


def shaded(level: float) -> Tensor:
    """A flat with vignetting and a fixed pattern of 1 %."""
    y = torch.linspace(-1, 1, SIDE)
    pattern = 1 + 0.01 * torch.randn(SIDE, SIDE, generator=seeded(99))
    return (level * (1 - 0.3 * y[:, None] ** 2 - 0.2 * y**2) * pattern)[None]


def pair(first: Tensor, second: Tensor, seed: int) -> Tiles:
    noisy = [add_eld_noise(x, SENSOR, seeded(2 * seed + i)) for i, x in enumerate((first, second))]
    return tiles_of(*(mosaic.clamp(max=1) for mosaic in noisy))


def darks(seed: int) -> Tiles:
    black = torch.zeros(1, SIDE, SIDE)
    return pair(black, black, seed)


def check(tiles: Tiles, shot: float = SHOT, read: float = READ) -> None:
    levels = levels_of(sums_of(tiles), tiles.band, seeded(0))
    assert levels.shot.value == pytest.approx((shot,), rel=0.03)
    assert levels.read.value == pytest.approx((read,), rel=0.03)
    for level in levels[:2]:
        assert level.low[0] <= level.value[0] <= level.high[0] <= 1.2 * level.low[0]


def test_flats_and_darks_give_shot_and_read_within_3_percent():
    check(joined([pair(shaded(0.8), shaded(0.8), n) for n in range(4)] + [darks(9), darks(10)]))


def test_light_that_flickers_changes_nothing():
    check(joined([pair(shaded(0.7), shaded(0.8), n) for n in range(4)] + [darks(9), darks(10)]))


def test_clipped_tiles_are_left_out():
    bright = shaded(1.05).clamp(max=1)
    check(joined([pair(bright, bright, n) for n in range(4)] + [darks(9), darks(10)]))
    saturated = torch.ones(1, SIDE, SIDE)
    with pytest.raises(PellucidError, match="every tile of the frames is clipped"):
        sums_of(pair(saturated, saturated, 0))


def test_hot_pixels_change_nothing_and_stand_out():
    hot = torch.zeros(1, SIDE, SIDE)
    places = torch.randperm(SIDE**2, generator=seeded(5))[:40]
    hot.view(-1)[places] = 0.1
    lit = shaded(0.6) + hot
    check(joined([pair(lit, lit, n) for n in range(4)] + [pair(hot, hot, 9), pair(hot, hot, 10)]))
    dark = add_eld_noise(hot, SENSOR, seeded(1))
    found = stand_out(dark, torch.full_like(dark, READ**0.5)) > 20
    assert set(found.flatten().nonzero()[:, 0].tolist()) == set(places.tolist())


def test_darks_clipped_at_black_say_nothing():
    cut = [
        add_eld_noise(torch.zeros(1, SIDE, SIDE), SENSOR, seeded(n)).clamp(min=0) for n in (1, 2)
    ]
    assert not tiles_of(*cut).sites.any()


def test_row_noise_is_told_from_the_sites_own():
    black = torch.zeros(2, 1, SIDE, SIDE)
    for row in (0.0, 0.9, 3.0):
        sensor = EldSensor(1.66, 1.48, 0.14, row, levels=15359.0)
        frames = [add_eld_noise(frame, sensor, seeded(n)) for n, frame in enumerate(black)]
        found = row_variance(*frames) ** 0.5 * sensor.levels
        assert found == pytest.approx(row, rel=0.2, abs=0.15)


def test_channels_with_gains_of_their_own_are_told_apart():
    gains = torch.tensor([[1.5, 1.0], [1.0, 1.2]]).repeat(SIDE // 2, SIDE // 2)
    frames = [add_eld_noise(shaded(0.4), SENSOR, seeded(n)) * gains for n in range(8)]
    tiles = joined([tiles_of(*frames[n : n + 2]) for n in range(0, 8, 2)] + [darks(9)])
    levels = levels_of(sums_of(tiles), tiles.band, seeded(0))
    assert levels.shot.value == pytest.approx((1.5 * SHOT, SHOT, 1.2 * SHOT), rel=0.05)


def test_one_level_without_darks_is_refused():
    even = torch.full((1, SIDE, SIDE), 0.5)
    with pytest.raises(PellucidError, match="expected darks, or flats at several exposures"):
        sums_of(pair(even, even, 0))
    dark = darks(3)
    with pytest.raises(PellucidError, match="no light"):
        sums_of(dark)


def test_flats_of_several_exposures_need_no_darks():
    levels = [0.01, 0.02, 0.04, 0.2, 0.8]
    tiles = joined([pair(shaded(x), shaded(x), n) for n, x in enumerate(levels)])
    found = line_of(type(sums_of(tiles))(*(part.sum() for part in sums_of(tiles))))
    assert float(found[0]) == pytest.approx(SHOT, rel=0.03)
    assert float(found[1]) == pytest.approx(READ, rel=0.5)
