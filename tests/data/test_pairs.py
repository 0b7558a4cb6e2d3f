import numpy as np
import pytest
import torch
from PIL import Image

from pellucid import FileError
from pellucid.data.pairs import (
    LAYOUTS,
    Layout,
    Pair,
    folder_pairs,
    listed_pairs,
    natural,
    read_pair,
    scene_of,
    split_by_scene,
)

SETS = {
    "rain13k": ["input/10.jpg target/10.png", "input/9.jpg target/9.png"],
    "rain100h": ["inputcrop/1.png cleancrop/1.png"],
    "real_rain": ["input_val/input2.png label_val/norain2.png"],
    "gopro": [
        "GOPR0372_07_00/blur/000047.png GOPR0372_07_00/sharp/000047.png",
        "GOPR0372_07_01/blur/000047.png GOPR0372_07_01/sharp/000047.png",
    ],
    "realblur": ["scene050/blur/blur_7.png scene050/gt/gt_7.png"],
    "sidd": [
        "0001_001_S6/NOISY_SRGB_010.PNG 0001_001_S6/GT_SRGB_010.PNG",
        "0002/0002_NOISY_SRGB_011.PNG 0002/0002_GT_SRGB_011.PNG",
    ],
    "polyu": ["Sony_4_200_3200_door_11_real.JPG Sony_4_200_3200_door_11_mean.JPG"],
    "levin": ["im1_kernel2_img.png gt/im1.png", "im1_kernel3_img.png gt/im1.png"],
}


def write(folder, *names, size=(12, 13)):
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((*size, 3), number, np.uint8)).save(path)


@pytest.mark.parametrize("name", LAYOUTS)
def test_published_layouts_are_understood(tmp_path, name):
    expected = {tuple(line.split()) for line in SETS[name]}
    root = tmp_path / "set2024_1"
    write(root, *(file for pair in expected for file in pair))
    (root / "notes.txt").write_text("no picture")
    write(root / "gt", "kernel1.png")
    found = LAYOUTS[name].pairs(root)
    relative = {tuple(p.relative_to(root).as_posix() for p in pair[1:]) for pair in found}
    assert relative == expected
    assert len({pair.name for pair in found}) == len(expected)


def test_a_missing_target_is_named(tmp_path):
    write(tmp_path, "input/1.png", "input/2.png", "target/1.png")
    with pytest.raises(FileError, match=r"lacks target/\* of 2.png; expected pairs by name"):
        LAYOUTS["rain13k"].pairs(tmp_path)
    with pytest.raises(FileError, match=r"holds no picture \*_real"):
        LAYOUTS["polyu"].pairs(tmp_path)
    with pytest.raises(FileError, match="no such folder"):
        LAYOUTS["polyu"].pairs(tmp_path / "missing")


def test_two_files_of_one_name_are_refused(tmp_path):
    write(tmp_path, "input/1.png", "input/1.jpg", "target/1.png")
    with pytest.raises(FileError, match=r"is the same picture as 1.jpg; expected one of them"):
        Layout("input/*", "target/*").pairs(tmp_path)


@pytest.mark.parametrize("first", ["input", "target"])
def test_lists_name_pairs_in_either_order(tmp_path, first):
    write(tmp_path, "a/blur_1.png", "a/gt_1.png")
    words = ["/a/blur_1.png", "/a/gt_1.png"]
    line = " ".join(words if first == "input" else reversed(words))
    (tmp_path / "list.txt").write_text(f"{line} 0.93\n\n")
    (pair,) = listed_pairs(tmp_path / "list.txt", tmp_path, first)
    assert (pair.input.name, pair.target.name) == ("blur_1.png", "gt_1.png")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a.png\n", "line 'a.png' names no pair; expected two paths"),
        ("a.png b.png\n", "b.png, which is not there"),
        ("\n", "names nothing; expected two paths a line"),
    ],
)
def test_a_wrong_list_says_what_is_wrong(tmp_path, text, words):
    write(tmp_path, "a.png")
    (tmp_path / "list.txt").write_text(text)
    with pytest.raises(FileError, match=words):
        listed_pairs(tmp_path / "list.txt", tmp_path, "input")
    with pytest.raises(FileError, match="cannot be read"):
        listed_pairs(tmp_path / "missing.txt", tmp_path, "input")


def test_folders_are_paired_by_name(tmp_path):
    # Digits in the folders' names must not matter.
    one, other = tmp_path / "20x9 input 2", tmp_path / "1 target"
    write(one, "10.jpg", "9.jpg")
    write(other, "9.png", "10.png")
    assert [(p.name, p.target.name) for p in folder_pairs(one, other)] == [
        ("9", "9.png"),
        ("10", "10.png"),
    ]


def test_folders_without_a_common_name_are_paired_in_order(tmp_path):
    write(tmp_path / "in1", "rain2.png", "rain10.png", "rain1.png")
    write(tmp_path / "out", "norain10.png", "norain2.png", "norain1.png")
    pairs = folder_pairs(tmp_path / "in1", tmp_path / "out")
    assert [(p.input.stem, p.target.stem) for p in pairs] == [
        ("rain1", "norain1"),
        ("rain2", "norain2"),
        ("rain10", "norain10"),
    ]
    write(tmp_path / "out", "norain11.png")
    with pytest.raises(FileError, match=r"holds 3 pictures for 4 in .*; expected the same names"):
        folder_pairs(tmp_path / "in1", tmp_path / "out")


@pytest.mark.parametrize(("more", "lacks"), [("in", "out"), ("out", "in")])
def test_half_paired_folders_say_who_is_alone(tmp_path, more, lacks):
    write(tmp_path / "in", "1.png", "2.png")
    write(tmp_path / "out", "1.png", "2.png")
    write(tmp_path / more, "3.png", "4.png")
    with pytest.raises(FileError, match=rf"/{lacks}: lacks the partner of 3.png and 1 more"):
        folder_pairs(tmp_path / "in", tmp_path / "out")


def test_numbers_sort_as_numbers():
    assert sorted(["a10b", "b1", "a2", "a", "10", "9"], key=natural) == [
        "a", "a2", "a10b", "b1", "9", "10",
    ]  # fmt: skip


def test_a_pair_must_be_of_one_size(tmp_path):
    write(tmp_path, "a.png", "b.png")
    given, target = read_pair(Pair("a", tmp_path / "a.png", tmp_path / "b.png"))
    assert given.shape == (3, 12, 13) and torch.equal(target, torch.full((3, 12, 13), 1 / 255))
    write(tmp_path, "c.png", size=(12, 14))
    with pytest.raises(FileError, match=r"a.png: is 12x13; expected 12x14 as c.png"):
        read_pair(Pair("a", tmp_path / "a.png", tmp_path / "c.png"))


def test_a_scene_is_the_name_without_its_last_number():
    names = ["Nikon_6-3_5000_plant_10", "Nikon_6-3_5000_plant__4", "toy", "a/7", "12"]
    assert [scene_of(name) for name in names] == [
        "Nikon_6-3_5000_plant", "Nikon_6-3_5000_plant", "toy", "a", "12",
    ]  # fmt: skip


def test_a_scene_of_sidd_has_many_instances():
    names = ["0001_001_S6_00100_00060_3200_L/0001_/010", "0012_001_IP_00100_00100_5500_N/0012_/011"]
    assert {LAYOUTS["sidd"].scene(name) for name in names} == {"001"}


def test_scenes_are_split_whole(tmp_path):
    pairs = [
        Pair(f"{scene}_{n}", tmp_path, tmp_path) for scene in "abcdefghij" for n in range(1, 4)
    ]
    kept, held = split_by_scene(pairs, 0.3)
    assert len(held) == 9 and sorted(kept + held) == sorted(pairs)
    assert not {scene_of(p.name) for p in kept} & {scene_of(p.name) for p in held}
    assert split_by_scene(pairs, 0.3) == (kept, held) != split_by_scene(pairs, 0.3, seed=1)
    assert split_by_scene(pairs, 0) == (pairs, [])
