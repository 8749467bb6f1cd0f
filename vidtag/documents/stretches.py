"""What holds at each moment: the tagged part, cut wherever a segment starts or ends.

Segments of different labels may overlap, and between them may be stretches in which none holds.
Where only one thing can be shown at a time, such as a chapter, it is one of these stretches;
their boundaries are those of the segments, and no others.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from vidtag.documents.records import Document, SegmentRecord
from vidtag.seconds import milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A stretch between two neighbouring boundaries."""

    start_ms: int
    """Start of the half-open interval, in milliseconds."""

    end_ms: int
    """End of the half-open interval; always after its start."""

    segments: tuple[SegmentRecord, ...]
    """Those that hold in it, the best first; none where no label holds."""


def list_stretches(document: Document) -> tuple[Stretch, ...]:
    """List what holds, in order of time; the stretches tile the tagged part."""
    segments = [
        (milliseconds(segment.start_seconds), milliseconds(segment.end_seconds), segment)
        for segment in document.segments
    ]
    sampling = document.sampling
    edges = {milliseconds(sampling.start_seconds), milliseconds(sampling.end_seconds)}
    edges.update(edge for start, end, _ in segments for edge in (start, end))
    coming = sorted(segments, key=lambda one: one[0], reverse=True)
    held: list[tuple[int, SegmentRecord]] = []
    stretches = []
    for start, end in pairwise(sorted(edges)):
        held = [(until, segment) for until, segment in held if until > start]
        while coming and coming[-1][0] <= start:
            _, until, segment = coming.pop()
            if until > start:
                held.append((until, segment))
        best_first = _best_first(segment for _, segment in held)
        stretches.append(Stretch(start_ms=start, end_ms=end, segments=best_first))
    return tuple(stretches)


def list_gaps(document: Document) -> tuple[Stretch, ...]:
    """List the stretches in which no label holds."""
    return tuple(stretch for stretch in list_stretches(document) if not stretch.segments)


def _best_first(segments: Iterable[SegmentRecord]) -> tuple[SegmentRecord, ...]:
    return tuple(sorted(segments, key=lambda segment: (-segment.score, segment.index)))
