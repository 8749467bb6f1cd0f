"""OpenTimelineIO, read back by its own library."""

import json
import os
from dataclasses import replace
from urllib.parse import unquote, urlsplit

import pytest
from documents import HOSTILE_PATHS, make_document, make_documents

from vidtag.formats import get_format
from vidtag.formats.timecode import edit_rate
from vidtag.text import one_line

otio = pytest.importorskip("opentimelineio", reason="it has no wheels for this Python")

DOCUMENTS = make_documents()


def _read(document):
    timeline = otio.adapters.read_from_string(get_format("otio").write([document]), "otio_json")
    assert isinstance(timeline, otio.schema.Timeline)
    [track] = timeline.video_tracks()
    [clip] = track
    return timeline, clip


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_the_clip_is_the_whole_video(kind: str) -> None:
    document = DOCUMENTS[kind]
    timeline, clip = _read(document)
    duration = clip.duration()
    assert duration.value == int(duration.value) >= 1
    assert abs(duration.to_seconds() - document.video.duration_seconds) <= max(
        0.5 / duration.rate + 0.0005, 1 / duration.rate - document.video.duration_seconds
    )
    assert clip.media_reference.available_range == clip.source_range
    assert clip.source_range.start_time.value == 0
    assert timeline.duration() == duration


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_markers_are_the_segments(kind: str) -> None:
    document = DOCUMENTS[kind]
    _, clip = _read(document)
    assert len(clip.markers) == len(document.segments)
    colors: dict[int, str] = {}
    for marker, segment in zip(clip.markers, document.segments, strict=True):
        start, length = marker.marked_range.start_time, marker.marked_range.duration
        assert start.rate == length.rate == clip.source_range.duration.rate
        assert start.value == int(start.value)
        assert length.value == int(length.value) >= 1
        half = 0.5 / start.rate + 1e-6
        assert abs(start.to_seconds() - segment.start_seconds) <= half
        assert abs(marker.marked_range.end_time_exclusive().to_seconds() - segment.end_seconds) <= (
            half if length.value > 1 else 2 * half
        )
        assert marker.name == one_line(segment.label, segment.index)
        assert marker.color == getattr(otio.schema.MarkerColor, marker.color)
        assert colors.setdefault(segment.index, marker.color) == marker.color
        kept = marker.metadata["vidtag"]
        assert (kept["start_seconds"], kept["end_seconds"]) == (
            segment.start_seconds,
            segment.end_seconds,
        )
        assert (kept["score"], kept["peak_score"]) == (segment.score, segment.peak_score)
        assert kept["peak_seconds"] == segment.peak_seconds
        assert marker.comment == f"score {segment.score:.3f}"


def test_the_library_writes_the_same_objects() -> None:
    text = get_format("otio").write([make_document()])
    again = otio.adapters.read_from_string(text, "otio_json").to_json_string()
    assert _without_color(json.loads(again)) == _without_color(json.loads(text))


def _without_color(value):
    """Drop the colour of items, which is newer than the oldest readers."""
    if isinstance(value, dict):
        is_item = "children" in value or "media_references" in value
        return {
            key: _without_color(inner)
            for key, inner in value.items()
            if not (is_item and key == "color")
        }
    return [_without_color(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", HOSTILE_PATHS)
def test_the_link_is_a_url_of_the_path(path: str) -> None:
    _, clip = _read(make_document(path))
    url = clip.media_reference.target_url
    assert url.isascii()
    assert not set(url) & set(" \"'<>#?\\")
    parts = urlsplit(url)
    wanted = "/C:/clips/x #1; 100%?.mp4" if path.startswith("C:") else os.path.abspath(path)
    assert (parts.scheme, parts.netloc, unquote(parts.path)) == ("file", "", wanted)


def test_all_begins_at_the_timecode_of_the_file_and_sound_has_a_track() -> None:
    document = make_document()
    video = replace(document.video, timecode="10:00:00;00", sound_rate=48000, sound_channels=2)
    timeline, clip = _read(replace(document, video=video))
    first = otio.opentime.from_timecode("10:00:00;00", 30000 / 1001)
    assert timeline.global_start_time == first == clip.source_range.start_time
    plain, _ = _read(document)
    assert plain.global_start_time is None
    assert not plain.audio_tracks()
    for marker, before in zip(clip.markers, plain.find_clips()[0].markers, strict=True):
        assert marker.marked_range.start_time == first + before.marked_range.start_time
    [track] = timeline.audio_tracks()
    [sound] = track
    assert sound.source_range == clip.source_range
    assert sound.media_reference.is_equivalent_to(clip.media_reference)


def test_absolute_paths_are_file_urls_and_urls_stay() -> None:
    _, clip = _read(DOCUMENTS["absolute"])
    assert clip.media_reference.target_url == "file:///srv/videos/clip%201.mp4"
    assert otio.url_utils.filepath_from_url(clip.media_reference.target_url) == (
        "/srv/videos/clip 1.mp4"
    )
    _, clip = _read(DOCUMENTS["url"])
    assert clip.media_reference.target_url == "https://example.org/a%20b/clip.mp4?x=1&y=2"


def test_a_stream_on_stdin_is_a_missing_reference() -> None:
    _, clip = _read(DOCUMENTS["stdin"])
    assert isinstance(clip.media_reference, otio.schema.MissingReference)


@pytest.mark.parametrize(
    ("frame_rate", "is_variable", "wanted"),
    [
        (29.97002997, False, 30000 / 1001),
        (29.9702, False, 30000 / 1001),
        (23.976, False, 24000 / 1001),
        (24.0, False, 24.0),
        (30.0, False, 30.0),
        (59.94, False, 60000 / 1001),
        (25.0, False, 25.0),
        (12.5, False, 25.0),  # no editor has a timeline of 12.5
        (15.00004, False, 30.0),
        (23.7114, True, 24000 / 1001),
        (26.9, True, 25.0),
        (200.0, True, 120.0),
        (None, False, 25.0),
    ],
)
def test_rates_are_those_that_editors_know(
    frame_rate: float | None, is_variable: bool, wanted: float
) -> None:
    rate = edit_rate(frame_rate, is_variable=is_variable)
    assert float(rate) == wanted
    assert otio.opentime.RationalTime.is_valid_timecode_rate(float(rate)) or rate > 119
