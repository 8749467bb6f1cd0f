"""Time and scores as what SVG draws: percentages, boxes and curves.

Pure, and small: integers in paths, and no more points than a screen has.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from vidtag.documents.records import Document, StepRecord, TagRecord
from vidtag.documents.stretches import list_gaps

MAX_POINTS = 1200
"""Points of a curve: one per pixel of a wide strip."""

CURVE_WIDTH = 10_000
CURVE_HEIGHT = 100
"""Units of a curve's drawing; integers keep the paths short."""

_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of the time axis."""

    start_seconds: float
    end_seconds: float

    @property
    def length_seconds(self) -> float:
        """Length; never zero, so that it can be divided by."""
        return max(self.end_seconds - self.start_seconds, 1e-3)

    def share(self, seconds: float) -> float:
        """Say how far along a moment lies: 0 at the start, 1 at the end; within them."""
        share = (seconds - self.start_seconds) / self.length_seconds
        return min(max(share, 0.0), 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A label's scores over time, as SVG paths in `CURVE_WIDTH` by `CURVE_HEIGHT` units."""

    line: str
    area: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A mark on the time axis."""

    x: str
    seconds: float
    level: int
    """0 is always shown, 1 and 2 from a fourfold and a sixteenfold zoom on."""
    is_spare: bool = False
    """Whether a phone leaves it out: every other one of level 0."""


def span_of(document: Document) -> Span:
    """Return the part of the video that was tagged."""
    timeline = document.timeline
    if not timeline:
        return Span(
            start_seconds=document.sampling.start_seconds,
            end_seconds=max(document.sampling.end_seconds, document.sampling.start_seconds),
        )
    return Span(start_seconds=timeline[0].start_seconds, end_seconds=timeline[-1].end_seconds)


def percent(share: float) -> str:
    """Write a share of a width.

    >>> percent(1 / 8), percent(1)
    ('12.5%', '100%')
    """
    return f"{share * 100:.3f}".rstrip("0").rstrip(".") + "%"


def pool_steps(timeline: Sequence[StepRecord], max_count: int) -> tuple[StepRecord, ...]:
    """Join neighbouring steps until there are few enough; each label keeps its best score.

    So does what went to none of them.
    """
    size = -(-len(timeline) // max_count)
    if size <= 1:
        return tuple(timeline)
    pooled = []
    for first in range(0, len(timeline), size):
        group = timeline[first : first + size]
        best: dict[int, TagRecord] = {}
        left = [one.background_score for one in group if one.background_score is not None]
        for tag in (tag for step in group for tag in step.tags):
            if tag.index not in best or tag.score > best[tag.index].score:
                best[tag.index] = tag
        pooled.append(
            StepRecord(
                start_seconds=group[0].start_seconds,
                end_seconds=group[-1].end_seconds,
                tags=tuple(sorted(best.values(), key=lambda tag: (-tag.score, tag.index))),
                background_score=max(left, default=None),
            )
        )
    return tuple(pooled)


def trace_curve(steps: Sequence[StepRecord], index: int | None, span: Span) -> Curve:
    """Draw a label's scores: through the middles of steps, broken where none was stored.

    A run of steps reaches from the start of its first to the end of its last, so that a single
    step is a level line and not an invisible point.

    Args:
        steps: The timeline.
        index: The label; `None` for what went to none of them.
        span: The part of the video that is drawn.
    """
    runs: list[list[tuple[int, int]]] = []
    previous_end: float | None = None
    for step in steps:
        score = _score(step, index)
        if score is None:
            previous_end = None
            continue
        y = round((1 - min(max(score, 0.0), 1.0)) * CURVE_HEIGHT)
        start, end = _x(step.start_seconds, span), _x(step.end_seconds, span)
        if previous_end == step.start_seconds and runs:
            runs[-1][-1] = ((start + end) // 2, y)
        else:
            runs.append([(start, y), ((start + end) // 2, y)])
        runs[-1].append((end, y))
        previous_end = step.end_seconds
    return Curve(
        line="".join(_path(run) for run in runs),
        area="".join(
            f"M{run[0][0]} {CURVE_HEIGHT}V{run[0][1]}{_relative(run)}V{CURVE_HEIGHT}z"
            for run in runs
        ),
    )


def _score(step: StepRecord, index: int | None) -> float | None:
    if index is None:
        return step.background_score
    return next((tag.score for tag in step.tags if tag.index == index), None)


def quiet_boxes(document: Document) -> tuple[str, float]:
    """Find where no label holds: a path, and the seconds."""
    gaps = [(gap.start_ms / 1000, gap.end_ms / 1000) for gap in list_gaps(document)]
    return draw_boxes(gaps, span_of(document)), sum(end - start for start, end in gaps)


def make_ticks(span: Span) -> tuple[Tick, ...]:
    """Place marks on the time axis: up to eight, and finer ones for a zoomed strip."""
    levels = [_tick_interval(span.length_seconds / (8 * zoom)) for zoom in (1, 4, 16)]
    ticks: dict[float, Tick] = {}
    for level, interval in enumerate(levels):
        first = -int(-span.start_seconds // interval)
        last = int(span.end_seconds // interval)
        for k in range(first, last + 1):
            seconds = round(k * interval, 3)
            ticks.setdefault(
                seconds,
                Tick(
                    x=percent(span.share(seconds)),
                    seconds=seconds,
                    level=level,
                    is_spare=level == 0 and (k - first) % 2 == 1 and last - first > 3,
                ),
            )
    return tuple(ticks[seconds] for seconds in sorted(ticks))


def _tick_interval(at_least: float) -> float:
    return next((tick for tick in _TICKS if tick >= at_least), 3600.0 * (1 + at_least // 3600))


def draw_boxes(stretches: Iterable[tuple[float, float]], span: Span) -> str:
    """Draw stretches, from start to end, as boxes of full height; those that touch become one."""
    joined: list[list[float]] = []
    for start, end in stretches:
        if joined and joined[-1][1] == start:
            joined[-1][1] = end
        else:
            joined.append([start, end])
    return "".join(_box(span.share(start), span.share(end)) for start, end in joined)


def _box(start: float, end: float) -> str:
    x = round(start * CURVE_WIDTH)
    return f"M{x} 0h{max(round(end * CURVE_WIDTH) - x, 1)}v{CURVE_HEIGHT}H{x}z"


def _x(seconds: float, span: Span) -> int:
    return round(span.share(seconds) * CURVE_WIDTH)


def _path(points: Sequence[tuple[int, int]]) -> str:
    return f"M{points[0][0]} {points[0][1]}{_relative(points)}"


def _relative(points: Sequence[tuple[int, int]]) -> str:
    steps = ((b[0] - a[0], b[1] - a[1]) for a, b in pairwise(points))
    return "".join(f"h{dx}" if dy == 0 else f"l{dx} {dy}" for dx, dy in steps if dx or dy)
