"""The reading half of the pipeline: inputs in, windows out, in the order of the inputs.

Runs in its own thread. Opens, decodes, prepares; answers from the store where a video was
tagged before; turns whatever goes wrong with one input into an event, so that the next one
goes on.
"""

import functools
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from vidtag.cache.contents import REHASHED_BYTES, Unwatched, Watch, hash_bytes, hash_file
from vidtag.cache.scores import ScoreStore, make_key
from vidtag.clips.grid import Grid
from vidtag.clips.preparing import PREPARATION_VERSION
from vidtag.clips.windows import Window, slide
from vidtag.errors import EmptyVideoError, VideoError, VidtagError
from vidtag.models.classifier import Classifier
from vidtag.version import __version__
from vidtag.video.frames import Notice, VideoInfo
from vidtag.video.given import Pictures, PicturesReader, Source, shown_name
from vidtag.video.options import Part

if TYPE_CHECKING:
    from vidtag.video import Video


HASHED_FIRST_BYTES = REHASHED_BYTES
"""A file up to this size is hashed before it is read, so that stored scores answer without any
decoding."""


class Clock:
    """Adds up the time spent in a block or in an iterator, not what happens in between."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._since = 0.0

    def __enter__(self) -> None:
        self._since = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._since

    def time(self, items: Iterator[Window]) -> Iterator[Window]:
        """Yield the items, and time how long each took to come."""
        while True:
            with self:
                item = next(items, None)
            if item is None:
                return
            yield item


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One input of a batch."""

    source: Source
    """The input: by its name, or held by the program."""

    stop: Event = field(default_factory=Event)
    """Set by the consumer, who wants no more of it."""

    @property
    def name(self) -> str:
        """What it is called in results and messages."""
        return shown_name(self.source)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """The file was hashed."""

    key: str | None
    """Key of its stored scores; `None` where they can't be stored."""

    watch: Watch | Unwatched
    """Tells whether the file is still the one that was hashed."""
    content_id: str | None
    """Hash of its whole content; `None` where it can't be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A video was opened; its windows follow."""

    declared_seconds: Fraction | None
    """How long its header says that it is."""

    keyed: Keyed | None
    """`None` while a large file is hashed beside its first windows; then it comes among them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowRead:
    """A window came, and this is what was known of the video by then."""

    window: Window
    info: VideoInfo
    notices: tuple[Notice, ...]
    decode_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult:
    """What reading a video told, besides its windows; this is what a finished run stores."""

    info: VideoInfo
    notices: tuple[Notice, ...]
    end_seconds: Fraction
    content_id: str | None
    decode_seconds: float

    def to_record(self, windows: Sequence[tuple[Fraction, Fraction]], made_from: str) -> str:
        """Write it down for a later run.

        Args:
            windows: The bounds of its windows.
            made_from: What their stored rows have to be made from, as `made_from_all` says it.
        """
        plain: dict[str, Any] = {
            "info": {**asdict(self.info), "duration_seconds": str(self.info.duration_seconds)},
            "notices": [asdict(notice) for notice in self.notices],
            "end_seconds": str(self.end_seconds),
            "windows": [[str(start), str(end)] for start, end in windows],
            "made_from": made_from,
        }
        return json.dumps(plain)


def made_from_all(digests: Iterable[bytes]) -> str:
    """Sum up what the rows of a run were made from, one digest per window."""
    return hashlib.sha256(b"".join(digests)).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A finished run from the store."""

    read: ReadResult
    windows: list[tuple[Fraction, Fraction]]
    logits: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Nothing more comes of this video."""

    error: VidtagError
    """Why."""


class Stopped:
    """The consumer wanted no more of this video."""


VideoEvent = Opened | Keyed | WindowRead | ReadResult | StoredRun | Failed | Stopped

ONGOING = (Opened, Keyed, WindowRead)
"""Events after which more come of the same video; each other one is the last."""


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


class InternalError(VideoError):
    """vidtag itself failed on one input; the others can go on."""

    def __init__(self, path: str, cause: BaseException) -> None:
        super().__init__(
            path,
            "internal_error",
            f"{path}: vidtag failed on it ({type(cause).__name__}: {cause}). "
            "Please report this; VIDTAG_DEBUG=1 shows where.",
        )


class Reader:
    """Reads inputs into windows.

    Args:
        classifier: Prepares the frames, and is part of the key of stored scores.
        grid: Where windows start and where their samples lie.
        part: Which part of each video, and within which limits.
        store: Stored scores; `None` neither looks nor keeps.
    """

    def __init__(
        self, classifier: Classifier, grid: Grid, part: Part, store: ScoreStore | None
    ) -> None:
        self._classifier = classifier
        self._grid = grid
        self._part = part
        self._store = store

    def read(self, jobs: Iterable[Job]) -> Iterator[VideoEvent]:
        """Open, decode and prepare; runs in the reading thread."""
        for job in jobs:
            try:
                yield from self._read_one(job)
            except VidtagError as exc:
                yield Failed(error=exc)
            except Exception as exc:
                if os.environ.get("VIDTAG_DEBUG") == "1":
                    raise
                error = InternalError(job.name, exc)
                error.__cause__ = exc
                yield Failed(error=error)

    def _read_one(self, job: Job) -> Iterator[VideoEvent]:
        clock = Clock()
        name = job.name
        if job.stop.is_set():
            yield Stopped()
            return
        watch = _watch(job.source)  # before the file is hashed, and before it is opened
        hashing = self._start_hashing(job.source)
        content_id: str | None = None
        keyed: Keyed | None = None
        if hashing is None or hashing.is_done:
            content_id, answer = self._look_up(job.source, hashing, watch)
            hashing = None
            if isinstance(answer, StoredRun):
                yield answer
                return
            keyed = answer
        with clock:
            video = _open(job.source, self._part)
        watch.is_unchanged()  # it remembers what it sees
        with video:
            yield Opened(declared_seconds=video.declared_duration_seconds, keyed=keyed)
            num_windows = 0
            windows = slide(
                video.frames,
                self._grid,
                self._classifier.prepare,
                end=lambda: end_of_part(video, self._part),
                can_reread=video.can_reread,
            )
            for window in clock.time(windows):
                if job.stop.is_set():
                    yield Stopped()
                    return
                num_windows += 1
                yield WindowRead(
                    window=window,
                    info=video.info(),
                    notices=video.notices_so_far(),
                    decode_seconds=clock.seconds,
                )
                if hashing is not None and hashing.is_done:
                    content_id, answer = self._look_up(job.source, hashing, watch)
                    hashing = None
                    yield answer
                    if isinstance(answer, StoredRun):
                        return
            if not num_windows:
                raise EmptyVideoError(
                    name, "no_frames", f"{name}: no frame could be decoded. Is it complete?"
                )
            if hashing is not None:
                content_id, answer = self._look_up(job.source, hashing, watch)
                yield answer
                if isinstance(answer, StoredRun):
                    return
            notices = video.notices()
            if content_id is not None and not watch.had_content(content_id):
                # The hash stands for the content that was tagged, or for none.
                content_id, notices = None, (*notices, _file_changed(name))
            yield ReadResult(
                info=video.info(),
                notices=notices,
                end_seconds=end_of_part(video, self._part),
                content_id=content_id,
                decode_seconds=clock.seconds,
            )

    def _start_hashing(self, source: Source) -> _Hashing | None:
        """Start to find out a file's content id; wait for it if that takes no time.

        The first windows of a large file need not wait for the hash of all of it.
        """
        if isinstance(source, bytes):
            hashing = _Hashing(lambda: hash_bytes(source))
            hashing.result()
            return hashing
        if not isinstance(source, str) or source == "-" or not os.path.isfile(source):
            return None
        store = self._store
        if store is None:
            return _Hashing(lambda: _hash_or_none(source))
        hashing = _Hashing(lambda: store.content_id(source))
        if store.is_remembered(source) or _is_small(source):
            hashing.result()
        return hashing

    def _look_up(
        self, source: Source, hashing: _Hashing | None, watch: Watch | Unwatched
    ) -> tuple[str | None, Keyed | StoredRun]:
        """Return a file's content id, and the finished run that it leads to or just its key."""
        content_id = None if hashing is None else hashing.result()
        name = source if isinstance(source, str) else shown_name(source)
        key = self._key(name, content_id) if watch.is_unchanged() else None
        return content_id, self._stored(name, content_id, key) or Keyed(
            key=key, content_id=content_id, watch=watch
        )

    def _key(self, source: str, content_id: str | None) -> str | None:
        """Make the key of stored scores; `None` where there can't be any."""
        info = self._classifier.info
        if self._store is None or content_id is None or info.identity is None:
            return None
        read = self._part
        shaping = {
            "vidtag": __version__,
            **{name: _installed(name) for name in ("av", "numpy", "pillow", info.engine)},
            "suffix": os.path.splitext(source)[1].lower(),  # FFmpeg looks at it, too
            "model": info.identity,
            "engine": info.engine,
            "device": info.device.split(":")[0],
            "precision": info.precision,
            "batch_size": str(info.batch_size),
            "preparation": str(PREPARATION_VERSION),
            "grid": repr(self._grid),
            "part": f"{read.start} {read.end} {read.max_pixels}",
        }
        return make_key(content_id, shaping)

    def _stored(self, source: str, content_id: str | None, key: str | None) -> StoredRun | None:
        """Return a finished run from the store."""
        if self._store is None or key is None:
            return None
        record = self._store.record(key)
        if record is None:
            return None
        try:
            plain = json.loads(record)
            windows = [(Fraction(start), Fraction(end)) for start, end in plain["windows"]]
            info = plain["info"]
            info["duration_seconds"] = Fraction(info["duration_seconds"])
            info["path"] = source
            read = ReadResult(
                info=VideoInfo(**info),
                notices=tuple(Notice(**notice) for notice in plain["notices"]),
                end_seconds=Fraction(plain["end_seconds"]),
                content_id=content_id,
                decode_seconds=0.0,
            )
            made_from = plain["made_from"]
        except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError):
            return None  # of another vidtag; this run writes its own
        num_labels = len(self._classifier.labels)
        rows = self._store.rows(key, first=0, count=len(windows), num_labels=num_labels)
        if not rows or made_from_all(row.made_from for row in rows) != made_from:
            return None
        self._store.note_use(key)
        return StoredRun(read=read, windows=windows, logits=np.stack([r.logits for r in rows]))


def _file_changed(source: str) -> Notice:
    message = f"'{source}' was changed or moved while it was read: the result may be of both "
    message += "contents, and its scores are not kept. Tag it again once it is complete."
    return Notice(code="file_changed", message=message)


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


def _watch(source: Source) -> Watch | Unwatched:
    return Watch(source) if isinstance(source, str) else Unwatched()


def _open(source: Source, part: Part) -> "Video | PicturesReader":
    if isinstance(source, Pictures):
        return PicturesReader(source, part)
    from vidtag.video import Video  # PyAV is not needed where stored scores answer

    return Video(source, part)


def end_of_part(video: "Video | PicturesReader", read: Part) -> Fraction:
    """Return where the part that was read ends; the frames must have been read."""
    if read.end is None:
        return video.info().duration_seconds
    return min(read.end, video.info().duration_seconds) if video.reached_end else read.end


@functools.cache  # reading it takes 2 ms, and there may be thousands of videos
def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
