"""From window logits to the rows of a timeline, and to segments. Pure.

A step is one row: `[k * stride, (k + 1) * stride)`, the last one cut at the end. Its scores
come from the windows that cover its middle. A segment is a stretch in which one label holds.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from vidtag.arguments import take_number, take_seconds
from vidtag.scores import Average, Scores, average_windows, from_averaged, to_averaged


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """One row of the timeline, with the scores of all labels."""

    start_seconds: Fraction
    """Start of the half-open interval."""

    end_seconds: Fraction
    """End of the half-open interval."""

    scores: Scores
    """`(num_labels,)`."""

    @property
    def middle_seconds(self) -> Fraction:
        """The moment that the step stands for."""
        return (self.start_seconds + self.end_seconds) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch in which a label holds."""

    start_seconds: Fraction
    """Start of its first step."""

    end_seconds: Fraction
    """End of its last step."""

    index: int
    """The label's place in the logits."""

    score: float
    """Mean over all its steps, bridged ones too."""

    peak_score: float
    """Score of its best step."""

    peak_seconds: Fraction
    """Middle of its best step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRule:
    """When a label opens, holds and closes."""

    min_score: float = 0.3
    """A segment opens at a step that reaches it and holds down to half of it. At 0.3 a label may
    share a step with two others of its strength, as an action does with its near relatives
    among 400 labels, and still be found."""

    min_duration_seconds: Fraction = Fraction(0)
    """Shorter segments are dropped. None by default: a step is already a mean over windows."""

    merge_gap_seconds: Fraction = Fraction(1)
    """Gaps up to this are bridged: one step of the default stride."""

    def __post_init__(self) -> None:
        if not 0 < take_number(self, "min_score") <= 1:
            raise ValueError(f"min_score must be in (0, 1], not {self.min_score}")
        for name in ("min_duration_seconds", "merge_gap_seconds"):
            value = take_seconds(self, name)
            if value is not None and value < 0:
                raise ValueError(f"{name} must not be negative, not {value}")


HOLD_SHARE = 0.5
"""A segment holds down to this share of `min_score` (product rule; hysteresis as in
pyannote's onset and offset)."""

_DECIMALS = 6
"""Scores are compared as they are printed, so that a document's steps and segments agree."""


@dataclass(slots=True)
class TimelineBuilder:
    """Takes windows in the order of their starts and gives steps as soon as they are final."""

    stride_seconds: Fraction
    average: Average
    is_sparse: bool = False
    """Whether the stride is beyond the window: then a step belongs to the windows that start in
    it, and only a last step in which none starts to the one that covers its middle."""
    start_seconds: Fraction = Fraction(0)
    _windows: list[tuple[Fraction, Fraction, npt.NDArray[np.float32]]] = field(default_factory=list)
    num_windows: int = 0
    """Windows taken so far."""
    _sum: Scores | float = 0.0
    _num_steps: int = 0

    def add(self, start: Fraction, end: Fraction, logits: npt.NDArray[np.float32]) -> list[Step]:
        """Take one window's logits; return the steps that no later window can change.

        Args:
            start: Start of the window.
            end: End of the window.
            logits: `(num_labels,)` float32.
        """
        if self._windows and start <= self._windows[-1][0]:
            raise ValueError("windows must come in the order of their starts")
        steps = self.reach(start)
        self.num_windows += 1
        # A sum, not the windows: memory must not grow with the length of the video.
        self._sum = self._sum + to_averaged(logits, self.average)
        self._windows.append((start, end, logits))
        return steps

    def reach(self, start: Fraction) -> list[Step]:
        """Return the steps that are final once it is known where the next window starts.

        That window and all later ones, the tail too, start after the middle of these steps; and
        the video is long enough that none of them is cut.
        """
        steps = []
        while self._edge(self._num_steps + 1) <= start:
            steps.append(self._step(self._edge(self._num_steps + 1)))
        return steps

    def finish(self, end: Fraction) -> list[Step]:
        """Return the remaining steps, the last one cut at the end of the video."""
        steps = []
        while self._edge(self._num_steps) < end:
            steps.append(self._step(min(self._edge(self._num_steps + 1), end)))
        return steps

    def video_scores(self) -> Scores:
        """Average all windows: `(num_labels,)`."""
        return from_averaged(np.asarray(self._sum / self.num_windows), self.average)

    def _edge(self, k: int) -> Fraction:
        return self.start_seconds + k * self.stride_seconds

    def _step(self, step_end: Fraction) -> Step:
        step_start = self._edge(self._num_steps)
        middle = (step_start + step_end) / 2
        covering = [w for w in self._windows if w[0] <= middle < w[1]]
        if self.is_sparse:
            starting = [w for w in self._windows if step_start <= w[0] < step_end]
            covering = starting or covering
        if not covering:
            raise ValueError(f"no window covers the step from {step_start} to {step_end}")
        self._num_steps += 1
        self._windows = [w for w in self._windows if w[1] > step_end]
        scores = average_windows(np.stack([w[2] for w in covering]), self.average)
        return Step(start_seconds=step_start, end_seconds=step_end, scores=scores)


def find_segments(steps: Sequence[Step], rule: SegmentRule) -> tuple[Segment, ...]:
    """Find where each label holds, by hysteresis that never enters another label's step.

    For each label on its own: it opens at a step whose score reaches `min_score`, and holds
    while the score stays there, or at half of it in steps in which no label reaches `min_score`.
    Gaps in which no other label reaches it are bridged, short segments dropped.

    Returns:
        Segments in the order of their starts, then by falling score.
    """
    if not steps:
        return ()
    best_scores = functools.reduce(np.maximum, (step.scores for step in steps))
    indices = np.flatnonzero(best_scores.round(_DECIMALS) >= rule.min_score)
    if not len(indices):
        return ()
    # One column per label that opens anywhere; those that don't reach the score in any step.
    scores = np.stack([step.scores[indices] for step in steps])
    compared = scores.round(_DECIMALS)
    reaches = compared >= rule.min_score
    is_taken: npt.NDArray[np.bool_] = np.any(reaches, axis=1)
    holds = reaches | ((compared >= rule.min_score * HOLD_SHARE) & ~is_taken[:, np.newaxis])
    num_taken = np.concatenate([[0], np.cumsum(is_taken)])
    segments = []
    for column, index in enumerate(indices):
        runs = _open_runs(reaches[:, column], holds[:, column])
        for first, last in _long_enough(steps, _bridged(steps, runs, num_taken, rule), rule):
            held = scores[first : last + 1, column]
            best = first + int(held.argmax())
            segments.append(
                Segment(
                    start_seconds=steps[first].start_seconds,
                    end_seconds=steps[last].end_seconds,
                    index=int(index),
                    score=float(held.mean()),
                    peak_score=float(held.max()),
                    peak_seconds=steps[best].middle_seconds,
                )
            )
    return tuple(sorted(segments, key=lambda s: (s.start_seconds, -s.score, s.index)))


Stretches = list[tuple[int, int]]
"""First and last step of each."""


def _open_runs(reaches: npt.NDArray[np.bool_], holds: npt.NDArray[np.bool_]) -> Stretches:
    """List the runs of steps that hold, each from the first one that opens it."""
    edges = np.flatnonzero(np.diff(holds, prepend=False, append=False))
    firsts, ends = edges[::2], edges[1::2]
    openings = np.flatnonzero(reaches)
    opened_at = openings[np.searchsorted(openings, firsts).clip(max=len(openings) - 1)]
    is_open = (firsts <= opened_at) & (opened_at < ends)
    return list(zip(opened_at[is_open].tolist(), (ends[is_open] - 1).tolist(), strict=True))


def _bridged(
    steps: Sequence[Step], runs: Stretches, num_taken: npt.NDArray[np.int_], rule: SegmentRule
) -> Stretches:
    """Join runs over short gaps; `num_taken[k]` steps before step k are some label's."""
    bridged: Stretches = []
    for first, last in runs:
        if bridged:
            before = bridged[-1][1]
            is_free = num_taken[first] == num_taken[before + 1]
            gap_start, gap_end = steps[before].end_seconds, steps[first].start_seconds
            if is_free and gap_end - gap_start <= rule.merge_gap_seconds:
                bridged[-1] = (bridged[-1][0], last)
                continue
        bridged.append((first, last))
    return bridged


def _long_enough(steps: Sequence[Step], runs: Stretches, rule: SegmentRule) -> Stretches:
    return [
        (first, last)
        for first, last in runs
        if steps[last].end_seconds - steps[first].start_seconds >= rule.min_duration_seconds
    ]


def num_steps(duration: Fraction, stride: Fraction) -> int:
    """Count the steps that tile a duration.

    >>> num_steps(Fraction(21, 10), Fraction(1))
    3
    """
    return math.ceil(duration / stride)
