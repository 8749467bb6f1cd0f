"""What is stored of one video: every question to the stored scores is asked here.

The reading thread asks for a finished run, by the hash of the file's content. That of a large file
is found out beside its first windows; what is scored by then waits here to be stored. The scoring
thread asks for single windows that an interrupted run left, keeps those that it scored, and
notes the end. Batches always begin at the same windows, so that a resumed run gives the same bits.
"""

import hashlib
import json
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from vidtag.cache.contents import REHASHED_BYTES, Unwatched, Watch, hash_bytes, hash_file
from vidtag.cache.scores import ScoreStore, make_key
from vidtag.clips.windows import Window
from vidtag.tagging.events import ReadResult, StoredScores
from vidtag.video.frames import Notice, VideoInfo
from vidtag.video.given import Source, shown_name

HASHED_FIRST_BYTES = REHASHED_BYTES
"""A file up to this size is hashed before it is read, so that stored scores answer without any
decoding."""

Facts = Callable[[str], dict[str, str] | None]
"""Lists what shapes the scores of a file of this suffix, besides its content."""


class Recall:
    """What earlier runs left of one video, and what this one adds to it.

    To be made before the video is opened, so that a file that changes meanwhile is noticed.

    Args:
        source: The video.
        store: Stored scores; `None` neither looks nor keeps.
        facts: What shapes its scores.
        row_size: How many numbers are stored of each window.
    """

    def __init__(
        self, source: Source, store: ScoreStore | None, facts: Facts, *, row_size: int
    ) -> None:
        self._name = source if isinstance(source, str) else shown_name(source)
        self._store = store
        self._facts = facts
        self._row_size = row_size
        self._watch = Watch(source) if isinstance(source, str) else Unwatched()
        self._hashing = _start_hashing(source, store)
        self._lock = threading.Lock()  # of the rest, which both threads look at
        self._is_asked = False
        self._content_id: str | None = None
        self._key: str | None = None
        self._unsaved: list[tuple[int, npt.NDArray[np.float32], bytes]] = []
        self._pictures: dict[int, tuple[npt.NDArray[np.uint8], bytes]] = {}
        self._made_from: list[bytes] = []

    def look_up(self, *, wait: bool = False) -> ReadResult | None:
        """Return the finished run of this content, as soon as its hash is known; but once.

        Args:
            wait: Wait for the hash.
        """
        if self._is_asked or not (wait or self._hashing is None or self._hashing.is_done):
            return None
        content_id = None if self._hashing is None else self._hashing.result()
        key = self._make_key(content_id) if self._watch.is_unchanged() else None
        stored = None if key is None else self._finished_run(key, content_id)
        with self._lock:
            self._is_asked = True
            if stored is None:
                self._content_id, self._key = content_id, key
                for first, rows, made_from in self._unsaved:
                    self._save(first, rows, made_from)
            self._unsaved.clear()
        return stored

    def note_opened(self) -> None:
        """Look at the file once it is open: the watch remembers what it sees."""
        self._watch.is_unchanged()

    def confirm_content(self) -> tuple[str | None, tuple[Notice, ...]]:
        """Return the hash of what was read, or that the file was changed meanwhile.

        The hash stands for the content that was tagged, or for none.
        """
        # Without the lock: the file may be hashed again, and this thread alone sets the content id.
        if self._content_id is None or self._watch.had_content(self._content_id):
            return self._content_id, ()
        message = f"'{self._name}' was changed or moved while it was read: the result may be of "
        message += "both contents, and its scores are not kept. Tag it again once it is complete."
        return None, (Notice(code="file_changed", message=message),)

    @property
    def content_id(self) -> str | None:
        """The file's hash, if it was found out and is still true by the file's times."""
        with self._lock:
            return self._content_id if self._watch.is_unchanged() else None

    @property
    def is_stored(self) -> bool:
        """Whether what was scored is found again by a later run."""
        with self._lock:
            return self._key is not None

    def rows(
        self,
        windows: Sequence[Window],
        run: Callable[[Sequence[Window]], npt.NDArray[np.float32]],
    ) -> tuple[npt.NDArray[np.float32], bool]:
        """Take what an interrupted run left of a batch of windows, or run the model and keep that.

        The look at the file comes after the pictures were read from it. Where its times don't
        show a change, the stored rows are still not taken for other pictures: they name those
        that they were made from.

        Args:
            windows: The next ones.
            run: Runs the model on them: `(num_windows, row_size)` float32.

        Returns:
            The rows, and whether they were stored ones.
        """
        if self._store is None:
            return run(windows), False
        first = len(self._made_from)
        made_from = self._digest(windows)
        self._made_from += [made_from] * len(windows)
        known = self._known(first, len(windows), made_from)
        if known is not None:
            return known, True
        rows = run(windows)
        with self._lock:
            if self._is_asked:
                self._save(first, rows, made_from)
            else:
                self._unsaved.append((first, rows, made_from))
        return rows, False

    def finish(self, read: ReadResult, bounds: Sequence[tuple[Fraction, Fraction]]) -> None:
        """Note that all windows of a video are stored.

        Args:
            read: What reading it told. A file that changed while it was read has no content id,
                and is not noted.
            bounds: Start and end of each window.
        """
        if self._store is not None and self._key is not None and read.content_id is not None:
            self._store.finish(self._key, _to_record(read, bounds, _sum_up(self._made_from)))

    def _make_key(self, content_id: str | None) -> str | None:
        """Make the key of stored scores; `None` where there can't be any."""
        if self._store is None or content_id is None:
            return None
        facts = self._facts(os.path.splitext(self._name)[1].lower())
        return None if facts is None else make_key(content_id, facts)

    def _finished_run(self, key: str, content_id: str | None) -> ReadResult | None:
        assert self._store is not None  # else there was no key
        record = self._store.record(key)
        if record is None:
            return None
        try:
            plain = json.loads(record)
            bounds = tuple((Fraction(start), Fraction(end)) for start, end in plain["windows"])
            info = plain["info"]
            info["duration_seconds"] = Fraction(info["duration_seconds"])
            # The same content may have had another name then, also in what was said of it.
            before, info["path"] = str(info["path"]), self._name
            rows = self._store.rows(key, first=0, count=len(bounds), row_size=self._row_size)
            if not rows or _sum_up([row.made_from for row in rows]) != plain["made_from"]:
                return None
            found = ReadResult(
                info=VideoInfo(**info),
                notices=tuple(
                    Notice(
                        code=notice["code"],
                        message=notice["message"].replace(f"'{before}'", f"'{self._name}'"),
                    )
                    for notice in plain["notices"]
                ),
                end_seconds=Fraction(plain["end_seconds"]),
                content_id=content_id,
                decode_seconds=0.0,
                stored=StoredScores(bounds=bounds, rows=np.stack([row.values for row in rows])),
            )
        except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError):
            return None  # of another vidtag; this run writes its own
        self._store.note_use(key)
        return found

    def _known(self, first: int, count: int, made_from: bytes) -> npt.NDArray[np.float32] | None:
        with self._lock:
            key = self._key
        if self._store is None or key is None:
            return None
        rows = self._store.rows(key, first=first, count=count, row_size=self._row_size)
        if rows is None or any(row.made_from != made_from for row in rows):
            return None
        return np.stack([row.values for row in rows])

    def _save(self, first: int, rows: npt.NDArray[np.float32], made_from: bytes) -> None:
        """Store the scores of a batch, unless its file has changed."""
        if self._store is not None and self._key is not None and self._watch.is_unchanged():
            self._store.save(self._key, first, rows, made_from=made_from)

    def _digest(self, windows: Sequence[Window]) -> bytes:
        """Digest the pictures of a batch; each is shared by windows, and hashed once."""
        known, self._pictures = self._pictures, {}
        whole = hashlib.sha256()
        for window in windows:
            for picture in window.clip:
                kept = known.get(id(picture)) or self._pictures.get(id(picture))
                if kept is None:
                    shape = f"{picture.shape} {picture.dtype}".encode()
                    pixels = hashlib.sha256(np.ascontiguousarray(picture).data)
                    kept = picture, shape + pixels.digest()
                self._pictures[id(picture)] = kept  # with the picture, so that the id stays its own
                whole.update(kept[1])
        return whole.digest()


class _Hashing:
    """A file's content id, found out in a thread of its own."""

    def __init__(self, hash_content: Callable[[], str | None]) -> None:
        self._hash_content = hash_content
        self._content_id: str | None = None
        # A daemon: nobody waits for the hash of a video that was given up.
        self._thread = threading.Thread(target=self._run, name="vidtag-hash", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self._content_id = self._hash_content()

    @property
    def is_done(self) -> bool:
        """Whether `result` does not wait."""
        return not self._thread.is_alive()

    def result(self) -> str | None:
        """Return the content id; `None` where the file can't be read."""
        self._thread.join()
        return self._content_id


def _start_hashing(source: Source, store: ScoreStore | None) -> _Hashing | None:
    """Start to find out a file's content id; wait for it if that takes no time.

    The first windows of a large file need not wait for the hash of all of it.
    """
    if isinstance(source, bytes):
        hashing = _Hashing(lambda: hash_bytes(source))
        hashing.result()
        return hashing
    if not isinstance(source, str) or source == "-" or not os.path.isfile(source):
        return None
    if store is None:
        return _Hashing(lambda: _hash_or_none(source))
    hashing = _Hashing(lambda: store.content_id(source))
    if store.is_remembered(source) or _is_small(source):
        hashing.result()
    return hashing


def _is_small(path: str) -> bool:
    try:
        return os.path.getsize(path) <= HASHED_FIRST_BYTES
    except OSError:
        return True  # opening it will say why


def _hash_or_none(path: str) -> str | None:
    try:
        return hash_file(path)
    except OSError:
        return None  # opening it will say why


def _sum_up(digests: Sequence[bytes]) -> str:
    """Sum up what the rows of a run were made from, one digest per window."""
    return hashlib.sha256(b"".join(digests)).hexdigest()


def _to_record(
    read: ReadResult, bounds: Sequence[tuple[Fraction, Fraction]], made_from: str
) -> str:
    """Write down for a later run what reading told, besides the rows."""
    plain: dict[str, Any] = {
        "info": {**asdict(read.info), "duration_seconds": str(read.info.duration_seconds)},
        "notices": [asdict(notice) for notice in read.notices],
        "end_seconds": str(read.end_seconds),
        "windows": [[str(start), str(end)] for start, end in bounds],
        "made_from": made_from,
    }
    return json.dumps(plain)
