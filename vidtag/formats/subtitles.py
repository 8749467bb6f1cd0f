r"""SubRip and WebVTT: the running top label, for any player.

Written here and not with pysubs2, whose text is that of SubStation Alpha: it drops `{…}`,
breaks lines at `\N`, and escapes nothing in WebVTT (tried with 1.8.1). It reads them back in
the tests.
"""

from vidtag.formats.running import list_stretches
from vidtag.results import Document

# SubRip has no escapes; players take <…> and {…} for markup, `\N` for a line break, and `>` may
# end an arrow.
_SRT_LOOKALIKES = str.maketrans({"<": "\u2039", ">": "\u203a", "{": "(", "}": ")", "\\": "\u2216"})

# Source: https://www.w3.org/TR/webvtt1/#webvtt-cue-text-span
_VTT_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def write_srt(document: Document) -> str:
    """Write SubRip: one cue per stretch with a label. No cue gives an empty text."""
    cues = [
        f"{_clock(stretch.start_ms, ',')} --> {_clock(stretch.end_ms, ',')}\n"
        f"{stretch.label.translate(_SRT_LOOKALIKES)}\n"
        for stretch in list_stretches(document)
        if stretch.label is not None
    ]
    return "\n".join(f"{number}\n{cue}" for number, cue in enumerate(cues, start=1))


def write_vtt(document: Document) -> str:
    """Write WebVTT: one cue per stretch with a label."""
    cues = [
        f"{_clock(stretch.start_ms, '.')} --> {_clock(stretch.end_ms, '.')}\n"
        f"{stretch.label.translate(_VTT_ESCAPES)}\n"
        for stretch in list_stretches(document)
        if stretch.label is not None
    ]
    return "\n".join(["WEBVTT\n", *cues])


def _clock(millis: int, point: str) -> str:
    """Write a time as `00:01:02,003`; hours grow beyond two digits where they must."""
    seconds, millis = divmod(millis, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{point}{millis:03d}"
