"""Hot and dead pixels are replaced, stars and edges are not."""

import torch

from pellucid import Noise
from pellucid.hot_pixels import without_hot_pixels

NOISE = Noise(1e-4, 1e-6)


def noisy(clean: torch.Tensor) -> torch.Tensor:
    deviation = (NOISE.shot * clean + NOISE.read).sqrt()
    return clean + deviation * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))


def places(count: int, side: int, seed: int) -> list[list[int]]:
    grid = torch.randperm((side // 8 - 2) ** 2, generator=torch.Generator().manual_seed(seed))
    return [[8 + 8 * (n // (side // 8 - 2)), 8 + 8 * (n % (side // 8 - 2)) + n % 2]
            for n in grid[:count].tolist()]  # fmt: skip


def test_hot_and_dead_pixels_are_replaced() -> None:
    mosaic = noisy(torch.full((1, 256, 256), 0.2))
    for number, (row, column) in enumerate(places(200, 256, 1)):
        mosaic[0, row, column] = (0.0, 0.4, 1.0)[number % 3]
    mended = without_hot_pixels(mosaic, NOISE)
    assert (mended - 0.2).abs().max() < 0.05
    assert (mended != mosaic).sum() == 200


def test_stars_and_their_field_are_left_alone() -> None:
    side, rows = 256, torch.arange(256.0)
    sky = torch.full((1, side, side), 0.01)
    generator = torch.Generator().manual_seed(2)
    for row, column in places(300, side, 3):
        away = torch.rand(2, generator=generator) - 0.5
        width = 0.5 + 0.5 * float(torch.rand((), generator=generator))
        down = torch.exp(-((rows - row - away[0]) ** 2) / (2 * width**2))
        right = torch.exp(-((rows - column - away[1]) ** 2) / (2 * width**2))
        sky[0] += float(torch.rand((), generator=generator)) * torch.outer(down, right)
    mosaic = noisy(sky)
    assert torch.equal(without_hot_pixels(mosaic, NOISE), mosaic)


def test_noise_lines_and_edges_are_left_alone() -> None:
    clean = torch.full((1, 256, 256), 0.1)
    clean[:, :, 100] = 0.8
    clean[:, 60] = 0.9
    clean[:, 128:, 128:] = 0.5
    mosaic = noisy(clean)
    assert torch.equal(without_hot_pixels(mosaic, NOISE), mosaic)
