r"""Chapters as FFmpeg's metadata file, which `ffmpeg` muxes into a copy of the video.

`ffmpeg -i clip.mp4 -i clip.mp4.ffmeta -map 0 -map_chapters 1 -c copy with-chapters.mp4`

Chapters are the running top label. They tile the whole video: stretches without a label and
parts that were not tagged are chapters too. Otherwise players would show the chapter before
them on, and a first chapter that starts late would start at 0 (so it does in mp4; tried with
FFmpeg 8). The file has no global tags, so that nothing of the video's own is overwritten.
Source: https://ffmpeg.org/ffmpeg-formats.html#Metadata-2
"""

import re

from vidtag.formats.running import NO_CLEAR_ACTION, list_stretches, milliseconds
from vidtag.results import Document

NOT_TAGGED = "not tagged"
"""Title of what lies before `--start` or after `--end`."""

_SPECIAL = re.compile(r"[=;#\\\n]")


def write_ffmetadata(document: Document) -> str:
    """Write one chapter per stretch of the running top label, from 0 to the video's end."""
    chapters = []
    end = 0
    for stretch in list_stretches(document):
        if stretch.start_ms > end:
            chapters.append(_chapter(end, stretch.start_ms, NOT_TAGGED))
        title = stretch.label or NO_CLEAR_ACTION
        chapters.append(_chapter(stretch.start_ms, stretch.end_ms, title))
        end = stretch.end_ms
    duration = milliseconds(document.video.duration_seconds)
    if duration > end:
        chapters.append(_chapter(end, duration, NOT_TAGGED))
    return "\n".join([";FFMETADATA1\n", *chapters])


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
