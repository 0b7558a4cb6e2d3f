"""How the command line's process asks for memory: planes come and go by the gigabyte."""

import ctypes
import os
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h
_KEPT = 256 << 20
_TOLD = {"MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"}


def thrifty_memory() -> None:
    """Large pages, and what a tile has freed is kept for the next one.

    Otherwise the C library returns every large tensor to the system, which clears it before it
    gives it again. Tensors beyond 256 MiB still go back. The user's environment has precedence.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    if sys.platform == "linux" and not _TOLD & os.environ.keys():
        # Other C libraries have none.
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_MMAP_THRESHOLD, _KEPT)
            mallopt(_TRIM_THRESHOLD, 2**31 - 1)
