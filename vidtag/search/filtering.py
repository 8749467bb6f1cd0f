"""What of a result is about some labels: the rest left out, and the result says so. Pure."""

from dataclasses import replace

from vidtag.documents.records import Document, StepRecord, TagRecord, summarise
from vidtag.errors import DocumentError
from vidtag.search.matching import Patterns
from vidtag.text import printable


def keep_matching(document: Document, patterns: Patterns) -> Document:
    """Leave the labels out of a document that no pattern matches: tags, segments and summary.

    What went to none of given labels is left out, too: beside some of them, it says nothing.

    Args:
        document: The result; its `settings.only` will name the patterns.
        patterns: What is kept.

    Raises:
        DocumentError: It holds only what other patterns match.
    """
    only = document.settings.only
    if only == patterns.texts:
        return document
    if only is not None:
        raise DocumentError(
            document.video.path,
            f"{document.video.path}: it was made with --only {shown(only)}, and what else matches "
            f"{shown(patterns.texts)} is not in it; take a result that has all labels.",
        )
    segments = tuple(one for one in document.segments if patterns.match(one.label))
    return replace(
        document,
        settings=replace(document.settings, only=patterns.texts),
        tags=_matching(document.tags, patterns),
        background_score=None,
        summary=summarise(segments, document.sampling),
        segments=segments,
        timeline=tuple(keep_matching_tags(step, patterns) for step in document.timeline),
    )


def keep_matching_tags(step: StepRecord, patterns: Patterns) -> StepRecord:
    """Leave the labels out of a step that no pattern matches."""
    return replace(step, tags=_matching(step.tags, patterns), background_score=None)


def _matching(tags: tuple[TagRecord, ...], patterns: Patterns) -> tuple[TagRecord, ...]:
    return tuple(tag for tag in tags if patterns.match(tag.label))


def shown(texts: tuple[str, ...]) -> str:
    """Name patterns in a sentence.

    >>> shown(("jog", "^push"))
    "'jog' or '^push'"
    """
    return " or ".join(f"'{printable(text)}'" for text in texts)
