"""Files that appear whole or not at all."""

from pathlib import Path

import pytest

from pellucid.errors import FileError, PellucidError
from pellucid.io import replacing


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
    assert issubclass(FileError, PellucidError)


def test_links_stay_links(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with replacing(tmp_path / "link") as file:
        file.write(b"x")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "target").read_bytes() == b"x"
