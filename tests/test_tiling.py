import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.tiling import Grid, Span, around, mirrored, run_tiled, tiles, window


@settings(deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 40), st.integers(1, 8))
def test_tiles_cover_every_pixel_once_at_whole_strides(height, width, tile, stride):
    grid = Grid(tile, stride, halo=0)
    seen = torch.zeros(height, width)
    for rows, columns in tiles(height, width, grid):
        assert rows.start % stride == columns.start % stride == 0
        assert rows.stop - rows.start <= max(stride, -(-tile // stride) * stride)
        seen[rows.start : rows.stop, columns.start : columns.stop] += 1
    assert (seen == 1).all()


@given(st.integers(2, 12), st.integers(0, 40))
def test_mirrored_never_repeats_the_edge_and_keeps_the_phase(length, halo):
    index = mirrored(Span(-halo, length + halo), length)
    assert index.min() >= 0 and index.max() < length
    assert (index.diff().abs() == 1).all()
    assert index[halo : halo + length].tolist() == list(range(length))


def test_a_picture_of_one_pixel_can_be_mirrored():
    one = Span(0, 1)
    assert window(torch.ones(1, 1, 1), one, one, Grid(4, 2, 3, mirror=3)).shape == (1, 8, 8)


@pytest.mark.parametrize("mirror", [0, 4])
@pytest.mark.parametrize("tile", [7, 16, 50])
def test_tiles_equal_the_whole_for_a_network_of_known_reach(tile, mirror):
    torch.manual_seed(0)
    picture, kernel = torch.randn(2, 37, 53), torch.randn(3, 2, 5, 5)

    def run(batch):
        return F.conv2d(batch, kernel, padding=2)

    grid = Grid(tile, 4, 4, mirror=mirror)
    whole = run_tiled(run, (picture,), 3, grid._replace(tile=64))
    calls = []
    in_tiles = run_tiled(run, (picture,), 3, grid, lambda: calls.append(1))
    torch.testing.assert_close(in_tiles, whole, atol=1e-5, rtol=1e-5)
    assert len(calls) == len(tiles(37, 53, grid))


@settings(deadline=None)
@given(
    st.integers(1, 200),
    st.integers(1, 64),
    st.sampled_from([2, 8, 16]),
    st.integers(0, 9),
    st.integers(0, 20),
)
def test_every_tile_begins_at_a_whole_stride_and_ends_at_its_halo_or_the_border(
    length, tile, stride, strides, mirror
):
    grid = Grid(tile, stride, strides * stride, mirror=mirror)
    outermost = around(Span(0, length), length, grid)
    for span, _ in tiles(length, 1, grid):
        seen = around(span, length, grid)
        assert seen.start % stride == seen.stop % stride == 0
        assert seen.start == max(span.start - grid.halo, outermost.start)
        assert seen.stop >= min(span.stop + grid.halo, outermost.stop)
        assert outermost.start <= seen.start and seen.stop <= outermost.stop
