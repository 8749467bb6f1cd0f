"""The running top label: what a player shows at each moment of a video.

Consecutive steps with the same top label, whose score reaches the document's `min_score`, are
one stretch; so are consecutive steps without such a label. Stretches tile the timeline.
"""

from dataclasses import dataclass

from vidtag.formats.characters import one_line
from vidtag.results import Document, StepRecord

NO_CLEAR_ACTION = "no clear action"
"""What stands for a stretch in which no label reaches `min_score`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A run of steps that show the same."""

    start_ms: int
    """Start of the half-open interval, in milliseconds."""

    end_ms: int
    """End of the half-open interval; always after its start."""

    label: str | None
    """The top label as one line; `None` where no label reaches `min_score`."""


def milliseconds(seconds: float) -> int:
    """Count the milliseconds of a document's time, which is a whole number of them.

    >>> milliseconds(1.001)
    1001
    """
    return round(seconds * 1000)


def list_stretches(document: Document) -> tuple[Stretch, ...]:
    """List what is shown, in order of time, without gaps between the steps of a timeline."""
    stretches: list[Stretch] = []
    for step in document.timeline:
        label = _top_label(step, document.settings.min_score)
        start, end = milliseconds(step.start_seconds), milliseconds(step.end_seconds)
        if end <= start:  # a last step of less than half a millisecond
            continue
        if stretches and stretches[-1].label == label and stretches[-1].end_ms == start:
            start = stretches.pop().start_ms
        stretches.append(Stretch(start_ms=start, end_ms=end, label=label))
    return tuple(stretches)


def _top_label(step: StepRecord, min_score: float) -> str | None:
    if not step.tags or step.tags[0].score < min_score:
        return None
    return one_line(step.tags[0].label, step.tags[0].index)
