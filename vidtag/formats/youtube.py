"""Chapters as text for the description of a video on YouTube.

YouTube makes chapters of lines that begin with a time: the first one is 0:00, there are three at
least, in ascending order, and each is 10 seconds long or longer. A chapter lasts until the next
one, so it is a stretch in which the same labels hold, or none (an en dash). Shorter stretches that
follow each other are one chapter, named by the labels that hold longest in it; where it is still
too short, it belongs to the chapter before, and at the start to the one after. Times are cut to
whole seconds.

Two chapters or one are written all the same, which YouTube shows as plain text with links to the
times. A description has no angle brackets: others stand for them.
Source: https://support.google.com/youtube/answer/9884579
"""

from dataclasses import dataclass, field

from vidtag.documents.headline import NOTHING
from vidtag.documents.records import Document
from vidtag.documents.stretches import list_stretches
from vidtag.formats.format import Format, one
from vidtag.seconds import milliseconds
from vidtag.text import one_line

_LEAST_MS = 10_000

_SEPARATOR = " + "
"""Between labels that hold at the same time."""

_BRACKETS = str.maketrans({"<": "\u2039", ">": "\u203a"})


@dataclass(slots=True, kw_only=True)
class _Chapter:
    """A chapter that may still grow."""

    start_ms: int
    end_ms: int
    held_ms: dict[str, int] = field(default_factory=dict)
    """How long each title holds in it."""

    @property
    def is_long(self) -> bool:
        return self.end_ms - self.start_ms >= _LEAST_MS

    @property
    def title(self) -> str:
        return max(self.held_ms, key=lambda title: (title != NOTHING, self.held_ms[title]))

    def grow(self, end_ms: int, title: str) -> None:
        self.held_ms[title] = self.held_ms.get(title, 0) + end_ms - self.end_ms
        self.end_ms = end_ms


def write_youtube(document: Document) -> str:
    """Write one line per chapter."""
    chapters: list[_Chapter] = []
    for chapter in _group(_list_titles(document)):
        before = chapters[-1] if chapters else None
        if before is None:
            chapters.append(chapter)
        elif not before.is_long:  # the first one
            before.end_ms = chapter.end_ms
            before.held_ms = before.held_ms if chapter.title == NOTHING else chapter.held_ms
        elif not chapter.is_long or chapter.title == before.title:
            before.end_ms = chapter.end_ms
        else:
            chapters.append(chapter)
    return "".join(f"{_clock(one.start_ms)} {one.title}\n" for one in chapters)


def _list_titles(document: Document) -> list[tuple[int, int, str]]:
    """List start, end and title of stretches that tile the whole video."""
    titled = []
    for stretch in list_stretches(document):
        labels = [one_line(one.label, one.index).translate(_BRACKETS) for one in stretch.segments]
        titled.append((stretch.start_ms, stretch.end_ms, _SEPARATOR.join(labels) or NOTHING))
    first = titled[0][0] if titled else 0
    last = titled[-1][1] if titled else 0
    end = milliseconds(document.video.duration_seconds)
    whole = [(0, first, NOTHING), *titled, (last, end, NOTHING)]
    return [(start, end, title) for start, end, title in whole if start < end]


def _group(titled: list[tuple[int, int, str]]) -> list[_Chapter]:
    """Put the same that follows each other together, and then what is too short alone."""
    same: list[tuple[int, int, str]] = []
    for start, end, title in titled:
        if same and same[-1][2] == title:
            start = same.pop()[0]
        same.append((start, end, title))
    chapters: list[_Chapter] = []
    for start, end, title in same:
        is_long = end - start >= _LEAST_MS
        if is_long or not chapters or chapters[-1].is_long:
            chapters.append(_Chapter(start_ms=start, end_ms=start))
        chapters[-1].grow(end, title)
    return chapters


def _clock(millis: int) -> str:
    """Write a time as YouTube reads it.

    >>> _clock(0), _clock(75_900), _clock(3_661_000)
    ('0:00', '1:15', '1:01:01')
    """
    minutes, seconds = divmod(millis // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


FORMAT = Format(
    name="youtube",
    suffix=".youtube.txt",
    summary="chapters for YouTube",
    joins=False,
    write=one(write_youtube),
)
