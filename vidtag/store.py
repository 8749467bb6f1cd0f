"""Stored scores: the same video again costs neither decoding nor model.

Window logits are kept as float32 in one SQLite file in the user's cache folder, under a key
of the file's content and of everything that shapes them. SQLite because it survives a kill at
any moment, two processes at once and a full disk. Whatever fails here costs speed, never the
result: the store then behaves as if it were empty.
"""

import hashlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

LIMIT_BYTES = 1 << 30
"""Logits kept before the oldest are dropped: 170 hours of video with 400 labels at a stride of
1 s. `VIDTAG_CACHE_LIMIT_MB` sets another."""

_RACY_NS = 2_000_000_000
"""A file changed within this time before it was hashed may change again without its times
showing it (git's "racy" entries; 2 s is FAT's resolution), so its hash is not remembered."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (identity TEXT PRIMARY KEY, content_id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS runs (
    key TEXT PRIMARY KEY, used_at REAL NOT NULL, num_bytes INTEGER NOT NULL, record TEXT);
CREATE TABLE IF NOT EXISTS windows (
    key TEXT NOT NULL, window INTEGER NOT NULL, logits BLOB NOT NULL,
    PRIMARY KEY (key, window)) WITHOUT ROWID;
"""


def cache_folder() -> Path:
    """Return where vidtag keeps what it can make again: `VIDTAG_CACHE_DIR` or the user's cache."""
    chosen = os.environ.get("VIDTAG_CACHE_DIR")
    if chosen:
        return Path(chosen)
    from platformdirs import user_cache_path

    return user_cache_path("vidtag", appauthor=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSize:
    """What the store holds."""

    num_runs: int
    """Videos with stored scores, counted once for each model and sampling."""

    num_bytes: int
    """Size of the file on disk."""

    limit_bytes: int
    """Logits kept before the oldest are dropped."""


def make_key(content_id: str, shaping: Mapping[str, str]) -> str:
    """Make the key of a run from the file's content and all that shapes its logits."""
    text = json.dumps({"content": content_id, **shaping}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def hash_file(path: str) -> str:
    """Hash a whole file: `sha256:…`, as `sha256sum` prints it."""
    with open(path, "rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


class ScoreStore:
    """Window logits by key, and content hashes by file. Safe to use from two threads."""

    def __init__(self, folder: Path | None = None) -> None:
        self.path = (folder or cache_folder()) / "scores.sqlite3"
        self._lock = threading.RLock()
        self._db: sqlite3.Connection | None = None
        self._is_broken = False

    def __enter__(self) -> "ScoreStore":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not KeyboardInterrupt:  # who gives up does not wait for a reader's lock
            self.close()

    def is_remembered(self, path: str) -> bool:
        """Tell whether `content_id` answers without reading the file."""
        try:
            return self._remembered(_identity(path)) is not None
        except OSError:
            return False

    def _remembered(self, identity: str) -> str | None:
        known = self._one("SELECT content_id FROM files WHERE identity = ?", identity)
        return None if known is None else str(known)

    def content_id(self, path: str) -> str | None:
        """Hash a whole file, or remember its hash.

        Args:
            path: A regular file.

        Returns:
            `sha256:…`, as `sha256sum` prints it; `None` where the file can't be read.
        """
        try:
            identity = _identity(path)
            known = self._remembered(identity)
            if known is not None:
                return known
            content_id = hash_file(path)
            changed_ns = os.stat(path).st_mtime_ns
            if identity == _identity(path) and time.time_ns() - changed_ns > _RACY_NS:
                self._write(("INSERT OR REPLACE INTO files VALUES (?, ?)", (identity, content_id)))
        except OSError:
            return None
        return content_id

    def record(self, key: str) -> str | None:
        """Return what was noted when the run was finished; `None` for an unfinished one."""
        found = self._one("SELECT record FROM runs WHERE key = ?", key)
        return None if found is None else str(found)

    def logits(self, key: str) -> dict[int, npt.NDArray[np.float32]]:
        """Return the stored windows of a run: index → `(num_labels,)` float32."""
        rows = self._all("SELECT window, logits FROM windows WHERE key = ? ORDER BY window", key)
        self._write(("UPDATE runs SET used_at = ? WHERE key = ?", (time.time(), key)))
        return {int(n): np.frombuffer(blob, dtype="<f4") for n, blob in rows}

    def save(self, key: str, first_window: int, logits: npt.NDArray[np.float32]) -> None:
        """Store the logits `(num_windows, num_labels)` of consecutive windows."""
        insert = "INSERT OR REPLACE INTO windows VALUES (?, ?, ?)"
        rows = enumerate(logits.astype("<f4"), first_window)
        self._write(
            ("INSERT OR IGNORE INTO runs VALUES (?, ?, 0, NULL)", (key, time.time())),
            *((insert, (key, n, row.tobytes())) for n, row in rows),
            ("UPDATE runs SET num_bytes = num_bytes + ? WHERE key = ?", (logits.size * 4, key)),
        )

    def finish(self, key: str, record: str) -> None:
        """Note that a run is complete, and drop the oldest beyond the limit."""
        update = "UPDATE runs SET record = ?, used_at = ? WHERE key = ?"
        self._write((update, (record, time.time(), key)))
        total = self._one("SELECT total(num_bytes) FROM runs") or 0
        while float(total) > limit_bytes():
            oldest = self._all("SELECT key, num_bytes FROM runs ORDER BY used_at LIMIT 1")
            if not oldest or oldest[0][0] == key:
                break
            self._write(
                ("DELETE FROM windows WHERE key = ?", (oldest[0][0],)),
                ("DELETE FROM runs WHERE key = ?", (oldest[0][0],)),
            )
            total = float(total) - oldest[0][1]

    def size(self) -> StoreSize:
        """Measure the store."""
        runs = self._one("SELECT count(*) FROM runs") or 0
        num_bytes = self.path.stat().st_size if self.path.exists() else 0
        return StoreSize(num_runs=int(runs), num_bytes=num_bytes, limit_bytes=limit_bytes())

    def clear(self) -> None:
        """Delete everything that is stored."""
        with self._lock:
            self.close()
            for suffix in ("", "-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    def _connect(self) -> sqlite3.Connection | None:
        if self._db is None and not self._is_broken:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._db = self._open()
            except sqlite3.DatabaseError:
                self._replace_damaged()
            except OSError:
                self._give_up()
        return self._db

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=10, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.executescript(_SCHEMA)
        except sqlite3.Error:
            db.close()
            raise
        return db

    def _replace_damaged(self) -> None:
        try:
            self.path.unlink(missing_ok=True)
            self._db = self._open()
        except (OSError, sqlite3.Error):
            self._give_up()

    def _give_up(self) -> None:
        self._is_broken = True
        if self._db is not None:
            with closing(self._db):
                self._db = None

    def _write(self, *statements: tuple[str, tuple[object, ...]]) -> None:
        """Run statements in one transaction."""
        with self._lock:
            db = self._connect()
            if db is None:
                return
            try:
                with db:
                    for statement, values in statements:
                        db.execute(statement, values)
            except sqlite3.Error:
                self._give_up()

    def _all(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            db = self._connect()
            if db is None:
                return []
            try:
                return db.execute(statement, values).fetchall()
            except sqlite3.Error:
                self._give_up()
                return []

    def _one(self, statement: str, *values: object) -> Any:
        rows = self._all(statement, *values)
        return rows[0][0] if rows else None


def limit_bytes() -> int:
    """Return the limit in force."""
    chosen = os.environ.get("VIDTAG_CACHE_LIMIT_MB", "")
    return int(chosen) << 20 if chosen.isdecimal() else LIMIT_BYTES


def _identity(path: str) -> str:
    stat = os.stat(path)
    # The change time can't be set by `touch` or `cp -p`, so a swapped file shows.
    return f"{stat.st_dev}:{stat.st_ino}:{stat.st_size}:{stat.st_mtime_ns}:{stat.st_ctime_ns}"
