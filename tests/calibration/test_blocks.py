"""Blocks: white noise has one power everywhere, colour none, and a blurred scene least together."""

import pytest
import torch
from torch import Generator, Tensor

from pellucid.calibration.blocks import COEFFICIENTS, SIDE, Blocks, measure, some_blocks

SIZE = 512


def seeded(seed: int) -> Generator:
    return Generator().manual_seed(seed)


def of(mosaic: Tensor) -> Blocks:
    return measure([some_blocks(mosaic, 4096)])


def test_white_noise_has_its_variance_in_every_power_and_no_fewer_coefficients():
    noise = 0.01 * torch.randn(1, SIZE, SIZE, generator=seeded(0))
    power = of(0.3 + noise).power
    assert power.mean(0).tolist() == pytest.approx([1e-4] * 5, rel=0.03)
    freedom = 2 * power.mean(0) ** 2 / power.var(0)
    assert freedom.tolist() == pytest.approx(COEFFICIENTS.tolist(), rel=0.15)


def test_noise_of_all_sites_together_is_on_the_line_of_the_planes():
    shot, read = 2e-3, 1e-5
    levels = torch.tensor([[0.1, 0.4], [0.4, 0.02]]).repeat(SIZE // 2, SIZE // 2)[None]
    sigma = (shot * levels + read).sqrt()
    blocks = of(levels + sigma * torch.randn(levels.shape, generator=seeded(1)))
    expected = shot * blocks.signal.mean(0) + read
    torch.testing.assert_close(blocks.power.mean(0), expected, rtol=0.05, atol=0)


def test_even_colour_is_no_detail():
    colour = torch.tensor([[0.1, 0.4], [0.4, 0.2]]).repeat(SIZE // 2, SIZE // 2)
    assert float(of(colour[None]).power.max()) < 1e-12


def test_a_blurred_scene_has_least_detail_in_all_sites_together():
    scene = torch.randn(1, 1, SIZE, SIZE, generator=seeded(2))
    for _ in range(2):
        scene = torch.nn.functional.avg_pool2d(scene, 3, 1, 1)
    power = of(0.3 + 0.05 * scene[0]).power.mean(0)
    assert float(power[4]) < 0.05 * float(power[:4].min())


def test_shots_are_numbered_and_blocks_cover_the_picture_evenly():
    blocks = measure(
        [some_blocks(torch.rand(1, 64, 64), 99), some_blocks(torch.rand(1, 32, 64), 99)]
    )
    assert blocks.shot.bincount().tolist() == [(64 // (2 * SIDE)) ** 2, 8]
    assert len(some_blocks(torch.rand(1, SIZE, SIZE), 100)) <= 100
