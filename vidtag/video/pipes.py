"""Videos that come through a pipe, as they come; kept in a temporary file where that must be.

Owns what is remembered of a stream. Knows nothing of frames.
"""

import errno
import os
import tempfile
from collections.abc import Callable
from typing import BinaryIO, Protocol, TypeVar, cast

from av.container import InputContainer

from vidtag.errors import VideoError, VideoOpenError
from vidtag.video.containers import (
    AV_ERRORS,
    HEAD_BYTES,
    container_options,
    must_be_sought,
    not_a_video,
)
from vidtag.video.options import Part
from vidtag.video.sources import (
    MAX_READ_ERRORS,
    FileSource,
    Rest,
    Source,
    open_container,
    open_rest,
    read_failed,
)
from vidtag.video.waiting import Worker

T = TypeVar("T")


SPOOL_BYTES = 4 << 30
"""The most that is kept of a pipe or download in a temporary file.

Two hours of a phone's 1080p30 are 4 GB at the 4.5 Mbit/s of its compact setting; what is
longer is better saved first.
"""

RECENT_BYTES = 8 << 20
"""What is kept of a stream that can be joined anywhere, to look at once more: ten seconds of a
transport stream of 6 Mbit/s."""


class PipeSource:
    """A pipe that is read once, as it comes."""

    def __init__(self, path: str, reader: "PipeReader", options: Part) -> None:
        self.path = path
        self.size_bytes: int | None = None
        self.can_reread = False
        self.is_file = False
        self.is_live = False
        self.must_be_whole = False
        # What reads the pipe ends it at the first failure, so that no try waits.
        self.max_read_errors = MAX_READ_ERRORS
        self._reader = reader
        self._options = options
        self._worker = Worker()

    def open(self) -> InputContainer:
        """Open what comes through the pipe, or raise a `VideoOpenError`."""
        options = container_options("file", self._options)
        try:
            return self.run(lambda: open_container(self._reader, options))
        except AV_ERRORS as exc:
            if failure := self.failure():
                error = failure
            elif not self._reader.head:
                error = VideoOpenError(
                    self.path,
                    "empty_file",
                    f"Nothing came through '{self.path}'; check the command before the pipe.",
                )
            else:
                error = not_a_video(self.path, self._reader.head, exc)
            raise error from exc

    def open_rest(self, begin: int) -> InputContainer | None:
        """Open what comes from a position on; `None` where that is gone, or nothing."""
        rest = self._reader.rest(begin)
        if rest is None:
            return None
        return self.run(lambda: open_rest(rest, self._options))

    def run(self, work: Callable[[], T]) -> T:
        """Do it in a thread, so that Ctrl-C ends the wait for more."""
        return self._worker.run(work)

    @property
    def waited_seconds(self) -> float:
        """For how long the other side was waited for, all in all."""
        return self._worker.waited_seconds

    @property
    def is_idle(self) -> bool:
        """Whether no read was left behind."""
        return not self._worker.is_busy

    def failure(self, position: int = 0) -> VideoError | None:
        """Return the error that ended the pipe, if it was one."""
        error = self._reader.error
        return None if error is None else read_failed(self.path, error)

    def edges(self, size: int) -> bytes:
        """Return the pipe's first bytes."""
        return self._reader.head[:size]

    def passage(self, begin: int, end: int) -> bytes:
        """Return bytes that came last; none where they are gone."""
        return self._reader.passage(begin, end)

    def close(self) -> None:
        """Close the pipe, once nobody reads from it."""
        self._worker.close(self._reader.close)


class Stream(Protocol):
    """What a reader of streams reads from."""

    def read(self, size: int, /) -> bytes | None:
        """Read up to `size` bytes; none at the end."""

    def seek(self, position: int, /) -> object:
        """Go on from another place; called only where that is allowed."""

    def close(self) -> None:
        """Release it."""


class PipeReader:
    """The file object that FFmpeg reads a stream through; remembers its first bytes.

    An error ends the stream, and is kept: raised through FFmpeg, it would cost frames.
    """

    name = "pipe"

    def __init__(self, file: Stream) -> None:
        self.head = b""
        self.error: OSError | None = None
        self._file = file
        self._position = 0
        self._file_position = 0
        self._recent = bytearray()  # up to `_position`

    def must_be_sought(self) -> bool:
        """Look at as many first bytes as needed to tell; they can be read again."""
        while (answer := must_be_sought(self.head)) is None and len(self.head) < HEAD_BYTES:
            data = self._file.read(4096)
            if not data:
                break
            self.head += data
            self._file_position += len(data)
        # Not found even behind large boxes, an index may come last.
        return answer is not False and len(self.head) >= 8

    def allow_seeking(self, length: int) -> None:
        """Let FFmpeg jump about in a file of that length."""

        def seek(offset: int, whence: int = os.SEEK_SET) -> int:
            position = offset + {1: self._position, 2: length}.get(whence, 0)
            if position != self._position:
                self._recent.clear()
            self._position = position
            return position

        self.seek = seek
        self.tell = lambda: self._position

    def readable(self) -> bool:
        """Say yes; FFmpeg asks."""
        return True

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes; none at the end or after an error, which is kept."""
        data = self._read(size)
        self._position += len(data)
        is_tail_looked_at = self.head.startswith((b"OggS", b"RIFF"))
        if is_tail_looked_at or b"\x47" in (self.head[:1], self.head[4:5]):
            self._recent += data
            if len(self._recent) > 2 * RECENT_BYTES:
                del self._recent[:-RECENT_BYTES]
        return data

    def passage(self, begin: int, end: int) -> bytes:
        """Return bytes that came last; none where they are gone."""
        first = self._position - len(self._recent)
        if begin < first:
            return b""
        return bytes(self._recent[begin - first : end - first])

    def rest(self, begin: int) -> Rest | None:
        """Return the stream from a position on; `None` where that is gone."""
        first = self._position - len(self._recent)
        if not first <= begin <= self._position:
            return None
        return Rest(self.read, bytes(self._recent[begin - first :]))

    def _read(self, size: int) -> bytes:
        if self._position < len(self.head):
            return self.head[self._position : self._position + size]
        if self.error is not None:
            return b""
        try:
            if self._position != self._file_position:
                self._file.seek(self._position)
            data = self._file.read(size) or b""
        except OSError as exc:
            self.end(exc)
            return b""
        if self._position == len(self.head) < 4096:
            self.head += data
        self._file_position = self._position + len(data)
        return data

    def end(self, error: OSError) -> None:
        """Read no more, because of an error; the first one counts."""
        self.error = self.error or error

    def close(self) -> None:
        """Close the stream."""
        self._file.close()


def from_stream(pipe: Stream, path: str, options: Part) -> Source:
    """Open a stream: as it comes, or once all of it is there."""
    reader = PipeReader(pipe)
    try:
        if not reader.must_be_sought():
            return PipeSource(path, reader, options)
        spooled, size = spool(path, reader.head, pipe)
    except BaseException as exc:
        pipe.close()
        if not isinstance(exc, OSError) or isinstance(exc, VideoOpenError):
            raise
        raise read_failed(path, exc) from exc
    pipe.close()
    return FileSource(path, spooled, size, options)


def spool(path: str, head: bytes, rest: Stream) -> tuple[BinaryIO, int]:
    """Copy a stream into a temporary file that vanishes when closed."""
    file = cast(BinaryIO, tempfile.TemporaryFile(prefix="vidtag-"))  # noqa: SIM115 - returned
    try:
        size = 0
        data = head or rest.read(HEAD_BYTES)
        while data:
            size += file.write(data)
            data = rest.read(HEAD_BYTES)
            if size > SPOOL_BYTES:
                raise spool_limit(path)
    except OSError as exc:
        file.close()
        if exc.errno != errno.ENOSPC:
            raise
        raise VideoOpenError(
            path,
            "spool_limit",
            f"There is no room for a temporary copy of '{path}', whose index lies at its end; "
            "save it as a file first, or let TMPDIR name a larger folder.",
        ) from exc
    except BaseException:
        file.close()
        raise
    return file, size


def spool_limit(path: str) -> VideoOpenError:
    """Compose the error for a stream that is too large to be kept."""
    return VideoOpenError(
        path,
        "spool_limit",
        f"'{path}' is larger than {SPOOL_BYTES >> 30} GiB and can't be read as it comes, because "
        "its index lies at its end; save it as a file first.",
    )
