"""The reading half of the pipeline: inputs in, windows out, in the order of the inputs.

Runs in its own thread. Opens, decodes, prepares; answers from the store where a video was
tagged before; turns whatever goes wrong with one input into an event, so that the next one
goes on.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from threading import Event

from vidtag.cache.scores import ScoreStore
from vidtag.clips.grid import Grid
from vidtag.clips.reading import open_part
from vidtag.errors import EmptyVideoError, VideoError, VidtagError
from vidtag.models.classifier import Classifier
from vidtag.tagging.events import Failed, Opened, ReadResult, Stopped, VideoEvent, WindowRead
from vidtag.tagging.recall import Recall
from vidtag.tagging.recipe import score_facts
from vidtag.video.given import Source, shown_name
from vidtag.video.options import Part


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
        row_size: How many numbers are stored of each window.
    """

    def __init__(
        self,
        classifier: Classifier,
        grid: Grid,
        part: Part,
        store: ScoreStore | None,
        row_size: int,
    ) -> None:
        self._row_size = row_size
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
        if job.stop.is_set():
            yield Stopped()
            return
        recall = Recall(job.source, self._store, self._facts, row_size=self._row_size)
        known = recall.look_up()
        if known is not None:
            yield known
            return
        with open_part(job.source, self._part, self._grid, self._classifier.prepare) as reading:
            recall.note_opened()
            yield Opened(declared_seconds=reading.declared_seconds, recall=recall)
            num_windows = 0
            for window in reading:
                if job.stop.is_set():
                    yield Stopped()
                    return
                num_windows += 1
                yield WindowRead(
                    window=window,
                    info=reading.info(),
                    notices=reading.notices(is_over=False),
                    decode_seconds=reading.decode_seconds,
                )
                known = recall.look_up()
                if known is not None:
                    yield known
                    return
            if not num_windows:
                raise EmptyVideoError(
                    job.name,
                    "no_frames",
                    f"{job.name}: no frame could be decoded. Is it complete?",
                )
            known = recall.look_up(wait=True)
            if known is not None:
                yield known
                return
            notices = reading.notices()
            content_id, changes = recall.confirm_content()
            yield ReadResult(
                info=reading.info(),
                notices=(*notices, *changes),
                end_seconds=reading.end_seconds,
                content_id=content_id,
                decode_seconds=reading.decode_seconds,
            )

    def _facts(self, suffix: str) -> dict[str, str] | None:
        return score_facts(self._classifier.info, self._grid, self._part, suffix=suffix)
