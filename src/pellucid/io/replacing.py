"""Files that appear whole or not at all."""

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from pellucid.errors import FileError


@contextmanager
def replacing(path: str | Path) -> Generator[BinaryIO]:
    """A file that takes the place of `path` when the block ends well, and vanishes otherwise.

    Raises FileError where the folder is missing, the path is a directory or the system refuses.
    """
    with _draft(path) as (draft, target):
        with draft.open("xb") as file:
            yield file
        os.replace(draft, target)


def check_file(path: str | Path, ending: str) -> None:
    """Raise FileError where a file of another kind would be replaced, or none could be put."""
    suffix = Path(path).suffix
    if suffix.lower() != ending:
        raise FileError.of(path, f"unknown ending {suffix!r}; expected {ending}")
    check_folder(path)


def check_folder(path: str | Path) -> None:
    """Raise FileError where a file could not be put: no folder, one that refuses, a directory."""
    with _draft(path) as (draft, _):
        draft.touch(exist_ok=False)


@contextmanager
def _draft(path: str | Path) -> Generator[tuple[Path, Path]]:
    """A free name beside the file to write, which is gone afterwards, and the file's own."""
    target = Path(os.path.realpath(path))  # a link stays a link
    # A name of its own: the file's may be as long as the system allows.
    draft = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        if target.is_dir():
            raise FileError.of(path, "is a directory; expected the name of a file to write")
        if target.exists() and not target.is_file():
            raise FileError.of(path, "is a device; expected the name of a file to write")
        if not Path(path).parent.is_dir():
            raise FileError.of(path, f"the folder {Path(path).parent} does not exist")
        yield draft, target
    except OSError as error:
        raise FileError.from_os(path, error) from error
    finally:
        with suppress(OSError):  # gone already when all went well
            draft.unlink()
