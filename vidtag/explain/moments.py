"""Which windows of a video are explained: those around a moment, or the peaks of its segments."""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor
from typing import Any

import numpy as np

from vidtag.clips.grid import Grid
from vidtag.clips.reading import open_part
from vidtag.clips.windows import Window
from vidtag.documents.records import Document
from vidtag.errors import EmptyVideoError, UsageError
from vidtag.explain.methods import best_label
from vidtag.models.classifier import Classifier
from vidtag.seconds import format_seconds, milliseconds
from vidtag.text import encodable
from vidtag.urls import without_credentials
from vidtag.video.options import Part

NUM_WINDOWS = 3
"""Windows that are explained where no moment was named: the best segment of so many labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A moment to be explained."""

    seconds: Fraction

    index: int | None
    """The label; the window's best one where `None`."""


def choose_moments(document: Document, index: int | None) -> list[Moment]:
    """Choose the peaks of the best segments, or where there is none, the best step."""
    segments = [one for one in document.segments if index is None or one.index == index]
    # A label without a segment of its own is explained where the video's best ones are.
    segments = segments or list(document.segments)
    best: dict[int, Any] = {}
    for segment in sorted(segments, key=lambda one: (-one.score, one.start_seconds)):
        best.setdefault(segment.index, segment)
    if best:
        chosen = sorted(list(best.values())[:NUM_WINDOWS], key=lambda one: one.peak_seconds)
        return [
            Moment(
                seconds=_exact(segment.peak_seconds),
                index=segment.index if index is None else index,
            )
            for segment in chosen
        ]
    step = max(document.timeline, key=lambda one: one.tags[0].score)
    middle = (_exact(step.start_seconds) + _exact(step.end_seconds)) / 2
    return [Moment(seconds=middle, index=step.tags[0].index if index is None else index)]


def _exact(seconds: float) -> Fraction:
    """Take a document's time, which is rounded to milliseconds, as a fraction."""
    return Fraction(milliseconds(seconds), 1000)


class WindowFinder:
    """Finds the windows of a video that hold a moment.

    Args:
        source: The video.
        part: Within which limits it is read.
        grid: The windows of the run.
        classifier: Prepares the frames, and scores windows.
    """

    def __init__(self, source: str, part: Part, grid: Grid, classifier: Classifier) -> None:
        self._source = source
        self._part = part
        self._grid = grid
        self._classifier = classifier

    def best_of(self, moment: Moment) -> Window:
        """Read the windows of the grid that hold a moment and choose the one that scores best."""
        grid = self._grid
        strides = (moment.seconds - grid.start_seconds - grid.window_seconds) / grid.stride_seconds
        # One more than needed, so that the last window of the video has its full length before it.
        first = max(0, floor(strides))
        last = floor((moment.seconds - grid.start_seconds) / grid.stride_seconds)
        part = replace(grid, start_seconds=grid.start_seconds + first * grid.stride_seconds)
        end = grid.start_seconds + last * grid.stride_seconds + grid.window_seconds
        windows, _ = self._read(part, end)
        holding = [one for one in windows if one.start_seconds <= moment.seconds < one.end_seconds]
        scored = []
        for window in holding or windows[-1:]:
            logits = self._classifier.logits(np.stack(window.clip)[None])[0]
            index = best_label(logits, self._classifier) if moment.index is None else moment.index
            best, score = float(logits.max()), float(logits[index])
            scored.append(score - best - float(np.log(np.exp(logits - best).sum())))
        return (holding or windows[-1:])[int(np.argmax(scored))]

    def around(self, at: Fraction) -> Window:
        """Read the window whose middle lies as near to a moment as the video allows.

        Raises:
            UsageError: The moment lies past the end.
        """
        grid = self._grid
        start = max(Fraction(0), at - grid.window_seconds)
        part = replace(grid, start_seconds=start, stride_samples=1)
        until = max(at + grid.window_seconds / 2, start + grid.window_seconds)
        try:
            windows, end = self._read(part, until)
        except EmptyVideoError as exc:
            if exc.code != "start_past_end":
                raise
            raise self._past_the_end(at) from exc
        if at > end:
            raise self._past_the_end(at, f" ({format_seconds(end)})")
        return min(
            windows,
            key=lambda one: (abs(one.start_seconds + one.end_seconds - 2 * at), one.start_seconds),
        )

    def _past_the_end(self, at: Fraction, end: str = "") -> UsageError:
        shown = encodable(without_credentials(self._source))
        return UsageError(
            f"--at {format_seconds(at)} lies past the end of '{shown}'{end}; name a moment in it."
        )

    def _read(self, grid: Grid, end: Fraction) -> tuple[list[Window], Fraction]:
        """Read the windows of a part of the video, and where that part ends."""
        part = replace(self._part, start=grid.start_seconds, end=end)
        with open_part(self._source, part, grid, self._classifier.prepare) as reading:
            windows = list(reading)
            if not windows:
                shown = encodable(without_credentials(self._source))
                raise EmptyVideoError(
                    self._source,
                    "no_frames",
                    f"{shown}: there is no frame at {format_seconds(grid.start_seconds)}.",
                )
            return windows, reading.end_seconds
