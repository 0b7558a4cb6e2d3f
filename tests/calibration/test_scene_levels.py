"""Levels from scenes: what several ISOs share beside their gain is the scenes' own."""

import pytest
import torch

from pellucid.calibration.noise_line import RESAMPLINGS, Levels
from pellucid.calibration.profile import Level
from pellucid.calibration.scene_levels import with_one_gain, with_one_slope, with_usual_read

ISOS = [200.0, 400.0, 800.0, 1600.0]
GAIN = 2.7e-7


def measured(shot: float, read: float = 1e-7) -> Levels:
    """One ISO as measured, with 2 % of scatter in its draws."""
    scatter = 1 + 0.02 * torch.linspace(-2, 2, RESAMPLINGS, dtype=torch.float64)
    draws = torch.stack([shot * scatter, torch.full_like(scatter, read)], 1)
    levels = (Level((x,), (0.96 * x,), (1.04 * x,)) for x in (shot, read))
    return Levels(*levels, draws)


def shots(levels: list[Levels]) -> list[float]:
    return [one.shot.value[0] for one in levels]


@pytest.mark.parametrize("grain", [0.0, 1e-5, 4e-5])
def test_grain_that_all_isos_share_is_taken_off(grain):
    found = with_one_gain(ISOS, [measured(GAIN * iso + grain) for iso in ISOS])
    assert shots(found) == pytest.approx([GAIN * iso for iso in ISOS], rel=0.05)
    for iso, one in zip(ISOS, found, strict=True):
        assert one.shot.low[0] <= GAIN * iso <= one.shot.high[0]
        assert one.shot.low[0] < one.shot.value[0] < one.shot.high[0]
        assert float(one.draws[:, 0].mean()) == pytest.approx(one.shot.value[0], rel=0.02)


def test_one_iso_and_none_are_left_as_they_are():
    alone = [measured(1e-4)]
    assert with_one_gain([200.0], alone) is alone
    assert with_one_gain([], []) == with_one_slope([], []) == []


def test_gains_that_do_not_go_with_the_iso_are_left_as_they_are():
    odd = [measured(GAIN * iso * factor) for iso, factor in zip(ISOS, (1, 1, 0.5, 1), strict=True)]
    assert with_one_gain(ISOS, odd) is odd


def test_channels_keep_their_ratios():
    three = Level((1.4e-4, 1e-4, 1.2e-4), (1.3e-4, 0.9e-4, 1.1e-4), (1.5e-4, 1.1e-4, 1.3e-4))
    found = with_one_gain([200.0, 400.0], [measured(1.2e-4)._replace(shot=three), measured(2.1e-4)])
    value = found[0].shot.value
    assert [x / value[1] for x in value] == pytest.approx([1.4, 1, 1.2])


def test_read_noise_that_one_iso_alone_has_is_lowered_and_none_is_raised():
    reads = [3e-7, 2.3e-8, 5.5e-8, 1.3e-7]
    before = [measured(GAIN * iso, read) for iso, read in zip(ISOS, reads, strict=True)]
    after = [one.read for one in with_one_slope(ISOS, before)]
    assert after[0].value[0] < 2e-8
    assert after[0].high[0] > 3e-7
    assert all(one.value[0] <= read for one, read in zip(after, reads, strict=True))
    assert all(one.low[0] <= one.value[0] <= one.high[0] for one in after)


def test_no_camera_has_no_read_noise():
    found = with_usual_read(measured(1e-4, 1e-10), most=5e-7)
    assert 1e-9 < found.read.value[0] < 1e-7
    assert found.read.low[0] < found.read.value[0] < found.read.high[0] == 5e-7
