import json

import numpy as np
import pytest
import torch
from PIL import Image

from pellucid.data.degradations import GaussianNoise
from pellucid.data.picture_sets import (
    FolderSet,
    LayoutSet,
    ListedSet,
    PictureSet,
    Scenes,
    SimulatedSet,
)
from pellucid.data.pictures import Pictures
from pellucid.data.unpaired import DegradedPictures, Draw
from pellucid.errors import PellucidError


def flat(path, level, size=(40, 40)):
    """A picture of one level."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*size, 3), level, np.uint8)).save(path)


@pytest.fixture
def polyu(tmp_path):
    """Six pairs of three scenes in PolyU's layout."""
    for number in range(6):
        name = f"Canon_{'abc'[number // 2]}_{number}"
        flat(tmp_path / "polyu" / f"{name}_real.png", number)
        flat(tmp_path / "polyu" / f"{name}_mean.png", 100 + number)
    (tmp_path / "polyu" / "LICENSES.json").write_text(json.dumps({"*": "CC0-1.0"}))
    return tmp_path / "polyu"


def names(pairs):
    return {pair.name for pair in pairs}


def test_scenes_that_are_kept_and_held_out_share_none(polyu):
    kept = LayoutSet(polyu, "polyu", Scenes("kept", 0.3))
    held = LayoutSet(polyu, "polyu", Scenes("held_out", 0.3))
    assert len(kept.pairs()) == 4 and len(held.pairs()) == 2
    assert names(kept.pairs()) | names(held.pairs()) == names(LayoutSet(polyu, "polyu").pairs())
    scene = {name[:7] for name in names(held.pairs())}
    assert len(scene) == 1 and scene.isdisjoint(name[:7] for name in names(kept.pairs()))


def test_scenes_that_leave_nothing_are_told(polyu):
    with pytest.raises(PellucidError, match="leaves none of 6 pairs; expected another share"):
        LayoutSet(polyu, "polyu", Scenes("kept", 1.0)).pairs()


def test_inputs_alone_are_real_pictures_and_every_file_has_its_licence(polyu):
    files = LayoutSet(polyu, "polyu")
    levels = {
        round(255 * files.stream().patch(8, Draw(0, "real", n)).mean().item()) for n in range(6)
    }
    assert levels == set(range(6))
    (licensed,) = files.licences().values()
    assert len(licensed) == 12 and files.licences().keys() == {"CC0-1.0"}


def test_a_sets_own_folder_states_the_licences_of_what_lies_deeper(tmp_path):
    for name in ("s1/blur/1", "s1/sharp/1", "s2/blur/2", "s2/sharp/2"):
        flat(tmp_path / "lay" / f"{name}.png", 7)
    stated = {"lay": {"*": "CC0-1.0"}, "lay/s2/blur": {"2.png": "CC-BY-4.0"}, "": {"*": "no"}}
    for folder, licences in stated.items():
        (tmp_path / folder / "LICENSES.json").write_text(json.dumps(licences))
    (tmp_path / "list.txt").write_text("s2/blur/2.png s2/sharp/2.png\n")
    layout = LayoutSet(tmp_path / "lay", "gopro")
    assert layout.licences() == {"CC-BY-4.0": ["2.png"], "CC0-1.0": ["1.png", "1.png", "2.png"]}
    listed = ListedSet(tmp_path / "list.txt", tmp_path / "lay")
    assert listed.licences() == {"CC-BY-4.0": ["2.png"], "CC0-1.0": ["2.png"]}
    folders = FolderSet(tmp_path / "lay/s1/blur", tmp_path / "lay/s1/sharp")
    assert folders.licences() == {"not stated": ["1.png", "1.png"]}


def test_lists_and_folders_are_sets_too(polyu, tmp_path):
    flat(tmp_path / "in" / "1.png", 1)
    flat(tmp_path / "out" / "1.png", 2)
    (pair,) = FolderSet(tmp_path / "in", tmp_path / "out").pairs()
    (tmp_path / "list.txt").write_text("out/1.png in/1.png\n")
    (listed,) = ListedSet(tmp_path / "list.txt", tmp_path, "target").pairs()
    assert (pair.input, pair.target) == (listed.input, listed.target)


def test_upright_pictures_are_mirrored_and_never_turned(tmp_path):
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:8], pixels[:, :4] = 200, 90
    (tmp_path / "a").mkdir()
    Image.fromarray(pixels).save(tmp_path / "a" / "a.png")

    def tops(upright):
        stream = PictureSet(tmp_path / "a", upright=upright).stream()
        patches = [stream.patch(16, Draw(0, "real", n)) for n in range(40)]
        return {(patch[:, 0, 6:10].mean().item() > 0.5) for patch in patches}, {
            (patch[:, :, 0].std().item() < 0.01) for patch in patches
        }

    above, beside = tops(upright=True)
    assert above == {True} and beside == {True, False}
    assert tops(upright=False)[0] == {True, False}


def test_a_simulated_set_is_degraded_and_has_the_photographs_licences(tmp_path):
    flat(tmp_path / "photos" / "a.png", 128, (80, 80))
    flat(tmp_path / "photos" / "b.png", 128, (80, 80))
    noisy = SimulatedSet(tmp_path / "photos", GaussianNoise(sigma=(20, 20)), ("b.png",))
    patch = noisy.stream().patch(32, Draw(0, "real", 0))
    assert patch.std().item() == pytest.approx(20 / 255, rel=0.1)
    assert noisy.licences() == {"not stated": ["a.png"]}


def test_clean_pictures_are_taken_once_in_an_epoch_and_degraded_with_what_surrounds_them(tmp_path):
    for number in range(5):
        flat(tmp_path / "clean" / f"{number}.png", 20 * number)
    pairs = DegradedPictures(Pictures.of_folder(tmp_path / "clean"), Sum())
    epoch = [pairs.patches(8, Draw(3, "pairs", n)) for n in range(5)]
    levels = [round(255 * patch.target.mean().item()) for patch in epoch]
    assert sorted(levels) == [0, 20, 40, 60, 80]
    assert all(patch.input.shape == patch.target.shape == (3, 8, 8) for patch in epoch)
    for patch in epoch:
        torch.testing.assert_close(patch.input, 3 * patch.target)


class Sum(GaussianNoise):
    """Adds both neighbours of a row, which its border pixels lack."""

    margin = 1

    def __call__(self, clean, generator):
        padded = torch.nn.functional.pad(clean, (0, 0, 1, 1))
        return padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
