"""Texts as a model reads them, kept: a set of words is read once, and only what is new of it.

Beside them lies how the model splits texts into tokens.

Whatever fails here costs speed, never the result.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vidtag.cache.database import Database
from vidtag.cache.folder import cache_folder

_TABLES = {
    "texts": "CREATE TABLE texts (key BLOB PRIMARY KEY, num_tokens INTEGER NOT NULL, "
    "vector BLOB NOT NULL, checksum BLOB NOT NULL) WITHOUT ROWID",
    "tokenizers": "CREATE TABLE tokenizers (key BLOB PRIMARY KEY, content BLOB NOT NULL, "
    "checksum BLOB NOT NULL)",
}

_MOST_TEXTS = 50_000
"""100 MB at 512 numbers each; then all are dropped, and read again as they are wanted."""

_AT_ONCE = 500
"""Keys in one query."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredText:
    """A text as a model reads it."""

    num_tokens: int
    """Its length, also where the model does not read all of it."""

    vector: npt.NDArray[np.float32]
    """`(D,)` float32."""


class TextStore:
    """Texts by what they say and by all that shapes how they are read."""

    def __init__(self, facts: Mapping[str, str], folder: Path | None = None) -> None:
        self.path = (folder or cache_folder()) / "texts.sqlite3"
        self._facts = json.dumps(dict(facts), sort_keys=True)
        self._database = Database(self.path, version=1, tables=_TABLES)

    def find(self, texts: Sequence[str]) -> dict[str, StoredText]:
        """Return those of the texts that are there, and whole."""
        found: dict[str, StoredText] = {}
        keys = {self._key(text): text for text in texts}
        wanted = list(keys)
        for first in range(0, len(wanted), _AT_ONCE):
            part = wanted[first : first + _AT_ONCE]
            marks = ",".join("?" * len(part))
            rows = self._database.read(
                f"SELECT key, num_tokens, vector, checksum FROM texts WHERE key IN ({marks})",
                *part,
            )
            for key, num_tokens, blob, checksum in rows:
                if not isinstance(blob, bytes) or len(blob) % 4 or not blob:
                    continue
                vector = np.frombuffer(blob, dtype="<f4")
                if checksum == _digest(key, num_tokens, blob) and np.isfinite(vector).all():
                    found[keys[key]] = StoredText(num_tokens=num_tokens, vector=vector)
        return found

    def save(self, texts: Mapping[str, StoredText]) -> None:
        """Keep texts for later runs."""
        rows: list[tuple[str, tuple[object, ...]]] = []
        for text, one in texts.items():
            key, blob = self._key(text), one.vector.astype("<f4").tobytes()
            insert = "INSERT OR REPLACE INTO texts VALUES (?, ?, ?, ?)"
            rows.append((insert, (key, one.num_tokens, blob, _digest(key, one.num_tokens, blob))))
        count = self._database.read("SELECT count(*) FROM texts")
        if count and count[0][0] + len(rows) > _MOST_TEXTS:
            rows[:0] = [("DELETE FROM texts", ()), ("DELETE FROM tokenizers", ())]
        self._database.write(*rows)

    def tokenizer(self) -> str | None:
        """Return how the model splits texts, as `keep_tokenizer` got it."""
        select = "SELECT content, checksum FROM tokenizers WHERE key = ?"
        for content, checksum in self._database.read(select, self._key("")):
            if isinstance(content, bytes) and checksum == _digest(self._key(""), 0, content):
                return content.decode()
        return None

    def keep_tokenizer(self, content: str) -> None:
        """Keep how the model splits texts: finding that out takes transformers, and a second."""
        key, blob = self._key(""), content.encode()
        insert = "INSERT OR REPLACE INTO tokenizers VALUES (?, ?, ?)"
        self._database.write((insert, (key, blob, _digest(key, 0, blob))))

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _key(self, text: str) -> bytes:
        return hashlib.sha256(f"{self._facts}\n{text}".encode()).digest()


def _digest(key: bytes, num_tokens: int, blob: bytes) -> bytes:
    return hashlib.blake2b(b"%b%d %b" % (key, num_tokens, blob), digest_size=16).digest()


def clear_texts() -> None:
    """Delete all texts that are kept."""
    Database(cache_folder() / "texts.sqlite3", version=1, tables=_TABLES).clear()


def measure_texts() -> int:
    """Measure what the texts take, in bytes."""
    path = cache_folder() / "texts.sqlite3"
    try:
        return path.stat().st_size
    except OSError:
        return 0
