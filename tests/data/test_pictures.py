import numpy as np
import pytest
import torch
from PIL import Image

from pellucid import FileError
from pellucid.data.packing import PackOptions, pack
from pellucid.data.pictures import Decoded, Pictures, corner
from pellucid.io import read_picture


def of_seed(seed):
    return torch.Generator().manual_seed(seed)


def test_a_patch_is_a_part_of_its_picture(photos):
    pictures = Pictures.of_folder(photos)
    assert pictures.names == ["a.png", "b.jpg", "c.png"] and len(pictures) == 3
    patch, whole = pictures.patch_of(0, 16, of_seed(0)), read_picture(photos / "a.png")
    places = whole.unfold(1, 16, 1).unfold(2, 16, 1).permute(1, 2, 0, 3, 4)
    assert (places - patch).abs().flatten(2).amax(-1).min() < 1e-4


def test_every_place_is_reached_the_last_too():
    found = {corner((3, 5, 4), 4, of_seed(seed)) for seed in range(40)}
    assert found == {(0, 0), (1, 0)}
    assert corner((3, 2, 9), 10, of_seed(0)) == (0, 0)


@pytest.mark.parametrize("size", [(1, 1), (5, 300), (300, 40)])
def test_small_pictures_are_continued_by_their_mirror(tmp_path, size):
    pixels = np.random.RandomState(0).randint(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "small.png")
    patch = Pictures.of_folder(tmp_path).patch_of(0, 64, of_seed(0))
    assert patch.shape == (3, 64, 64)
    height, width = size
    if height < 64:
        torch.testing.assert_close(patch[:, height], patch[:, height - 1])
    if width < 64:
        torch.testing.assert_close(patch[..., width], patch[..., width - 1])


def test_a_packed_store_gives_the_same_patches(photos, tmp_path):
    list(pack(photos, tmp_path / "store", PackOptions(reduce=1), print))
    for which in range(3):
        folder, store = (
            Pictures.of_folder(each).patch_of(which, 32, of_seed(1))
            for each in (photos, tmp_path / "store")
        )
        torch.testing.assert_close(folder, store, atol=1e-4, rtol=0)


def test_some_are_left_out_and_licences_said(photos):
    (photos / "LICENSES.json").write_text('{"*": "CC0-1.0"}')
    pictures = Pictures.of_folder(photos, ["b.jpg"])
    assert pictures.licences() == {"CC0-1.0": ["a.png", "c.png"]}
    with pytest.raises(FileError, match="no such folder"):
        Pictures.of_folder(photos / "missing")


def test_memory_is_bounded_and_the_oldest_goes(photos):
    paths = [photos / name for name in ("a.png", "b.jpg", "c.png")]
    decoded = Decoded(paths, memory=6 * (150 * 190 + 130 * 200))
    first = decoded[0]
    decoded[1]
    assert decoded[0] is first
    decoded[2]
    assert decoded[2] is decoded[2] and decoded[0] is not first
    np.testing.assert_array_equal(decoded[0], first)
