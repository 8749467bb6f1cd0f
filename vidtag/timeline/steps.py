"""From window logits to the rows of a timeline. Pure.

A step is one row: `[k * stride, (k + 1) * stride)`, the last one cut at the end. Its scores
come from the windows that cover its middle.
"""

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from vidtag.timeline.scores import Average, Scores, average_windows, from_averaged, to_averaged


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """One row of the timeline, with the scores of all labels."""

    start_seconds: Fraction
    """Start of the half-open interval."""

    end_seconds: Fraction
    """End of the half-open interval."""

    scores: Scores
    """`(num_labels,)`."""

    still_share: float | None = None
    """Share of its windows' patches that stood still and were not computed; `None` where all were
    computed."""

    @property
    def middle_seconds(self) -> Fraction:
        """The moment that the step stands for."""
        return (self.start_seconds + self.end_seconds) / 2


@dataclass(slots=True)
class TimelineBuilder:
    """Takes windows in the order of their starts and gives steps as soon as they are final."""

    stride_seconds: Fraction
    window_seconds: Fraction
    """Where the stride is beyond it, a step belongs to the windows that start in it, and only a
    last step in which none starts to the one that covers its middle."""
    average: Average
    start_seconds: Fraction = Fraction(0)
    num_background: int = 0
    """Logits behind those of the labels that only take their share of the scores."""
    may_miss: bool = False
    """Whether windows may be missing; steps that none covers are left out then, and counted."""
    num_missed_steps: int = 0
    """Steps that were left out so far."""
    _windows: list[tuple[Fraction, Fraction, npt.NDArray[np.float32], float | None]] = field(
        default_factory=list
    )
    num_windows: int = 0
    """Windows taken so far."""
    _sum: Scores | float = 0.0
    _num_steps: int = 0

    def add(
        self,
        start: Fraction,
        end: Fraction,
        logits: npt.NDArray[np.float32],
        still_share: float | None = None,
    ) -> list[Step]:
        """Take one window's logits; return the steps that no later window can change.

        Args:
            start: Start of the window.
            end: End of the window.
            logits: `(num_labels + num_background,)` float32.
            still_share: How much of it stood still and was not computed, where that was told.
        """
        if self._windows and start <= self._windows[-1][0]:
            raise ValueError("windows must come in the order of their starts")
        steps = self.reach(start)
        self.num_windows += 1
        # A sum, not the windows: memory must not grow with the length of the video.
        self._sum = self._sum + to_averaged(logits, self.average)
        self._windows.append((start, end, logits, still_share))
        return steps

    def reach(self, start: Fraction) -> list[Step]:
        """Return the steps that are final once it is known where the next window starts.

        That window and all later ones, the tail too, start after the middle of these steps; and
        the video is long enough that none of them is cut.
        """
        steps: list[Step] = []
        while self._edge(self._num_steps + 1) <= start:
            steps += self._step(self._edge(self._num_steps + 1))
        return steps

    def finish(self, end: Fraction) -> list[Step]:
        """Return the remaining steps, the last one cut at the end of the video."""
        steps: list[Step] = []
        while self._edge(self._num_steps) < end:
            steps += self._step(min(self._edge(self._num_steps + 1), end))
        return steps

    def video_scores(self) -> Scores:
        """Average all windows: `(num_labels,)`."""
        mean = from_averaged(np.asarray(self._sum / self.num_windows), self.average)
        return self._of_labels(mean)

    def _edge(self, k: int) -> Fraction:
        return self.start_seconds + k * self.stride_seconds

    def _step(self, step_end: Fraction) -> list[Step]:
        """Make the next step; none where no window covers it, and that may be."""
        step_start = self._edge(self._num_steps)
        middle = (step_start + step_end) / 2
        covering = [w for w in self._windows if w[0] <= middle < w[1]]
        if self.stride_seconds > self.window_seconds:
            starting = [w for w in self._windows if step_start <= w[0] < step_end]
            covering = starting or covering
        if not covering and not self.may_miss:
            raise ValueError(f"no window covers the step from {step_start} to {step_end}")
        self._num_steps += 1
        self._windows = [w for w in self._windows if w[1] > step_end]
        if not covering:
            self.num_missed_steps += 1
            return []
        scores = average_windows(np.stack([w[2] for w in covering]), self.average)
        shares = [w[3] for w in covering if w[3] is not None]
        step = Step(
            start_seconds=step_start,
            end_seconds=step_end,
            scores=self._of_labels(scores),
            still_share=sum(shares) / len(shares) if shares else None,
        )
        return [step]

    def _of_labels(self, scores: Scores) -> Scores:
        return scores[: len(scores) - self.num_background]
