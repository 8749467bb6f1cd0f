"""The page over a batch: every video with its strip and best tags, and what failed.

Owns what an index holds. Pages of videos are linked, never read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from vidtag.documents.headline import (
    NONE_OF_THESE,
    background_wins,
    is_none_of_these,
    words_phrase,
    worth_showing,
)
from vidtag.documents.records import Document, Failure, ModelRecord
from vidtag.report.lanes import (
    StripBox,
    make_strip,
    name_labels,
    rank_segments,
)
from vidtag.report.looks import Look, find_look
from vidtag.report.page import note_on, show_name
from vidtag.report.rendering import checked_href, clock, decimal, embed_data, embed_json, render
from vidtag.report.thumbnails import Thumbnail
from vidtag.text import escape_controls, one_line

NUM_LABELS = 3
"""Labels that an entry shows."""

MAX_STRIP_LINKS = 20_000
"""Stretches of all strips that lead to their moments: at 170 bytes each, 3.4 MB. Strips beyond are
drawn alone; their pages, and what a search finds, are linked all the same."""

MAX_HITS = 5
"""Moments of a label that a search lists for one video."""

MAX_PICTURE_BYTES = 8_000_000
"""Of all pictures on an index; entries beyond go without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexEntry:
    """One input of a batch."""

    result: Document | Failure
    """What came of it."""

    page_href: str | None = None
    """Link from the index to its page, as `relative_href()` writes it."""

    picture: Thumbnail | None = None
    """What stands for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Label:
    name: str
    value: str
    look: Look
    seconds: float | None
    """Where it is best; `None` for a guess."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A tagged video, ready for the template."""

    name: str
    folder: str
    duration_seconds: float
    num_warnings: int
    page_href: str | None
    picture: str | None
    strip: tuple[StripBox, ...]
    is_strip_linked: bool
    strip_text: str
    labels: tuple[_Label, ...]
    """What holds the longest, or what the tags make a guess at."""
    is_guess: bool
    is_none: bool
    """Whether what given labels competed with has more than any of them, where none holds."""


def render_index(entries: Sequence[IndexEntry]) -> str:
    """Render the page over a batch, in the order that is given.

    Raises:
        ValueError: A `page_href` leads elsewhere than to a file.
    """
    documents = [entry.result for entry in entries if isinstance(entry.result, Document)]
    failures = [entry.result for entry in entries if isinstance(entry.result, Failure)]
    shown, room, num_left_out, num_links = [], MAX_PICTURE_BYTES, 0, 0
    for entry in entries:
        if isinstance(entry.result, Document):
            room -= len(entry.picture.jpeg) if entry.picture else 0
            num_left_out += entry.picture is not None and room < 0
            strip = make_strip(entry.result)
            num_links += len(strip) if entry.page_href is not None else 0
            shown.append(
                _entry(
                    entry,
                    entry.result,
                    strip,
                    has_room=room >= 0,
                    is_strip_linked=num_links <= MAX_STRIP_LINKS,
                )
            )
    labels = {
        one_line(segment.label, segment.index)
        for document in documents
        for segment in document.segments
    }
    values = {
        "version": entries[0].result.vidtag_version if entries else "",
        "entries": shown,
        "num_left_out": num_left_out,
        "failures": [
            {
                "path": escape_controls(failure.video.path),
                "code": failure.error.code,
                "message": failure.error.message,
            }
            for failure in failures
        ],
        "looks": _looks(shown),
        "total_seconds": sum(document.video.duration_seconds for document in documents),
        "num_labels": len(labels),
        "num_segments": sum(len(document.segments) for document in documents),
        "known_labels": sorted(labels),
        "models": [
            {
                "id": model.id,
                "licence": model.licence,
                "note": note_on(model),
                "words": words_phrase(model),
            }
            for model in {_labelling(one.model): one.model for one in documents}.values()
        ],
        "data": embed_json(
            [
                {"name": entry.name, "folder": entry.folder, "labels": _hits(document)}
                for entry, document in zip(shown, documents, strict=True)
            ]
        ),
    }
    return render("index.html", values, script="index.js")


_Labelling = tuple[str, tuple[str, ...]]
"""What tells labels of the same number apart: the model, and the words that it was given."""


def _labelling(model: ModelRecord) -> _Labelling:
    return model.id, tuple(word.label for word in model.words or ())


def _looks(entries: Sequence[_Entry]) -> list[Look]:
    """List each look once, in the order of colours and patterns."""
    used = [box.look for entry in entries for box in entry.strip]
    used += [label.look for entry in entries for label in entry.labels if not entry.is_guess]
    by_name = {look.name: look for look in used}
    return [by_name[name] for name in sorted(by_name)]


def _entry(
    entry: IndexEntry,
    document: Document,
    strip: tuple[StripBox, ...],
    *,
    has_room: bool,
    is_strip_linked: bool,
) -> _Entry:
    path = document.video.path.replace("\\", "/").rstrip("/")
    names = name_labels(document)
    shown: list[tuple[int, str, float | None]]
    if document.summary:
        shown = [(one.index, clock(one.seconds), one.peak_seconds) for one in document.summary]
    else:
        guesses = worth_showing(document.tags, document.background_score)
        names |= {tag.index: NONE_OF_THESE for tag in guesses if is_none_of_these(tag)}
        shown = [(tag.index, decimal(tag.score), None) for tag in guesses]
    return _Entry(
        name=show_name(document.video.path),
        folder=escape_controls(path.rsplit("/", 1)[0]) if "/" in path else "",
        duration_seconds=document.video.duration_seconds,
        num_warnings=len(document.warnings),
        page_href=None if entry.page_href is None else checked_href(entry.page_href),
        picture=embed_data("image/jpeg", entry.picture.jpeg)
        if entry.picture and has_room
        else None,
        strip=strip,
        is_strip_linked=is_strip_linked and entry.page_href is not None,
        strip_text=_describe(document),
        labels=tuple(
            _Label(
                name=names[index],
                value=value,
                look=find_look(document.model, index),
                seconds=seconds,
            )
            for index, value, seconds in shown[:NUM_LABELS]
        ),
        is_guess=not document.summary,
        is_none=_is_none(document),
    )


def _is_none(document: Document) -> bool:
    score = document.background_score
    is_held = bool(document.segments or document.summary)
    return not is_held and score is not None and background_wins(score, document.tags)


def _describe(document: Document) -> str:
    """Say in words what a strip shows."""
    names = name_labels(document)
    chosen = sorted(rank_segments(document.segments)[:MAX_HITS])
    parts = [
        f"{names[s.index]} from {clock(s.start_seconds)} to {clock(s.end_seconds)}"
        for s in (document.segments[k] for k in chosen)
    ]
    left = len(document.segments) - len(parts)
    if left:
        parts.append(f"{left} more")
    return "; ".join(parts) or (NONE_OF_THESE if _is_none(document) else "no label holds")


def _hits(document: Document) -> list[list[object]]:
    """List each label with the starts of its best segments, for the search."""
    names = name_labels(document)
    moments: dict[int, list[float]] = {}
    counts: dict[int, int] = {}
    for k in rank_segments(document.segments):
        segment = document.segments[k]
        own = moments.setdefault(segment.index, [])
        counts[segment.index] = counts.get(segment.index, 0) + 1
        if len(own) < MAX_HITS:
            own.append(segment.start_seconds)
    return [[names[index], counts.get(index, 0), *sorted(own)] for index, own in moments.items()]
