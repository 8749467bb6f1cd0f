"""A marker EDL: CMX 3600 with the lines by which DaVinci Resolve tells its timeline's markers.

Right-click the timeline in the media pool: Timelines, Import, Timeline Markers from EDL. There is
an event, one frame long, for each marker: at the frame nearest to the segment's start, with the
label, a colour per label, and the segment's length in frames. Resolve has one marker on a frame:
segments that begin on the same one share it, with their labels joined, and the length of the
longest.

Events stand at the file's own timecode, drop-frame where that is. Where it has none, they stand at
01:00:00:00 and after, where Resolve's timelines begin by default: at 00:00:00:00 all markers would
be an hour before the timeline. An EDL does not tell its rate; it is the video's, as `timecode`
says. There is no escape for `|`, which ends a name: a broken bar stands for it.
Source: http://xmil.biz/EDL-X/CMX3600.pdf for events; the lines of markers are as Resolve's own
"Timeline Markers to EDL" writes them (DaVinci Resolve 18.6 Reference Manual)
"""

from vidtag.documents.records import Document
from vidtag.formats.format import Format, one
from vidtag.formats.timecode import Counting, count_frames
from vidtag.links import file_name
from vidtag.text import one_line

_START = "01:00:00:00"

_COLORS = ("Blue", "Green", "Yellow", "Red", "Cyan", "Purple", "Pink", "Fuchsia", "Sky", "Mint")
"""Of the colours that Resolve has for markers, those that differ most come first."""

_SEPARATOR = " + "
"""Between labels that begin on the same frame."""


def write_edl(document: Document) -> str:
    """Write one event per frame on which segments begin."""
    count = count_frames(document.video, start=_START)
    title = one_line(file_name(document.video.path), 0)
    mode = "DROP FRAME" if count.is_drop else "NON-DROP FRAME"
    colors: dict[int, str] = {}
    markers: dict[int, tuple[int, str, str]] = {}
    for segment in document.segments:
        color = colors.setdefault(segment.index, _COLORS[len(colors) % len(_COLORS)])
        label = one_line(segment.label, segment.index).replace("|", "\u00a6")
        frame, length = count.span(segment.start_seconds, segment.end_seconds)
        if frame in markers:
            longest, color, before = markers[frame]
            length, label = max(longest, length), f"{before}{_SEPARATOR}{label}"
        markers[frame] = length, color, label
    events = [
        _event(number, frame, count) + f" |C:ResolveColor{color} |M:{label} |D:{length}\n"
        for number, (frame, (length, color, label)) in enumerate(sorted(markers.items()), start=1)
    ]
    return "\n".join([f"TITLE: {title}\nFCM: {mode}\n", *events])


def _event(number: int, frame: int, count: Counting) -> str:
    """Write an event of one frame; source and record are the same timecode."""
    times = f"{count.timecode(frame)} {count.timecode(frame + 1)}"
    return f"{number:03d}  001      V     C        {times} {times}\n"


FORMAT = Format(
    name="edl",
    suffix=".edl",
    summary="markers for DaVinci Resolve",
    joins=False,
    write=one(write_edl),
)
