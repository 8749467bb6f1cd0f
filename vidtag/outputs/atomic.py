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
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import BinaryIO

from vidtag.errors import OutputError, VidtagError
from vidtag.outputs.locking import hold, is_at, is_held

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)

_TEMPORARY = re.compile(r"\.vidtag-[0-9a-f]{16}(-[0-9a-f]{8})?\.tmp")
"""Names of files that are being written; those of version 0.1 had no last part."""


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
        os.close(_put(os.path.realpath(path), chunks))
    except OSError as exc:
        if isinstance(exc, OutputError):
            raise
        raise output_error(path, exc) from exc


def begin_whole(path: str, chunks: Iterable[bytes]) -> BinaryIO:
    """Write a file whole or not at all, and keep it open, unbuffered, to read and go on writing.

    What another process puts in its place later is not what is open.

    Raises:
        OutputError: It can't be written; what was there before is still there.
    """
    try:
        return open(_put(os.path.realpath(path), chunks), "r+b", buffering=0)
    except OSError as exc:
        raise output_error(path, exc) from exc


@contextmanager
def drafted(
    path: str, listing: Callable[[], AbstractContextManager[None]] = nullcontext
) -> Iterator[str]:
    """Let a library write a file by its name, whole or not at all.

    Args:
        path: The file.
        listing: Makes what is entered while the file gets its name, such as `Records.changing`.

    Yields:
        The name of a file that is there, empty, for the library to write; at the end of the block
        it gets its own name.

    Raises:
        OutputError: It can't be written; what was there before is still there.
    """
    try:
        target = os.path.realpath(path)
        temporary, descriptor = _open_temporary(target)
    except OSError as exc:
        raise output_error(path, exc) from exc
    try:
        yield temporary
        with listing():
            os.close(_rename(descriptor, temporary, target))
    except BaseException as exc:
        with suppress(OSError):
            os.close(descriptor)
        with suppress(OSError):
            os.unlink(temporary)
        if isinstance(exc, OutputError) and temporary in str(exc):
            said = str(exc).replace(temporary, path)  # who wrote knows that name alone
            raise OutputError(path, said, costs_all=exc.costs_all) from exc
        if isinstance(exc, OSError) and not isinstance(exc, VidtagError):
            raise output_error(path, exc) from exc
        raise


def _put(target: str, chunks: Iterable[bytes]) -> int:
    """Write a file under another name and rename it; returns its descriptor, still open."""
    temporary, descriptor = _open_temporary(target)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.writelines(chunks)
        with suppress(FileNotFoundError):
            os.chmod(temporary, stat.S_IMODE(os.stat(target).st_mode))
        return _rename(descriptor, temporary, target)
    except BaseException:
        with suppress(OSError):
            os.close(descriptor)
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _rename(descriptor: int, temporary: str, target: str) -> int:
    if sys.platform == "win32":  # which renames no open file
        os.close(descriptor)
        os.replace(temporary, target)
        return os.open(target, os.O_RDWR)
    # While it is held: nobody takes it for one that a kill has left.
    os.replace(temporary, target)
    return descriptor


def _open_temporary(target: str) -> tuple[str, int]:
    """Make the file under which another one is written, and hold its lock."""
    while True:
        temporary = temporary_name(target)
        try:
            # Not through tempfile: the file gets the permissions that the user's umask gives.
            descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            continue
        hold(descriptor)
        if is_at(temporary, descriptor):  # else another process has just cleared it away
            return temporary, descriptor
        os.close(descriptor)


def temporary_name(path: str) -> str:
    """Make up a name under which a file is written.

    Another one each time, since several processes may write the same file; and short, since the
    file's own name may be as long as names can be.
    """
    folder, name = os.path.split(os.path.realpath(path))
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
    return os.path.join(folder, f".vidtag-{digest}-{os.urandom(4).hex()}.tmp")


def clear_temporaries(folder: str) -> None:
    """Remove what killed runs left half written in a folder; what is being written stays."""
    with suppress(OSError), os.scandir(folder or ".") as entries:
        for entry in entries:
            if _TEMPORARY.fullmatch(entry.name):
                with suppress(OSError):
                    _clear(entry.path)


def _clear(temporary: str) -> None:
    descriptor = os.open(temporary, os.O_RDWR | _NOFOLLOW)
    try:
        if not is_held(descriptor):
            os.unlink(temporary)
    finally:
        os.close(descriptor)


def write_all(file: BinaryIO, content: bytes) -> None:
    """Write to an unbuffered file, which may take less than it is given."""
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]


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
    try:
        probe, descriptor = _open_temporary(os.path.join(folder or ".", ".probe"))
        os.close(descriptor)
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
    if os.path.islink(target):
        raise OutputError(path, f"'{path}' is a link that leads in a circle; name another output.")
    try:
        is_folder = stat.S_ISDIR(os.stat(folder).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        is_folder = False
    except OSError as exc:
        raise output_error(path, exc) from exc
    if not is_folder and os.path.islink(path):
        raise OutputError(
            path,
            f"'{path}' is a link to '{target}', but there is no folder '{folder}'; make it "
            "first, or name another output.",
        )
    if not is_folder:
        raise OutputError(
            path, f"There is no folder '{os.path.dirname(path) or folder}'; make it first."
        )
    check_replaceable(path)
    try:
        check_writable_folder(folder)
    except OutputError as exc:
        raise output_error(path, exc.__cause__) from exc.__cause__  # type: ignore[arg-type]


def check_replaceable(path: str) -> None:
    """Check that what has the name of a file may be replaced: renaming would not ask.

    Raises:
        OutputError: It is a folder, a pipe or device, or write-protected.
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return
    if stat.S_ISDIR(mode):
        why = f"'{path}' is a folder, but a result has this name"
    elif not stat.S_ISREG(mode):
        why = f"'{path}' is no file, but a result has this name"
    # A file without any write permission is protected from root, too.
    elif not mode & 0o222 or not os.access(path, os.W_OK):
        why = f"'{path}' is write-protected"
    else:
        return
    raise OutputError(path, f"{why}; name another output.", costs_all=False)


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
        why = "its name is too long; rename the video, or name another output"
    elif exc.errno in (errno.ENOENT, errno.ENOTDIR):
        why = "its folder is gone or is no folder; check that the disk is still connected"
    elif exc.errno == errno.EISDIR:
        why = "there is a folder of this name; name another output"
    elif exc.errno == errno.EPIPE:
        why = "its reader is gone"
    else:
        why = f"{exc.strerror or exc}; name another output"
    return OutputError(path, f"Can't write '{path}': {why}.")
