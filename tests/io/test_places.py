"""What is written must not replace what is read, whatever the two are called."""

import os
from pathlib import Path

import pytest

from pellucid.errors import FileError
from pellucid.io.places import check_apart, place_of


def test_all_names_of_a_file_share_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.dng").touch()
    Path("b.dng").touch()
    Path("soft.dng").symlink_to("a.dng")
    os.link("a.dng", "hard.dng")
    for name in ("a.dng", "./a.dng", tmp_path / "a.dng", "soft.dng", "hard.dng"):
        assert place_of(name) == place_of("a.dng") != place_of("b.dng")
        with pytest.raises(FileError, match="is the same file as a.dng; expected another one"):
            check_apart(name, "a.dng")
    check_apart("b.dng", "a.dng")


def test_so_do_names_of_what_is_still_to_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("soft.json").symlink_to("new.json")
    with pytest.raises(FileError):
        check_apart("soft.json", tmp_path / "new.json")
    check_apart("soft.json", "other.json")
    assert place_of(300 * "n") != place_of(301 * "n")
