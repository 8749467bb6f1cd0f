"""Which stretches of a video are cut out, and what their files are called. Pure."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from vidtag.documents.records import Document
from vidtag.search.matching import Patterns

_UNSAFE = re.compile(r"[^\w ,+()&'-]+")
"""What of a label may trouble a file system or a shell's user."""

_LONGEST = 120
"""Bytes of a label in a name, which may have 255 in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A segment that was looked for, and the stretch that is cut for it."""

    label: str
    score: float
    start_seconds: Fraction
    """Of the segment."""

    end_seconds: Fraction
    """Of the segment."""

    peak_score: float
    """Of its best step."""

    peak_seconds: Fraction
    """Middle of its best step."""

    cut_start: Fraction
    """Of what is cut: the segment with what was added before it."""

    cut_end: Fraction
    """Of what is cut."""


def find_hits(document: Document, patterns: Patterns, pad: Fraction) -> tuple[Hit, ...]:
    """List the segments whose label matches, each with some time around it.

    Two of one label whose stretches touch are one hit: no picture comes twice.

    Args:
        document: With its segments.
        patterns: What is looked for.
        pad: Seconds that are added on both sides, within the video.
    """
    end = _exact(document.video.duration_seconds)
    found: dict[int, list[Hit]] = {}
    for segment in document.segments:
        if not patterns.match(segment.label):
            continue
        start, until = _exact(segment.start_seconds), _exact(segment.end_seconds)
        hit = Hit(
            label=segment.label,
            score=segment.score,
            start_seconds=start,
            end_seconds=until,
            peak_score=segment.peak_score,
            peak_seconds=_exact(segment.peak_seconds),
            cut_start=max(Fraction(0), start - pad),
            cut_end=min(max(end, until), until + pad),
        )
        own = found.setdefault(segment.index, [])
        if own and hit.cut_start <= own[-1].cut_end:
            best = max(own[-1], hit, key=lambda one: one.peak_score)
            own[-1] = replace(
                own[-1],
                end_seconds=hit.end_seconds,
                cut_end=max(own[-1].cut_end, hit.cut_end),
                score=max(own[-1].score, hit.score),
                peak_score=best.peak_score,
                peak_seconds=best.peak_seconds,
            )
        else:
            own.append(hit)
    hits = [hit for own in found.values() for hit in own]
    return tuple(sorted(hits, key=lambda hit: (hit.cut_start, hit.label)))


def join_hits(hits: Sequence[Hit]) -> tuple[tuple[Fraction, Fraction], ...]:
    """Join stretches that overlap, whatever their labels: for a reel, in the order of time."""
    joined: list[tuple[Fraction, Fraction]] = []
    for hit in sorted(hits, key=lambda one: one.cut_start):
        if joined and hit.cut_start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], hit.cut_end)
        else:
            joined.append((hit.cut_start, hit.cut_end))
    return tuple(joined)


def clip_name(path: str, hit: Hit, suffix: str) -> str:
    """Name a clip after its video, where it begins in it, and its label.

    >>> hit = Hit(label="push up/down", score=1.0, start_seconds=Fraction(3725, 10),
    ...           end_seconds=Fraction(375), peak_score=1.0, peak_seconds=Fraction(373),
    ...           cut_start=Fraction(372), cut_end=Fraction(375))
    >>> clip_name("videos/gym.mp4", hit, ".mp4")
    'gym_0-06-12.500_push up_down.mp4'
    """
    stem = os.path.splitext(os.path.basename(path))[0] or "video"
    total = round(hit.start_seconds * 1000)
    hours, rest = divmod(total, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    at = f"{hours}-{minutes:02}-{rest // 1000:02}.{rest % 1000:03}"
    label = _shortened(_UNSAFE.sub("_", hit.label).strip(" _"), _LONGEST) or "hit"
    room = 240 - len(os.fsencode(f"_{at}_{label}{suffix}"))  # a number may follow
    return f"{_shortened(stem, room)}_{at}_{label}{suffix}"


def _shortened(text: str, room: int) -> str:
    """Leave as many whole characters of a text as have room, in bytes."""
    while text and len(os.fsencode(text)) > room:
        text = text[:-1]
    return text


def _exact(seconds: float) -> Fraction:
    """Take seconds of a document, which are rounded to milliseconds, as they are printed."""
    return Fraction(round(seconds * 1000), 1000)
