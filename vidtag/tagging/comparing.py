"""A shortcut against the exact run of the same video: what it changes, and what it saves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vidtag.documents.record import Record, round_score
from vidtag.documents.records import SegmentRecord
from vidtag.tagging.document import VideoScores, describe
from vidtag.tagging.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement(Record):
    """How far a shortcut and the exact run agree, on one video or on several."""

    path: str
    """The video, as the user named it; `all` for several."""

    num_steps: int
    """Steps of the timelines."""

    num_same_steps: int
    """Those whose best label is the same."""

    mean_change: float
    """Of a step's scores the one that changes most; its mean over the steps."""

    largest_change: float
    """The largest change of any score in any step."""

    num_segments: int
    """Segments of the exact run."""

    num_moved_segments: int
    """Those that begin or end at another time."""

    most_moved_seconds: float
    """How far the farthest of these moved."""

    num_lost_segments: int
    """Those that are not there any more."""

    num_new_segments: int
    """Those of the shortcut that were not there."""

    still_share: float | None
    """Of the patches, how many stood still and were not computed; `None` without --fast."""

    exact_model_seconds: float
    """Spent in the model by the exact run."""

    model_seconds: float
    """Spent in the model by the shortcut."""

    exact_seconds: float
    """From opening the video to the last step, in the exact run."""

    seconds: float
    """The same by the shortcut."""

    num_windows: int
    """Windows that were scored, by each of the two."""

    @property
    def same_share(self) -> float:
        """Share of the steps whose best label is the same."""
        return self.num_same_steps / self.num_steps

    @property
    def model_ratio(self) -> float:
        """How many times faster the model is."""
        return self.exact_model_seconds / max(self.model_seconds, 1e-9)

    @property
    def ratio(self) -> float:
        """How many times faster the run is."""
        return self.exact_seconds / max(self.seconds, 1e-9)


def compare_runs(exact: VideoScores, shortcut: VideoScores, settings: Settings) -> Agreement:
    """Compare two runs over the same windows of a video.

    Args:
        exact: Of the exact model.
        shortcut: Of the shortcut.
        settings: How windows are averaged, and what makes a segment.
    """
    if exact.bounds != shortcut.bounds:
        raise ValueError("the runs are of other windows")
    steps, _ = exact.timeline(settings.average)
    others, _ = shortcut.timeline(settings.average)
    changes = [
        float(np.abs(step.scores - other.scores).max())
        for step, other in zip(steps, others, strict=True)
    ]
    before, after = describe(exact, settings), describe(shortcut, settings)
    moved, lost, new = _match(before.segments, after.segments)
    return Agreement(
        path=before.video.path,
        num_steps=len(steps),
        num_same_steps=sum(
            step.tags[0].index == other.tags[0].index
            for step, other in zip(before.timeline, after.timeline, strict=True)
        ),
        mean_change=round_score(sum(changes) / len(changes)),
        largest_change=round_score(max(changes)),
        num_segments=len(before.segments),
        num_moved_segments=sum(seconds > 0 for seconds in moved),
        most_moved_seconds=max(moved, default=0.0),
        num_lost_segments=lost,
        num_new_segments=new,
        still_share=after.still_share,
        exact_model_seconds=before.timing.model_seconds,
        model_seconds=after.timing.model_seconds,
        exact_seconds=before.timing.total_seconds,
        seconds=after.timing.total_seconds,
        num_windows=len(exact),
    )


def _match(
    exact: Sequence[SegmentRecord], shortcut: Sequence[SegmentRecord]
) -> tuple[list[float], int, int]:
    """Pair the segments of a label that overlap most: seconds moved of each pair, lost, new."""
    left = list(shortcut)
    moved: list[float] = []
    for segment in exact:
        own = [other for other in left if other.index == segment.index]
        other = max(own, key=lambda other: _overlap(segment, other), default=None)
        if other is not None and _overlap(segment, other) > 0:
            left.remove(other)
            begin = abs(other.start_seconds - segment.start_seconds)
            moved.append(round(max(begin, abs(other.end_seconds - segment.end_seconds)), 3))
    return moved, len(exact) - len(moved), len(left)


def _overlap(one: SegmentRecord, other: SegmentRecord) -> float:
    start = max(one.start_seconds, other.start_seconds)
    return min(one.end_seconds, other.end_seconds) - start


def sum_up(videos: Sequence[Agreement]) -> Agreement:
    """Put several videos together: counts and times are sums, changes go by steps."""
    steps = sum(one.num_steps for one in videos)
    windows = sum(one.num_windows for one in videos)
    shares = [one.still_share for one in videos if one.still_share is not None]
    weighted = sum((one.still_share or 0.0) * one.num_windows for one in videos)
    return Agreement(
        path="all",
        num_steps=steps,
        num_same_steps=sum(one.num_same_steps for one in videos),
        mean_change=round_score(sum(one.mean_change * one.num_steps for one in videos) / steps),
        largest_change=max(one.largest_change for one in videos),
        num_segments=sum(one.num_segments for one in videos),
        num_moved_segments=sum(one.num_moved_segments for one in videos),
        most_moved_seconds=max(one.most_moved_seconds for one in videos),
        num_lost_segments=sum(one.num_lost_segments for one in videos),
        num_new_segments=sum(one.num_new_segments for one in videos),
        still_share=round_score(weighted / windows) if shares else None,
        exact_model_seconds=round(sum(one.exact_model_seconds for one in videos), 3),
        model_seconds=round(sum(one.model_seconds for one in videos), 3),
        exact_seconds=round(sum(one.exact_seconds for one in videos), 3),
        seconds=round(sum(one.seconds for one in videos), 3),
        num_windows=windows,
    )
