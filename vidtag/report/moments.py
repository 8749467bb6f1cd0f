"""The moments that a page shows in pictures: one card for each, and what the model looked at.

Owns which segments get a card, and which cards of one label are folded away. Which of them a page
has room for is the page's business.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from vidtag.documents.records import Document, SegmentRecord
from vidtag.report.lanes import rank_segments
from vidtag.report.looks import Look, find_look
from vidtag.report.rendering import clock, embed_data
from vidtag.report.thumbnails import MAX_THUMBNAILS, Thumbnail
from vidtag.text import escape_controls, one_line

NUM_ALIKE = 4
"""Cards of one label that are shown at first, its best moments: a row of a wide screen."""

MIN_FOLDED = 2
"""Cards that are worth a fold: a line in place of one card saves nothing."""

MediaType = Literal["image/gif", "image/jpeg", "image/png", "image/webp", "video/mp4", "video/webm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplanationClip:
    """A picture or an animation of what the model looked at, shown beside its segment."""

    index: int
    """The explained label's place in the model's outputs."""

    seconds: float
    """A moment of the explained window. The clip stands beside the segment of its label that
    holds this moment; where there is none, on its own."""

    label: str
    """The model's name for the class."""

    media_type: MediaType
    """Of the content."""

    content: bytes
    """The file, which becomes part of the page."""

    caption: str
    """One sentence: what is shown, and how to read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What the model looked at in one video, and why there is not more of it."""

    clips: tuple[ExplanationClip, ...] = ()

    note: str = ""
    """Which segments have a clip, or why none has: for a person. Empty where nobody asked."""


Explain = Callable[[Document, str], Explained]
"""Explains a document's segments; takes the video, too, as it can be opened from here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A picture or an animation, ready for the template."""

    href: str
    is_video: bool
    caption: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One moment: a segment, or an explanation that belongs to none."""

    index: int
    label: str
    look: Look
    seconds: float
    segment: SegmentRecord | None
    picture: Media | None
    explanations: tuple[Media, ...]
    rank: int
    """How much it is worth showing: the lower, the more; -1 for one that has an explanation."""
    explained_seconds: float | None = None
    """Where another moment of the label has an explanation, if this one has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Further cards of a label that are shown already."""

    index: int
    label: str
    look: Look
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """All cards of a page."""

    cards: tuple[Card, ...]
    """Those that are shown at first, in the order of time."""

    folds: tuple[Fold, ...]
    """The others, label by label, in the order in which these first appear."""

    @property
    def num_segments(self) -> int:
        """How many segments have a card."""
        cards = chain(self.cards, *(fold.cards for fold in self.folds))
        return sum(card.segment is not None for card in cards)

    @property
    def looks(self) -> tuple[Look, ...]:
        """The looks of all cards."""
        return tuple(card.look for card in self.cards)


def gather_moments(
    document: Document,
    pictures: Iterable[Thumbnail] = (),
    explanations: Sequence[ExplanationClip] = (),
) -> Moments:
    """Make a card for every segment that has a picture or an explanation."""
    media = {picture.seconds: _picture(picture) for picture in pictures}
    by_segment: dict[int, list[Media]] = {}
    explained: dict[int, float] = {}
    cards: list[Card] = []
    for clip in explanations:
        shown = Media(
            href=embed_data(clip.media_type, clip.content),
            is_video=clip.media_type.startswith("video/"),
            caption=escape_controls(clip.caption),
        )
        place = _segment_of(clip, document)
        if place is not None:
            by_segment.setdefault(place, []).append(shown)
            explained.setdefault(clip.index, document.segments[place].peak_seconds)
            continue
        cards.append(
            Card(
                index=clip.index,
                label=one_line(clip.label, clip.index),
                look=find_look(document.model, clip.index),
                seconds=clip.seconds,
                segment=None,
                picture=None,
                explanations=(shown,),
                rank=-1,
            )
        )
    for rank, k in enumerate(rank_segments(document.segments)):
        segment = document.segments[k]
        picture = media.get(segment.peak_seconds) if rank < MAX_THUMBNAILS else None
        if picture is None and k not in by_segment:
            continue
        cards.append(
            Card(
                index=segment.index,
                label=one_line(segment.label, segment.index),
                look=find_look(document.model, segment.index),
                seconds=segment.peak_seconds,
                segment=segment,
                picture=picture,
                explanations=tuple(by_segment.get(k, ())),
                explained_seconds=None if k in by_segment else explained.get(segment.index),
                rank=-1 if k in by_segment else rank,
            )
        )
    return _fold(cards)


def _fold(cards: Iterable[Card]) -> Moments:
    """Fold away what is most like what is shown: a label's moments beyond its best few."""
    shown, folds = [], []
    of_label: dict[int, list[Card]] = {}
    for card in sorted(cards, key=lambda card: card.rank):
        of_label.setdefault(card.index, []).append(card)
    for index, own in of_label.items():
        rest = [card for card in own[NUM_ALIKE:] if card.rank >= 0]
        if len(rest) < MIN_FOLDED:
            rest = []
        shown += own[: len(own) - len(rest)]
        if rest:
            one = own[0]
            folds.append(Fold(index=index, label=one.label, look=one.look, cards=_in_time(rest)))
    first = {index: min(card.seconds for card in own) for index, own in of_label.items()}
    return Moments(
        cards=_in_time(shown),
        folds=tuple(sorted(folds, key=lambda fold: (first[fold.index], fold.index))),
    )


def _in_time(cards: Iterable[Card]) -> tuple[Card, ...]:
    return tuple(sorted(cards, key=lambda card: (card.seconds, card.index)))


def _segment_of(clip: ExplanationClip, document: Document) -> int | None:
    """Find the segment of the clip's label that holds its moment."""
    return next(
        (
            k
            for k, segment in enumerate(document.segments)
            if segment.index == clip.index
            and segment.start_seconds <= clip.seconds < segment.end_seconds
        ),
        None,
    )


def _picture(picture: Thumbnail) -> Media:
    return Media(
        href=embed_data("image/jpeg", picture.jpeg),
        is_video=False,
        caption=f"The picture at {clock(picture.seconds)}",
        width=picture.width,
        height=picture.height,
    )
