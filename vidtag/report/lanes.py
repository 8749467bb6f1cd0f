"""What a page shows of a document: lanes, and which moments get a picture.

Pure: knows neither templates nor videos.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from vidtag.documents.headline import worth_showing
from vidtag.documents.records import Document, SegmentRecord, SummaryRecord, TagRecord
from vidtag.report.drawing import (
    MAX_POINTS,
    Curve,
    Span,
    draw_boxes,
    percent,
    pool_steps,
    span_of,
    trace_curve,
)
from vidtag.report.looks import Look, find_look
from vidtag.seconds import milliseconds
from vidtag.text import one_line

NUM_OPEN_LANES = 12
"""Lanes that are shown at first, those of the labels that hold the longest: what fits on a screen.
A script folds the others away."""

MAX_LINKED_SEGMENTS = 400
"""Segments on a strip that are elements of their own, to tab to and to point at; the rest are
one path per lane, which a click reaches all the same. At 250 bytes each, 100 kB."""

MAX_CURVES = 24
"""Lanes with a curve, those of the labels that fill the most of the video. At 1,200 points of
about eight bytes, twice (line and area), 460 kB at the very most."""

NUM_VIDEO_TAGS = 5
"""Tags of the whole video that get a lane where no label holds: the default of `-k`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A stretch on a strip."""

    x: str
    """Start, in percent of the strip's width."""
    width: str
    """Length, in percent of the strip's width."""
    segment: SegmentRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One label's row of the strip."""

    index: int
    """The class's place in the model's outputs."""
    label: str
    look: Look
    bars: tuple[Bar, ...]
    """Segments that are elements of their own, in the order of time."""
    rest: str
    """The other segments, as one path."""
    curve: Curve | None
    num_segments: int
    held_seconds: float
    """Time in which the label holds."""
    best_score: float
    is_folded: bool
    """Whether a script folds it away at first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StripBox:
    """A stretch on the one row of an index's strip."""

    x: str
    """Start, in percent of the strip's width."""
    width: str
    """Length, in percent of the strip's width."""
    look: Look
    """How its label is drawn."""
    label: str
    start_seconds: float
    """Where the label is the best one from here on: a whole millisecond."""


def rank_segments(segments: Sequence[SegmentRecord]) -> list[int]:
    """Order segments by how much they are worth showing; return their places.

    The best one of each label comes before the second of any, so that a rare action is not
    crowded out by a frequent one.
    """
    by_score = sorted(
        range(len(segments)), key=lambda k: (-segments[k].peak_score, segments[k].start_seconds, k)
    )
    turns: dict[int, int] = {}
    turn_of = {}
    for k in by_score:
        turn_of[k] = turns.get(segments[k].index, 0)
        turns[segments[k].index] = turn_of[k] + 1
    first = [k for k in by_score if turn_of[k] == 0]
    return first + [k for k in by_score if turn_of[k] > 0]


def choose_moments(document: Document, max_count: int) -> tuple[SegmentRecord, ...]:
    """Choose the segments that get a picture, the most important first."""
    return tuple(
        document.segments[k] for k in rank_segments(document.segments)[: max(max_count, 0)]
    )


def name_labels(document: Document) -> dict[int, str]:
    """List the labels that the document names, by their place in the model's outputs."""
    records: list[TagRecord | SegmentRecord | SummaryRecord]
    records = [*document.tags, *document.summary, *document.segments]
    records += (tag for step in document.timeline for tag in step.tags)
    return {record.index: one_line(record.label, record.index) for record in records}


def rank_labels(documents: Iterable[Document]) -> list[int]:
    """Order labels by how long they hold, as the summary does, then by their score overall."""
    held: dict[int, int] = {}
    overall: dict[int, float] = {}
    for document in documents:
        for segment in document.segments:
            length = milliseconds(segment.end_seconds) - milliseconds(segment.start_seconds)
            held[segment.index] = held.get(segment.index, 0) + length
        for tag in document.tags:
            overall[tag.index] = max(overall.get(tag.index, 0.0), tag.score)
    rest = [index for index in overall if index not in held]
    return [
        *sorted(held, key=lambda index: -held[index]),
        *sorted(rest, key=lambda index: (-overall[index], index)),
    ]


def make_lanes(document: Document) -> tuple[Lane, ...]:
    """Make a lane for each label that holds somewhere; where none does, for the best tags.

    They stand in the order in which the labels first hold, so that the eye walks down as time
    goes on; those of guesses by their scores. Curves, and places that are open at first, go to
    the labels that hold the longest.
    """
    span, names = span_of(document), name_labels(document)
    linked = set(rank_segments(document.segments)[:MAX_LINKED_SEGMENTS])
    of_label: dict[int, list[tuple[int, SegmentRecord]]] = {}
    for k, segment in enumerate(document.segments):
        of_label.setdefault(segment.index, []).append((k, segment))
    steps = pool_steps(document.timeline, MAX_POINTS)
    shown = set(of_label)
    # Of given labels it is known that somebody asks for them.
    tags = document.tags if document.model.words else worth_showing(document.tags)
    shown = shown or {tag.index for tag in tags[:NUM_VIDEO_TAGS]}
    lanes = []
    ranked = [index for index in rank_labels([document]) if index in shown]
    rank_of = {index: rank for rank, index in enumerate(ranked)}
    for index in sorted(ranked, key=lambda index: _first_start(of_label.get(index, []))):
        own = of_label.get(index, [])
        scores = [tag.score for step in steps for tag in step.tags if tag.index == index]
        lanes.append(
            Lane(
                index=index,
                label=names[index],
                look=find_look(document.model, index),
                bars=tuple(_bar(segment, span) for k, segment in own if k in linked),
                rest=draw_boxes(
                    ((s.start_seconds, s.end_seconds) for k, s in own if k not in linked), span
                ),
                curve=trace_curve(steps, index, span) if rank_of[index] < MAX_CURVES else None,
                num_segments=len(own),
                held_seconds=round(sum(s.end_seconds - s.start_seconds for _, s in own), 3),
                best_score=max(scores, default=0.0),
                is_folded=rank_of[index] >= NUM_OPEN_LANES,
            )
        )
    return tuple(lanes)


def _first_start(own: Sequence[tuple[int, SegmentRecord]]) -> float:
    return min((segment.start_seconds for _, segment in own), default=0.0)


def make_strip(document: Document, *, num_columns: int = 200) -> tuple[StripBox, ...]:
    """Draw the best label of each moment on one row, for an index.

    Args:
        document: Whose segments to draw.
        num_columns: How fine the row is.
    """
    span, names = span_of(document), name_labels(document)
    best: list[SegmentRecord | None] = [None] * num_columns
    for segment in document.segments:
        first = min(int(span.share(segment.start_seconds) * num_columns), num_columns - 1)
        last = max(first + 1, round(span.share(segment.end_seconds) * num_columns))
        for column in range(first, last):
            known = best[column]
            if known is None or segment.score > known.score:
                best[column] = segment
    changes = [k + 1 for k, (a, b) in enumerate(pairwise(best)) if _of(a) != _of(b)]
    boxes = []
    for first, after in pairwise([0, *changes, num_columns]):
        shown = best[first]
        if shown is not None:
            edge = span.start_seconds + span.length_seconds * first / num_columns
            boxes.append(
                StripBox(
                    x=percent(first / num_columns),
                    width=percent((after - first) / num_columns),
                    look=find_look(document.model, shown.index),
                    label=names[shown.index],
                    # The column in which a segment starts begins before it; where another label
                    # was better at first, the segment does.
                    start_seconds=max(shown.start_seconds, round(edge, 3)),
                )
            )
    return tuple(boxes)


def _of(segment: SegmentRecord | None) -> int | None:
    return None if segment is None else segment.index


def _bar(segment: SegmentRecord, span: Span) -> Bar:
    start, end = span.share(segment.start_seconds), span.share(segment.end_seconds)
    return Bar(x=percent(start), width=percent(end - start), segment=segment)
