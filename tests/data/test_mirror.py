import numpy as np
import pytest
import torch

from pellucid.data.mirror import mirrored, mirrored_up


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (3, 2), (7, 5)])
def test_borders_are_the_mirror_image_however_far(size):
    picture = torch.rand(3, *size, generator=torch.Generator().manual_seed(0))
    wide = np.pad(picture.numpy(), ((0, 0), (5, 9), (0, 13)), mode="symmetric")
    np.testing.assert_array_equal(mirrored(picture, 5, 9, 0, 13).numpy(), wide)


def test_only_what_is_too_small_grows():
    picture = torch.rand(3, 4, 9)
    grown = mirrored_up(picture, 6, 6)
    assert grown.shape == (3, 6, 9) and torch.equal(grown[:, :4], picture)
    assert torch.equal(mirrored_up(picture, 4, 2), picture)
