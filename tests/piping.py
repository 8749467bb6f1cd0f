"""Feeds bytes into standard input, as a shell's pipe does."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

import pytest


@contextlib.contextmanager
def piped(data: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make standard input a pipe that gives these bytes."""
    reading, writing = os.pipe()

    def feed() -> None:
        with contextlib.suppress(BrokenPipeError), os.fdopen(writing, "wb") as pipe:
            pipe.write(data)

    writer = threading.Thread(target=feed)
    writer.start()
    monkeypatch.setattr(sys, "stdin", os.fdopen(reading, "rb"))
    try:
        yield
    finally:
        sys.stdin.close()
        writer.join()
