"""The sampling grid: where windows start and where their samples lie.

```
time        0         1         2         3 s        window 2 s, stride 1 s, 16 frames
samples     ········  ········  ········              one every 2 s / 16 = 125 ms, each in the
window 0    [··················)                      middle of its interval
window 1              [··················)
```

Owns every off-by-one of the grid, in exact fractions of seconds.
"""

import math
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Where windows start and where their samples lie; indices count samples of the grid.

    >>> grid = Grid.from_seconds(window=Fraction(2), stride=Fraction(1), num_frames=16)
    >>> grid.interval_seconds, grid.stride_samples
    (Fraction(1, 8), 8)
    >>> grid.starts(Fraction(3)), grid.starts(Fraction(31, 10))
    ([0, 8], [0, 8, 9])
    """

    num_frames: int
    """Samples per window."""

    window_seconds: Fraction
    """Length of a window."""

    stride_samples: int
    """Sampling intervals between the starts of consecutive windows."""

    start_seconds: Fraction = Fraction(0)
    """Where the grid begins, in the time of the video."""

    def __post_init__(self) -> None:
        if self.num_frames < 1:
            raise ValueError(f"num_frames must be at least 1, not {self.num_frames}")
        if self.window_seconds <= 0:
            raise ValueError(f"the window must be longer than 0 s, not {self.window_seconds}")
        if self.stride_samples < 1:
            raise ValueError(f"the stride must be at least one sample, not {self.stride_samples}")

    @classmethod
    def from_seconds(
        cls,
        *,
        window: Fraction,
        stride: Fraction,
        num_frames: int,
        start: Fraction = Fraction(0),
    ) -> "Grid":
        """Round a stride to whole sampling intervals, halves up, at least one.

        With a whole stride, overlapping windows share their frames.
        """
        if stride <= 0:
            raise ValueError(f"the stride must be longer than 0 s, not {stride}")
        samples = math.floor(stride * num_frames / window + Fraction(1, 2))
        return cls(
            num_frames=num_frames,
            window_seconds=window,
            stride_samples=max(1, samples),
            start_seconds=start,
        )

    @property
    def interval_seconds(self) -> Fraction:
        """Time between two samples."""
        return self.window_seconds / self.num_frames

    @property
    def stride_seconds(self) -> Fraction:
        """Time between the starts of two windows, as used."""
        return self.interval_seconds * self.stride_samples

    def sample_seconds(self, index: int) -> Fraction:
        """Return the time of a sample, in the time of the video: the middle of its interval."""
        return self.start_seconds + (index + Fraction(1, 2)) * self.interval_seconds

    def is_sampled(self, index: int) -> bool:
        """Whether a sample belongs to a regular window; between sparse windows it does not."""
        return index % self.stride_samples < self.num_frames

    def tail_start(self, duration: Fraction) -> int:
        """Return the first sample of the window that reaches the end, for a long enough video."""
        return math.ceil((duration - self.window_seconds) / self.interval_seconds)

    def starts(self, duration: Fraction) -> list[int]:
        """List the first sample of every window of a video.

        Windows start every stride while they end at or before the duration; if the last one
        ends before it, one more ends there or less than a sampling interval past it.
        """
        if duration < self.window_seconds:
            return [0]
        last = math.floor((duration - self.window_seconds) / self.stride_seconds)
        starts = [k * self.stride_samples for k in range(last + 1)]
        tail = self.tail_start(duration)
        return [*starts, tail] if tail > starts[-1] else starts
