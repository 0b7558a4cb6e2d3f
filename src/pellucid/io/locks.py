"""One writer at a time."""

import errno
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from pellucid.errors import FileError

_WITHOUT_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK)


def lock(file: IO[Any], folder: Path, command: str) -> None:
    """Keep others of the command out of a folder whose file this is, until the process ends.

    The system lets go however it ends. Raises FileError where another one writes. Windows has no
    such lock, nor have some file systems of clusters: nothing is kept out there.
    """
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise FileError.of(folder, f"another {command} is writing to it") from None
    except OSError as error:
        if error.errno not in _WITHOUT_LOCKS:
            raise


@contextmanager
def alone_in(folder: Path, command: str) -> Generator[None]:
    """Keep others of the command out of a folder; raises FileError where another one writes."""
    try:
        file = (folder / ".lock").open("ab")
    except OSError as error:
        raise FileError.from_os(folder, error) from None
    with file:
        lock(file, folder, command)
        yield
