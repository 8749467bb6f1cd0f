"""Files that are there whole or not at all, and whether a place can be written to.

Owns writing, the checks of it before any work, and the words for what can go wrong. Does not know
what is written.

A file is written under a hidden name in its own folder and then renamed. It is not forced to the
disk: that would cost more than the rest of a short video. After a power cut a file may be empty;
for JSON the next run notices.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from typing import BinaryIO

from vidtag.errors import OutputError

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)


def write_whole(path: str, chunks: Iterable[bytes]) -> None:
    """Write a file whole or not at all; a link stays a link, a device a device.

    Raises:
        OutputError: It can't be written; what was there before is still there.
    """
    try:
        if is_special(path):
            with open(path, "wb") as file:
                file.writelines(chunks)
            return
        target = os.path.realpath(path)
        temporary = temporary_name(target)
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        try:
            # Not through tempfile: the file gets the permissions that the user's umask gives.
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            with open(descriptor, "wb") as file:
                file.writelines(chunks)
                with suppress(FileNotFoundError):
                    os.chmod(temporary, stat.S_IMODE(os.stat(target).st_mode))
            os.replace(temporary, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
    except OSError as exc:
        if isinstance(exc, OutputError):
            raise
        raise output_error(path, exc) from exc


def temporary_name(path: str) -> str:
    """Name the file under which another one is written.

    The same one each time, so that a run after a kill clears it away; and short, since the name
    itself may be as long as names can be.
    """
    folder, name = os.path.split(os.path.realpath(path))
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
    return os.path.join(folder, f".vidtag-{digest}.tmp")


def write_all(file: BinaryIO, content: bytes) -> None:
    """Write to an unbuffered file, which may take less than it is given."""
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]


def encode(text: str) -> bytes:
    """Encode as UTF-8; bytes of a name that are none are spelled out."""
    return text.encode("utf-8", "backslashreplace")


def is_special(path: str) -> bool:
    """Tell whether it is a device or pipe, such as /dev/null or `>(command)`."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def make_folder(folder: str) -> None:
    """Make a folder and those above it, where they are not there yet.

    Raises:
        OutputError: It can't be made, or a file has its name.
    """
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as exc:
        if os.path.lexists(folder.rstrip("/")) and not os.path.isdir(folder):
            message = f"'{folder}' is a file, but results need a folder; name another one."
            raise OutputError(folder, message) from exc
        raise output_error(folder, exc) from exc


def check_writable_folder(folder: str) -> None:
    """Check that files can be made in a folder.

    By trying it: permissions do not tell of disks mounted read-only.

    Raises:
        OutputError: They can't.
    """
    # Always the same name, so that one left by a kill goes; runs side by side may share it.
    probe = temporary_name(os.path.join(folder or ".", ".probe"))
    try:
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | _NOFOLLOW, 0o666))
        with suppress(FileNotFoundError):
            os.unlink(probe)
    except OSError as exc:
        raise output_error(folder or ".", exc) from exc


def check_writable_file(path: str) -> None:
    """Check that a file can be written, and leave it as it is; a device or pipe always can.

    Raises:
        OutputError: It can't: its folder is missing, or it may not be written there.
    """
    if is_special(path):
        return
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise OutputError(
            path, f"There is no folder '{os.path.dirname(path) or folder}'; make it first."
        )
    if os.path.exists(target) and not os.access(target, os.W_OK):
        raise OutputError(path, f"'{path}' is write-protected; name another output.")
    try:
        check_writable_folder(folder)
    except OutputError as exc:
        raise output_error(path, exc.__cause__) from exc.__cause__  # type: ignore[arg-type]


def output_error(path: str, exc: OSError) -> OutputError:
    """Say why a path can't be written, and what to try next."""
    if isinstance(exc, OutputError):
        return exc
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        why = "the disk is full; make room, and go on with --skip-existing"
    elif exc.errno in (errno.EACCES, errno.EPERM):
        why = "you may not write there; name another output, or change its permissions"
    elif exc.errno == errno.EROFS:
        why = "the disk is read-only; name another output"
    elif exc.errno == errno.EFBIG:
        why = "the file would be larger than is allowed"
    elif exc.errno == errno.ENAMETOOLONG:
        why = "its name is too long; rename the video"
    elif exc.errno in (errno.ENOENT, errno.ENOTDIR):
        why = "its folder is gone or is no folder; check that the disk is still connected"
    elif exc.errno == errno.EISDIR:
        why = "there is a folder of this name; name another output"
    elif exc.errno == errno.EPIPE:
        why = "its reader is gone"
    else:
        why = f"{exc.strerror or exc}; name another output"
    return OutputError(path, f"Can't write '{path}': {why}.")
