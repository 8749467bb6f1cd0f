"""Feeds bytes into a pipe, as a shell does."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

import pytest


@contextlib.contextmanager
def pipe_of(data: bytes) -> Iterator[int]:
    """Open a pipe that gives these bytes; what is not read of them is dropped at the end."""
    reading, writing = os.pipe()

    def feed() -> None:
        with contextlib.suppress(BrokenPipeError), os.fdopen(writing, "wb") as pipe:
            pipe.write(data)

    writer = threading.Thread(target=feed)
    writer.start()
    try:
        yield reading
    finally:
        os.close(reading)
        writer.join()


@contextlib.contextmanager
def piped(data: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make standard input a pipe that gives these bytes."""
    with pipe_of(data) as reading, open(reading, "rb", closefd=False) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield
