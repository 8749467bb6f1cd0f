"""Chapters put into a copy of the video: nothing is encoded again, nothing else is changed.

Source: the chapters of FFmpeg's muxers, https://ffmpeg.org/ffmpeg-formats.html. MP4 and MOV have no
gaps between chapters: there one lasts until the next starts, and the first begins at 0.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from vidtag.documents.records import Document
from vidtag.formats import Format
from vidtag.formats.chapters import FORMAT, list_chapters
from vidtag.formats.format import Place
from vidtag.outputs.destination import OutputPlan

CONTAINERS: Mapping[str, str] = MappingProxyType(
    {
        ".mp4": "mp4",
        ".m4v": "mp4",
        ".mov": "mov",
        ".mkv": "matroska",
        ".webm": "webm",
    }
)
"""Suffixes of files that hold copied packets, and FFmpeg's names of their containers."""


def with_copies(plans: Sequence[OutputPlan]) -> dict[str, Format]:
    """Take chapters into a copy of the video where they were asked for in a file of its kind."""
    found: dict[str, Format] = {}
    for plan in plans:
        if plan.kind == "file" and is_copy(plan.path, plan.formats):
            suffix = os.path.splitext(plan.path)[1].lower()
            found[FORMAT.name] = replace(FORMAT, suffix=suffix, write_file=write_copy)
    return found


def is_copy(path: str, formats: Sequence[str]) -> bool:
    """Tell whether a copy of the video with chapters is asked for."""
    suffix = os.path.splitext(path)[1].lower()
    return tuple(formats) == (FORMAT.name,) and suffix in CONTAINERS


def write_copy(document: Document, place: Place, draft: str) -> None:
    """Write a copy of a video with a chapter for each stretch in which labels hold.

    Raises:
        VideoError: It can't be read.
        OutputError: It can't be written, or its container can't hold the video.
    """
    from vidtag.video.chapters import Chapter, copy_with_chapters  # loads PyAV

    chapters = [
        Chapter(start_ms=start, end_ms=end, title=title)
        for start, end, title in list_chapters(document)
    ]
    kind = CONTAINERS[os.path.splitext(place.path)[1].lower()]
    copy_with_chapters(document.video.path, draft, kind, chapters)
