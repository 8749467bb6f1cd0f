r"""SubRip and WebVTT: one cue per segment, for any player.

Cues of labels that hold at the same time overlap, and players show them above each other. Where
no label holds, there is none.

Written here and not with pysubs2, whose text is that of SubStation Alpha: it drops `{…}`,
breaks lines at `\N`, and escapes nothing in WebVTT (tried with 1.8.1). It reads them back in
the tests.
"""

from collections.abc import Iterator

from vidtag.documents.records import Document
from vidtag.formats.format import Format, one
from vidtag.seconds import milliseconds
from vidtag.text import one_line

# SubRip has no escapes; players take <…> and {…} for markup, `\N` for a line break, and `>` may
# end an arrow.
_SRT_LOOKALIKES = str.maketrans({"<": "\u2039", ">": "\u203a", "{": "(", "}": ")", "\\": "\u2216"})

# Source: https://www.w3.org/TR/webvtt1/#webvtt-cue-text-span
_VTT_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def write_srt(document: Document) -> str:
    """Write SubRip: one cue per segment. No cue gives an empty text."""
    cues = [
        f"{_clock(start, ',')} --> {_clock(end, ',')}\n{label.translate(_SRT_LOOKALIKES)}\n"
        for start, end, label in _cues(document)
    ]
    return "\n".join(f"{number}\n{cue}" for number, cue in enumerate(cues, start=1))


def write_vtt(document: Document) -> str:
    """Write WebVTT: one cue per segment."""
    cues = [
        f"{_clock(start, '.')} --> {_clock(end, '.')}\n{label.translate(_VTT_ESCAPES)}\n"
        for start, end, label in _cues(document)
    ]
    return "\n".join(["WEBVTT\n", *cues])


def _cues(document: Document) -> Iterator[tuple[int, int, str]]:
    """List start, end and label of each cue; one without a length can't be shown."""
    for segment in document.segments:
        start, end = milliseconds(segment.start_seconds), milliseconds(segment.end_seconds)
        if start < end:
            yield start, end, one_line(segment.label, segment.index)


def _clock(millis: int, point: str) -> str:
    """Write a time as `00:01:02,003`; hours grow beyond two digits where they must."""
    seconds, millis = divmod(millis, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{point}{millis:03d}"


SRT = Format(
    name="srt",
    suffix=".srt",
    summary="SubRip subtitles",
    joins=False,
    write=one(write_srt),
)
VTT = Format(
    name="vtt",
    suffix=".vtt",
    summary="WebVTT subtitles",
    joins=False,
    write=one(write_vtt),
)
