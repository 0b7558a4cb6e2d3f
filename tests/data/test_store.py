import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from pellucid import FileError
from pellucid.data import PhotoFolder, PhotoStore, RawFolder, RawStore, Store
from pellucid.data.manifest import Packing, read_manifest
from pellucid.data.packing import PackOptions, pack
from pellucid.data.store_writer import damaged, writing
from pellucid.data.synthesis import generator_of

FREE = PackOptions(licence="CC0-1.0")


def packed(folder: Path, store: Path, options: PackOptions = FREE) -> list[FileError]:
    """Pack a folder and give what was reported."""
    errors: list[FileError] = []
    for _ in pack(folder, store, options, errors.append):
        pass
    return errors


def equal(first, second) -> bool:
    """Whether two nested records hold the same tensors."""
    if isinstance(first, torch.Tensor):
        return torch.equal(first, second)
    if first is None:
        return second is None  # a raw's colours, which nobody knows
    return all(equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_photo_store_gives_the_folders_patches_bit_for_bit(photos, tmp_path):
    assert packed(photos, tmp_path / "store") == []
    for left_out in ((), ("b.jpg",)):
        folder = PhotoFolder(photos, left_out)
        store = PhotoStore(tmp_path / "store", left_out)
        assert store.names == folder.names and torch.equal(store.areas, folder.areas)
        for seed in range(20):
            first, second = (source.patch(32, generator_of(seed)) for source in (folder, store))
            assert torch.equal(first, second)


def test_a_raw_store_gives_the_folders_patches_bit_for_bit(raws, tmp_path):
    assert packed(raws, tmp_path / "store") == []
    folder, store = RawFolder(raws), RawStore(tmp_path / "store")
    for seed in range(20):
        first, second = (source.patch(32, generator_of(seed)) for source in (folder, store))
        assert equal(first, second)


def test_a_store_pickles_as_its_manifest_and_not_its_pixels(photos, tmp_path):
    packed(photos, tmp_path / "store")
    store = PhotoStore(tmp_path / "store")
    before = store.patch(32, generator_of(0))
    assert isinstance(store.store[0].base, np.memmap)
    stored = pickle.dumps(store)
    assert len(stored) < 3000 < (tmp_path / "store" / "pixels.bin").stat().st_size
    again = pickle.loads(stored).patch(32, generator_of(0))
    assert torch.equal(before, again)


def test_every_licence_is_listed(photos, tmp_path):
    (photos / "LICENSES.json").write_text(json.dumps({"b.jpg": "CC-BY-4.0"}))
    packed(photos, tmp_path / "store", PackOptions())
    assert Store.open(tmp_path / "store").licences() == {
        "CC-BY-4.0": ["b.jpg"],
        "not stated": ["a.png", "c.png"],
    }
    packed(photos, tmp_path / "store")  # stated afterwards, nothing is decoded again
    assert PhotoStore(tmp_path / "store").licences() == {
        "CC-BY-4.0": ["b.jpg"],
        "CC0-1.0": ["a.png", "c.png"],
    }
    (photos / "LICENSES.json").write_text(json.dumps({"*": "CC-BY-SA-4.0"}))
    packed(photos, tmp_path / "other", PackOptions())
    assert list(Store.open(tmp_path / "other").licences()) == ["CC-BY-SA-4.0"]


def test_a_licence_of_no_file_is_reported(photos, tmp_path):
    (photos / "notes.txt").write_text("not packed, but there")
    named = "a.pgn z.png b.jpg notes.txt".split()
    licences = {"*": "CC0-1.0"} | dict.fromkeys(named, "CC-BY-4.0")
    (photos / "LICENSES.json").write_text(json.dumps(licences))
    said = []
    *_, done = pack(photos, tmp_path / "store", PackOptions(), said.append)
    assert done.failed == 0 and done.whole == 3
    (slip,) = map(str, said)
    assert slip == (
        f"{photos}/LICENSES.json: names a.pgn and 1 more, not in the folder; "
        "the nearest one is a.png"
    )


@pytest.mark.parametrize("text", ["{", "[]"])
def test_licences_that_make_no_sense_are_refused(photos, tmp_path, text):
    (photos / "LICENSES.json").write_text(text)
    with pytest.raises(FileError, match="LICENSES.json: "):
        packed(photos, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_a_bad_file_is_reported_and_the_others_go_on(photos, tmp_path):
    (photos / "bad.jpg").write_text("no photograph")
    whole = (photos / "b.jpg").read_bytes()
    (photos / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    errors = packed(photos, tmp_path / "store", PackOptions(patch=70))
    reasons = {"bad.jpg": "cannot be read", "b.jpg": "gives 65x100 pixels; expected 70 or more"}
    reasons |= {"cut.jpg": "cannot be read"}
    assert len(errors) == 3
    assert all(any(f"{n}: {r}" in str(e) for e in errors) for n, r in reasons.items())
    assert PhotoStore(tmp_path / "store").names == ["a.png", "c.png"]
    (photos / "bad.jpg").write_bytes(whole)  # mended
    errors = packed(photos, tmp_path / "store", PackOptions())
    assert [error.args[0].split(":")[0] for error in errors] == [str(photos / "cut.jpg")]
    assert PhotoStore(tmp_path / "store").names == ["a.png", "b.jpg", "bad.jpg", "c.png"]


def test_what_is_packed_already_is_measured_as_well(photos, tmp_path):
    packed(photos, tmp_path / "store")
    errors = packed(photos, tmp_path / "store", PackOptions(patch=70))
    assert [str(error) for error in errors] == [
        f"{photos / 'b.jpg'}: gives 65x100 pixels; expected 70 or more"
    ]
    assert Store.open(tmp_path / "store").names == ["a.png", "c.png"]
    assert packed(photos, tmp_path / "store") == []
    assert Store.open(tmp_path / "store").names == ["a.png", "b.jpg", "c.png"]


def test_what_is_withdrawn_is_left_out_and_comes_back_without_being_decoded(photos, tmp_path):
    store, pixels = tmp_path / "store", tmp_path / "store" / "pixels.bin"
    packed(photos, store)
    before, size = [picture.copy() for picture in Store.open(store)], pixels.stat().st_size
    (photos / "c.png").rename(tmp_path / "c.png")
    stopped = pack(photos, store, FREE, pytest.fail)
    next(stopped)
    stopped.close()  # an interruption before the end leaves nothing out
    assert [item.name for item in read_manifest(store).items] == ["a.png", "b.jpg", "c.png"]
    *_, done = pack(photos, store, FREE, pytest.fail)
    assert done.gone == ["c.png"] and PhotoStore(store).names == ["a.png", "b.jpg"]
    assert Store.open(store).licences() == {"CC0-1.0": ["a.png", "b.jpg"]}
    assert pixels.stat().st_size == size  # a training may have them mapped
    (tmp_path / "c.png").rename(photos / "c.png")
    *_, done = pack(photos, store, PackOptions(), pytest.fail)
    assert (done.new, done.whole, done.gone) == (0, 3, [])
    assert done.licences == {"CC0-1.0": 3} and damaged(store) == []
    assert all(np.array_equal(*each) for each in zip(before, Store.open(store), strict=True))


def test_another_file_in_the_place_of_a_withdrawn_one_is_packed(photos, tmp_path):
    store = tmp_path / "store"
    packed(photos, store)
    (photos / "a.png").unlink()
    packed(photos, store)
    (photos / "a.png").write_bytes((photos / "c.png").read_bytes())
    *_, done = pack(photos, store, FREE, pytest.fail)
    assert (done.new, done.whole) == (1, 3) and damaged(store) == []
    assert np.array_equal(Store.open(store)[0], Store.open(store)[2])


def test_a_raw_needs_two_pixels_more_than_its_patches(raws, tmp_path):
    assert packed(raws, tmp_path / "fits", PackOptions(patch=62)) == []
    assert RawStore(tmp_path / "fits").patch(62, generator_of(0)).mosaic.shape == (1, 62, 62)
    errors = packed(raws, tmp_path / "store", PackOptions(patch=64))
    assert len(errors) == 3 and "gives 64x96 pixels; expected 66 or more" in str(errors[0])


def test_a_file_that_changed_is_not_taken_for_the_one_that_was_packed(photos, tmp_path):
    packed(photos, tmp_path / "store")
    (photos / "a.png").write_bytes((photos / "c.png").read_bytes())
    errors = packed(photos, tmp_path / "store")
    assert len(errors) == 1 and "a.png: is not the file that was packed" in str(errors[0])


def test_one_flipped_byte_is_found(photos, tmp_path):
    packed(photos, tmp_path / "store")
    assert damaged(tmp_path / "store") == []
    second = Store.open(tmp_path / "store").items[1]
    with (tmp_path / "store" / "pixels.bin").open("r+b") as file:
        file.seek(second.offset + 1234)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))
    assert damaged(tmp_path / "store") == ["b.jpg"]
    os.truncate(tmp_path / "store" / "pixels.bin", second.offset - 1)
    assert damaged(tmp_path / "store") == ["a.png", "b.jpg", "c.png"]


@pytest.mark.parametrize("stop", ["write", "fsync"])
def test_what_was_cut_off_is_done_again_and_the_rest_is_not(photos, tmp_path, monkeypatch, stop):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    packed(photos, whole)
    with monkeypatch.context() as patch:

        def pull_the_plug(file):
            if file.name.endswith("pixels.bin") and file.tell() > 50_000:
                if stop == "write":
                    file.truncate(50_001)
                raise RuntimeError("plug pulled")
            file.flush()

        patch.setattr("pellucid.data.store_writer._to_disk", pull_the_plug)
        with pytest.raises(RuntimeError, match="plug pulled"):
            packed(photos, cut)
    with (cut / "manifest.jsonl").open("ab") as file:
        file.write(b'{"item": {"name": "b.j')  # a line that did not become whole
    with pytest.raises(FileError, match="packing was not finished"):
        Store.open(cut)
    decoded: list[str] = []
    with monkeypatch.context() as patch:
        from pellucid.data import packing

        real = packing.reduced
        patch.setattr(packing, "reduced", lambda p, f: decoded.append(p.name) or real(p, f))
        packed(photos, cut)
    assert decoded == ["b.jpg", "c.png"]
    assert all(
        (whole / name).read_bytes() == (cut / name).read_bytes()
        for name in ("manifest.jsonl", "pixels.bin")
    )


SLOW_PACK = """
import sys, time
from pellucid.data import packing
real = packing.reduced
def slow(path, factor):
    time.sleep(0.2)
    return real(path, factor)
packing.reduced = slow
from pellucid.cli import main
main(["pack", sys.argv[1], "-o", sys.argv[2]])
"""


def test_a_killed_pack_goes_on(photos, tmp_path):
    command = [sys.executable, "-c", SLOW_PACK, str(photos), str(tmp_path / "store")]
    process = subprocess.Popen(command)
    manifest = tmp_path / "store" / "manifest.jsonl"
    while not manifest.exists() or manifest.read_bytes().count(b"item") < 1:
        assert process.poll() is None
        time.sleep(0.01)
    with pytest.raises(FileError, match="another pellucid pack is writing"):
        packed(photos, tmp_path / "store")
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = manifest.read_bytes()
    assert b"end" not in before
    packed(photos, tmp_path / "store", PackOptions())
    assert manifest.read_bytes().startswith(before)
    packed(photos, tmp_path / "whole", PackOptions())
    assert damaged(tmp_path / "store") == []
    stores = [PhotoStore(tmp_path / name).store for name in ("store", "whole")]
    assert stores[0].items == stores[1].items


def test_a_folder_that_is_no_store_of_this_kind_is_refused(photos, raws, tmp_path):
    packed(photos, tmp_path / "store")
    with pytest.raises(FileError, match="holds photos; expected a store of raws"):
        RawStore(tmp_path / "store")
    with pytest.raises(FileError, match="is no store; expected what pellucid pack writes"):
        PhotoStore(photos)
    with pytest.raises(FileError, match="holds other files; expected a store or a new folder"):
        packed(photos, raws)
    with pytest.raises(FileError, match="holds photos reduced 2 times, not photos reduced 3"):
        packed(photos, tmp_path / "store", PackOptions(reduce=3))
    with pytest.raises(FileError, match="would shift colours"):
        packed(raws, tmp_path / "other", PackOptions(reduce=2))
    (raws / "a.jpg").write_bytes((photos / "b.jpg").read_bytes())
    with pytest.raises(FileError, match="holds both photographs and raws; expected --kind"):
        packed(raws, tmp_path / "other")
    assert packed(raws, tmp_path / "other", PackOptions(kind="photos")) == []
    with pytest.raises(FileError, match="all its files are left out"):
        PhotoStore(tmp_path / "other", ("a.jpg",))
    (tmp_path / "store" / "manifest.jsonl").write_text('{"kind": 3}\n')
    with pytest.raises(FileError, match="manifest.jsonl: makes no sense"):
        PhotoStore(tmp_path / "store")


def test_an_empty_manifest_is_begun_again(photos, tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "manifest.jsonl").touch()
    with writing(tmp_path / "store", Packing("photos", 2)):
        pass
    assert packed(photos, tmp_path / "store") == []
    assert len(PhotoStore(tmp_path / "store").names) == 3
