"""Which file of a folder was made from what: `.vidtag.jsonl`.

Owns the lines of that file and how several processes add to it. Has a line for each file that
does not tell itself what it was made from. JSON documents do, and need none.

A file is listed before it is written, and again with its record once it is there, so that a kill
leaves no file of ours that is not listed; of two lines on a file the later one counts. At the end
they are sorted, so that every way there gives the same file. All of that is done while the file
is locked: a line of another process is neither cut nor sorted away.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from vidtag.errors import OutputError
from vidtag.outputs.atomic import output_error, write_all, write_whole
from vidtag.outputs.fingerprint import RECORDS_NAME, holds_other_lines, read_lines
from vidtag.outputs.locking import open_locked
from vidtag.tagging.recipe import Record


class Records:
    """The records of a folder, which need not have any yet.

    Args:
        folder: Where the files are; empty for the working folder.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._path = os.path.join(folder, RECORDS_NAME)
        self._known: dict[str, Record | None] = {}
        self._read_state: tuple[int, int, int] | None = None
        """Which file, how large and when changed, when it was read last."""
        self._listed: set[str] = set()
        """What was listed since it was opened here."""

    @property
    def path(self) -> str:
        """Where they are kept."""
        return self._path

    def get(self, path: str) -> Record | None:
        """Return what a file was made from; `None` where that is not known."""
        self._read()
        return self._known.get(self._key(path))

    def lists(self, path: str) -> bool:
        """Tell whether vidtag made a file, or was about to when it was killed."""
        key = self._key(path)
        if key not in self._known:
            self._read()  # another process may have made it since
        return key in self._known

    def is_foreign(self) -> bool:
        """Tell whether something else has their name."""
        return holds_other_lines(self._path, b'{"file": ')

    @contextmanager
    def changing(self, path: str, record: Record) -> Iterator[None]:
        """List a file while it is written, and keep its record if that went well.

        Raises:
            OutputError: The records can't be written.
        """
        key = self._key(path)
        try:
            with open_locked(self._path) as file:
                self._listed.add(key)
                self._known[key] = None
                _add(file, _line(key, None))
                yield
                _add(file, _line(key, record))
                self._known[key] = record
        except OutputError:  # of the file itself, which knows its cause
            raise
        except OSError as exc:
            raise output_error(self._path, exc) from exc

    def close(self) -> None:
        """Sort the lines and drop those that no longer count."""
        if not self._listed and (self.is_foreign() or not os.path.exists(self._path)):
            return
        with suppress(OSError), open_locked(self._path) as file:  # unsorted, it says the same
            self._read()
            content = b"".join(
                _line(key, self._known[key])
                for key in sorted(self._known, key=os.fsencode)
                if not self._came_to_nothing(key)
            )
            file.seek(0)
            if file.read() != content:
                write_whole(self._path, [content])
        self._listed.clear()

    def _came_to_nothing(self, key: str) -> bool:
        is_ours = key in self._listed and self._known[key] is None
        return is_ours and not os.path.lexists(os.path.join(self._folder, key))

    def _key(self, path: str) -> str:
        return os.path.relpath(path, self._folder or ".")

    def _read(self) -> None:
        try:
            info = os.stat(self._path)
        except OSError:
            self._known, self._read_state = {}, None
            return
        state = info.st_ino, info.st_size, info.st_mtime_ns
        if state == self._read_state:
            return
        self._known, self._read_state = {}, state
        for _, line in read_lines(self._path):
            name, record = line.get("file"), line.get("record")
            if isinstance(name, str) and "record" in line:
                self._known[name] = record if isinstance(record, dict) else None


def _line(name: str, record: Record | None) -> bytes:
    # Escaped: names may hold bytes that are no UTF-8.
    return json.dumps({"file": name, "record": record}).encode("ascii") + b"\n"


def _add(file: BinaryIO, line: bytes) -> None:
    size = file.seek(0, os.SEEK_END)
    if size:
        file.seek(size - 1)
        if file.read(1) != b"\n":  # a disk was full, or a kill cut it
            line = b"\n" + line
    write_all(file, line)
