"""The document of what was seen, for the last hours: bounded, however long a source is watched."""

from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from vidtag.documents.record import round_score
from vidtag.documents.records import (
    Document,
    SamplingRecord,
    SegmentRecord,
    StepRecord,
    TimingRecord,
)
from vidtag.models.classifier import ClassifierInfo
from vidtag.seconds import format_seconds, round_seconds
from vidtag.tagging.document import Parts, compose, segment_record
from vidtag.tagging.events import ReadResult
from vidtag.tagging.settings import Settings
from vidtag.tagging.step_tags import record_of, tag_records, tags_of
from vidtag.timeline.scores import Scores, background_score, from_averaged, to_averaged, top_tags
from vidtag.timeline.segments import Segment
from vidtag.timeline.steps import Step
from vidtag.video.frames import Notice, VideoInfo

_CHUNK_SECONDS = 60
"""Windows are summed up in pieces of this length, so that old ones can be taken away again."""


@dataclass(slots=True, kw_only=True)
class _Chunk:
    """The windows that started within a piece of time."""

    number: int
    sum: Scores = field(default_factory=lambda: np.zeros(()))
    still: float = 0.0
    num_windows: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Totals:
    """What a document tells of the whole watch."""

    info: VideoInfo
    end_seconds: Fraction
    seconds: float
    model_seconds: float
    num_repeated: int
    notices: tuple[Notice, ...]


class Kept:
    """The steps and segments of the last hours.

    Args:
        settings: Tags, averaging and segments.
        model: What scores them.
        labels: Its labels.
        window_seconds: Length of a window.
        stride_seconds: Time between windows.
        keep_seconds: For how long steps are kept.
    """

    def __init__(
        self,
        settings: Settings,
        model: ClassifierInfo,
        labels: tuple[str, ...],
        *,
        window_seconds: Fraction,
        stride_seconds: Fraction,
        keep_seconds: float,
    ) -> None:
        self._settings = settings
        self._model = model
        self._labels = labels
        self._window_seconds = window_seconds
        self._stride_seconds = stride_seconds
        self._keep_seconds = keep_seconds
        self._steps: deque[StepRecord] = deque()
        self._segments: deque[SegmentRecord] = deque()
        self._chunks: deque[_Chunk] = deque()
        self._num_dropped = 0

    @property
    def is_known(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self._steps)

    def add_window(
        self, start: Fraction, logits: npt.NDArray[np.float32], still_share: float | None
    ) -> None:
        """Take a window that was scored."""
        number = int(start // _CHUNK_SECONDS)
        if not self._chunks or self._chunks[-1].number != number:
            self._chunks.append(_Chunk(number=number))
            while (number - self._chunks[0].number) * _CHUNK_SECONDS > self._keep_seconds:
                self._chunks.popleft()
        chunk = self._chunks[-1]
        chunk.sum = chunk.sum + to_averaged(logits, self._settings.average)
        chunk.still += still_share or 0.0
        chunk.num_windows += 1

    def add_step(self, step: Step) -> None:
        """Take a step, and drop what is older than is kept."""
        has_background = self._model.num_background > 0
        tags = tags_of(step, self._labels, self._settings.top_k, has_background=has_background)
        self._steps.append(record_of(tags))
        oldest = float(step.end_seconds) - self._keep_seconds
        while len(self._steps) > 1 and self._steps[0].start_seconds < oldest:
            self._steps.popleft()
            self._num_dropped += 1
        while self._segments and self._segments[0].end_seconds <= oldest:
            self._segments.popleft()

    def add_segment(self, segment: Segment) -> None:
        """Take a segment that is closed."""
        self._segments.append(segment_record(segment, self._labels))

    def document(self, totals: Totals) -> Document:
        """Put it into a document; there must be steps."""
        settings, start = self._settings, self._steps[0].start_seconds
        end = self._steps[-1].end_seconds
        num_windows = sum(chunk.num_windows for chunk in self._chunks)
        total: Scores = np.sum([chunk.sum for chunk in self._chunks], axis=0)
        scores = from_averaged(np.asarray(total / num_windows), settings.average)
        mean = scores[: len(scores) - self._model.num_background]
        notices = list(totals.notices)
        if self._num_dropped:
            hours = self._keep_seconds / 3600
            message = f"Of what was watched, the last {hours:g} h are here: from "
            message += f"{format_seconds(start)} on."
            notices.append(Notice(code="older_dropped", message=message))
        shares = None
        if self._model.is_fast:
            shares = round_score(sum(chunk.still for chunk in self._chunks) / num_windows)
        kept = [one for one in self._segments if one.end_seconds > start]
        parts = Parts(
            read=ReadResult(
                info=totals.info,
                notices=(),
                end_seconds=totals.end_seconds,
                content_id=None,
                decode_seconds=0.0,
            ),
            model=self._model,
            num_labels=len(self._labels),
            sampling=SamplingRecord(
                window_seconds=round_seconds(self._window_seconds),
                stride_seconds=round_seconds(self._stride_seconds),
                num_windows=num_windows,
                average=settings.average,
                start_seconds=start,
                end_seconds=end,
            ),
            tags=tag_records(top_tags(mean, self._labels, settings.top_k)),
            background_score=round_score(background_score(mean))
            if self._model.num_background
            else None,
            still_share=shares,
            segments=tuple(sorted(kept, key=lambda s: (s.start_seconds, -s.score, s.index))),
            timeline=tuple(self._steps),
            notices=tuple(notices),
            timing=TimingRecord(
                total_seconds=round(totals.seconds, 3),
                decode_seconds=0.0,
                model_seconds=round(totals.model_seconds, 3),
                realtime_factor=round((end - start) / max(totals.seconds, 1e-3), 1),
                from_cache=False,
                num_repeated_windows=totals.num_repeated,
            ),
        )
        return compose(parts, settings)
