"""What files hold, which tells their scores from those of others in the same place."""

import os
from collections.abc import Iterable
from pathlib import Path

from pellucid.io.checksums import sha256_of


def contents(files: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of files, by their paths within the folder that holds them all.

    Whole files, not sizes and times: those change when a folder is copied, and the former costs
    little beside decoding.
    """
    paths = dict.fromkeys(path.absolute() for path in files)
    if not paths:
        return {}
    top = os.path.commonpath([path.parent for path in paths])
    return {path.relative_to(top).as_posix(): sha256_of(path) for path in paths}
