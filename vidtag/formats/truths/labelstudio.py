"""Label Studio's JSON export: a list of tasks, with regions of timelines or a choice for all.

Ranges are in frames, counted from 1, both ends inside, and become seconds by the rate that they
were counted with: the `fps` of the task's data, which vidtag's own tasks carry, or what the region
tells. No other rate is taken in their place: Label Studio's own default of 24 is seldom the
video's, and a wrong one moves everything.
Source: https://labelstud.io/guide/export, https://labelstud.io/tags/timelinelabels
"""

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from vidtag.errors import TruthError
from vidtag.extensions import is_video_name
from vidtag.formats.truths.content import seconds_of_number
from vidtag.formats.truths.gathering import Gathering, Video
from vidtag.formats.truths.places import Places
from vidtag.links import file_name
from vidtag.urls import is_address, is_url

_RATES = ("fps", "frame_rate", "frameRate", "framerate", "frame-rate")
_NUMBER = re.compile(r"\d{1,9}(?:\.\d{1,9}|/\d{1,9})?", re.ASCII)

_LOCAL = "/data/local-files/"
_UPLOADED = re.compile(r"/data/upload/(?:.*/)?(?:[0-9a-f]{8}-)?([^/]+)")
"""Label Studio puts a number of eight digits before the names of files that are uploaded."""


class _NoRateError(ValueError):
    """Frames without a rate have no time."""


def is_labelstudio(value: object) -> bool:
    """Tell whether parsed JSON is a task, or a list of such."""
    first = value[0] if isinstance(value, list) and value else value
    if not isinstance(first, dict):
        return False
    is_task = isinstance(first.get("data"), dict)
    return is_task or bool({"annotations", "predictions", "completions"} & first.keys())


def is_labelstudio_min(value: object) -> bool:
    """Tell whether parsed JSON is the short export, which says less."""
    first = value[0] if isinstance(value, list) and value else None
    return isinstance(first, dict) and {"annotator", "lead_time"} <= first.keys()


def read_labelstudio(path: str, value: Any, gathering: Gathering, places: Places) -> None:
    """Read tasks: an annotation counts, and a prediction where there is none.

    Args:
        path: The file.
        value: Its parsed content.
        gathering: Takes what is in it.
        places: Where its videos lie.

    Raises:
        TruthError: A task has ranges of frames, and no task tells its frame rate.
    """
    lacking: list[str] = []
    has_rates = False
    tasks = value if isinstance(value, list) else [value]
    for number, task in enumerate(tasks, start=1):
        identity = task.get("id") if isinstance(task, dict) else None
        is_told = isinstance(identity, int) and abs(identity) < 1 << 63
        place = f"task {number} (id {identity})" if is_told else f"task {number}"
        if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
            gathering.unreadable(place, "it has no data")
            continue
        try:
            has_rates |= _read_task(place, task, gathering, places)
        except _NoRateError as exc:
            lacking.append(place)
            gathering.unreadable(place, exc)
    if lacking and not has_rates:
        message = (
            "it has ranges of frames, but does not tell the frame rate that they were made with"
        )
        hint = 'add "fps" to the data of each task'
        raise TruthError(path, f"{path}: {lacking[0]}: {message}; {hint}.")


def _read_task(place: str, task: Mapping[str, Any], gathering: Gathering, places: Places) -> bool:
    """Read one; tell whether its frames have a rate."""
    regions = _chosen(place, task, gathering)
    if regions is None:
        return False
    name = _video_name(task["data"])
    rate = _rate(task, regions)
    if rate is None and any(_is_timeline(region) for region in regions):
        raise _NoRateError('it does not tell its frame rate, such as "fps": 25 in its data')
    video = gathering.video(place, name, lambda: _find(name, places))
    if video is None:
        return rate is not None
    video.is_empty = video.is_empty or not regions
    for number, region in enumerate(regions, start=1):
        where = f"{place}, region {number}"
        if _is_timeline(region) and rate is not None:
            _read_timeline(where, region["value"], rate, video, gathering)
        elif _is_choice(region):
            _read_choice(where, region["value"]["choices"], video, gathering)
        elif isinstance(region, dict) and isinstance(region.get("value"), dict):
            gathering.note("other_region", f"{gathering.prefix}{where}")
        else:
            gathering.unreadable(where, "it has no value")
    return rate is not None


def _chosen(place: str, task: Mapping[str, Any], gathering: Gathering) -> Sequence[Any] | None:
    """Choose whose regions count; `None` where there are none, and nobody says that nothing is."""
    done = [a for a in _list(task, "annotations") or _list(task, "completions") if a]
    kept = [one for one in done if not _is_cancelled(one)]
    predictions = _list(task, "predictions")
    shown = f"{gathering.prefix}{place}"
    if done and not kept:
        gathering.note("skipped", shown)
        return None
    if not kept and not predictions:
        gathering.note("unlabelled", shown)
        return None
    if not kept:
        gathering.note("prediction", shown)
        chosen = predictions[-1]
    else:
        true = [one for one in kept if isinstance(one, dict) and one.get("ground_truth") is True]
        if len(kept) > 1 and not true:
            gathering.note("several", shown)
        # Of several that tell no time, or the same, the last.
        chosen = max(reversed(true or kept), key=_changed)
    regions = chosen.get("result") if isinstance(chosen, dict) else None
    if not isinstance(regions, list):
        gathering.unreadable(place, "its annotation has no list of results")
        return None
    return regions


def _list(task: Mapping[str, Any], name: str) -> list[Any]:
    found = task.get(name)
    return found if isinstance(found, list) else []


def _is_cancelled(annotation: object) -> bool:
    if not isinstance(annotation, dict):
        return False
    return bool(annotation.get("was_cancelled") or annotation.get("skipped"))


def _changed(annotation: object) -> str:
    """Tell when it was changed, as text of ISO 8601, which sorts."""
    if not isinstance(annotation, dict):
        return ""
    return str(annotation.get("updated_at") or annotation.get("created_at") or "")


def _is_timeline(region: object) -> bool:
    value = region.get("value") if isinstance(region, dict) else None
    return isinstance(value, dict) and ("timelinelabels" in value or "ranges" in value)


def _is_choice(region: object) -> bool:
    value = region.get("value") if isinstance(region, dict) else None
    return isinstance(value, dict) and isinstance(value.get("choices"), list)


def _read_timeline(
    place: str, value: Mapping[str, Any], rate: Fraction, video: Video, gathering: Gathering
) -> None:
    labels, ranges = value.get("timelinelabels"), value.get("ranges")
    if not isinstance(labels, list) or not labels:
        gathering.unreadable(place, "it has no label")
        return
    if not isinstance(ranges, list) or not ranges:
        gathering.unreadable(place, "it has no range of frames")
        return
    plain = [label for one in labels if (label := gathering.label(place, one)) is not None]
    for one in ranges:
        try:
            if not isinstance(one, dict):
                raise ValueError("its range is no object")
            first, last = (seconds_of_number(one.get(name)) for name in ("start", "end"))
        except ValueError:
            gathering.unreadable(place, "its range has no numbers of a first and a last frame")
            continue
        for label in plain:
            gathering.say_segment(place, video, (first - 1) / rate, last / rate, label)


def _read_choice(place: str, choices: Sequence[Any], video: Video, gathering: Gathering) -> None:
    if len(choices) != 1:
        gathering.unreadable(place, f"{len(choices)} choices, and one label is read")
        return
    label = gathering.label(place, choices[0])
    if label is not None:
        gathering.say_whole(place, video, label)


def _rate(task: Mapping[str, Any], regions: Sequence[Any]) -> Fraction | None:
    """Find the rate that frames were counted with."""
    meta = task.get("meta") if isinstance(task.get("meta"), dict) else {}
    for found in (task["data"], meta or {}):
        for name in _RATES:
            rate = _positive(found.get(name))
            if rate is not None:
                return rate
    for region in regions:
        if not isinstance(region, dict):
            continue
        value = region.get("value")
        for found in (region, value if isinstance(value, dict) else {}):
            frames = _positive(found.get("framesCount"))
            duration = _positive(found.get("duration"))
            if frames is not None and duration is not None:
                return frames / duration
    return None


def _positive(value: object) -> Fraction | None:
    """Take a number, or text of one; `None` where it is none that could be a rate."""
    try:
        is_text = isinstance(value, str) and _NUMBER.fullmatch(value.strip())
        plain = Fraction(str(value).strip()) if is_text else seconds_of_number(value)
    except (ValueError, ZeroDivisionError):
        return None
    return plain if plain > 0 else None


def _video_name(data: Mapping[str, Any]) -> str:
    """Find what a task calls its video; the key is the user's choice."""
    for key in ("video", "video_url"):
        if isinstance(data.get(key), str):
            return str(data[key])
    texts = [text for text in data.values() if isinstance(text, str)]
    return next((text for text in texts if is_video_name(file_name(unquote(text)))), "")


def _find(name: str, places: Places) -> str | None:
    if name.startswith(_LOCAL):
        # Its folder for local files is not known; it is the root where paths were absolute.
        below = parse_qs(urlsplit(name).query, keep_blank_values=True).get("d", [""])[0]
        return places.find(below, f"/{below}")
    uploaded = _UPLOADED.fullmatch(name)
    if uploaded is not None:
        bare = name.rpartition("/")[2]
        return places.find(bare, unquote(bare), uploaded[1], unquote(uploaded[1]))
    if is_url(name):
        return name
    if is_address(name) and not name.lower().startswith("file:"):
        return places.find(unquote(file_name(name)))
    return places.find_url(name)
