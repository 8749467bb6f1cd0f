"""vidtag's own: truth files beside their videos, and the documents that it writes."""

import io
import os
from collections.abc import Mapping
from functools import partial
from typing import Any

from vidtag.documents.records import Failure
from vidtag.documents.stored import stream_results
from vidtag.errors import DocumentError
from vidtag.formats.truths.content import seconds_of_number
from vidtag.formats.truths.gathering import Gathering, quoted
from vidtag.formats.truths.places import Places


def is_truth_file(value: object) -> bool:
    """Tell whether parsed JSON has the segments of the video beside it."""
    return isinstance(value, dict) and "segments" in value and "schema_version" not in value


def is_document(value: object) -> bool:
    """Tell whether parsed JSON is a result of vidtag, or a list of such."""
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, dict) and ("schema_version" in first or first.get("event") == "step")


def read_truth_file(
    path: str, value: Mapping[str, Any], gathering: Gathering, places: Places
) -> None:
    """Read the segments of the video that has the same name but for its extension.

    Args:
        path: The file.
        value: Its parsed content.
        gathering: Takes what is in it.
        places: Where its video lies.
    """
    name = os.path.basename(path)
    segments = value["segments"]
    if not isinstance(segments, list):
        gathering.unreadable("segments", "they are no list")
        return
    shown = f"{os.path.splitext(name)[0]}.*"
    video = gathering.video(name, shown, lambda: places.find_beside(path))
    if video is None:
        return
    video.is_empty = video.is_empty or not segments
    for number, segment in enumerate(segments):
        place = f"segments[{number}]"
        if not isinstance(segment, dict):
            gathering.unreadable(place, "it is no object")
            continue
        label = gathering.label(place, segment.get("label"))
        if label is None:
            continue
        try:
            start, end = (
                seconds_of_number(segment.get(key)) for key in ("start_seconds", "end_seconds")
            )
        except ValueError as exc:
            gathering.unreadable(place, exc)
            continue
        gathering.say_segment(place, video, start, end, label)


def read_results(path: str, data: bytes, gathering: Gathering, places: Places) -> None:
    """Read documents: their segments are taken for what is true.

    Args:
        path: The file.
        data: Its content.
        gathering: Takes what is in it.
        places: Where its videos lie.
    """
    for number, result in enumerate(stream_results(io.BytesIO(data), path), start=1):
        place = f"result {number}"
        if isinstance(result, DocumentError):
            gathering.unreadable(place, str(result).removeprefix(f"{path}: "))
            continue
        if isinstance(result, Failure):
            gathering.note("failed", f"{quoted(result.video.path)} ({gathering.prefix}{place})")
            continue
        named = result.video.path
        video = gathering.video(place, named, partial(places.find, named))
        if video is None:
            continue
        video.is_empty = video.is_empty or not result.segments
        sampling = result.sampling
        if sampling.start_seconds > 0 or sampling.end_seconds < result.video.duration_seconds:
            gathering.note("part", quoted(named))
        for k, segment in enumerate(result.segments):
            where = f"{place}, segments[{k}]"
            label = gathering.label(where, segment.label, segment.index)
            if label is not None:
                times = map(seconds_of_number, (segment.start_seconds, segment.end_seconds))
                start, end = times
                gathering.say_segment(where, video, start, end, label)
