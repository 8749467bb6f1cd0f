"""From the steps of a timeline to segments: stretches in which one label holds. Pure."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from vidtag.arguments import take_number, take_seconds
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


_DECIMALS = 6
"""Scores are compared as they are printed, so that a document's steps and segments agree."""


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
