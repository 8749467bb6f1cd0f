"""Lines that go on for ever, in a file a day: what was written is never half a line."""

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime

from vidtag.errors import OutputError


def _today() -> date:
    return datetime.now(UTC).date()


class DailyLines:
    """Appends lines to a file; at midnight (UTC) it gets its day's name, and a new one begins.

    `events.jsonl` is today's; yesterday's is `events.2026-11-29.jsonl` then.

    Args:
        path: The file; lines that are there stay.
        today: Tells the day.

    Raises:
        OutputError: It can't be written.
    """

    def __init__(self, path: str, today: Callable[[], date] = _today) -> None:
        self._path = path
        self._today = today
        self._day = today()
        self._descriptor = -1
        try:
            with suppress(FileNotFoundError):
                status = os.stat(path)
                written = datetime.fromtimestamp(status.st_mtime, UTC).date()
                if written < self._day and stat.S_ISREG(status.st_mode):
                    self._put_away(written)
            self._open()
        except OSError as exc:
            raise self._error(exc) from exc

    def add(self, line: str) -> None:
        """Append a line, all of it or nothing.

        Raises:
            OutputError: The disk is full, or the like; what was there is as it was.
        """
        data = line.encode("utf-8", "surrogateescape") + b"\n"
        try:
            day = self._today()
            if day > self._day:  # not where this machine's clock was set back
                self._turn(day)
            before = os.fstat(self._descriptor).st_size
            written = os.write(self._descriptor, data)
            if written < len(data):
                if os.fstat(self._descriptor).st_size == before + written:  # nobody else wrote
                    os.ftruncate(self._descriptor, before)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as exc:
            raise self._error(exc) from exc

    def close(self) -> None:
        """Close it."""
        os.close(self._descriptor)

    def _turn(self, day: date) -> None:
        """Begin the file of another day; what another process did meanwhile stays."""
        own = os.fstat(self._descriptor)
        if not stat.S_ISREG(own.st_mode):
            return
        with suppress(FileNotFoundError):
            there = os.stat(self._path)
            if (there.st_dev, there.st_ino) == (own.st_dev, own.st_ino):
                self._put_away(self._day)
        before = self._descriptor
        self._open()
        os.close(before)
        self._day = day

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
        self._descriptor = os.open(self._path, flags, 0o666)
        size = os.fstat(self._descriptor).st_size
        if size:
            os.lseek(self._descriptor, size - 1, os.SEEK_SET)
            if os.read(self._descriptor, 1) != b"\n":  # a machine that lost its power
                os.write(self._descriptor, b"\n")

    def _put_away(self, day: date) -> None:
        stem, suffix = os.path.splitext(self._path)
        target, number = f"{stem}.{day}{suffix}", 1
        while os.path.lexists(target):
            number += 1
            target = f"{stem}.{day}.{number}{suffix}"
        os.rename(self._path, target)

    def _error(self, exc: OSError) -> OutputError:
        return OutputError(self._path, f"Can't write to '{self._path}': {exc.strerror or exc}.")
