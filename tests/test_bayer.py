"""Packing is a permutation, and phases become RGGB without a repeated edge."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.bayer import (
    PHASES,
    Padding,
    mosaic_of,
    pack,
    pad,
    per_site,
    red_offset,
    rggb_padding,
    unpack,
    unpad,
)

SITES = ((0, 0), (0, 1), (1, 0), (1, 1))
LEADING = ((), (3,), (2, 3))


def numbered(*shape):
    """Every pixel a number of its own."""
    return torch.arange(torch.Size(shape).numel(), dtype=torch.float32).reshape(shape)


def colours(phase, height, width):
    """(1, height, width): 0 at red, 1 at green in red rows, 2 at green in blue rows, 3 at blue."""
    row, column = red_offset(phase)
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return (2 * ((y - row) % 2) + (x - column) % 2)[None].float()


def test_each_phase_names_its_first_cell():
    letters = {"R": 0, "B": 3}
    for phase in PHASES:
        for letter, site in zip(phase, colours(phase, 2, 2).flatten().tolist(), strict=True):
            assert site == letters[letter] if letter in letters else site in (1, 2)


@pytest.mark.parametrize("leading", LEADING)
def test_pack_sorts_sites_and_unpack_undoes_it(leading):
    mosaic = numbered(*leading, 1, 6, 10)
    planes = pack(mosaic)
    assert planes.shape == (*leading, 4, 3, 5)
    for site, (row, column) in enumerate(SITES):
        assert torch.equal(planes[..., site, :, :], mosaic[..., 0, row::2, column::2])
    assert torch.equal(unpack(planes), mosaic)


@pytest.mark.parametrize("shape", [(1, 3, 5), (1, 4, 5), (1, 5, 4), (2, 3, 4, 4)])
def test_pack_says_what_it_got(shape):
    with pytest.raises(
        ValueError, match=f"{shape[-3]} channels of {shape[-2]}x{shape[-1]} .* even"
    ):
        pack(torch.zeros(shape))


@pytest.mark.parametrize("leading", LEADING)
def test_mosaic_of_takes_each_site_from_its_colour(leading):
    picture = numbered(*leading, 3, 6, 8)
    mosaic = mosaic_of(picture)
    assert mosaic.shape == (*leading, 1, 6, 8)
    for channel, (row, column) in zip((0, 1, 1, 2), SITES, strict=True):
        assert torch.equal(
            mosaic[..., 0, row::2, column::2], picture[..., channel, row::2, column::2]
        )


@pytest.mark.parametrize("phase", PHASES)
@settings(deadline=None, max_examples=25)
@given(height=st.integers(2, 9), width=st.integers(2, 9))
def test_padding_brings_every_phase_and_size_to_rggb(phase, height, width):
    padding = rggb_padding(phase, height, width)
    padded = pad(colours(phase, height, width), padding)
    assert set(padding) <= {0, 1}
    assert padded.shape[-2] % 2 == padded.shape[-1] % 2 == 0
    assert torch.equal(padded, colours("RGGB", *padded.shape[-2:]))


def test_an_even_rggb_mosaic_needs_no_padding():
    mosaic = numbered(1, 4, 6)
    assert rggb_padding("RGGB", 4, 6) == Padding()
    assert pad(mosaic, Padding()) is mosaic


@settings(deadline=None, max_examples=50)
@given(
    leading=st.sampled_from(LEADING),
    height=st.integers(4, 7),
    width=st.integers(4, 7),
    padding=st.builds(Padding, *[st.integers(0, 3)] * 4),
)
def test_padding_mirrors_without_repeating_the_edge(leading, height, width, padding):
    mosaic = numbered(*leading, 1, height, width)
    padded = pad(mosaic, padding)
    rows = [abs(y) for y in range(-padding.top, height)]
    rows += [2 * (height - 1) - y for y in range(height, height + padding.bottom)]
    columns = [abs(x) for x in range(-padding.left, width)]
    columns += [2 * (width - 1) - x for x in range(width, width + padding.right)]
    assert torch.equal(padded, mosaic[..., rows, :][..., columns])
    assert torch.equal(unpad(padded, padding), mosaic)


@pytest.mark.parametrize("channels", [1, 3])
def test_unpad_takes_pictures_and_mosaics(channels):
    picture = numbered(2, channels, 7, 8)
    assert torch.equal(unpad(picture, Padding(1, 2, 3, 1)), picture[..., 3:6, 1:6])


@pytest.mark.parametrize(
    ("size", "padding"),
    [((1, 4), Padding(top=1)), ((4, 3), Padding(right=3)), ((4, 4), Padding(4))],
)
def test_a_mosaic_smaller_than_its_mirror_is_refused(size, padding):
    with pytest.raises(
        ValueError, match=f"{size[0]}x{size[1]} pixels is too small .* {max(padding)}"
    ):
        pad(torch.zeros(1, *size), padding)


def test_three_values_give_both_greens_the_same_and_four_are_kept():
    assert per_site(torch.tensor([1.0, 2, 3])).flatten().tolist() == [1, 2, 2, 3]
    assert per_site(torch.tensor([1.0, 2, 3, 4])).flatten().tolist() == [1, 2, 3, 4]
    assert per_site(torch.zeros(5, 3)).shape == (5, 4, 1, 1)
    with pytest.raises(ValueError, match="got 2 values per picture; expected 3 .* or 4"):
        per_site(torch.zeros(2))
