"""OpenTimelineIO: a timeline for video editors, one clip with a marker per segment.

Frames are counted as `timecode` says. Markers stand on the frames nearest to the segment's ends,
one frame long at least, and carry the exact figures as metadata. The media, the clip and its
markers begin at the file's own timecode, since editors look for the clip's pictures by that; where
there is sound, a second track has it.

Written here and not with the library, which has no wheels for Python 3.14 (as of 0.18.1): there
a plain install of vidtag would need a C++ compiler. It reads the files back in the tests.
Source: https://opentimelineio.readthedocs.io/en/stable/tutorials/otio-serialized-schema.html
"""

import json
from collections.abc import Sequence
from typing import Literal

from vidtag.documents.records import Document, SegmentRecord
from vidtag.formats.format import Format, one
from vidtag.formats.timecode import Counting, count_frames
from vidtag.links import absolute_url, file_name
from vidtag.text import one_line

Object = dict[str, object]
"""One object of the file, with the name and version of its schema."""

_COLORS = ("RED", "ORANGE", "YELLOW", "GREEN", "CYAN", "BLUE", "PURPLE", "MAGENTA", "PINK")


def write_otio(document: Document) -> str:
    """Write a timeline with the video as its one clip, and its segments as markers."""
    video = document.video
    count = count_frames(video)
    whole = _range(0.0, video.duration_seconds, count)
    name = one_line(file_name(video.path), 0)
    media = _media(absolute_url(video.path), whole)
    colors: dict[int, str] = {}
    markers = [
        _marker(
            segment,
            count,
            colors.setdefault(segment.index, _COLORS[len(colors) % len(_COLORS)]),
        )
        for segment in document.segments
    ]
    tracks = [_track("Video", name, whole, media, markers)]
    if video.sound_channels is not None:
        tracks.append(_track("Audio", name, whole, media))
    timeline = {
        "OTIO_SCHEMA": "Timeline.1",
        "metadata": {
            "vidtag": {"vidtag_version": document.vidtag_version, "model": document.model.id}
        },
        "name": name,
        "global_start_time": _time(count.first, count) if count.has_timecode else None,
        "tracks": {**_item("Stack.1", "tracks"), "children": tracks},
    }
    return f"{json.dumps(timeline, indent=2, allow_nan=False)}\n"


def _track(
    kind: Literal["Video", "Audio"],
    name: str,
    whole: Object,
    media: Object,
    markers: Sequence[Object] = (),
) -> Object:
    """Put all of the video on a track of its own."""
    clip = {
        **_item("Clip.2", name, source_range=whole, markers=markers),
        "media_references": {"DEFAULT_MEDIA": media},
        "active_media_reference_key": "DEFAULT_MEDIA",
    }
    return {**_item("Track.1", kind.lower()), "kind": kind, "children": [clip]}


def _item(
    schema: str,
    name: str,
    *,
    source_range: Object | None = None,
    markers: Sequence[Object] = (),
) -> Object:
    return {
        "OTIO_SCHEMA": schema,
        "metadata": {},
        "name": name,
        "source_range": source_range,
        "effects": [],
        "markers": list(markers),
        "enabled": True,
    }


def _media(url: str | None, available: Object) -> Object:
    """Refer to the video; a stream on stdin can't be opened again and is missing."""
    reference: Object = {
        "OTIO_SCHEMA": "MissingReference.1",
        "metadata": {},
        "name": "",
        "available_range": available,
        "available_image_bounds": None,
    }
    if url is None:
        return reference
    return {**reference, "OTIO_SCHEMA": "ExternalReference.1", "target_url": url}


def _marker(segment: SegmentRecord, count: Counting, color: str) -> Object:
    return {
        "OTIO_SCHEMA": "Marker.2",
        "metadata": {
            "vidtag": {
                "start_seconds": segment.start_seconds,
                "end_seconds": segment.end_seconds,
                "index": segment.index,
                "score": segment.score,
                "peak_score": segment.peak_score,
                "peak_seconds": segment.peak_seconds,
            }
        },
        "name": one_line(segment.label, segment.index),
        "color": color,
        "comment": f"score {segment.score:.3f}",
        "marked_range": _range(segment.start_seconds, segment.end_seconds, count),
    }


def _range(start: float, end: float, count: Counting) -> Object:
    first, length = count.span(start, end)
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": _time(count.first + first, count),
        "duration": _time(length, count),
    }


def _time(frames: int, count: Counting) -> Object:
    return {
        "OTIO_SCHEMA": "RationalTime.1",
        "rate": float(count.rate),
        "value": float(frames),
    }


FORMAT = Format(
    name="otio",
    suffix=".otio",
    summary="OpenTimelineIO for editors",
    joins=False,
    write=one(write_otio),
)
