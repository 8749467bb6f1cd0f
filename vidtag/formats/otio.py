"""OpenTimelineIO: a timeline for video editors, one clip with a marker per segment.

Editors count whole frames at a constant rate. The rate is that of the video, taken as 24,
30000/1001 and the like where it is within their rounding; a variable one is taken as the
nearest of these, as an editor would conform it. Markers stand on the frames nearest to the
segment's ends, one frame long at least, and carry the exact figures as metadata.

Written here and not with the library, which has no wheels for Python 3.14 (as of 0.18.1): there
a plain install of vidtag would need a C++ compiler. It reads the files back in the tests.
Source: https://opentimelineio.readthedocs.io/en/stable/tutorials/otio-serialized-schema.html
"""

import json
from collections.abc import Sequence

from vidtag.documents.records import Document, SegmentRecord
from vidtag.formats.format import Format, one
from vidtag.links import file_name, media_url
from vidtag.text import one_line

Object = dict[str, object]
"""One object of the file, with the name and version of its schema."""

# Rates that editors know. Source: SMPTE ST 12-1, and
# https://github.com/AcademySoftwareFoundation/OpenTimelineIO src/opentime/rationalTime.cpp
_EDIT_RATES = (
    24000 / 1001,
    24.0,
    25.0,
    30000 / 1001,
    30.0,
    48000 / 1001,
    48.0,
    50.0,
    60000 / 1001,
    60.0,
    120000 / 1001,
    120.0,
)
_RATE_NOISE = 4e-4
"""Neighbours such as 29.97 and 30 differ by 1e-3; timestamps in milliseconds blur a mean less."""

_UNKNOWN_RATE = 25.0
"""Of a single frame: the rate that is taken where a video declares none."""

_COLORS = ("RED", "ORANGE", "YELLOW", "GREEN", "CYAN", "BLUE", "PURPLE", "MAGENTA", "PINK")


def edit_rate(frame_rate: float | None, *, is_variable: bool) -> float:
    """Choose the constant rate of a timeline, in frames per second.

    >>> edit_rate(29.9702, is_variable=False) == 30000 / 1001
    True
    >>> edit_rate(12.0, is_variable=False), edit_rate(23.5, is_variable=True)
    (12.0, 23.976023976023978)
    """
    if not frame_rate:
        return _UNKNOWN_RATE
    nearest = min(_EDIT_RATES, key=lambda rate: abs(rate / frame_rate - 1))
    if is_variable or abs(nearest / frame_rate - 1) < _RATE_NOISE:
        return nearest
    return round(frame_rate, 3)


def write_otio(document: Document) -> str:
    """Write a timeline with the video as its one clip, and its segments as markers."""
    video = document.video
    rate = edit_rate(video.frame_rate, is_variable=video.is_variable_frame_rate)
    whole = _range(0.0, video.duration_seconds, rate)
    name = one_line(file_name(video.path), 0)
    colors: dict[int, str] = {}
    markers = [
        _marker(
            segment,
            rate,
            colors.setdefault(segment.index, _COLORS[len(colors) % len(_COLORS)]),
        )
        for segment in document.segments
    ]
    clip = {
        **_item("Clip.2", name, source_range=whole, markers=markers),
        "media_references": {"DEFAULT_MEDIA": _media(media_url(video.path), whole)},
        "active_media_reference_key": "DEFAULT_MEDIA",
    }
    track = {**_item("Track.1", "video"), "kind": "Video", "children": [clip]}
    timeline = {
        "OTIO_SCHEMA": "Timeline.1",
        "metadata": {
            "vidtag": {"vidtag_version": document.vidtag_version, "model": document.model.id}
        },
        "name": name,
        "global_start_time": None,
        "tracks": {**_item("Stack.1", "tracks"), "children": [track]},
    }
    return f"{json.dumps(timeline, indent=2, allow_nan=False)}\n"


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


def _marker(segment: SegmentRecord, rate: float, color: str) -> Object:
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
        "marked_range": _range(segment.start_seconds, segment.end_seconds, rate),
    }


def _range(start: float, end: float, rate: float) -> Object:
    first = round(start * rate)
    length = max(1, round(end * rate) - first)
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": {"OTIO_SCHEMA": "RationalTime.1", "rate": rate, "value": float(first)},
        "duration": {"OTIO_SCHEMA": "RationalTime.1", "rate": rate, "value": float(length)},
    }


FORMAT = Format(
    name="otio",
    suffix=".otio",
    summary="OpenTimelineIO for video editors: a marker per segment",
    joins=False,
    write=one(write_otio),
)
