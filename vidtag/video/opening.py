"""What the user named, or a program gave, made a source: a file, a pipe, or a URL.

Owns the errors of names. Knows nothing of containers.
"""

import errno
import io
import os
import stat
import sys
from typing import BinaryIO, cast

from vidtag.errors import VideoOpenError
from vidtag.urls import is_url
from vidtag.video.containers import HEAD_BYTES
from vidtag.video.given import GivenFile, shown_name
from vidtag.video.options import Part
from vidtag.video.pipes import from_stream
from vidtag.video.sources import FileSource, GivenSource, Source, disk_failed

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


def open_source(source: str | os.PathLike[str] | bytes | GivenFile, options: Part) -> Source:
    """Find out what a name means: stdin, a URL, or a path."""
    if isinstance(source, bytes | GivenFile):
        return from_given(source, shown_name(source), options)
    name = os.fspath(source)
    if name == "-":
        return from_stdin(options)
    if is_url(name):
        from vidtag.video.network import open_url  # its network clients are not needed for files

        return open_url(name, options)
    return from_path(name, options)


def from_path(name: str, options: Part) -> Source:
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


def from_stdin(options: Part) -> Source:
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


def _from_descriptor(descriptor: int, path: str, options: Part) -> Source:
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
    return from_stream(os.fdopen(descriptor, "rb", buffering=0), path, options)


def from_given(given: bytes | GivenFile, path: str, options: Part) -> Source:
    """Open what a program holds: a video's bytes, or a file object."""
    if isinstance(given, GivenFile) and not given.can_seek:
        return from_stream(given, path, options)
    file = cast(BinaryIO, io.BytesIO(given) if isinstance(given, bytes) else given)
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        raise VideoOpenError(path, "empty_file", f"'{path}' is empty (0 bytes).")
    return GivenSource(path, file, size, options)
