"""`pellucid pack`: what it writes and says."""

import os
from pathlib import Path

import pytest
import torch
from PIL import Image

from pellucid import read_raw
from pellucid.data import PhotoStore, RawStore, Store


@pytest.fixture
def photos(folder: Path) -> Path:
    """Two photographs, beside the raws of the working directory."""
    (folder / "photos").mkdir()
    for name, size in {"a.png": (64, 48), "b.jpg": (80, 64)}.items():
        Image.effect_noise(size, 50).convert("RGB").save(folder / "photos" / name)
    return folder / "photos"


def test_photographs_are_packed_once(photos, pellucid):
    run = pellucid("pack photos -o store --reduce 4 --licence CC0-1.0")
    assert (run.code, run.err) == (0, [])
    assert run.out == ["packed 2 of 2 photos into store, 2 of them now", "licences: CC0-1.0 (2)"]
    assert [picture.shape for picture in Store.open("store")] == [(3, 12, 16), (3, 16, 20)]
    again = pellucid("pack photos -o store --reduce 4")
    assert again.out == ["packed 2 of 2 photos into store, 0 of them now", "licences: CC0-1.0 (2)"]
    assert PhotoStore(Path("store")).licences() == {"CC0-1.0": ["a.png", "b.jpg"]}
    (photos / "a.png").unlink()
    less = pellucid("pack photos -o store --reduce 4")
    assert less.out == [
        "packed 1 of 1 photos into store, 0 of them now",
        "left out a.png, no longer in photos",
        "licences: CC0-1.0 (1)",
    ]


def test_an_unknown_licence_is_said(photos, pellucid):
    run = pellucid("pack photos -o store")
    assert run.code == 0 and run.out[1] == "licences: not stated (2)"
    assert run.out[2] == "say a licence with --licence TEXT, or file by file in " + str(
        Path("photos") / "LICENSES.json"
    )


def test_raws_are_packed_with_their_cameras_and_bad_ones_reported(folder, pellucid):
    run = pellucid("pack . -o store --licence CC0-1.0")
    assert run.code == 2 and run.out[0] == "packed 2 of 5 raws into store, 2 of them now"
    assert [line.split(":")[1].strip() for line in run.err] == ["empty.dng", "half.dng", "text.dng"]
    store = RawStore(Path("store"))
    assert store.names == ["a.dng", "b.dng"]
    camera = read_raw("a.dng").camera
    assert all(torch.equal(a, b) for a, b in zip(store.shots[0].camera, camera, strict=True))


def test_check_finds_a_flipped_byte(photos, pellucid):
    pellucid("pack photos -o store")
    run = pellucid("pack --check store")
    assert (run.code, run.out, run.err) == (0, ["2 of 2 items are as they were packed"], [])
    with Path("store/pixels.bin").open("r+b") as file:
        first = file.read(1)[0]
        file.seek(0, os.SEEK_SET)
        file.write(bytes([first ^ 128]))
    run = pellucid("pack --check store")
    assert run.code == 2 and run.out == ["1 of 2 items are as they were packed"]
    assert run.err == [
        "pellucid: store: a.png is damaged; expected the bytes that were packed",
    ]


def test_a_picture_smaller_than_the_patches_is_reported(photos, pellucid):
    run = pellucid("pack photos -o store --patch 30")
    assert run.code == 2 and run.out[0] == "packed 1 of 2 photos into store, 1 of them now"
    assert run.err == [
        f"pellucid: {Path('photos') / 'a.png'}: gives 24x32 pixels; expected 30 or more"
    ]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("pack", "pack got no folder or no store; expected pellucid pack DIR -o STORE"),
        ("pack photos", "pack got no folder or no store; expected pellucid pack DIR -o STORE"),
        (
            "pack photos --check store",
            "--check reads a store; expected pellucid pack --check STORE",
        ),
        ("pack --check photos", "photos: is no store; expected what pellucid pack writes"),
        ("pack missing -o store", "missing: no such folder; expected one of photographs or raws"),
        ("pack directory.png -o store", "directory.png: holds no photographs or raws"),
        ("pack raws -o a.dng", "a.dng: file exists"),
        ("pack photos -o raws", "raws: holds other files; expected a store or a new folder"),
        ("pack raws -o store --reduce 2", "raws: holds raws; expected no --reduce"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line(photos, pellucid, command, words):
    run = pellucid(command)
    assert run.code == 2 and len(run.err) == 1 and run.err[0].startswith(f"pellucid: {words}")
    assert not Path("store").exists()
