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
    check_folder(path)
    target = Path(path).resolve()  # a link stays a link
    draft = target.with_name(f".{target.name[:200]}.{secrets.token_hex(4)}.part")
    try:
        with draft.open("xb") as file:
            yield file
        os.replace(draft, target)
    except OSError as error:
        raise FileError.from_os(path, error) from error
    finally:
        with suppress(OSError):  # gone already when all went well
            draft.unlink()


def check_folder(path: str | Path) -> None:
    """Raise FileError where a file could not be put: into no folder, or over a directory."""
    target = Path(path)
    if target.is_dir():
        raise FileError.of(path, "is a directory; expected the name of a file to write")
    if not target.parent.is_dir():
        raise FileError.of(path, f"the folder {target.parent} does not exist")
