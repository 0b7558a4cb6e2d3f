"""The manifest of a folder: what it takes for done, and what stopping it anywhere leaves."""

import json
import os
from pathlib import Path

import pytest

from pellucid.batch.inputs import Shard, Source
from pellucid.batch.ledger import Entry, Ledger, Level, content_of, keeping
from pellucid.errors import FileError

SETTINGS: dict[str, object] = {"weights_sha256": "0", "tone": 0.5, "noise": [0.1, 0.0]}


@pytest.fixture
def source(tmp_path: Path) -> Source:
    (tmp_path / "a.dng").write_bytes(b"light")
    return Source(tmp_path / "a.dng", "a.dng")


def keep(ledger: Ledger, source: Source, output: str = "a.png", pixels: bytes = b"clean") -> Entry:
    draft = ledger.draft(0, ".png")
    draft.write_bytes(pixels)
    entry = Entry(
        source.name,
        content_of(source.path),
        SETTINGS,
        "2026-01-01T00:00:00+00:00",
        1.5,
        output,
        content_of(draft),
        Level([1e-3], [1e-6], "given"),
        path=str(source.path),
    )
    ledger.keep(entry, draft)
    return entry


def test_what_was_kept_is_finished_until_something_changes(tmp_path: Path, source: Source) -> None:
    folder = tmp_path / "out"
    with keeping(folder) as ledger:
        assert not ledger.finished(source, SETTINGS)
        keep(ledger, source, "day/a.png")
    assert sorted(os.listdir(folder)) == ["day", "pellucid.jsonl"]
    with keeping(folder) as ledger:
        assert ledger.finished(source, SETTINGS)
        assert not ledger.finished(source, SETTINGS | {"tone": 0.6})
        status = source.path.stat()
        source.path.write_bytes(b"LIGHT")
        os.utime(source.path, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert not ledger.finished(source, SETTINGS), "bytes count, whatever the clock says"
        source.path.write_bytes(b"light")
        assert ledger.finished(source, SETTINGS)
        (folder / "day/a.png").write_bytes(b"edit!")
        assert not ledger.finished(source, SETTINGS)
        (folder / "day/a.png").unlink()
        assert not ledger.finished(source, SETTINGS)


def test_a_copied_folder_is_known_by_its_bytes(tmp_path: Path, source: Source) -> None:
    with keeping(tmp_path / "out") as ledger:
        keep(ledger, source)
        os.utime(tmp_path / "out" / "a.png", ns=(0, 0))
        assert ledger.finished(source, SETTINGS)


def test_every_torn_line_is_survived(tmp_path: Path, source: Source) -> None:
    with keeping(tmp_path / "out") as ledger:
        keep(ledger, source)
    manifest = tmp_path / "out" / "pellucid.jsonl"
    whole = manifest.read_bytes()
    for length in range(0, len(whole), 7):
        manifest.write_bytes(whole[:length])
        with keeping(tmp_path / "out") as ledger:
            assert not ledger.finished(source, SETTINGS)
        assert manifest.read_bytes() == whole[: whole.index(b"\n") + 1]
    with keeping(tmp_path / "out") as ledger:
        keep(ledger, source)
        assert ledger.finished(source, SETTINGS)


@pytest.mark.parametrize("older", [None, b"dirty"])
def test_a_line_without_its_result_does_not_count(
    tmp_path: Path, source: Source, older: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with keeping(tmp_path / "out") as ledger:
        if older is not None:
            keep(ledger, source, pixels=older)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, "replace", killed)
        with keeping(tmp_path / "out") as ledger:
            keep(ledger, source)
    assert not (tmp_path / "out" / ".pellucid.drafts").exists()
    (tmp_path / "out" / ".pellucid.drafts").mkdir()
    (tmp_path / "out" / ".pellucid.drafts" / "0.png").write_bytes(b"cle")
    with keeping(tmp_path / "out") as ledger:
        assert not ledger.draft(0, ".png").exists()
        # What stands there from before is ours all the same: it may be replaced.
        ledger.check_free("a.png", source.path, overwrite=False)
        assert ledger.finished(source, SETTINGS) == (older is not None)


def test_files_of_others_are_left_alone(tmp_path: Path, source: Source) -> None:
    (tmp_path / "out" / "folder.png").mkdir(parents=True)
    (tmp_path / "out" / "theirs.png").write_bytes(b"holiday")
    with keeping(tmp_path / "out") as ledger:
        keep(ledger, source)
        ledger.check_free("a.png", source.path, overwrite=False)
        ledger.check_free("new.png", source.path, overwrite=False)
        ledger.check_free("theirs.png", source.path, overwrite=True)
        with pytest.raises(FileError, match="theirs.png: is not as pellucid restore left it"):
            ledger.check_free("theirs.png", source.path, overwrite=False)
        with pytest.raises(FileError, match="is a directory"):
            ledger.check_free("folder.png", source.path, overwrite=True)
        (tmp_path / "out" / "a.png").write_bytes(b"retouched")
        with pytest.raises(FileError, match="or --overwrite"):
            ledger.check_free("a.png", source.path, overwrite=False)


def test_a_result_gives_way_to_its_own_file_alone(tmp_path: Path, source: Source) -> None:
    moved, other = tmp_path / "moved.dng", tmp_path / "other.dng"
    moved.write_bytes(b"light")
    other.write_bytes(b"another light")
    with keeping(tmp_path / "out") as ledger:
        keep(ledger, source)
    source.path.write_bytes(b"changed in its place")
    with keeping(tmp_path / "out") as ledger:
        ledger.check_free("a.png", source.path, overwrite=False)
        ledger.check_free("a.png", moved, overwrite=False)
        ledger.check_free("a.png", other, overwrite=True)
        with pytest.raises(FileError, match=f"a.png: was made of {source.path}; expected another"):
            ledger.check_free("a.png", other, overwrite=False)


def test_shards_write_their_own_manifests_and_read_all(tmp_path: Path, source: Source) -> None:
    with keeping(tmp_path / "out", Shard(1, 2)) as first, keeping(tmp_path / "out", Shard(2, 2)):
        keep(first, source)
        with pytest.raises(FileError, match="another pellucid restore is writing to it"):
            keeping(tmp_path / "out", Shard(1, 2)).__enter__()
    with keeping(tmp_path / "out") as ledger:
        assert ledger.finished(source, SETTINGS)


def test_lines_are_json_that_says_it_all(tmp_path: Path, source: Source) -> None:
    with keeping(tmp_path / "out") as ledger:
        keep(ledger, source)
        ledger.say(Entry("b\udcff.dng", None, SETTINGS, "now", 0.0, error="b.dng: bad"))
    head, good, bad = map(json.loads, (tmp_path / "out/pellucid.jsonl").read_text().splitlines())
    assert head == {"pellucid_restore": 1}
    assert (good["name"], good["output"], good["seconds"]) == ("a.dng", "a.png", 1.5)
    assert good["noise"] == {"shot": [1e-3], "read": [1e-6], "origin": "given"}
    assert good["settings"] == SETTINGS and good["result"]["size"] == 5
    assert (bad["name"], bad["error"], bad["result"]) == ("b\udcff.dng", "b.dng: bad", None)


def test_other_files_of_that_name_are_no_manifest(tmp_path: Path) -> None:
    for text in ("my notes\n", "x"):
        (tmp_path / "pellucid.jsonl").write_text(text)
        with pytest.raises(FileError, match="is no manifest of pellucid restore"):
            keeping(tmp_path).__enter__()
        assert (tmp_path / "pellucid.jsonl").read_text() == text


def test_a_full_disk_is_one_line(
    tmp_path: Path, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with keeping(tmp_path / "out") as ledger:
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(FileError, match="no space left on device"):
            keep(ledger, source)
