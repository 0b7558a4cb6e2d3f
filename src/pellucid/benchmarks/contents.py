"""What files hold, which tells their scores from those of others in the same place."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from pellucid.errors import FileError


def contents(files: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of files, by their paths within the folder that holds them all.

    Whole files, not sizes and times: those change when a folder is copied, and the former costs
    little beside decoding.
    """
    paths = dict.fromkeys(path.absolute() for path in files)
    if not paths:
        return {}
    top = os.path.commonpath([path.parent for path in paths])
    return {path.relative_to(top).as_posix(): sha256(path) for path in paths}


def sha256(path: Path) -> str:
    """Of one file."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FileError.from_os(path, error) from error
