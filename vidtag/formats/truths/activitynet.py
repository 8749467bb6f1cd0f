"""ActivityNet's JSON: its ground truth (`database`), and results, as vidtag writes them.

Videos stand there by the names of their files without extensions, or by YouTube's.
Source: https://github.com/activitynet/ActivityNet
"""

from collections.abc import Mapping
from typing import Any

from vidtag.errors import TruthError
from vidtag.formats.truths.content import seconds_of_number
from vidtag.formats.truths.gathering import Gathering, Video, quoted, shortened, subset_of
from vidtag.formats.truths.places import Places


def is_activitynet(value: object) -> bool:
    """Tell whether parsed JSON is of this kind."""
    return isinstance(value, dict) and ("database" in value or "results" in value)


def read_activitynet(
    path: str, value: Mapping[str, Any], gathering: Gathering, places: Places
) -> None:
    """Read ground truth or results.

    Args:
        path: The file.
        value: Its parsed content.
        gathering: Takes what is in it.
        places: Where its videos lie.

    Raises:
        TruthError: Its videos are no object.
    """
    part = "database" if "database" in value else "results"
    videos = value[part]
    if not isinstance(videos, dict):
        raise TruthError(path, f"{path}: '{part}' is no object with a video for each key.")
    for key, entry in videos.items():
        place = f"{part}.{shortened(key)}"
        if part == "results":
            annotations, subset = entry, None
        elif isinstance(entry, dict):
            annotations, subset = entry.get("annotations"), entry.get("subset")
        else:
            gathering.unreadable(place, "it is no object")
            continue
        _read_video(place, key, annotations, subset, gathering, places)


def _read_video(
    place: str,
    key: str,
    annotations: object,
    subset: object,
    gathering: Gathering,
    places: Places,
) -> None:
    if subset is not None and not isinstance(subset, str):
        gathering.unreadable(place, "its subset is no text")
        return
    if not isinstance(annotations, list):
        gathering.unreadable(place, "it has no list of annotations")
        return
    if not annotations and subset_of(subset) == "testing":
        # Labels of test sets are kept back; an empty list does not say that nothing holds.
        gathering.note("unlabelled", f"{quoted(key)} ({gathering.prefix}{place}, of a test set)")
        return
    video = gathering.video(place, key, lambda: places.find_key(key), subset)
    if video is None:
        return
    video.is_empty = video.is_empty or not annotations
    for number, annotation in enumerate(annotations):
        _read_annotation(f"{place}[{number}]", annotation, video, gathering)


def _read_annotation(place: str, annotation: object, video: Video, gathering: Gathering) -> None:
    if not isinstance(annotation, dict):
        gathering.unreadable(place, "it is no object")
        return
    label = gathering.label(place, annotation.get("label"))
    if label is None:
        return
    segment = annotation.get("segment")
    if not isinstance(segment, list) or len(segment) != 2:
        gathering.unreadable(place, "its segment is no list of start and end")
        return
    try:
        start, end = map(seconds_of_number, segment)
    except ValueError as exc:
        gathering.unreadable(place, exc)
        return
    gathering.say_segment(place, video, start, end, label)
