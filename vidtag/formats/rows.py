"""Which rows and columns a table of results has, whatever it is written as.

A row is a segment, or with `per="step"` a tag of a step. A failed input has none: what is
counted, grouped and summed are results. The JSON names every input.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from vidtag.documents.records import Document, Failure
from vidtag.seconds import milliseconds

SEGMENT_COLUMNS = (
    "file",
    "start_ms",
    "end_ms",
    "label",
    "index",
    "score",
    "peak_score",
    "peak_ms",
)
"""A row per segment. Columns may be added at the end, never renamed or moved."""

STEP_COLUMNS = (
    "file",
    "start_ms",
    "end_ms",
    "rank",
    "label",
    "index",
    "score",
    "background_score",
)
"""A row per tag of each step, the best of them ranked 1."""

Cell = str | int | float | None
"""Of a column: text, whole milliseconds and other whole numbers, scores; or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the rows of a table are, and how its file begins."""

    per: Literal["segment", "step"] = "segment"
    """What has a row."""

    every_video: bool = False
    """Whether a video without any has a row of its own, in which all but its name is empty."""

    bom: bool = False
    """Whether a text begins with a byte order mark, by which Excel knows it as UTF-8."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that every kind of table has."""
        return STEP_COLUMNS if self.per == "step" else SEGMENT_COLUMNS

    @property
    def extras(self) -> str:
        """Name what tells such a table from a plain one; empty for that."""
        told = {"per step": self.per == "step", "every video": self.every_video, "bom": self.bom}
        return ", ".join(name for name, is_so in told.items() if is_so)


PLAIN_LAYOUT = Layout()
"""What a table has where nothing else was asked for."""


def list_rows(result: Document | Failure, layout: Layout) -> Iterator[tuple[Cell, ...]]:
    """List the rows that one video adds to a table, a cell for each of `layout.columns`."""
    if isinstance(result, Failure):
        return
    num_rows = 0
    for row in _step_rows(result) if layout.per == "step" else _segment_rows(result):
        num_rows += 1
        yield (result.video.path, *row)
    if layout.every_video and not num_rows:
        yield (result.video.path, *[None] * (len(layout.columns) - 1))


def _segment_rows(document: Document) -> Iterator[tuple[Cell, ...]]:
    for segment in document.segments:
        yield (
            milliseconds(segment.start_seconds),
            milliseconds(segment.end_seconds),
            segment.label,
            segment.index,
            float(segment.score),
            float(segment.peak_score),
            milliseconds(segment.peak_seconds),
        )


def _step_rows(document: Document) -> Iterator[tuple[Cell, ...]]:
    for step in document.timeline:
        start, end = milliseconds(step.start_seconds), milliseconds(step.end_seconds)
        rest = None if step.background_score is None else float(step.background_score)
        for rank, tag in enumerate(step.tags, 1):
            yield start, end, rank, tag.label, tag.index, float(tag.score), rest
