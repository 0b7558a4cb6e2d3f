"""Where files lie, whatever they are called: what is written must not replace what is read."""

import os
from pathlib import Path
from typing import TypeAlias

from pellucid.errors import FileError

Place: TypeAlias = tuple[int, int] | str


def place_of(path: str | Path) -> Place:
    """What all names of one file or folder share, be they links or not."""
    try:
        status = os.stat(path)
    except OSError:  # there is none yet
        return os.path.realpath(path)
    return status.st_dev, status.st_ino


def check_apart(path: str | Path, other: str | Path) -> None:
    """Raise FileError where a file to write is one that is read, or written too."""
    if place_of(path) == place_of(other):
        raise FileError.of(path, f"is the same file as {other}; expected another one")
