"""Files that appear whole or not at all."""

from pathlib import Path

import pytest

from pellucid.errors import FileError, PellucidError
from pellucid.io import replacing
from pellucid.io.replacing import check_folder


def test_the_file_appears_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"old")
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, MemoryError])
def test_nothing_is_left_behind(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), replacing(tmp_path / "x.bin") as file:
        file.write(b"half")
        raise error
    assert not list(tmp_path.iterdir())


def test_system_errors_become_one_line(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="x.bin: no space left"), replacing(tmp_path / "x.bin"):
        raise OSError(28, "No space left on device")
    assert not list(tmp_path.iterdir())
    with pytest.raises(FileError, match="does not exist"), replacing(tmp_path / "no" / "x.bin"):
        pass
    with pytest.raises(FileError, match="is a directory"), replacing(tmp_path):
        pass
    with pytest.raises(FileError, match="/dev/null: is a device; expected"):
        check_folder("/dev/null")
    assert issubclass(FileError, PellucidError)


def test_links_stay_links(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with replacing(tmp_path / "link") as file:
        file.write(b"x")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "target").read_bytes() == b"x"


LONGEST = 80 * "\u5199" + 15 * "x"
"""255 bytes in UTF-8, the most that a name may have."""


def test_any_name_that_the_system_takes_can_be_written(tmp_path: Path) -> None:
    check_folder(tmp_path / LONGEST)
    with replacing(tmp_path / LONGEST) as file:
        file.write(b"x")
    assert [path.name for path in tmp_path.iterdir()] == [LONGEST]


def test_what_could_not_be_written_is_found_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_folder(tmp_path / "x.bin")
    for name in (300 * "n", f"{300 * 'n'}/x.bin"):
        with pytest.raises(FileError, match="file name too long"):
            check_folder(tmp_path / name)

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "touch", refused)
    with pytest.raises(FileError, match="x.bin: permission denied"):
        check_folder(tmp_path / "x.bin")
    assert not list(tmp_path.iterdir())
