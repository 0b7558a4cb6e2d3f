from pathlib import Path

import numpy as np
import pytest
import torch

from pellucid.data.synthesis import generator_of
from pellucid.look.align import (
    GridConfig,
    Seen,
    apply_grid,
    apply_to_difference,
    apply_to_std,
    features,
    fit_grid,
    fit_seen,
    luma,
    middles,
    slice_grid,
)
from pellucid.look.grid_system import tent

GOLDEN = Path(__file__).parents[1] / "golden" / "dualdn_bgu.npz"
RESIDUAL = {"96x128_ratio1": 1.3848582460137258, "128x192_ratio2": 2.1075583223216334}
"""Of the published solution, data term and differences together."""


def scene(height: int, width: int, seed: int = 0) -> torch.Tensor:
    small = torch.rand(1, 3, 9, 11, generator=generator_of(seed))
    large = torch.nn.functional.interpolate(small, (height, width), mode="bicubic")
    return large[0].clamp(0, 1)


def halved(picture: torch.Tensor) -> torch.Tensor:
    """Every other pixel of an eight-tap Lanczos filter, as the published code reduces pictures."""
    at = np.arange(8) - 3.5
    taps = np.sinc(at) * np.sinc(at / 4)
    for axis in (1, 2):
        count = picture.shape[axis] // 2
        near = 2 * torch.arange(count)[:, None] + torch.arange(-3, 5)
        seen = picture.movedim(axis, -1)[..., near.clamp(0, picture.shape[axis] - 1)]
        picture = (seen * torch.tensor(taps / taps.sum())).sum(-1).movedim(-1, axis)
    return picture


def residual(grid, source, target, config):
    """Of the published system, written down once more: dense, and place by place."""
    _, _, depth, gh, gw = grid.shape
    height, width = source.shape[-2:]
    rows, columns = (tent(middles(n, source) * (g - 1), g) for n, g in ((height, gh), (width, gw)))
    inner = tent(luma(source) * (depth - 1), depth)
    affine = torch.einsum("hy,wx,hwz,ijzyx->ijhw", rows, columns, inner, grid)
    data = torch.einsum("ijhw,jhw->ihw", affine[:, :3], source) + affine[:, 3] - target
    total = data.square().sum()
    for axis, count in ((3, gh), (4, gw)):
        slopes = torch.eye(count, dtype=grid.dtype).diff(dim=0)
        slopes[-1, -1] = 0
        total += config.spatial * torch.tensordot(grid, slopes, ([axis], [1])).square().sum()
    bends = torch.eye(depth, dtype=grid.dtype).diff(n=2, dim=0)
    bends[:, -2:] = 0
    ends = grid[:, :, 0].square().sum() + grid[:, :, -2].square().sum()
    total += config.bend * (torch.tensordot(grid, bends, ([2], [1])).square().sum() + ends)
    return float(total.sqrt())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", RESIDUAL)
def test_golden_output(name, dtype):
    golden = np.load(GOLDEN)
    full, reference = (
        torch.tensor(golden[f"{name}/{what}"], dtype=torch.float64)
        for what in ("input_chw", "reference_chw")
    )
    ratio1 = name.endswith("1")
    source, target = (x if ratio1 else halved(x) for x in (full, reference))
    config = GridConfig.dualdn(*source.shape[-2:])
    grid = fit_grid(source.to(dtype), target.to(dtype), config)
    error = apply_grid(grid, full.to(dtype)) - torch.tensor(golden[f"{name}/output_hwc"]).permute(
        2, 0, 1
    )
    assert error.abs().max() < 1e-2
    assert error.square().mean().sqrt() < 5e-4
    assert residual(grid.double(), source, target, config) <= RESIDUAL[name]


def test_an_affine_look_is_found_exactly():
    picture = scene(96, 128)
    matrix = torch.tensor([[0.8, 0.1, 0.0], [0.05, 0.7, 0.1], [0.0, -0.1, 0.9]])
    target = torch.einsum("ij,jhw->ihw", matrix, picture) + 0.05
    aligned = apply_grid(fit_grid(picture, target), picture)
    torch.testing.assert_close(aligned, target, atol=1e-4, rtol=0)


def test_what_does_not_count_does_not_pull():
    picture = scene(96, 128)
    target, weight = picture * 0.5, torch.ones(96, 128)
    target[:, :, 100:], weight[:, 100:] = 1, 0
    aligned = apply_grid(fit_grid(picture, target, weight=weight), picture)
    torch.testing.assert_close(aligned, picture * 0.5, atol=1e-3, rtol=0)


def test_what_curves_make_of_texture_is_found_from_means():
    """Pixels of a small target show means of what a grid made, not what it makes of means."""
    texture = 0.3 * (2 * torch.rand(3, 128, 160, generator=generator_of(2)) - 1)
    fine = (0.3 + 0.4 * scene(128, 160) + texture).clamp(0, 1)
    look = apply_grid(fit_grid(fine, fine**2), fine)
    light = GridConfig(spatial=0.01, bend=0.01, ridge=1e-4, tolerance=1e-5)
    small, target = (torch.nn.functional.avg_pool2d(each, 2) for each in (fine, look))
    shown = features(fine, light.depth).unflatten(1, (80, 2)).unflatten(0, (64, 2)).mean((1, 3))
    seen = Seen(shown, middles(64, fine), middles(80, fine))
    whole = fit_seen(seen, target, light.shape(128, 160), light)
    exact, averaged = (
        (apply_grid(grid, fine) - look).square().mean().sqrt()
        for grid in (whole, fit_grid(small, target, light))
    )
    assert exact < 2e-3
    assert averaged > 8e-3


def test_slices_are_trilinear():
    """A grid that is linear along every side is met exactly between its outermost places."""
    z, y, x = torch.meshgrid(*(torch.linspace(0, 1, n) for n in (5, 4, 6)), indexing="ij")
    grid = (0.5 * z + 2 * y - x).expand(3, 4, 5, 4, 6)
    picture = scene(40, 50)
    rows, columns, guide = middles(40, picture)[:, None], middles(50, picture), luma(picture)
    expected = (0.5 * guide + 2 * rows - columns).expand(3, 4, 40, 50)
    torch.testing.assert_close(slice_grid(grid, guide, rows, columns), expected)


def test_bands_do_not_show(monkeypatch):
    picture = scene(150, 60)
    grid = fit_grid(picture, picture**0.5)
    whole = apply_grid(grid, picture)
    monkeypatch.setattr("pellucid.look.align.BAND", 7)
    assert torch.equal(apply_grid(grid, picture), whole)


def test_difference_and_std_go_without_offset():
    picture = scene(64, 64)
    grid = torch.zeros(3, 4, 2, 2, 2)
    grid[0, 0], grid[0, 1], grid[1, 1], grid[:, 3] = 3.0, 4.0, -2.0, 7.0
    std = torch.full_like(picture, 0.1)
    carried = apply_to_std(grid, picture, std)
    torch.testing.assert_close(carried[:, 9, 9], torch.tensor([0.5, 0.2, 0.0]))
    moved = apply_to_difference(grid, picture, std)
    torch.testing.assert_close(moved[:, 9, 9], torch.tensor([0.7, -0.2, 0.0]))


def test_std_is_that_of_aligned_noise():
    """Where the guide is denoised, noise that goes through the grid has the predicted spread."""
    picture = scene(128, 128)
    grid = fit_grid(picture, (picture.flip(0) * 0.6 + 0.3 * picture**2).clamp(0, 1))
    noise = 0.02 * torch.randn(3, 128, 128, generator=generator_of(4))
    ratio = apply_to_difference(grid, picture, noise) / apply_to_std(
        grid, picture, torch.full_like(picture, 0.02)
    )
    assert ratio.std() == pytest.approx(1, abs=0.02)
