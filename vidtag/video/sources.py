"""Sources that containers are opened from, safely: what every one can do, and files.

Owns how a container may be opened at all: ordinary ones, by the protocol that the user named and
no other. Knows nothing of frames.
"""

import os
from collections.abc import Callable
from typing import BinaryIO, Protocol, TypeVar, cast

import av
from av.container import InputContainer

from vidtag.errors import VideoError, VideoOpenError
from vidtag.video.containers import AV_ERRORS, HEAD_BYTES, container_options, not_a_video
from vidtag.video.options import Part

T = TypeVar("T")


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

    is_live: bool
    """Whether it comes as it happens, so that nothing may be held back."""

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
    def waited_seconds(self) -> float:
        """For how long the other side was waited for, all in all."""

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

    def __init__(self, path: str, file: str | BinaryIO, size: int, options: Part) -> None:
        self.path = path
        self.size_bytes: int | None = size
        self.can_reread = True
        self.is_file = True
        self.is_live = False
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
    def waited_seconds(self) -> float:
        """Nothing: disks don't block for long."""
        return 0.0

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


def open_container(
    file: object, options: dict[str, str], *, format: str | None = None
) -> InputContainer:
    """Open a file object, or a name with its protocol; a device needs its format named."""
    # Titles need not be UTF-8.
    container = av.open(file, format=format, options=options, metadata_errors="replace")
    return cast(InputContainer, container)


def open_rest(rest: Rest, options: Part) -> InputContainer | None:
    """Open the rest of a source; `None` where it can't be."""
    try:
        return open_container(rest, container_options("file", options))
    except AV_ERRORS:
        return None


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
        return None if error is None else read_failed(self.path, error)


def read_failed(path: str, error: OSError) -> VideoOpenError:
    """Compose the error for a stream that broke off."""
    why = error.strerror or "an input/output error"
    return VideoOpenError(path, "read_failed", f"Reading from '{path}' failed: {why}.")


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
