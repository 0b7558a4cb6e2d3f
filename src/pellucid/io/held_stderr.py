"""Holding back what C libraries write to stderr, which no handler of Python sees."""

import os
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager

_ONE_AT_A_TIME = threading.Lock()  # file descriptor 2 belongs to the whole process


@contextmanager
def held_stderr() -> Generator[list[bytes]]:
    """Hold back file descriptor 2; the list holds the lines that were written there afterwards."""
    lines: list[bytes] = []
    with _ONE_AT_A_TIME, tempfile.TemporaryFile() as caught:
        kept = _redirect(caught.fileno())
        try:
            yield lines
        finally:
            _restore(kept)
            caught.seek(0)
            lines += caught


def _redirect(target: int) -> int | None:
    """Point file descriptor 2 elsewhere; a copy of the old one, None where there is none."""
    if sys.stderr is not None:
        sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:
        return None
    os.dup2(target, 2)
    return kept


def _restore(kept: int | None) -> None:
    if kept is not None:
        os.dup2(kept, 2)
        os.close(kept)
