"""Locks by which several processes share a folder.

Owns how a lock is taken and what stands in where a file system has none: then nobody waits, and
files are still whole, since they are renamed into place. A lock goes with the process that holds
it, however that ends.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30
    """Beyond the end of the files that are locked: Windows keeps others from what is locked."""

    def _lock(descriptor: int, *, wait: bool) -> None:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int, *, wait: bool) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def hold(descriptor: int) -> None:
    """Lock a file until it is closed, once nobody else holds it."""
    try:
        _lock(descriptor, wait=True)
    except OSError:  # there are no locks here
        return


def is_held(descriptor: int) -> bool:
    """Tell whether a file is locked, or can't be locked; if neither, it is from now on."""
    try:
        _lock(descriptor, wait=False)
    except OSError:
        return True
    return False


@contextmanager
def open_locked(path: str) -> Iterator[BinaryIO]:
    """Open a file, which need not be there, to read it and add to it, while no other does.

    Whoever holds it may also put another file in its place: those who wait take that one.

    Raises:
        OSError: It can't be opened.
    """
    while True:
        file = open(path, "a+b", buffering=0)  # noqa: SIM115 - closed below
        try:
            hold(file.fileno())
            if is_at(path, file.fileno()):
                yield file
                return
        finally:
            file.close()


def is_at(path: str, descriptor: int) -> bool:
    """Tell whether an open file is still the one of this name."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except OSError:
        return False
