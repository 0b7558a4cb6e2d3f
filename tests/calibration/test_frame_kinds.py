"""Flats, darks and scenes are told apart by what is on them."""

import pytest
import torch
from torch import Generator, Tensor

from pellucid.bayer import mosaic_of
from pellucid.calibration.frame_kinds import kind_of
from pellucid.color import decode
from pellucid.data.dead_leaves import DeadLeaves
from pellucid.noise import add_noise
from pellucid.raw import Noise


def seeded(seed: int) -> Generator:
    return Generator().manual_seed(seed)


def vignette(height: int, width: int) -> Tensor:
    y, x = torch.linspace(-1, 1, height)[:, None], torch.linspace(-1, 1, width)
    return (1 / (1 + 0.3 * (x**2 + y**2)) ** 2)[None]


@pytest.mark.parametrize("noise", [Noise(2e-5, 2e-8), Noise(2e-3, 1e-6)])
@pytest.mark.parametrize("side", [64, 256])
def test_each_kind(noise, side):
    flat = 0.5 * vignette(side, side)
    scene = mosaic_of(0.7 * decode(DeadLeaves().patch(side, seeded(3)), "rec709"))
    night = torch.zeros(1, side, side)
    night[:, : side // 4, : side // 4] = 0.05
    scenes = {"flat": flat, "dark": torch.zeros(1, side, side), "shot": scene}
    for kind, clean in scenes.items():
        assert kind_of(add_noise(clean, noise, generator=seeded(1))) == kind
    assert kind_of(add_noise(night, noise, generator=seeded(1))) == "shot"


def test_hot_pixels_make_no_scene_of_a_dark():
    dark = add_noise(torch.zeros(1, 256, 256), Noise(1e-4, 1e-7), generator=seeded(0))
    dark[torch.rand(dark.shape, generator=seeded(1)) < 1e-3] = 0.8
    assert kind_of(dark) == "dark"
