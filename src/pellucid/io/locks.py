"""One writer at a time."""

import sys
from pathlib import Path
from typing import IO, Any

from pellucid.errors import FileError


def lock(file: IO[Any], folder: Path, command: str) -> None:
    """Keep others of the command out of a folder whose file this is, until the process ends.

    The system lets go however it ends. Raises FileError where another one writes. Windows has no
    such lock: nothing is kept out there.
    """
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise FileError.of(folder, f"another {command} is writing to it") from None
