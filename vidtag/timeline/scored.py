"""Scores with their times: what a model made of a video, window by window.

The model is pyannote-core's `SlidingWindowFeature`: numbers that keep the grid that dates them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from vidtag.seconds import format_seconds
from vidtag.timeline.scores import Average, Scores
from vidtag.timeline.steps import Step, TimelineBuilder


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Scored:
    """The logits of a video's windows, and where the model has them, the features.

    >>> bounds = tuple((Fraction(k), Fraction(k + 2)) for k in range(3))
    >>> scored = Scored(labels=("run", "walk"), bounds=bounds, logits=np.zeros((3, 2), np.float32),
    ...                 start_seconds=Fraction(0), end_seconds=Fraction(4),
    ...                 window_seconds=Fraction(2), stride_seconds=Fraction(1))
    >>> scored
    <Scored 3 windows of 2 s every 1 s, 0:00 to 0:04, logits (3, 2)>
    >>> scored[2.5:]
    <Scored 2 windows of 2 s every 1 s, 0:01 to 0:04, logits (2, 2)>
    >>> scored.to_numpy().shape
    (3, 2)
    """

    labels: tuple[str, ...]
    """The model's labels, in the order of the logits."""

    bounds: tuple[tuple[Fraction, Fraction], ...]
    """Start and end of each window, in the time of the video, in the order of the starts; the
    last one may reach past the end."""

    logits: npt.NDArray[np.float32]
    """`(num_windows, num_labels + num_background)` float32."""

    num_background: int = 0
    """Logits behind those of the labels, of what given words compete with."""

    features: npt.NDArray[np.float32] | None = None
    """`(num_windows, d)` float32: what the model's last layer reads; `None` where they were not
    asked for, or the model has none."""

    still_shares: npt.NDArray[np.float32] | None = None
    """`(num_windows,)` float32: share of each window's patches that stood still and were not
    computed; `None` where all were computed."""

    start_seconds: Fraction
    """Where the scored part starts."""

    end_seconds: Fraction
    """Where it ends."""

    window_seconds: Fraction
    """Length of a window."""

    stride_seconds: Fraction
    """Time between the starts of two windows; the last one may come sooner."""

    def __post_init__(self) -> None:
        shape = (len(self.bounds), len(self.labels) + self.num_background)
        if self.logits.shape != shape:
            raise ValueError(f"the logits must be {shape}, not {self.logits.shape}")
        if self.features is not None and len(self.features) != len(self.bounds):
            raise ValueError(
                f"there are features of {len(self.features)} windows, not of {len(self.bounds)}"
            )

        if self.still_shares is not None and self.still_shares.shape != (len(self.bounds),):
            raise ValueError(f"the still shares must be ({len(self.bounds)},)")

    def __len__(self) -> int:
        return len(self.bounds)

    def __iter__(self) -> Iterator[tuple[Fraction, Fraction, npt.NDArray[np.float32]]]:
        """Yield start, end and logits of each window."""
        for (start, end), row in zip(self.bounds, self.logits, strict=True):
            yield start, end, row

    def __getitem__(self, stretch: slice) -> "Scored":
        """Take the windows that overlap a stretch of time, in seconds of the video.

        The result is as if nothing else had been scored: it starts with its first window.
        """
        if not isinstance(stretch, slice) or stretch.step is not None:
            raise TypeError("scores are cut by time: scored[start:end], in seconds")
        begin = self.start_seconds if stretch.start is None else Fraction(str(stretch.start))
        until = self.end_seconds if stretch.stop is None else Fraction(str(stretch.stop))
        taken = [k for k, (start, end) in enumerate(self.bounds) if start < until and begin < end]
        if not taken:
            raise ValueError(f"no window overlaps {float(begin):g} s to {float(until):g} s")
        first, last = taken[0], taken[-1] + 1
        return Scored(
            labels=self.labels,
            bounds=self.bounds[first:last],
            logits=self.logits[first:last],
            num_background=self.num_background,
            features=None if self.features is None else self.features[first:last],
            still_shares=None if self.still_shares is None else self.still_shares[first:last],
            start_seconds=self.bounds[first][0],
            end_seconds=min(self.bounds[last - 1][1], self.end_seconds),
            window_seconds=self.window_seconds,
            stride_seconds=self.stride_seconds,
        )

    def to_numpy(self) -> npt.NDArray[np.float32]:
        """Return the logits: `(num_windows, num_labels + num_background)` float32, a copy."""
        return self.logits.copy()

    def timeline(self, average: Average = "logits") -> tuple[tuple[Step, ...], Scores]:
        """Average the windows into steps, and all of them into the scores of the whole.

        Args:
            average: How windows are averaged.

        Returns:
            The steps, which tile the scored part, and `(num_labels,)` float64.
        """
        builder = TimelineBuilder(
            stride_seconds=self.stride_seconds,
            window_seconds=self.window_seconds,
            average=average,
            start_seconds=self.start_seconds,
            num_background=self.num_background,
        )
        steps: list[Step] = []
        shares = [None] * len(self) if self.still_shares is None else self.still_shares.tolist()
        for (start, end, row), share in zip(self, shares, strict=True):
            steps += builder.add(start, end, row, share)
        steps += builder.finish(self.end_seconds)
        return tuple(steps), builder.video_scores()

    def __repr__(self) -> str:
        text = f"<{type(self).__name__} {len(self)} windows of {float(self.window_seconds):g} s"
        text += f" every {float(self.stride_seconds):g} s, {format_seconds(self.start_seconds)}"
        text += f" to {format_seconds(self.end_seconds)}, logits {self.logits.shape}"
        return f"{text}>" if self.features is None else f"{text}, features {self.features.shape}>"
