"""What tells a file from others, wherever it lies and whatever it is called."""

import hashlib
from pathlib import Path

from pellucid.errors import FileError


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal; raises FileError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FileError.from_os(path, error) from error
