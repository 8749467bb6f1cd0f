"""A file's content: its hash, and whether the file stayed what it was.

Owns the question "is that still the file that was hashed?". Times alone can't answer it: a file
system notes changes in steps of up to 2 s (FAT), and a program that writes through a memory map
changes a page that is already waiting to be written without any time showing it (measured on
ext4: until the page is on the disk). So times are trusted where they are old enough, and
elsewhere the content is hashed once more. What remains: on a tmpfs, no write through a map ever
shows (measured), so that one in a large file there goes unseen.
"""

import hashlib
import os
import time
from dataclasses import dataclass

SETTLED_NS = 60_000_000_000
"""A file whose times are older than this shows every later change: Linux writes a page to the
disk after 30 s, at the latest with the next round 5 s later (`dirty_expire_centisecs`,
`dirty_writeback_centisecs`); as much again for slow disks."""

REHASHED_BYTES = 64 << 20
"""A file up to this size is hashed again after it was read, whatever its times say: a twentieth
of a second (measured: 1.2 GB/s)."""


def hash_file(path: str) -> str:
    """Hash a whole file: `sha256:…`, as `sha256sum` prints it."""
    with open(path, "rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def hash_bytes(content: bytes) -> str:
    """Hash the content of a file that somebody holds: as `hash_file`."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which file it is, and when it was changed last."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    """The time of change can't be set by `touch` or `cp -p`, so a swapped file shows."""

    @property
    def is_settled(self) -> bool:
        """Whether every change from now on will show in the times."""
        return time.time_ns() - max(self.mtime_ns, self.ctime_ns) > SETTLED_NS

    def __str__(self) -> str:
        return f"{self.device}:{self.inode}:{self.size}:{self.mtime_ns}:{self.ctime_ns}"


def identify(path: str) -> Identity:
    """Look at a file, through links.

    Raises:
        OSError: It is not there.
    """
    stat = os.stat(path)
    return Identity(
        device=stat.st_dev,
        inode=stat.st_ino,
        size=stat.st_size,
        mtime_ns=stat.st_mtime_ns,
        ctime_ns=stat.st_ctime_ns,
    )


class Watch:
    """Watches a file from before it is hashed until after it was read.

    Once it has seen a change, it never takes the file for unchanged again, not even if the old
    content comes back.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._first: Identity | None = None
        self._was_settled = False
        try:
            self._first = identify(path)
            self._was_settled = self._first.is_settled
        except (OSError, ValueError):
            pass  # no file: nothing to watch, and nothing that could be unchanged

    def is_unchanged(self) -> bool:
        """Whether it is the same file as at first, as far as its times tell."""
        try:
            if self._first is not None and identify(self._path) != self._first:
                self._first = None
        except OSError:
            self._first = None
        return self._first is not None

    def had_content(self, content_id: str) -> bool:
        """Tell whether all that was read since the watch began came from this content.

        Hashes the file again where its times are no proof.

        Args:
            content_id: Its hash, taken after the watch began, or remembered by its identity.
        """
        if not self.is_unchanged():
            return False
        assert self._first is not None
        if self._was_settled and self._first.size > REHASHED_BYTES:
            return True
        try:
            return hash_file(self._path) == content_id and self.is_unchanged()
        except OSError:
            return False


class Unwatched:
    """Stands for a `Watch` of what has no file, such as bytes: that can't change."""

    def is_unchanged(self) -> bool:
        """Say yes."""
        return True

    def had_content(self, content_id: str) -> bool:
        """Say yes."""
        return True
