"""Pictures from a video at the moments that a page shows.

Owns which moments, how large, and how many bytes. What can't be read gives no picture, never
an error: a page is complete without.
"""

import io
import os
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from vidtag.documents.records import Document
from vidtag.errors import VidtagError
from vidtag.report.lanes import choose_moments
from vidtag.urls import is_url
from vidtag.video.frames import Frame, Image

MAX_THUMBNAILS = 48
"""Pictures on a page: more than that, nobody scrolls through; the table has every segment."""

TOTAL_BYTES = 750_000
"""Of all pictures: 1 MB inside a page, which leaves as much for all else."""

MAX_BYTES = 45_000
"""Of one picture, where they are few."""

INDEX_BYTES = 8_000
"""Of one picture on an index, where it is small and one of many."""

# From sharp on a dense screen to just good enough; the first that fits is taken.
_SIZES = ((640, 82), (560, 78), (480, 76), (400, 72), (320, 68), (240, 60), (160, 50), (120, 30))

_LEAD_SECONDS = Fraction(1)
"""How long before a moment reading starts, so that the frame on screen then is among those read."""

_FAR_SECONDS = Fraction(20)
"""Beyond this gap, seeking is cheaper than decoding what lies between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """A small picture of one moment of a video."""

    seconds: float
    """The moment, as the document states it: a segment's `peak_seconds`."""

    width: int
    """In pixels."""

    height: int
    """In pixels."""

    jpeg: bytes = field(repr=False)
    """The picture."""


def read_thumbnails(
    source: str,
    document: Document,
    *,
    max_count: int = MAX_THUMBNAILS,
    max_bytes: int = MAX_BYTES,
) -> tuple[Thumbnail, ...]:
    """Take a picture at the peak of each segment, in one pass with seeks.

    Args:
        source: The video: a regular file of this machine. A document may name anything, so
            nothing else is opened: no address, pipe or device.
        document: What was found in it.
        max_count: Of the most important segments, the best of each label first.
        max_bytes: Of one picture; on an index, `INDEX_BYTES` will do.

    Returns:
        Pictures in the order of time; none for moments that can't be read.
    """
    peaks = {segment.peak_seconds for segment in choose_moments(document, max_count)}
    return read_pictures(source, peaks, max_bytes=max_bytes)


def read_pictures(
    source: str, moments: Collection[float], *, max_bytes: int = MAX_BYTES
) -> tuple[Thumbnail, ...]:
    """Take a picture at each moment, in one pass with seeks.

    Args:
        source: The video, as for `read_thumbnails`.
        moments: In seconds.
        max_bytes: Of one picture.

    Returns:
        Pictures in the order of time; none for moments that can't be read.
    """
    if not moments or not is_plain_file(source):
        return ()
    limit = min(max_bytes, TOTAL_BYTES // len(moments))
    thumbnails = []
    try:
        for seconds, frame in _frames_at(source, sorted(moments)):
            thumbnails.append(_shrink(seconds, frame.to_rgb(), limit))
    except (VidtagError, OSError):
        pass  # missing, damaged from here on, or not what it was: the pictures so far will do
    return tuple(thumbnails)


def is_plain_file(source: str) -> bool:
    """Tell whether it is a regular file; those of /proc, which may block, have no size."""
    is_on_a_server = os.sep == "\\" and source.startswith(("\\\\", "//"))
    if source == "-" or is_url(source) or is_on_a_server:
        return False
    try:
        found = os.stat(source)
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size > 0


def _frames_at(source: str, moments: Sequence[float]) -> Iterator[tuple[float, Frame]]:
    """Yield the frame on screen at each moment, in the order of time."""
    for group in _near(moments):
        yield from _read_group(source, group)


def _near(moments: Sequence[float]) -> list[list[float]]:
    """Split moments where seeking is cheaper than reading on."""
    groups: list[list[float]] = []
    for moment in moments:
        if groups and moment - groups[-1][-1] <= _FAR_SECONDS:
            groups[-1].append(moment)
        else:
            groups.append([moment])
    return groups


def _read_group(source: str, moments: Sequence[float]) -> Iterator[tuple[float, Frame]]:
    from vidtag.video import Part, Video  # loads FFmpeg

    wanted = [(Fraction(moment), moment) for moment in moments]
    start = max(Fraction(0), wanted[0][0] - _LEAD_SECONDS)
    shown: Frame | None = None
    with Video(source, Part(start=start)) as video:
        for frame in video.frames():
            # The frame on screen at a moment is known once a later one comes.
            while wanted and frame.seconds > wanted[0][0]:
                yield wanted.pop(0)[1], shown or frame
            if not wanted:
                return
            shown = frame
    if shown is not None:
        for _, moment in wanted:
            yield moment, shown


def _shrink(seconds: float, image: Image, limit: int) -> Thumbnail:
    from PIL import Image as Pillow

    full = Pillow.fromarray(image)
    for longest, quality in _SIZES:
        small = full.copy()
        small.thumbnail((longest, longest), Pillow.Resampling.LANCZOS)
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=quality, optimize=True)
        if buffer.tell() <= limit:
            break
    return Thumbnail(
        seconds=seconds, width=small.width, height=small.height, jpeg=buffer.getvalue()
    )
