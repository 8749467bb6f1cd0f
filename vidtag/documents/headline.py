"""What a video is about, in a few words: what holds, and how long.

Where nothing holds, the averaged tags are all that there is; they are a guess and say so.
"""

from collections.abc import Sequence

from vidtag.documents.records import Document, SummaryRecord, TagRecord
from vidtag.seconds import format_seconds
from vidtag.text import printable

LEAST_SHOWN_SCORE = 0.05
"""What scores less beside another label is noise: of 400 labels, it may be any."""


NOTHING = "\u2013"
"""Stands for a label where none holds; what it might be comes after it."""


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


def guess_phrase(document: Document) -> str:
    """Say that nothing holds, and what the averaged tags make of it."""
    nothing = f"no label reaches {document.settings.min_score:g}"
    tags = worth_showing(document.tags)
    if not tags:
        return nothing
    guesses = ", ".join(f"{printable(tag.label)} {tag.score:.2f}" for tag in tags)
    return f"{nothing}; a guess: {guesses}"


def worth_showing(tags: Sequence[TagRecord]) -> tuple[TagRecord, ...]:
    """Leave out labels whose scores say nothing."""
    return tuple(tag for tag in tags if tag.score >= LEAST_SHOWN_SCORE)
