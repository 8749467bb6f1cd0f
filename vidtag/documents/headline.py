"""What a video is about, in a few words: what holds, and how long.

Where nothing holds, the averaged tags are all that there is; they are a guess and say so.
"""

from collections.abc import Sequence

from vidtag.documents.records import Document, ModelRecord, SummaryRecord, TagRecord
from vidtag.seconds import format_seconds
from vidtag.text import printable

LEAST_SHOWN_SCORE = 0.05
"""What scores less beside another label is noise: of 400 labels, it may be any."""


NOTHING = "\u2013"
"""Stands for a label where none holds; what it might be comes after it."""

NONE_OF_THESE = "none of these"
"""Stands for a label where what given labels competed with has more than any of them."""

_NO_INDEX = -1
"""No class's place in the model's outputs."""

_SOURCES = {"kinetics400": "Kinetics-400", "model": "the model's own names"}


def held_phrase(label: SummaryRecord) -> str:
    """Say how long a label holds, to a tenth of a second, and its share.

    >>> held_phrase(SummaryRecord(label="squat", index=3, seconds=6.0, share=0.25, score=0.9,
    ...                           peak_score=0.95, peak_seconds=8.5, num_segments=1))
    'squat 0:06 25 %'
    """
    seconds = format_seconds(round(label.seconds, 1) or label.seconds)
    return f"{printable(label.label)} {seconds} {percent(label.share)}"


def percent(share: float) -> str:
    """Write a share for a person.

    >>> percent(0.254), percent(0.0012), percent(0)
    ('25 %', '<1 %', '0 %')
    """
    return "<1 %" if 0 < share < 0.005 else f"{share * 100:.0f} %"


def held_phrases(document: Document) -> tuple[str, ...]:
    """Say of each label how long it holds, the longest first; none where nothing holds."""
    return tuple(map(held_phrase, document.summary))


def nothing_phrase(document: Document) -> str:
    """Say that nothing holds, or what does where given labels competed with a background."""
    score = document.background_score
    if score is not None and background_wins(score, document.tags):
        return f"{NONE_OF_THESE} {score:.2f}"
    settings = document.settings
    which = "no label" if settings.only is None else "no label that matches"
    return f"{which} reaches {settings.min_score:g}"


def guess_phrase(document: Document) -> str:
    """Say that nothing holds, and what the averaged tags make of it."""
    nothing = nothing_phrase(document)
    tags = worth_showing(document.tags, document.background_score)
    is_none = bool(tags) and is_none_of_these(tags[0])
    tags = tags[1:] if is_none else tags
    if not tags:
        return nothing
    guesses = ", ".join(f"{printable(tag.label)} {tag.score:.2f}" for tag in tags)
    return f"{nothing}; {'next' if is_none else 'a guess'}: {guesses}"


def background_wins(score: float, tags: Sequence[TagRecord]) -> bool:
    """Tell whether no label has more than what went to none of them."""
    return not any(tag.score > score for tag in tags)


def worth_showing(
    tags: Sequence[TagRecord],
    background_score: float | None = None,
    least: float = LEAST_SHOWN_SCORE,
) -> tuple[TagRecord, ...]:
    """Leave out labels whose scores say nothing.

    Args:
        tags: The best labels, best first.
        background_score: What went to none of them, where they competed with a background; it
            stands among them, as a tag that `is_none_of_these` knows.
        least: What a score must reach to be shown.
    """
    shown = [tag for tag in tags if tag.score >= least]
    if background_score is not None and background_score >= least:
        place = sum(tag.score > background_score for tag in shown)
        none = TagRecord(label=NONE_OF_THESE, index=_NO_INDEX, score=background_score)
        shown.insert(place, none)
    return tuple(shown)


def is_none_of_these(tag: TagRecord) -> bool:
    """Tell whether an entry stands for no label."""
    return tag.index == _NO_INDEX


def words_phrase(model: ModelRecord) -> str | None:
    """Say that labels were given, and what they competed with; `None` for a model's own labels."""
    if model.words is None:
        return None
    count = len(model.words)
    given = f"{count} given label{'s' * (count != 1)}"
    background = model.background
    if background is None:
        return f"{given} against {'one another' if count > 1 else 'nothing else'}"
    text = f"{given} against {background.num_phrases} other phrases ({source_phrase(model)})"
    left = len(background.left_out)
    return f"{text}, {left} left out as too near" if left else text


def source_phrase(model: ModelRecord) -> str:
    """Say where the actions of a background come from."""
    assert model.background is not None  # asked of such models alone
    return _SOURCES[model.background.source]
