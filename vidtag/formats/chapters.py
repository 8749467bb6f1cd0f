r"""Chapters as FFmpeg's metadata file, which `ffmpeg` muxes into a copy of the video.

`ffmpeg -i clip.mp4 -i clip.mp4.ffmeta -map 0 -map_chapters 1 -c copy with-chapters.mp4`

There is a chapter for each segment. Chapters can't overlap: where several labels hold, one
chapter names them all. Where none holds, and outside of what was tagged, there is no chapter.
Matroska keeps such gaps. MP4 and MOV have none, whatever is written: there a chapter lasts until
the next one starts, and the first one begins at 0 (tried with FFmpeg 5 and 8). The file has no
global tags, so that nothing of the video's own is overwritten.
Source: https://ffmpeg.org/ffmpeg-formats.html#Metadata-2
"""

import re

from vidtag.documents.records import Document
from vidtag.documents.stretches import list_stretches
from vidtag.formats.format import Format, one
from vidtag.text import one_line

_SEPARATOR = " + "
"""Between labels that hold at the same time."""

_SPECIAL = re.compile(r"[=;#\\\n]")


def write_ffmetadata(document: Document) -> str:
    """Write one chapter per stretch in which labels hold."""
    chapters = [_chapter(*chapter) for chapter in list_chapters(document)]
    return "\n".join([";FFMETADATA1\n", *chapters])


def list_chapters(document: Document) -> list[tuple[int, int, str]]:
    """List the start and end of each chapter in milliseconds, and its title."""
    chapters = []
    for stretch in list_stretches(document):
        labels = [one_line(segment.label, segment.index) for segment in stretch.segments]
        if labels:
            chapters.append((stretch.start_ms, stretch.end_ms, _SEPARATOR.join(labels)))
    return chapters


def _chapter(start_ms: int, end_ms: int, title: str) -> str:
    return f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={start_ms}\nEND={end_ms}\ntitle={escape(title)}\n"


def escape(text: str) -> str:
    r"""Put a backslash before what the format takes for its own.

    >>> print(escape("a=b; #1"))
    a\=b\; \#1
    """
    escaped = _SPECIAL.sub(lambda match: "\\" + match[0], text)
    # FFmpeg takes a line break after any backslash, an escaped one too, for part of the text.
    return f"{escaped} " if escaped.endswith("\\") else escaped


FORMAT = Format(
    name="chapters",
    suffix=".ffmeta",
    summary="chapters as FFmpeg metadata, to be muxed",
    joins=False,
    write=one(write_ffmetadata),
)
