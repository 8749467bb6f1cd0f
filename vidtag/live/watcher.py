"""The scoring half: windows in, events out, as they happen."""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from vidtag.clips.windows import Window
from vidtag.documents.live import LiveEvent
from vidtag.documents.record import round_score
from vidtag.documents.records import SCHEMA_VERSION, Document
from vidtag.live.clock import to_utc
from vidtag.live.draining import Drain, Watched
from vidtag.live.keeping import Kept, Totals
from vidtag.live.mailbox import Begun, Ended, Failed, Mailbox, Odd, Ready
from vidtag.live.stretch import Stretch
from vidtag.seconds import format_seconds, round_seconds
from vidtag.tagging.document import grid_notices
from vidtag.tagging.scoring import Equipment
from vidtag.tagging.step_tags import StepTags, record_of, tags_of
from vidtag.tagging.tagger import Tagger
from vidtag.timeline.segments import Segment
from vidtag.timeline.steps import Step
from vidtag.version import __version__
from vidtag.video.frames import Notice, VideoInfo

END_SECONDS = 10.0
"""How long the reading thread gets to end, once nobody wants more of it."""

_BLANK = 240, 320
"""Height and width of the picture that the model is warmed up with."""

_NUM_TIMED = 20
"""Windows of which the usual time of the model is taken."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WatchSettings:
    """What is told of a source."""

    every_seconds: float | None = None
    """Also tell steps, one in so many seconds; 0 tells each."""

    indices: frozenset[int] | None = None
    """Only these labels' segments; all where `None`."""

    keep_seconds: float | None = None
    """Keep steps for a document, for so long; none where `None`."""


class Watcher:
    """Watches one source: iterate over `events`.

    Args:
        tagger: The model, and what is asked of its scores.
        watched: What is watched, and how.
        settings: What is told of it.
    """

    def __init__(self, tagger: Tagger, watched: Watched, settings: WatchSettings) -> None:
        self._tagger = tagger
        self._watched = watched
        self._settings = settings
        info = tagger.classifier.info
        self._is_batched = watched.pace == "as fast as possible"
        self._batch_size = info.batch_size if self._is_batched else 1
        self._mailbox = Mailbox(2 * info.batch_size if self._is_batched else None)
        self._drain = Drain(watched, self._mailbox)
        self._equipment = Equipment(
            classifier=tagger.classifier,
            labels=tagger.labels,
            grid=tagger.grid,
            settings=tagger.settings,
            store=None,
        )
        self._runner = self._equipment.runner()
        self._stretch: Stretch | None = None
        self._is_stopped = False
        self._num_scored = 0
        self._num_missed = 0
        self._num_lost = 0
        self._lost_seconds = 0.0
        self._model_seconds: deque[float] = deque(maxlen=_NUM_TIMED)
        self._notices: dict[str, Notice] = {}
        self._last: Ended | None = None
        self._info: VideoInfo | None = None
        self._name = watched.name
        self._end = Fraction(0)
        self._next_told = 0.0
        self._began = time.monotonic()
        self.latest: StepTags | None = None
        """The step that was known last, for a live view."""
        self.lag_seconds: float | None = None
        """From the end of the window that was scored last to its score."""
        self._kept: Kept | None = None
        if settings.keep_seconds is not None:
            self._kept = Kept(
                tagger.settings,
                info,
                tagger.labels,
                window_seconds=tagger.grid.window_seconds,
                stride_seconds=tagger.grid.stride_seconds,
                keep_seconds=settings.keep_seconds,
            )

    @property
    def skipped_windows(self) -> int:
        """Windows that were not scored, since newer ones were there."""
        return self._mailbox.num_skipped

    @property
    def window_seconds(self) -> float | None:
        """How long the model takes for a window, as a rule; `None` before it took a few."""
        if len(self._model_seconds) < 3:
            return None
        return float(np.median(self._model_seconds))

    @property
    def has_begun(self) -> bool:
        """Whether a picture came."""
        return self._stretch is not None

    def stop(self) -> None:
        """End soon, as if the source ended with the last scored window; safe in a handler."""
        self._is_stopped = True
        self._drain.stop()

    def warm_up(self) -> None:
        """Run the model once on nothing, so that the first window does not wait for it.

        Raises:
            ModelError: It fails.
        """
        info = self._tagger.classifier.info
        picture = self._tagger.classifier.prepare(np.zeros((*_BLANK, 3), np.uint8))
        window = Window(
            start_seconds=Fraction(0),
            end_seconds=Fraction(1),
            frame_seconds=(Fraction(0),) * info.num_frames,
            clip=(picture,) * info.num_frames,
        )
        self._equipment.runner().rows([window])

    def events(self) -> Iterator[LiveEvent]:
        """Yield what happens, until the source is at its end or `stop` was called.

        Raises:
            VideoError: It can't be watched at all.
            ModelError: The model failed.
        """
        self._began = time.monotonic()
        self._drain.start()
        waiting: list[Ready] = []
        try:
            while (item := self._mailbox.take(lambda: self._is_stopped)) is not None:
                if isinstance(item, Ready):
                    waiting.append(item)
                    if len(waiting) == self._batch_size:
                        yield from self._score(waiting)
                        waiting = []
                    continue
                yield from self._score(waiting)
                waiting = []
                if isinstance(item, Failed):
                    raise item.error
                yield from self._take(item)
                if isinstance(item, Ended) and not item.is_lost:
                    yield self._stopped(item.code, item.message)
                    return
            yield from self._score(waiting)
            yield from self._stop_behind()
            yield self._stopped("stopped", "It was stopped.")
        finally:
            self.close()

    def close(self) -> None:
        """End the reading thread."""
        self.stop()
        if self._drain.ident is not None:
            self._drain.join(END_SECONDS)

    def moment(self, seconds: float) -> float:
        """Return the moment (of `time.monotonic`) at which a second of the stream was."""
        return time.monotonic() if self._stretch is None else self._stretch.clock.moment(seconds)

    def document(self) -> Document | None:
        """Return the document of what was seen in the last hours; `None` where nothing was."""
        if self._kept is None or not self._kept.is_known or self._info is None:
            return None
        notices = list(self._notices.values())
        if self._num_lost:
            message = f"'{self._name}' was lost {_times(self._num_lost)}; "
            message += f"{self._lost_seconds:.0f} s of it were not seen."
            notices.append(Notice(code="source_lost", message=message))
        if self.skipped_windows or self._num_missed:
            message = f"{self.skipped_windows} windows were skipped, since the model was late"
            if self._num_missed:
                message += f"; {self._num_missed} steps were not seen"
            notices.append(Notice(code="windows_skipped", message=f"{message}."))
        if self._last is None or self._last.is_lost:
            message = f"'{self._name}' was stopped at {format_seconds(self._end)}; "
            notices.append(Notice(code="stopped", message=f"{message}the result ends there."))
        return self._kept.document(
            Totals(
                info=replace(
                    self._info, duration_seconds=max(self._info.duration_seconds, self._end)
                ),
                end_seconds=self._end,
                seconds=time.monotonic() - self._began,
                model_seconds=self._runner.model_seconds,
                num_repeated=self._runner.num_repeated,
                notices=tuple(notices),
            )
        )

    # What the reader left

    def _take(self, item: Begun | Ended | Odd) -> Iterator[LiveEvent]:
        if isinstance(item, Begun):
            yield from self._begin(item)
        elif isinstance(item, Odd):
            yield self._event("notice", code=item.code, message=item.message)
        else:
            yield from self._end_with(item)

    def _begin(self, item: Begun) -> Iterator[LiveEvent]:
        is_first = self._stretch is None
        if not is_first:
            self._lost_seconds += float(item.start_seconds - self._end)
        self._last = None
        self._stretch = Stretch(self._equipment, item, is_timeless=self._is_batched)
        self._info, self._name = item.info, item.info.path
        if not is_first:
            yield self._event(
                "source_back",
                start_seconds=round_seconds(item.start_seconds),
                utc=self._stretch.utc(item.start_seconds),
            )
            return
        grid = self._tagger.grid
        yield self._event(
            "started",
            start_seconds=round_seconds(item.start_seconds),
            utc=self._stretch.utc(item.start_seconds),
            source=item.info.path,
            model=self._tagger.classifier.info.model_id,
            window_seconds=round_seconds(grid.window_seconds),
            stride_seconds=round_seconds(grid.stride_seconds),
            width=item.info.width,
            height=item.info.height,
            codec=item.info.codec,
            schema_version=SCHEMA_VERSION,
            vidtag_version=__version__,
        )
        for note in grid_notices(grid, self._tagger.settings):
            self._notices[note.code] = note
            yield self._event("notice", code=note.code, message=note.message)
        for note in self._tagger.classifier.info.notes:
            yield self._event("notice", code=note.code, message=note.message)

    def _score(self, items: list[Ready]) -> Iterator[LiveEvent]:
        """Score windows, and tell what became final by them."""
        if not items:
            return
        assert self._stretch is not None  # pictures came before their windows
        windows = [one.window for one in items]
        before = self._runner.model_seconds
        rows = self._runner.rows(windows)
        self._model_seconds.append((self._runner.model_seconds - before) / len(windows))
        logits = self._runner.logits(rows)
        still = self._runner.still_shares(rows)
        shares = [None] * len(items) if still is None else still.tolist()
        stretch = self._stretch
        self._num_scored += len(items)
        for item, row, share in zip(items, logits, shares, strict=True):
            window = item.window
            stretch.last_end = window.end_seconds
            self._info = item.info
            if self._kept is not None:
                self._kept.add_window(window.start_seconds, row, share)
            steps = stretch.builder.add(window.start_seconds, window.end_seconds, row, share)
            if item.next_start is not None:
                steps += stretch.builder.reach(item.next_start)
            self.lag_seconds = stretch.clock.lag(float(window.end_seconds))
            yield from self._follow(stretch, steps, window.end_seconds)

    def _follow(
        self, stretch: Stretch, steps: list[Step], told_by: Fraction
    ) -> Iterator[LiveEvent]:
        """Tell what steps opened and closed.

        Args:
            stretch: The connection that they are of.
            steps: In the order of time.
            told_by: The end of the window that made them final.
        """
        for step in steps:
            self._end = step.end_seconds
            if self._kept is not None:
                self._kept.add_step(step)
            self.latest = self._tags_of(step)
            changes = stretch.tracker.add(step)
            # What ends is told before what begins.
            for segment in changes.closed:
                yield from self._close(stretch, segment, told_by)
            for segment in changes.opened:
                if self._is_wanted(segment):
                    yield self._event(
                        "segment_open",
                        label=self._tagger.labels[segment.index],
                        index=segment.index,
                        score=round_score(segment.score),
                        start_seconds=round_seconds(segment.start_seconds),
                        utc=stretch.utc(segment.start_seconds),
                        lag_seconds=stretch.lag(told_by),
                    )
            yield from self._tell_step(stretch, step, told_by)

    def _close(self, stretch: Stretch, segment: Segment, told_by: Fraction) -> Iterator[LiveEvent]:
        if self._kept is not None:
            self._kept.add_segment(segment)
        if not self._is_wanted(segment):
            return
        yield self._event(
            "segment_close",
            label=self._tagger.labels[segment.index],
            index=segment.index,
            score=round_score(segment.score),
            peak_score=round_score(segment.peak_score),
            peak_seconds=round_seconds(segment.peak_seconds),
            start_seconds=round_seconds(segment.start_seconds),
            end_seconds=round_seconds(segment.end_seconds),
            utc=stretch.utc(segment.end_seconds),
            lag_seconds=stretch.lag(told_by),
        )

    def _tell_step(self, stretch: Stretch, step: Step, told_by: Fraction) -> Iterator[LiveEvent]:
        every = self._settings.every_seconds
        if every is None or float(step.start_seconds) < self._next_told:
            return
        self._next_told = float(step.start_seconds) + every
        record = record_of(self._tags_of(step))
        yield self._event(
            "step",
            start_seconds=record.start_seconds,
            end_seconds=record.end_seconds,
            tags=record.tags,
            background_score=record.background_score,
            utc=stretch.utc(step.end_seconds),
            lag_seconds=stretch.lag(told_by),
        )

    def _end_with(self, item: Ended) -> Iterator[LiveEvent]:
        """Close what is open where the source was lost, or is over."""
        assert self._stretch is not None  # pictures came before they ended
        stretch = self._stretch
        self._last = item
        self._info = item.info
        if stretch.last_end is not None:
            yield from self._finish(stretch, item.end_seconds)
        for notice in item.notices:
            if notice.code not in self._notices:
                self._notices[notice.code] = notice
                yield self._event("notice", code=notice.code, message=notice.message)
        if item.is_lost:
            self._num_lost += 1
            yield self._event(
                "source_lost",
                end_seconds=round_seconds(item.end_seconds),
                code=item.code,
                message=item.message,
            )

    def _stop_behind(self) -> Iterator[LiveEvent]:
        """Close what is open, as if the source ended with the last window that was scored."""
        stretch = self._stretch
        if stretch is None or self._last is not None or stretch.last_end is None:
            return
        yield from self._finish(stretch, stretch.last_end)

    def _finish(self, stretch: Stretch, end: Fraction) -> Iterator[LiveEvent]:
        yield from self._follow(stretch, stretch.builder.finish(end), end)
        self._num_missed += stretch.builder.num_missed_steps
        for segment in stretch.tracker.finish():
            yield from self._close(stretch, segment, end)

    def _stopped(self, code: str, message: str) -> LiveEvent:
        return self._event(
            "stopped",
            end_seconds=round_seconds(self._end),
            code=code,
            message=message,
            scored_windows=self._num_scored,
        )

    def _is_wanted(self, segment: Segment) -> bool:
        return self._settings.indices is None or segment.index in self._settings.indices

    def _tags_of(self, step: Step) -> StepTags:
        has_background = self._tagger.classifier.info.num_background > 0
        top_k = self._tagger.settings.top_k
        return tags_of(step, self._tagger.labels, top_k, has_background=has_background)

    def _event(self, event: str, *, utc: str | None = None, **fields: object) -> LiveEvent:
        return LiveEvent(
            event=event,  # type: ignore[arg-type]
            utc=utc or to_utc(time.time()),
            skipped_windows=self.skipped_windows,
            **fields,  # type: ignore[arg-type]
        )


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
