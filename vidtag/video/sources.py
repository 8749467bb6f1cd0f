"""What the user named, opened safely: a file, a pipe, or a URL.

Owns the decision what may be opened at all: ordinary containers, by the protocol that the
user named and no other. Knows nothing of frames.
"""

import errno
import io
import os
import stat
import sys
import tempfile
from collections.abc import Callable
from typing import BinaryIO, Protocol, TypeVar, cast

import av
from av.container import InputContainer

from vidtag.errors import VideoError, VideoOpenError
from vidtag.video.formats import (
    AV_ERRORS,
    HEAD_BYTES,
    container_options,
    must_be_sought,
    not_a_video,
)
from vidtag.video.given import GivenFile
from vidtag.video.options import ReadOptions
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

NO_SUCH_FILE = {
    errno.ENOENT,
    errno.ENOTDIR,
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.EINVAL,
    errno.EILSEQ,
    errno.ENXIO,
}
"""What the operating system says of a name that leads to no file; the rest is its own trouble."""

CHECKED_BYTES = 1 << 20
"""So much is read once more where reading ended: more than FFmpeg reads ahead."""

MAX_READ_ERRORS = 100
"""After so many failed reads without a packet, the rest of a video is given up: damage."""


class Source(Protocol):
    """Something that a container can be opened from."""

    path: str
    """The input as the user named it, without credentials."""

    size_bytes: int | None
    """Size of the file; `None` for streams."""

    can_reread: bool
    """Whether it can be opened again."""

    is_file: bool
    """Whether seeking is cheap, and reading can't block for long."""

    must_be_whole: bool
    """Whether a failure on the way is an error; else what came before it is the result."""

    max_read_errors: int
    """After so many failed reads without a packet, the rest is given up."""

    def open(self) -> InputContainer:
        """Open it from its beginning, or raise a `VideoOpenError`."""

    def open_rest(self, begin: int) -> InputContainer | None:
        """Open once more what comes from a position on.

        Returns:
            `None` where these bytes are gone, or nothing that can be opened.
        """

    def run(self, work: Callable[[], T]) -> T:
        """Do something that reads from the source, so that Ctrl-C can interrupt it."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing reads any more, so that the container may be closed."""

    def failure(self, position: int = 0) -> VideoError | None:
        """Tell why reading ended early at a position, if the source knows."""

    def edges(self, size: int) -> bytes:
        """Return up to `size` bytes from the beginning, and as many from the end."""

    def passage(self, begin: int, end: int) -> bytes:
        """Return bytes once more, between two positions; none where they are gone."""

    def close(self) -> None:
        """Release what it holds, once its container is closed."""


class FileSource:
    """A regular file, by its path or as an open file (a temporary one, or stdin)."""

    must_be_whole = True

    def __init__(self, path: str, file: str | BinaryIO, size: int, options: ReadOptions) -> None:
        self.path = path
        self.size_bytes: int | None = size
        self.can_reread = True
        self.is_file = True
        self.max_read_errors = MAX_READ_ERRORS
        self._file = file
        self._inode = _inode(file) if isinstance(file, str) else None
        self._rests: list[BinaryIO] = []
        self._options = options

    def open(self) -> InputContainer:
        """Open it from its beginning, or raise a `VideoOpenError`."""
        options = container_options("file", self._options)
        try:
            if not isinstance(self._file, str):
                return open_container(Nameless(self._file), options)
            try:
                # "file:" and an absolute path: no part of a name is taken for a protocol.
                return open_container("file:" + os.path.abspath(self._file), options)
            except av.error.ArgumentError:
                # A format that is not allowed, perhaps guessed from the name: once more without.
                self._file = open(self._file, "rb")  # noqa: SIM115 - closed by close()
                return open_container(Nameless(self._file), options)
        except AV_ERRORS as exc:
            if failure := self.failure():
                raise failure from exc
            raise not_a_video(self.path, self.edges(HEAD_BYTES)[:HEAD_BYTES], exc) from exc

    def open_rest(self, begin: int) -> InputContainer | None:
        """Open what comes from a position on; `None` where that is nothing."""
        if not isinstance(self._file, str):
            self._file.seek(begin)
            rest = Rest(self._file.read)
        else:
            try:
                file = open(self._file, "rb")  # noqa: SIM115 - closed by close()
            except OSError:
                return None
            self._rests.append(file)
            file.seek(begin)
            rest = Rest(file.read)
        return open_rest(rest, self._options)

    def run(self, work: Callable[[], T]) -> T:
        """Do it here and now: disks don't block for long."""
        return work()

    @property
    def is_idle(self) -> bool:
        """Always."""
        return True

    def failure(self, position: int = 0) -> VideoError | None:
        """Return what is wrong with the disk, or that the file was cut meanwhile.

        FFmpeg takes both for the file's end.
        """
        try:
            if not isinstance(self._file, str):
                before = self._file.tell()
                _passage(self._file, position, position + CHECKED_BYTES)
                self._file.seek(before)
                return None
            with open(self._file, "rb") as file:
                _passage(file, position, position + CHECKED_BYTES)
                status = os.fstat(file.fileno())
        except FileNotFoundError:
            return None  # it was removed, but FFmpeg had it open
        except OSError as exc:
            return disk_failed(self.path, exc)
        if status.st_ino == self._inode and status.st_size < (self.size_bytes or 0):
            return VideoOpenError(
                self.path,
                "read_failed",
                f"'{self.path}' was cut off while it was read; try again once it is whole.",
            )
        return None

    def edges(self, size: int) -> bytes:
        """Return the file's first and last bytes; nothing where that fails."""
        try:
            if isinstance(self._file, str):
                with open(self._file, "rb") as file:
                    return _edges(file, size)
            return _edges(self._file, size)
        except (OSError, ValueError):
            return b""

    def passage(self, begin: int, end: int) -> bytes:
        """Return bytes of the file; none where it can't be read."""
        try:
            if isinstance(self._file, str):
                with open(self._file, "rb") as file:
                    return _passage(file, begin, end)
            position = self._file.tell()
            try:
                return _passage(self._file, begin, end)
            finally:
                self._file.seek(position)
        except (OSError, ValueError):
            return b""

    def close(self) -> None:
        """Close an open file; a temporary one vanishes."""
        for file in self._rests:
            file.close()
        if not isinstance(self._file, str):
            self._file.close()


class Nameless:
    """An open file as FFmpeg reads it, without a name to guess a format or protocol from."""

    name = ""

    def __init__(self, file: BinaryIO) -> None:
        file.seek(0)
        self.read = file.read
        self.seek = file.seek
        self.tell = file.tell


class Rest:
    """What is left of a source, as FFmpeg reads it: from some place on, and not sought in."""

    name = ""

    def __init__(self, read: Callable[[int], bytes], kept: bytes = b"") -> None:
        self._read_on = read
        self._kept = kept

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes: first what was kept, then what comes."""
        if self._kept:
            data, self._kept = self._kept[:size], self._kept[size:]
            return data
        return self._read_on(size)


class PipeSource:
    """A pipe that is read once, as it comes."""

    def __init__(self, path: str, reader: "PipeReader", options: ReadOptions) -> None:
        self.path = path
        self.size_bytes: int | None = None
        self.can_reread = False
        self.is_file = False
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
    def is_idle(self) -> bool:
        """Whether no read was left behind."""
        return not self._worker.is_busy

    def failure(self, position: int = 0) -> VideoError | None:
        """Return the error that ended the pipe, if it was one."""
        error = self._reader.error
        if error is None:
            return None
        return VideoOpenError(
            self.path,
            "read_failed",
            f"Reading from '{self.path}' failed: {error.strerror or 'an input/output error'}.",
        )

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


def open_container(file: object, options: dict[str, str]) -> InputContainer:
    """Open a file object, or a name with its protocol."""
    # Titles need not be UTF-8.
    container = av.open(file, options=options, metadata_errors="replace")
    return cast(InputContainer, container)


def open_rest(rest: Rest, options: ReadOptions) -> InputContainer | None:
    """Open the rest of a source; `None` where it can't be."""
    try:
        return open_container(rest, container_options("file", options))
    except AV_ERRORS:
        return None


def from_path(name: str, options: ReadOptions) -> Source:
    """Open a path: a regular file, or a named pipe."""
    try:
        status = os.stat(name)
        if stat.S_ISDIR(status.st_mode):
            raise VideoOpenError(
                name, "is_a_folder", f"'{name}' is a folder; name a video file in it."
            )
        if stat.S_ISFIFO(status.st_mode):
            return _from_descriptor(os.open(name, os.O_RDONLY), name, options)
        if not stat.S_ISREG(status.st_mode):
            raise VideoOpenError(
                name, "not_a_file", f"'{name}' is a device or socket, not a video file."
            )
        with open(name, "rb"):
            pass
    except VideoOpenError:
        raise
    except PermissionError as exc:
        raise VideoOpenError(
            name, "permission_denied", f"You may not read '{name}'; check its permissions."
        ) from exc
    except (OSError, ValueError) as exc:
        if isinstance(exc, OSError) and exc.errno not in NO_SUCH_FILE:
            raise disk_failed(name, exc) from exc
        raise VideoOpenError.missing(name) from exc
    if status.st_size == 0:
        raise VideoOpenError(
            name, "empty_file", f"'{name}' is empty (0 bytes); copy or download it again."
        )
    return FileSource(name, name, status.st_size, options)


def from_stdin(options: ReadOptions) -> Source:
    """Open standard input."""
    try:
        # sys.stdin is None where the program was started without one.
        descriptor = os.dup(sys.stdin.fileno())
    except (AttributeError, OSError, ValueError) as exc:
        raise VideoOpenError(
            "-", "read_failed", "Standard input ('-') is closed; pipe a video into it."
        ) from exc
    if os.isatty(descriptor):
        os.close(descriptor)
        raise VideoOpenError(
            "-", "read_failed", "Standard input ('-') is a terminal; pipe a video into it."
        )
    return _from_descriptor(descriptor, "-", options)


def _from_descriptor(descriptor: int, path: str, options: ReadOptions) -> Source:
    status = os.fstat(descriptor)
    if stat.S_ISDIR(status.st_mode):
        os.close(descriptor)
        raise VideoOpenError(path, "is_a_folder", f"'{path}' is a folder; name a video file in it.")
    if stat.S_ISREG(status.st_mode):
        file = os.fdopen(descriptor, "rb", buffering=HEAD_BYTES)
        if status.st_size == 0:
            file.close()
            raise VideoOpenError(
                path, "empty_file", f"'{path}' is empty (0 bytes); check what is fed into it."
            )
        return FileSource(path, file, status.st_size, options)
    return _from_stream(os.fdopen(descriptor, "rb", buffering=0), path, options)


def from_given(given: bytes | GivenFile, path: str, options: ReadOptions) -> Source:
    """Open what a program holds: a video's bytes, or a file object."""
    if isinstance(given, GivenFile) and not given.can_seek:
        return _from_stream(given, path, options)
    file = cast(BinaryIO, io.BytesIO(given) if isinstance(given, bytes) else given)
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        raise VideoOpenError(path, "empty_file", f"'{path}' is empty (0 bytes).")
    return GivenSource(path, file, size, options)


class GivenSource(FileSource):
    """A file object, whose reading may fail in any way."""

    must_be_whole = False

    def open(self) -> InputContainer:
        """Open it from its beginning, or raise a `VideoOpenError`."""
        try:
            return super().open()
        except VideoOpenError as exc:
            raise self.failure() or exc from exc

    def failure(self, position: int = 0) -> VideoError | None:
        """Return the error that ended reading, if there was one."""
        error = getattr(self._file, "error", None)
        return None if error is None else _read_failed(self.path, error)


def _from_stream(pipe: Stream, path: str, options: ReadOptions) -> Source:
    reader = PipeReader(pipe)
    try:
        if not reader.must_be_sought():
            return PipeSource(path, reader, options)
        spooled, size = spool(path, reader.head, pipe)
    except BaseException as exc:
        pipe.close()
        if not isinstance(exc, OSError) or isinstance(exc, VideoOpenError):
            raise
        raise _read_failed(path, exc) from exc
    pipe.close()
    return FileSource(path, spooled, size, options)


def _read_failed(path: str, error: OSError) -> VideoOpenError:
    why = error.strerror or "an input/output error"
    return VideoOpenError(path, "read_failed", f"Reading from '{path}' failed: {why}.")


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


def _inode(path: str) -> int | None:
    try:
        return os.stat(path).st_ino
    except OSError:
        return None  # opening it will say why


def _passage(file: BinaryIO, begin: int, end: int) -> bytes:
    file.seek(begin)
    return file.read(end - begin)


def disk_failed(path: str, exc: OSError) -> VideoOpenError:
    """Compose the error for what the operating system could not do."""
    why = exc.strerror or "an input/output error"
    return VideoOpenError(
        path,
        "read_failed",
        f"The operating system could not read '{path}' ({why}); try a copy on another disk.",
    )


def _edges(file: BinaryIO, size: int) -> bytes:
    file.seek(0)
    head = file.read(size)
    length = file.seek(0, os.SEEK_END)
    file.seek(max(len(head), length - size))
    return head + file.read(size)
