"""The scoring half of the pipeline: one video's windows in, steps and scores out.

Runs in the caller's thread: batches windows, runs the model or takes stored scores, and gives
each step as soon as it is final.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from vidtag.cache.scores import ScoreStore
from vidtag.cache.speeds import Speed, SpeedLog
from vidtag.clips.grid import Grid
from vidtag.documents.records import TimingRecord
from vidtag.models.classifier import Classifier
from vidtag.seconds import format_seconds, round_seconds
from vidtag.tagging.document import VideoScores
from vidtag.tagging.events import (
    Failed,
    Opened,
    ReadResult,
    StoredScores,
    VideoEvent,
    WindowRead,
)
from vidtag.tagging.recall import Recall
from vidtag.tagging.running import WindowRunner
from vidtag.tagging.settings import Settings
from vidtag.tagging.step_tags import StepTags, tags_of
from vidtag.timeline.steps import Step, TimelineBuilder
from vidtag.video.frames import Notice


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Equipment:
    """What every video of a tagger is scored with."""

    classifier: Classifier
    labels: tuple[str, ...]
    grid: Grid
    settings: Settings
    store: ScoreStore | None

    with_features: bool = False
    """Whether the model's features are kept beside its logits."""

    @property
    def stores_features(self) -> bool:
        """Whether what is stored of a window are features, of which logits of words are made."""
        return self.classifier.info.feature_size is not None

    def note_speed(self, runner: WindowRunner) -> None:
        """Note how fast the model ran, where scores are kept and others have the same model.

        That of a fast run hangs on how much stands still.
        """
        info = self.classifier.info
        if self.store is None or info.identity is None or info.is_fast or not runner.num_timed:
            return
        log = SpeedLog(self.store.path.parent)
        speed = Speed(
            engine=info.engine,
            device=info.device,
            precision=info.precision,
            windows_per_second=runner.num_timed / max(runner.timed_seconds, 1e-6),
            num_windows=runner.num_timed,
        )
        log.note(info.model_id, speed)
        log.close()

    def runner(self) -> WindowRunner:
        """Make what runs the model on one video."""
        return WindowRunner(self.classifier, len(self.labels), with_features=self.with_features)


class VideoScorer:
    """One video's way from windows to its scores; lives in the caller's thread."""

    def __init__(self, equipment: Equipment, name: str) -> None:
        self.expected_seconds: Fraction | None = None
        self.stopped_seconds: Fraction | None = None
        """Where it was stopped before its end, in the time of the video."""
        self._declared_seconds: Fraction | None = None
        self._seen: WindowRead | None = None
        self._equipment = equipment
        self._name = name
        self._grid = equipment.grid
        self._builder = TimelineBuilder(
            stride_seconds=self._grid.stride_seconds,
            window_seconds=self._grid.window_seconds,
            average=equipment.settings.average,
            start_seconds=self._grid.start_seconds,
            num_background=equipment.classifier.info.num_background,
        )
        self._runner = equipment.runner()
        self._recall: Recall | None = None
        self._waiting: list[WindowRead] = []
        self._bounds: list[tuple[Fraction, Fraction]] = []
        self._logits: list[npt.NDArray[np.float32]] = []
        self._still_shares: list[float] = []
        self._last_step_end: Fraction | None = None
        self._read: ReadResult | None = None
        self._num_scored = 0
        self._total_seconds = 0.0

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
            elif isinstance(event, WindowRead):
                if not self._waiting:  # before the model runs: what came before is known
                    yield from self._noted(self._builder.reach(event.window.start_seconds))
                self._waiting.append(event)
                if len(self._waiting) == self._equipment.classifier.info.batch_size:
                    steps = self._score()
            elif isinstance(event, ReadResult):
                steps = self._replay(event, event.stored) if event.stored else self._finish(event)
            self._total_seconds = time.perf_counter() - began
            yield from self._noted(steps)
        if self._read is None and self._seen is not None:
            yield from self._noted(self._stop_behind(self._seen))

    @property
    def is_known(self) -> bool:
        """Whether there are scores, now or once the steps were taken."""
        return self._read is not None or self._seen is not None

    @property
    def is_stored(self) -> bool:
        """Whether what was scored is found again by a later run."""
        return self._recall is not None and self._recall.is_stored

    def tags_of(self, step: Step) -> StepTags:
        """Return a step with its best labels alone."""
        equipment = self._equipment
        has_background = equipment.classifier.info.num_background > 0
        return tags_of(
            step, equipment.labels, equipment.settings.top_k, has_background=has_background
        )

    def scores(self) -> VideoScores:
        """Return the scores of a video whose steps were all taken."""
        if self._read is None:
            raise ValueError(f"'{self._name}' failed, or was stopped before anything was known")
        labels, grid = self._equipment.labels, self._grid
        return VideoScores(
            labels=labels,
            bounds=tuple(self._bounds),
            logits=np.concatenate(self._logits),
            num_background=self._equipment.classifier.info.num_background,
            features=np.concatenate(self._runner.features) if self._runner.features else None,
            still_shares=np.array(self._still_shares, np.float32) if self._still_shares else None,
            start_seconds=grid.start_seconds,
            end_seconds=self._read.end_seconds,
            window_seconds=grid.window_seconds,
            stride_seconds=grid.stride_seconds,
            interval_seconds=grid.interval_seconds,
            read=self._read,
            model=self._equipment.classifier.info,
            timing=self._timing(self._read),
        )

    def _noted(self, steps: Iterable[Step]) -> Iterator[Step]:
        for step in steps:
            self._last_step_end = step.end_seconds
            yield step

    def _open(self, opened: Opened) -> None:
        read = self._equipment.settings.read
        ends = [end for end in (opened.declared_seconds, read.end) if end is not None]
        self._declared_seconds = opened.declared_seconds
        self._recall = opened.recall
        if ends:
            self.expected_seconds = max(min(ends) - read.start, Fraction(0))

    def _score(self) -> list[Step]:
        """Score the waiting windows."""
        if not self._waiting:
            return []
        assert self._recall is not None  # the video was opened before its windows came
        self._seen = self._waiting[-1]
        windows = [one.window for one in self._waiting]
        self._waiting = []
        rows, were_stored = self._recall.rows(windows, self._runner.rows)
        if were_stored:
            self._runner.note_known(windows, rows)
        else:
            self._num_scored += len(windows)
        return self._take([(one.start_seconds, one.end_seconds) for one in windows], rows)

    def _take(
        self, bounds: Sequence[tuple[Fraction, Fraction]], rows: npt.NDArray[np.float32]
    ) -> list[Step]:
        """Make steps of a batch of windows, of which there are logits or features."""
        logits, still = self._runner.logits(rows), self._runner.still_shares(rows)
        self._bounds += bounds
        self._logits.append(logits)
        steps: list[Step] = []
        shares = [None] * len(bounds) if still is None else still.tolist()
        self._still_shares += [share for share in shares if share is not None]
        for (start, end), row, share in zip(bounds, logits, shares, strict=True):
            steps += self._builder.add(start, end, row, share)
        return steps

    def _finish(self, read: ReadResult) -> list[Step]:
        steps = self._score()
        self._read = read
        if self._recall is not None:
            self._recall.finish(read, self._bounds)
        self._equipment.note_speed(self._runner)
        return [*steps, *self._builder.finish(read.end_seconds)]

    def _replay(self, read: ReadResult, stored: StoredScores) -> list[Step]:
        """Take the rest from a finished run; what waits is among it."""
        self._read = read
        self._waiting.clear()
        first = len(self._bounds)
        steps: list[Step] = []
        if first < len(stored.bounds):
            steps = self._take(stored.bounds[first:], stored.rows[first:])
        return steps + self._builder.finish(read.end_seconds)

    def _stop_behind(self, seen: WindowRead) -> list[Step]:
        """Finish as if the video ended with a window that was scored."""
        self._waiting.clear()
        end = seen.window.end_seconds
        if seen.info.duration_seconds <= end - self._grid.interval_seconds / 2:
            end = seen.info.duration_seconds  # it was the last one, in which a frame is held
        if self._equipment.settings.read.end is not None:
            end = min(end, self._equipment.settings.read.end)
        if self._last_step_end is not None:
            # Windows far apart: up to the next one, it was known what holds.
            end = max(end, self._last_step_end)
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
            content_id=None if self._recall is None else self._recall.content_id,
            decode_seconds=seen.decode_seconds,
        )
        return self._builder.finish(end)

    def _timing(self, read: ReadResult) -> TimingRecord:
        tagged = float(read.end_seconds - self._grid.start_seconds)
        return TimingRecord(
            total_seconds=round_seconds(self._total_seconds),
            decode_seconds=round_seconds(read.decode_seconds),
            model_seconds=round_seconds(self._runner.model_seconds),
            realtime_factor=round(tagged / max(self._total_seconds, 1e-3), 1),
            from_cache=self._num_scored == 0,
            num_repeated_windows=self._runner.num_repeated,
        )
