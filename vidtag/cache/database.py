"""One SQLite file that many processes share, and that may break: it costs speed, never a result.

SQLite because it survives a kill at any moment, several processes at once and a full disk.
Owns what is done about errors. A file that is no database, or one with damaged pages or with
other tables, is replaced, once, and only while no other process has it open. A lock that is
held, a full or failing disk or a folder that may not be written are no damage: what can't be
read then is not there, and what can't be written is not kept.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
Statement = tuple[str, tuple[object, ...]]

_WAIT_SECONDS = 10.0
"""How long another process may hold a lock; its transactions take milliseconds."""

_DAMAGE = frozenset(
    {
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_FORMAT,
        # The statements are right, so these say that the tables are not.
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
    }
)

# Where SQLite keeps its locks: everybody who has the database open in WAL mode holds a byte of
# these (https://www.sqlite.org/src/file/src/os.h: SHARED_FIRST, SHARED_SIZE).
_SHARED_FIRST = 0x40000002
_SHARED_SIZE = 510


class _NewerError(Exception):
    """The file belongs to a later version of vidtag."""


class Database:
    """Statements in, rows out. Safe to use from several threads.

    Text comes back as the bytes that it is, so that none which is no UTF-8 stops a query.

    Args:
        path: The file; it and its folder are made when they are first needed.
        version: Noted in the file; an older one is emptied, a newer one left alone.
        tables: `CREATE TABLE` statements, by name.
    """

    def __init__(self, path: Path, *, version: int, tables: dict[str, str]) -> None:
        self.path = path
        self._version = version
        self._tables = tables
        self._lock = threading.RLock()
        self._db: sqlite3.Connection | None = None
        self._process = os.getpid()
        self._inherited: list[sqlite3.Connection] = []
        self._inode: tuple[int, int] | None = None
        self._is_broken = False
        self._takes_no_more = False
        self._was_replaced = False

    def read(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows; none where it can't be read."""
        rows: list[tuple[Any, ...]] = []
        found = self._try(lambda db: db.execute(statement, values).fetchall())
        return rows if found is None else found

    def write(self, *statements: Statement) -> None:
        """Run statements in one transaction, or none of them."""

        def run(db: sqlite3.Connection) -> bool:
            with db:
                db.execute("BEGIN IMMEDIATE")
                for statement, values in statements:
                    db.execute(statement, values)
            return True

        with self._lock:
            if not self._takes_no_more and self._try(run, is_writing=True) is None:
                self._takes_no_more = True

    def connect(self) -> sqlite3.Connection:
        """Open it, or return what is open.

        Raises:
            sqlite3.Error: It can't be opened.
            OSError: Its folder can't be made.
        """
        self._leave_inherited()
        if self._db is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            deadline = time.monotonic() + _WAIT_SECONDS
            while True:
                try:
                    self._db = self._open()
                    break
                except sqlite3.OperationalError as exc:
                    # SQLite itself waits for most locks, but not for that of going to WAL mode.
                    if _primary(exc) not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                        raise
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.02)
        return self._db

    def clear(self) -> None:
        """Delete everything; the file too, unless another process has it open."""
        with self._lock:
            self.close()
            if self._remove():
                return
            self.write(*((f"DELETE FROM {table}", ()) for table in self._tables))
            self._try(lambda db: db.execute("VACUUM"))
            self._try(lambda db: db.execute("PRAGMA wal_checkpoint(TRUNCATE)"))
            self.close()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._leave_inherited()
            if self._db is not None:
                self._db.close()
                self._db = None

    def _leave_inherited(self) -> None:
        """In a forked process, neither use nor close the connection of its parent.

        Source: https://www.sqlite.org/howtocorrupt.html, section 2.6.
        """
        if self._process != os.getpid():
            self._process = os.getpid()
            if self._db is not None:
                self._inherited.append(self._db)
                self._db = None

    def _try(
        self, work: Callable[[sqlite3.Connection], T], *, is_writing: bool = False
    ) -> T | None:
        """Do it, if need be once more after the file was replaced; `None` where that fails."""
        with self._lock:
            while not self._is_broken:
                try:
                    return work(self.connect())
                except (OSError, MemoryError, _NewerError):
                    self._is_broken = True
                except (sqlite3.Error, UnicodeDecodeError) as exc:
                    # Python fails to decode an error that quotes a damaged table's name.
                    if isinstance(exc, UnicodeDecodeError) or _primary(exc) in _DAMAGE:
                        self._is_broken = not self._replace()
                    elif is_writing and self._db is not None:
                        return None  # what is there can still be read
                    else:
                        self._is_broken = True
            self.close()
            return None

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(
            self.path, timeout=_WAIT_SECONDS, check_same_thread=False, isolation_level=None
        )
        self._inode = _inode(self.path)
        try:
            db.text_factory = bytes
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            if not self._is_ours(db):
                with db:
                    db.execute("BEGIN IMMEDIATE")
                    if not self._is_ours(db):  # else another process was faster
                        for name, create in self._tables.items():
                            db.execute(f"DROP TABLE IF EXISTS {name}")
                            db.execute(create)
                        db.execute(f"PRAGMA user_version = {self._version}")
        except BaseException:
            db.close()
            raise
        return db

    def _is_ours(self, db: sqlite3.Connection) -> bool:
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
        if version > self._version:
            raise _NewerError
        there = dict(db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
        wanted = {name.encode(): create.encode() for name, create in self._tables.items()}
        return version == self._version and wanted.items() <= there.items()

    def _replace(self) -> bool:
        """Put away what is damaged; whether it may be tried again."""
        self.close()
        if self._was_replaced:
            return False
        self._was_replaced = True
        # Perhaps another process has replaced it already.
        return _inode(self.path) != self._inode or self._remove()

    def _remove(self) -> bool:
        """Delete the file, unless another process has it open."""
        try:
            file = os.open(self.path, os.O_RDWR | getattr(os, "O_NONBLOCK", 0))
        except FileNotFoundError:
            return True
        except OSError:
            return False
        try:
            if not _is_unused(file):
                return False
            if os.path.samestat(os.fstat(file), os.stat(self.path)):
                # The database last: who opens it meanwhile finds the old one, locked.
                for suffix in ("-wal", "-shm", "-journal", ""):
                    self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        except OSError:
            return False
        finally:
            os.close(file)
        return True


def _is_unused(file: int) -> bool:
    """Tell whether no other process has a database open, and keep them out while it is."""
    try:
        import fcntl
    except ImportError:  # Windows does not delete what is open
        return True
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, _SHARED_SIZE, _SHARED_FIRST)
    except OSError:
        return False
    return True


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


def _primary(exc: sqlite3.Error) -> int | None:
    """Return SQLite's own error code without its details."""
    code: int | None = getattr(exc, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
