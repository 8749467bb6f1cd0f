"""From the steps of a timeline to segments: stretches in which one label holds. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from vidtag.arguments import take_number, take_seconds
from vidtag.timeline.scores import DECIMALS
from vidtag.timeline.steps import Step


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentChanges:
    """What a step did to the segments."""

    opened: tuple[Segment, ...] = ()
    """Those that became long enough to count, as far as they are known."""

    closed: tuple[Segment, ...] = ()
    """Those that are over; nothing changes them any more."""


@dataclass(slots=True)
class _Open:
    """A segment that may go on."""

    start_seconds: Fraction
    end_seconds: Fraction = Fraction(0)
    """End of its last step that holds."""

    num_steps: int = 0
    total: float = 0.0
    """Of the scores of its steps: sums, not steps, since a live source has no end."""
    best: float = -1.0
    best_middle: Fraction = Fraction(0)

    gap: list[tuple[float, Fraction]] = field(default_factory=list)
    """Score and middle of the steps since it held; they belong to it if it goes on."""

    is_told: bool = False

    def hold(self, score: float, step: Step) -> None:
        for passed, middle in (*self.gap, (score, step.middle_seconds)):
            self.num_steps += 1
            self.total += passed
            if passed > self.best:
                self.best, self.best_middle = passed, middle
        self.gap.clear()
        self.end_seconds = step.end_seconds

    def to_segment(self, index: int) -> Segment:
        return Segment(
            start_seconds=self.start_seconds,
            end_seconds=self.end_seconds,
            index=index,
            score=self.total / self.num_steps,
            peak_score=self.best,
            peak_seconds=self.best_middle,
        )


class SegmentTracker:
    """Finds where each label holds, step by step, by hysteresis that never enters another's step.

    For each label on its own: it opens at a step whose score reaches `min_score`, and holds
    while the score stays there, or at half of it in steps in which no label reaches `min_score`.
    Gaps in which no other label reaches it are bridged, short segments dropped.

    >>> tracker = SegmentTracker(SegmentRule(min_score=0.5))
    >>> def step(k, score): return Step(start_seconds=Fraction(k), end_seconds=Fraction(k + 1),
    ...                                 scores=np.array([score, 0.1]))
    >>> [len(tracker.add(step(k, score)).opened) for k, score in enumerate([0.1, 0.6, 0.3])]
    [0, 1, 0]
    >>> [(float(one.start_seconds), float(one.end_seconds)) for one in tracker.finish()]
    [(1.0, 3.0)]
    """

    def __init__(self, rule: SegmentRule) -> None:
        self._rule = rule
        self._open: dict[int, _Open] = {}

    @property
    def holding(self) -> frozenset[int]:
        """The labels whose segments a next step may prolong by half of the score."""
        return frozenset(index for index, running in self._open.items() if not running.gap)

    def add(self, step: Step) -> SegmentChanges:
        """Take the next step, and tell which segments it opened and which it closed for good."""
        rule = self._rule
        compared = step.scores.round(DECIMALS)
        reaching = np.flatnonzero(compared >= rule.min_score).tolist()
        opened: list[Segment] = []
        closed: list[Segment] = []
        for index in sorted({*self._open, *reaching}):
            score = float(step.scores[index])
            reaches = bool(compared[index] >= rule.min_score)
            holds = not reaching and bool(compared[index] >= rule.min_score * HOLD_SHARE)
            running = self._open.get(index)
            if running is not None and not self._goes_on(running, step, reaches, holds, reaching):
                closed += self._close(index)
                running = None
            if running is None and not reaches:
                continue
            if running is None:
                running = self._open[index] = _Open(step.start_seconds)
            if reaches or (holds and not running.gap):
                running.hold(score, step)
            else:
                running.gap.append((score, step.middle_seconds))
            if not running.is_told and self._is_long(running):
                running.is_told = True
                opened.append(running.to_segment(index))
        return SegmentChanges(opened=tuple(opened), closed=tuple(closed))

    def finish(self) -> tuple[Segment, ...]:
        """Close what is open, at the end of the video."""
        return tuple(segment for index in sorted(self._open) for segment in self._close(index))

    def _goes_on(
        self, running: _Open, step: Step, reaches: bool, holds: bool, reaching: Sequence[int]
    ) -> bool:
        """Tell whether a segment takes this step, or may yet take a later one."""
        if not reaches and reaching:
            return False  # the step is another label's
        if holds and not running.gap:
            return True
        # From a gap it goes on only with a step that reaches the score, while the gap is short.
        gap_end = step.start_seconds if reaches else step.end_seconds
        return gap_end - running.end_seconds <= self._rule.merge_gap_seconds

    def _is_long(self, running: _Open) -> bool:
        length = running.end_seconds - running.start_seconds
        return length >= self._rule.min_duration_seconds

    def _close(self, index: int) -> list[Segment]:
        running = self._open.pop(index)
        return [running.to_segment(index)] if self._is_long(running) else []


def find_segments(steps: Sequence[Step], rule: SegmentRule) -> tuple[Segment, ...]:
    """Find where each label holds, as `SegmentTracker` does.

    Returns:
        Segments in the order of their starts, then by falling score.
    """
    tracker = SegmentTracker(rule)
    found = [segment for step in steps for segment in tracker.add(step).closed]
    found += tracker.finish()
    return tuple(sorted(found, key=lambda s: (s.start_seconds, -s.score, s.index)))
