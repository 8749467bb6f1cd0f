"""Stored scores: the same video again costs neither decoding nor model.

What a model made of each window, its logits or the features that they are made of, is kept as
float32 in one SQLite file in the user's cache folder, under a key of the file's content and of
everything that shapes it. Each row carries a digest of the pictures that it was made from, and a
checksum of itself. Whatever fails here costs speed, never the result: a row that is not what was
written is not there, and is written again.
"""

import hashlib
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vidtag.cache.contents import hash_file, identify
from vidtag.cache.database import Database
from vidtag.cache.folder import cache_folder, limit_bytes

_VERSION = 2
"""Of the tables; those of before had no checksums."""

_TABLES = {
    "files": "CREATE TABLE files ("
    "identity TEXT PRIMARY KEY, content_id TEXT NOT NULL, checksum BLOB NOT NULL)",
    "runs": "CREATE TABLE runs (key TEXT PRIMARY KEY, used_at REAL NOT NULL, "
    "num_bytes INTEGER NOT NULL, record TEXT, checksum BLOB)",
    "windows": "CREATE TABLE windows (key TEXT NOT NULL, window INTEGER NOT NULL, "
    "made_from BLOB NOT NULL, logits BLOB NOT NULL, checksum BLOB NOT NULL, "
    "PRIMARY KEY (key, window)) WITHOUT ROWID",
}

_CONTENT_ID = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSize:
    """What the store holds."""

    num_runs: int
    """Videos with stored scores, counted once for each model and sampling."""

    num_bytes: int
    """Size of the file on disk."""

    limit_bytes: int
    """Logits kept before the oldest are dropped."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredRow:
    """The scores of one window."""

    made_from: bytes
    """Digest of the pictures that the model was given: those of all windows of its batch."""

    values: npt.NDArray[np.float32]
    """`(row_size,)` float32."""


def make_key(content_id: str, shaping: Mapping[str, str]) -> str:
    """Make the key of a run from the file's content and all that shapes its logits."""
    text = json.dumps({"content": content_id, **shaping}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class ScoreStore:
    """Window logits by key, and content hashes by file. Safe to use from two threads."""

    def __init__(self, folder: Path | None = None) -> None:
        self.path = (folder or cache_folder()) / "scores.sqlite3"
        self._database = Database(self.path, version=_VERSION, tables=_TABLES)

    def __enter__(self) -> "ScoreStore":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not KeyboardInterrupt:  # who gives up does not wait for a reader's lock
            self.close()

    def is_remembered(self, path: str) -> bool:
        """Tell whether `content_id` answers without reading the file."""
        try:
            return self._remembered(str(identify(path))) is not None
        except OSError:
            return False

    def _remembered(self, identity: str) -> str | None:
        select = "SELECT content_id, checksum FROM files WHERE identity = ?"
        for content_id, checksum in self._database.read(select, identity):
            text = _text(content_id)
            if text and _CONTENT_ID.fullmatch(text) and checksum == _digest(identity, text):
                return text
        return None

    def content_id(self, path: str) -> str | None:
        """Hash a whole file, or remember its hash.

        Args:
            path: A regular file.

        Returns:
            `sha256:…`, as `sha256sum` prints it; `None` where the file can't be read.
        """
        try:
            identity = identify(path)
            known = self._remembered(str(identity))
            if known is not None:
                return known
            is_settled = identity.is_settled
            content_id = hash_file(path)
            if is_settled and identity == identify(path):
                insert = "INSERT OR REPLACE INTO files VALUES (?, ?, ?)"
                key = str(identity)
                self._database.write((insert, (key, content_id, _digest(key, content_id))))
        except OSError:
            return None
        return content_id

    def record(self, key: str) -> str | None:
        """Return what was noted when the run was finished; `None` for an unfinished one."""
        select = "SELECT record, checksum FROM runs WHERE key = ?"
        for record, checksum in self._database.read(select, key):
            text = _text(record)
            if text is not None and checksum == _digest(key, text):
                return text
        return None

    def rows(
        self, key: str, *, first: int, count: int, row_size: int
    ) -> tuple[StoredRow, ...] | None:
        """Return the stored rows of consecutive windows; `None` unless all are there, and whole.

        Args:
            key: Of the run.
            first: The first window's number.
            count: How many windows.
            row_size: How many numbers each has.
        """
        # Another length is no row of ours: a large one need not be loaded to see that.
        found = self._database.read(
            "SELECT window, made_from, logits, checksum FROM windows WHERE key = ? "
            "AND window >= ? AND window < ? AND typeof(window) = 'integer' "
            "AND typeof(logits) = 'blob' AND length(logits) = ? AND typeof(made_from) = 'blob' "
            "AND length(made_from) < 100 ORDER BY window",
            *(key, first, first + count, row_size * 4),
        )
        if [row[0] for row in found] != list(range(first, first + count)):
            return None
        rows = []
        for window, made_from, blob, checksum in found:
            values = np.frombuffer(blob, dtype="<f4")
            if checksum != _digest(key, window, made_from, blob) or not np.isfinite(values).all():
                return None
            rows.append(StoredRow(made_from=made_from, values=values))
        return tuple(rows)

    def note_use(self, key: str) -> None:
        """Let a run be dropped after those that nobody asked for."""
        self._database.write(("UPDATE runs SET used_at = ? WHERE key = ?", (time.time(), key)))

    def save(
        self, key: str, first_window: int, values: npt.NDArray[np.float32], *, made_from: bytes
    ) -> None:
        """Store the rows `(num_windows, row_size)` of a batch of consecutive windows.

        Args:
            key: Of the run.
            first_window: The first one's number.
            values: What the model made of them.
            made_from: Digest of the pictures that the model was given.
        """
        insert = "INSERT OR REPLACE INTO windows VALUES (?, ?, ?, ?, ?)"
        rows: list[tuple[str, tuple[object, ...]]] = []
        for window, row in enumerate(values.astype("<f4"), first_window):
            blob = row.tobytes()
            checksum = _digest(key, window, made_from, blob)
            rows.append((insert, (key, window, made_from, blob, checksum)))
        self._database.write(
            ("INSERT OR IGNORE INTO runs VALUES (?, ?, 0, NULL, NULL)", (key, time.time())),
            *rows,
            ("UPDATE runs SET num_bytes = num_bytes + ? WHERE key = ?", (values.size * 4, key)),
        )

    def finish(self, key: str, record: str) -> None:
        """Note that a run is complete, and drop the oldest beyond the limit."""
        self._database.write(
            (
                "UPDATE runs SET record = ?, checksum = ?, used_at = ?, num_bytes = "
                "(SELECT total(length(logits)) FROM windows WHERE windows.key = runs.key) "
                "WHERE key = ?",
                (record, _digest(key, record), time.time(), key),
            )
        )
        sizes = self._database.read(
            "SELECT rowid, max(0, CAST(num_bytes AS INTEGER)) FROM runs WHERE key <> ? "
            "ORDER BY CAST(used_at AS REAL)",
            key,
        )
        own = self._one("SELECT total(length(logits)) FROM windows WHERE key = ?", key) or 0
        total = int(own) + sum(num_bytes for _, num_bytes in sizes)
        for rowid, num_bytes in sizes:
            if total <= limit_bytes():
                break
            self._database.write(
                (
                    "DELETE FROM windows WHERE key = (SELECT key FROM runs WHERE rowid = ?)",
                    (rowid,),
                ),
                ("DELETE FROM runs WHERE rowid = ?", (rowid,)),
            )
            total -= num_bytes

    def size(self) -> StoreSize:
        """Measure the store."""
        runs = self._one("SELECT count(*) FROM runs") or 0
        num_bytes = self.path.stat().st_size if self.path.exists() else 0
        return StoreSize(num_runs=int(runs), num_bytes=num_bytes, limit_bytes=limit_bytes())

    def clear(self) -> None:
        """Delete everything that is stored."""
        self._database.clear()

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _one(self, statement: str, *values: object) -> Any:
        rows = self._database.read(statement, *values)
        return rows[0][0] if rows else None


def _text(value: object) -> str | None:
    """Decode what a text column holds; `None` for anything else."""
    try:
        return value.decode() if isinstance(value, bytes) else None
    except UnicodeDecodeError:
        return None


def _digest(*parts: str | int | bytes) -> bytes:
    """Sum up the parts of a row, each with its length, so that none runs into the next."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        plain = part if isinstance(part, bytes) else str(part).encode()
        digest.update(b"%d:" % len(plain))
        digest.update(plain)
    return digest.digest()
