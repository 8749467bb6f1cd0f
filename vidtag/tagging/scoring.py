"""The scoring half of the pipeline: one video's windows in, steps and a document out.

Runs in the caller's thread: batches windows, runs the model or takes stored scores, and puts
together what is said of the video.
"""

import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from vidtag.cache.scores import ScoreStore
from vidtag.clips.grid import Grid
from vidtag.clips.windows import Window
from vidtag.documents.records import (
    SCHEMA_VERSION,
    Document,
    EngineRecord,
    ModelRecord,
    SamplingRecord,
    SegmentRecord,
    SettingsRecord,
    StepRecord,
    TagRecord,
    TimingRecord,
    VideoRecord,
    WarningRecord,
    round_score,
    summarise,
)
from vidtag.errors import ModelError, VidtagError
from vidtag.models.classifier import Classifier, check_logits
from vidtag.models.refusals import shortened
from vidtag.seconds import format_seconds, round_seconds
from vidtag.tagging.reading import (
    Clock,
    Failed,
    Keyed,
    Opened,
    ReadResult,
    StoredRun,
    VideoEvent,
    WindowRead,
    made_from_all,
)
from vidtag.tagging.settings import Settings
from vidtag.text import encodable
from vidtag.timeline.scores import Scores, Tag, top_tags
from vidtag.timeline.segments import find_segments
from vidtag.timeline.steps import Step, TimelineBuilder
from vidtag.version import __version__
from vidtag.video.frames import Notice


def _grid_notices(path: str, settings: Settings, grid: Grid, end: Fraction) -> list[Notice]:
    notices = []
    window, stride = float(grid.window_seconds), float(grid.stride_seconds)
    asked = settings.stride_seconds
    if asked is not None and asked != grid.stride_seconds:
        message = f"A stride of {stride:.6g} s was used instead of {float(asked):.6g} s: it is a "
        message += f"whole number of sampling intervals of {float(grid.interval_seconds):.6g} s."
        notices.append(Notice(code="stride_rounded", message=message))
    if grid.stride_seconds > grid.window_seconds:
        message = f"Windows of {window:.6g} s start every {stride:.6g} s: "
        message += f"{1 - window / stride:.0%} of the time is not seen."
        notices.append(Notice(code="stride_beyond_window", message=message))
    duration = end - grid.start_seconds
    if duration < grid.window_seconds:
        message = f"'{path}' has only {float(duration):.3f} s to tag; one window spans all of it, "
        message += f"instead of {window:.6g} s."
        notices.append(Notice(code="shorter_than_window", message=message))
    return notices


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTags:
    """One row of the timeline as soon as it is known."""

    start_seconds: Fraction
    """Start of the half-open interval."""

    end_seconds: Fraction
    """End of the half-open interval."""

    tags: tuple[Tag, ...]
    """The best labels, best first."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """What every video of a tagger is run with."""

    classifier: Classifier
    labels: Sequence[str]
    grid: Grid
    settings: Settings
    store: ScoreStore | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Scored:
    """What the model made of a batch."""

    first: int
    """Number of its first window."""

    logits: npt.NDArray[np.float32]
    """`(num_windows, num_labels)` float32."""

    made_from: bytes
    """Digest of its pictures."""


class Run:
    """One video's way from windows to its document; lives in the caller's thread."""

    def __init__(self, plan: Plan, name: str) -> None:
        self.expected_seconds: Fraction | None = None
        self.is_stored = False
        """Whether what was scored is found again by a later run."""
        self.stopped_seconds: Fraction | None = None
        """Where it was stopped before its end, in the time of the video."""
        self._declared_seconds: Fraction | None = None
        self._seen: WindowRead | None = None
        self._plan = plan
        self._name = name
        self._grid = plan.grid
        self._builder = TimelineBuilder(
            stride_seconds=self._grid.stride_seconds,
            average=plan.settings.average,
            is_sparse=self._grid.stride_seconds > self._grid.window_seconds,
            start_seconds=self._grid.start_seconds,
        )
        self._keyed: Keyed | None = None
        self._unsaved: list[_Scored] = []
        self._digests: dict[int, tuple[npt.NDArray[np.uint8], bytes]] = {}
        self._made_from: list[bytes] = []
        self._waiting: list[WindowRead] = []
        self._bounds: list[tuple[Fraction, Fraction]] = []
        self._steps: list[Step] = []
        self._read: ReadResult | None = None
        self._num_scored = 0
        self._model_clock = Clock()
        self._clock = Clock()

    def steps(self, events: Iterator[VideoEvent]) -> Iterator[Step]:
        """Turn the events of one video into its steps, each as soon as it is final.

        Where the events end before the video does, the steps end with the last scored window.
        """
        began = time.perf_counter()
        for event in events:
            steps: Iterable[Step] = ()
            if isinstance(event, Failed):
                raise event.error
            if isinstance(event, Opened):
                self._open(event)
            elif isinstance(event, Keyed):
                self._set_key(event)
            elif isinstance(event, WindowRead):
                if not self._waiting:  # before the model runs: what came before is known
                    yield from self._kept(self._builder.reach(event.window.start_seconds))
                self._waiting.append(event)
                if len(self._waiting) == self._plan.classifier.info.batch_size:
                    steps = self._score()
            elif isinstance(event, StoredRun):
                steps = self._replay(event)
            elif isinstance(event, ReadResult):
                steps = [*self._score(), *self._finish(event)]
            self._clock.seconds = time.perf_counter() - began
            yield from self._kept(steps)
        if self._read is None and self._seen is not None:
            yield from self._kept(self._stop_behind(self._seen))

    @property
    def is_known(self) -> bool:
        """Whether a document can be made, now or once the steps were taken."""
        return self._read is not None or self._seen is not None

    def _kept(self, steps: Iterable[Step]) -> Iterator[Step]:
        for step in steps:
            self._steps.append(step)
            yield step

    def tags_of(self, step: Step) -> StepTags:
        """Return a step with its best labels alone."""
        return StepTags(
            start_seconds=step.start_seconds,
            end_seconds=step.end_seconds,
            tags=self._top(step.scores),
        )

    def _top(self, scores: Scores) -> tuple[Tag, ...]:
        return top_tags(scores, self._plan.labels, self._plan.settings.top_k)

    def _open(self, opened: Opened) -> None:
        read = self._plan.settings.read
        ends = [end for end in (opened.declared_seconds, read.end) if end is not None]
        self._declared_seconds = opened.declared_seconds
        if ends:
            self.expected_seconds = max(min(ends) - read.start, Fraction(0))
        if opened.keyed is not None:
            self._set_key(opened.keyed)

    def _set_key(self, keyed: Keyed) -> None:
        """Store what was scored so far."""
        self._keyed = keyed
        self.is_stored = self._plan.store is not None and keyed.key is not None
        for batch in self._unsaved:
            self._save(batch)
        self._unsaved.clear()

    def _save(self, batch: "_Scored") -> None:
        """Store the scores of a batch, unless its file has changed.

        The look at the file comes after the pictures were read from it. Where its times don't
        show a change, the stored rows are still not taken for other pictures: they name those
        that they were made from.
        """
        store, keyed = self._plan.store, self._keyed
        if store is None:
            return
        if keyed is None:
            self._unsaved.append(batch)
        elif keyed.key is not None and keyed.watch.is_unchanged():
            store.save(keyed.key, batch.first, batch.logits, made_from=batch.made_from)

    def _recall(self, first: int, count: int, made_from: bytes) -> npt.NDArray[np.float32] | None:
        """Take what an interrupted run left of the same pictures."""
        store, keyed = self._plan.store, self._keyed
        if store is None or keyed is None or keyed.key is None:
            return None
        num_labels = len(self._plan.labels)
        rows = store.rows(keyed.key, first=first, count=count, num_labels=num_labels)
        if rows is None or any(row.made_from != made_from for row in rows):
            return None
        return np.stack([row.logits for row in rows])

    def _digest(self, windows: Sequence[Window]) -> bytes:
        """Digest the pictures of a batch; each is shared by windows, and hashed once."""
        known, self._digests = self._digests, {}
        whole = hashlib.sha256()
        for window in windows:
            for picture in window.clip:
                kept = known.get(id(picture)) or self._digests.get(id(picture))
                if kept is None:
                    shape = f"{picture.shape} {picture.dtype}".encode()
                    pixels = hashlib.sha256(np.ascontiguousarray(picture).data)
                    kept = picture, shape + pixels.digest()
                self._digests[id(picture)] = kept  # with the picture, so that the id stays its own
                whole.update(kept[1])
        return whole.digest()

    def _score(self) -> list[Step]:
        """Score the waiting windows.

        Batches always begin at the same windows, so that a resumed run gives the same bits.
        """
        if not self._waiting:
            return []
        self._seen = self._waiting[-1]
        windows = [one.window for one in self._waiting]
        self._waiting = []
        first = len(self._bounds)
        made_from = b"" if self._plan.store is None else self._digest(windows)
        logits = self._recall(first, len(windows), made_from)
        if logits is None:
            logits = self._run_model(windows)
            self._num_scored += len(windows)
            self._save(_Scored(first=first, logits=logits, made_from=made_from))
        self._made_from += [made_from] * len(windows)
        steps = []
        for window, row in zip(windows, logits, strict=True):
            self._bounds.append((window.start_seconds, window.end_seconds))
            steps += self._builder.add(window.start_seconds, window.end_seconds, row)
        return steps

    def _run_model(self, windows: Sequence[Window]) -> npt.NDArray[np.float32]:
        plan = self._plan
        model_id = plan.classifier.info.model_id
        try:
            pictures = np.stack([picture for window in windows for picture in window.clip])
            clips = pictures.reshape(len(windows), -1, *pictures.shape[1:])
            with self._model_clock:
                logits = np.asarray(plan.classifier.logits(clips), dtype=np.float32)
        except VidtagError:
            raise
        # Also a model that somebody brought along may fail in any way.
        except Exception as exc:
            raise ModelError(
                model_id,
                "model_failed",
                f"The model '{model_id}' failed ({type(exc).__name__}: {shortened(exc)}); "
                "try another --model.",
            ) from exc
        expected = (len(windows), len(plan.labels))
        return check_logits(logits, expected, plan.classifier.info)

    def _finish(self, read: ReadResult) -> list[Step]:
        self._read = read
        store, keyed = self._plan.store, self._keyed
        # A file that changed while it was read has no content id.
        if store is not None and keyed is not None and keyed.key and read.content_id is not None:
            store.finish(keyed.key, read.to_record(self._bounds, made_from_all(self._made_from)))
        return self._builder.finish(read.end_seconds)

    def _stop_behind(self, seen: WindowRead) -> list[Step]:
        """Finish as if the video ended with a window that was scored."""
        self._waiting.clear()
        end = seen.window.end_seconds
        if seen.info.duration_seconds <= end - self._grid.interval_seconds / 2:
            end = seen.info.duration_seconds  # it was the last one, in which a frame is held
        if self._plan.settings.read.end is not None:
            end = min(end, self._plan.settings.read.end)
        if self._steps:  # windows far apart: up to the next one, it was known what holds
            end = max(end, self._steps[-1].end_seconds)
        path, declared = seen.info.path, self._declared_seconds
        notices = [*seen.notices]
        if declared is not None:
            message = f"'{path}' was not read to its end; the duration is the declared one."
            notices.append(Notice(code="duration_declared", message=message))
        message = f"'{path}' was stopped at {format_seconds(end)}; the result ends there."
        notices.append(Notice(code="stopped", message=message))
        self.stopped_seconds = end
        self._read = ReadResult(
            info=replace(
                seen.info, duration_seconds=max(declared or end, seen.info.duration_seconds, end)
            ),
            notices=tuple(notices),
            end_seconds=end,
            content_id=self._content_id(),
            decode_seconds=seen.decode_seconds,
        )
        return self._builder.finish(end)

    def _content_id(self) -> str | None:
        """Return the file's content id, if it was found out and is still true."""
        keyed = self._keyed
        return keyed.content_id if keyed is not None and keyed.watch.is_unchanged() else None

    def _replay(self, stored: StoredRun) -> list[Step]:
        self._read = stored.read
        self._waiting.clear()  # they are among the stored ones
        steps = []
        num_scored = len(self._bounds)
        windows, logits = stored.windows[num_scored:], stored.logits[num_scored:]
        for (start, end), row in zip(windows, logits, strict=True):
            self._bounds.append((start, end))
            steps += self._builder.add(start, end, row)
        return steps + self._builder.finish(stored.read.end_seconds)

    def document(self) -> Document:
        """Make the result of a video whose steps were all taken."""
        if self._read is None:
            raise ValueError(f"'{self._name}' failed, or was stopped before anything was known")
        settings, grid = self._plan.settings, self._grid
        info, read = self._plan.classifier.info, self._read
        notices = (
            *info.notes,
            *read.notices,
            *_grid_notices(read.info.path, settings, grid, read.end_seconds),
        )
        sampling = SamplingRecord(
            window_seconds=round_seconds(grid.window_seconds),
            stride_seconds=round_seconds(grid.stride_seconds),
            num_windows=self._builder.num_windows,
            average=settings.average,
            start_seconds=round_seconds(grid.start_seconds),
            end_seconds=round_seconds(read.end_seconds),
        )
        segments = self._segment_records()
        return Document(
            schema_version=SCHEMA_VERSION,
            vidtag_version=__version__,
            video=_video_record(read),
            model=ModelRecord(
                id=info.model_id,
                revision=info.revision,
                num_labels=len(self._plan.labels),
                num_frames=info.num_frames,
                image_size=info.image_size,
                licence=info.licence,
            ),
            sampling=sampling,
            settings=SettingsRecord(
                top_k=settings.top_k,
                min_score=settings.rule.min_score,
                min_duration_seconds=round_seconds(settings.rule.min_duration_seconds),
                merge_gap_seconds=round_seconds(settings.rule.merge_gap_seconds),
            ),
            engine=EngineRecord(name=info.engine, device=info.device, precision=info.precision),
            tags=_tag_records(self._top(self._builder.video_scores())),
            summary=summarise(segments, sampling),
            segments=segments,
            timeline=tuple(
                StepRecord(
                    start_seconds=round_seconds(step.start_seconds),
                    end_seconds=round_seconds(step.end_seconds),
                    tags=_tag_records(self._top(step.scores)),
                )
                for step in self._steps
            ),
            warnings=tuple(WarningRecord(code=n.code, message=n.message) for n in notices),
            timing=self._timing(read),
        )

    def _segment_records(self) -> tuple[SegmentRecord, ...]:
        return tuple(
            SegmentRecord(
                start_seconds=round_seconds(segment.start_seconds),
                end_seconds=round_seconds(segment.end_seconds),
                label=self._plan.labels[segment.index],
                index=segment.index,
                score=round_score(segment.score),
                peak_score=round_score(segment.peak_score),
                peak_seconds=round_seconds(segment.peak_seconds),
            )
            for segment in find_segments(self._steps, self._plan.settings.rule)
        )

    def _timing(self, read: ReadResult) -> TimingRecord:
        tagged = float(read.end_seconds - self._grid.start_seconds)
        return TimingRecord(
            total_seconds=round_seconds(self._clock.seconds),
            decode_seconds=round_seconds(read.decode_seconds),
            model_seconds=round_seconds(self._model_clock.seconds),
            realtime_factor=round(tagged / max(self._clock.seconds, 1e-3), 1),
            from_cache=self._num_scored == 0,
        )


def _video_record(read: ReadResult) -> VideoRecord:
    info = read.info
    return VideoRecord(
        path=encodable(info.path),
        size_bytes=info.size_bytes,
        container=info.container,
        codec=info.codec,
        width=info.width,
        height=info.height,
        rotation_degrees=info.rotation_degrees,
        frame_rate=None if info.frame_rate is None else round(info.frame_rate, 3),
        is_variable_frame_rate=info.is_variable_frame_rate,
        duration_seconds=round_seconds(info.duration_seconds),
        num_frames=info.num_frames,
        num_failed_packets=info.num_failed_packets,
        content_id=read.content_id,
    )


def _tag_records(tags: tuple[Tag, ...]) -> tuple[TagRecord, ...]:
    return tuple(
        TagRecord(label=tag.label, index=tag.index, score=round_score(tag.score)) for tag in tags
    )
