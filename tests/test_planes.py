import pytest
import torch
import torch.nn.functional as F

from pellucid.planes import (
    BAND,
    in_bands,
    local_mean,
    shuffle,
    unshuffle,
    unshuffle_to_channels_last,
)

SHAPES = [(3, 8, 12), (1, 1, 4, 4), (2, 5, 12, 8), (2, 3, 4, 4, 8)]


@pytest.mark.parametrize("size", [1, 2, 4])
@pytest.mark.parametrize("shape", SHAPES)
def test_planes_and_pixels_are_pytorchs(shape: tuple[int, ...], size: int):
    picture = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    planes = F.pixel_unshuffle(picture, size)
    assert torch.equal(unshuffle(picture, size), planes)
    assert torch.equal(shuffle(planes, size), F.pixel_shuffle(planes, size))
    if picture.dim() == 4:
        beside = unshuffle_to_channels_last(picture, size)
        assert torch.equal(beside, planes)
        assert beside.is_contiguous(memory_format=torch.channels_last)
        assert torch.equal(shuffle(beside, size), picture)


def test_gradients_go_through_both_ways():
    picture = torch.randn(1, 2, 4, 6, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(1, 2, 4, 6, dtype=torch.float64)

    def back(x: torch.Tensor) -> torch.Tensor:
        return shuffle(unshuffle_to_channels_last(x, 2).square(), 2) * weights

    (grad,) = torch.autograd.grad(back(picture).sum(), picture)
    assert torch.allclose(grad, 2 * picture * weights)


@pytest.mark.parametrize("size", [3, 5, 9])
@pytest.mark.parametrize("shape", [(1, 12, 17), (2, 4, 9, 3), (1, 1, 1)])
def test_local_means_leave_out_what_lies_outside(shape: tuple[int, ...], size: int):
    planes = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    pooled = F.avg_pool2d(planes, size, 1, size // 2, count_include_pad=False)
    assert torch.allclose(local_mean(planes, size), pooled, atol=1e-6)


@pytest.mark.parametrize("shape", [(3, 40, 30), (2, 3, 5000, 20), (1, 3, 20, 30_000)])
def test_bands_are_the_whole_with_and_without_gradients(shape: tuple[int, ...]):
    first, second = torch.rand(shape), torch.rand(shape)
    seen: list[int] = []

    def run(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        seen.append(a.shape[-2])
        return (a * b).sqrt()

    whole = in_bands(run, first, second)
    assert len(seen) == 1
    with torch.no_grad():
        assert torch.equal(in_bands(run, first, second), whole)
    assert sum(seen[1:]) == shape[-2] and (len(seen) > 2) == (
        shape[-2] * shape[-1] > BAND * torch.get_num_threads()
    )
