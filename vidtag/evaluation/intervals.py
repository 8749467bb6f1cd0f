"""How far to trust a measure: what it would be with other videos of the same kind."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from vidtag.evaluation.accuracy import Floats

NUM_DRAWS = 1000
"""Sets of videos that are drawn: the ends of a 95 % interval then rest on 25 of them each (Efron
and Tibshirani 1993, chapter 13)."""

LEAST_VIDEOS = 2
"""With fewer, every draw is the same, and there is no interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A measure, and between which values it lies in 95 % of draws of the videos."""

    value: float
    """Of all videos."""

    low: float | None
    """2.5 % of the draws lie below; `None` for a single video."""

    high: float | None
    """2.5 % of the draws lie above."""


def with_intervals(
    measure: Callable[[Floats], Sequence[float]],
    num_videos: int,
    *,
    num_draws: int = NUM_DRAWS,
    seed: int = 0,
) -> tuple[Figure | None, ...]:
    """Give measures with their intervals: percentiles over draws of videos, with replacement.

    Videos are drawn and not clips or steps, since those of one video are alike (a cluster
    bootstrap). The same seed gives the same draws.

    >>> right = np.array([1.0, 1.0, 0.0, 1.0])
    >>> [one] = with_intervals(lambda weights: [weights @ right / weights.sum()], 4)
    >>> one.value, one.low, one.high
    (0.75, 0.25, 1.0)

    Args:
        measure: `(num_videos,)` how often each video counts → one or more numbers, NaN where there
            is nothing to measure.
        num_videos: How many there are.
        num_draws: How many draws are made.
        seed: Of the draws.

    Returns:
        A figure for each number; `None` where nothing could be measured on all videos.
    """
    if num_videos < 1:
        raise ValueError("there is no video to measure on")
    whole = np.asarray(measure(np.ones(num_videos)), np.float64)
    if num_videos < LEAST_VIDEOS:
        return tuple(_figure(float(value), np.empty(0)) for value in whole)
    rng = np.random.default_rng(seed)
    drawn = np.empty((num_draws, len(whole)))
    for k in range(num_draws):
        counts = np.bincount(rng.integers(num_videos, size=num_videos), minlength=num_videos)
        drawn[k] = measure(counts.astype(np.float64))
    return tuple(
        _figure(float(value), column[~np.isnan(column)])
        for value, column in zip(whole, drawn.T, strict=True)
    )


def _figure(value: float, drawn: Floats) -> Figure | None:
    if np.isnan(value):
        return None
    if not len(drawn):
        return Figure(value=value, low=None, high=None)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Figure(value=value, low=float(low), high=float(high))
