"""The noise of raws is found as it is, whatever the raws are told."""

import torch
import torch.nn.functional as F

from pellucid.adapt.raw_levels import groups, measured_noise
from pellucid.data.synthesis import generator_of
from pellucid.noise import EldSensor, add_eld_noise
from pellucid.raw import Camera, Noise
from pellucid.training.real_raws import SCALE, Shot

CAMERA = Camera.of(torch.eye(3), torch.ones(3))
ROWS = EldSensor(gain=20.0, scale=60.0, shape=0.05, row=80.0)
TRUE = Noise(
    torch.tensor(ROWS.gain / ROWS.levels), torch.tensor(ROWS.read_variance / ROWS.levels**2)
)


def shot_of(number: int, told: Noise) -> Shot:
    """Shades from dark to light with some texture in a corner, and a white sky."""
    small = torch.rand(1, 1, 4, 4, generator=generator_of(number)) * torch.linspace(0.02, 0.9, 4)
    clean = F.interpolate(small, (400, 480), mode="bicubic", align_corners=True)[0]
    clean[:, :100, :100] += 0.3 * torch.rand(1, 100, 100, generator=generator_of(number, 1))
    clean[:, 300:] = 1.1
    noisy = add_eld_noise(clean.clamp(0, 1), ROWS, generator_of(number, 2))
    pixels = (noisy.clamp(-1, 1) * SCALE).round().to(torch.int16).numpy()
    return Shot(f"{number}.dng", pixels, CAMERA, Noise(*(x.expand(3) for x in told)), 1.0)


def test_rows_and_tails_count_though_the_files_leave_them_out():
    told = Noise(TRUE.shot * 1.1, TRUE.read * 0.4)
    for noise in measured_noise([shot_of(n, told) for n in range(4)], 0):
        for level in (0.02, 0.1, 0.5):
            found, true = (n.shot * level + n.read for n in (noise, TRUE))
            assert (found / true - 1).abs().max() < 0.12


def test_raws_that_say_nothing_keep_what_they_are_told():
    told = Noise(torch.tensor(1e-3), torch.tensor(1e-5))
    white = shot_of(0, told)._replace(pixels=shot_of(0, told).pixels * 0 + SCALE)
    (noise,) = measured_noise([white], 0)
    assert torch.equal(noise.shot, white.noise.shot) and torch.equal(noise.read, white.noise.read)


def test_isos_are_told_apart_by_their_shot_noise():
    levels = (1e-3, 4e-3, 1.1e-3, 2e-3, 1.3e-3)
    shots = [shot_of(0, Noise(torch.tensor(x), torch.tensor(1e-5))) for x in levels]
    assert groups(shots) == [[0, 2, 4], [3], [1]]
