"""A step with its best labels: as soon as it is known, and as documents keep it."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from vidtag.documents.record import round_score
from vidtag.documents.records import StepRecord, TagRecord
from vidtag.seconds import round_seconds
from vidtag.timeline.scores import Tag, background_score, top_tags
from vidtag.timeline.steps import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTags:
    """One row of the timeline as soon as it is known."""

    start_seconds: Fraction
    """Start of the half-open interval."""

    end_seconds: Fraction
    """End of the half-open interval."""

    tags: tuple[Tag, ...]
    """The best labels, best first."""

    background_score: float | None = None
    """What went to none of the given labels; `None` where these had no background."""

    still_share: float | None = None
    """Of its windows' patches, how many stood still, in [0, 1]; `None` but in a fast run."""


def tags_of(step: Step, labels: Sequence[str], top_k: int, *, has_background: bool) -> StepTags:
    """Return a step with its best labels alone.

    Args:
        step: With the scores of all labels.
        labels: The model's.
        top_k: How many of them.
        has_background: Whether a background competed with them.
    """
    return StepTags(
        start_seconds=step.start_seconds,
        end_seconds=step.end_seconds,
        tags=top_tags(step.scores, labels, top_k),
        background_score=background_score(step.scores) if has_background else None,
        still_share=step.still_share,
    )


def record_of(step: StepTags) -> StepRecord:
    """Make what documents keep of a step, rounded as they are."""
    background, share = step.background_score, step.still_share
    return StepRecord(
        start_seconds=round_seconds(step.start_seconds),
        end_seconds=round_seconds(step.end_seconds),
        tags=tag_records(step.tags),
        background_score=None if background is None else round_score(background),
        still_share=None if share is None else round_score(share),
    )


def tag_records(tags: Sequence[Tag]) -> tuple[TagRecord, ...]:
    """Make what documents keep of labels with their scores."""
    return tuple(
        TagRecord(label=tag.label, index=tag.index, score=round_score(tag.score)) for tag in tags
    )
