"""ActivityNet's results and Label Studio's tasks, held against what their readers ask for."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise

import pandas as pd
import pytest
from documents import make_document, make_documents, make_empty, make_failed

from vidtag.documents.records import Document
from vidtag.formats import get_format
from vidtag.formats.activitynet import name_videos

DOCUMENTS = make_documents()
ALL = list(DOCUMENTS.values())


# ActivityNet


def _import_prediction(text: str, activity_index: dict[str, int]) -> pd.DataFrame:
    """Read predictions by the rules of the evaluator's `_import_prediction`."""
    data = json.loads(text)
    if not all(field in data for field in ("results", "version", "external_data")):
        raise OSError("Please input a valid prediction file.")
    return pd.DataFrame(
        [
            {
                "video-id": video,
                "t-start": float(result["segment"][0]),
                "t-end": float(result["segment"][1]),
                "label": activity_index[result["label"]],
                "score": result["score"],
            }
            for video, results in data["results"].items()
            for result in results
        ]
    )


def test_the_evaluator_reads_every_segment_of_every_video() -> None:
    labels = sorted({segment.label for document in ALL for segment in document.segments})
    activity_index = {label: k for k, label in enumerate(labels)}
    frame = _import_prediction(
        get_format("activitynet").write([*ALL, make_failed()]), activity_index
    )
    names = name_videos([document.video.path for document in ALL])
    wanted = [
        (name, one.start_seconds, one.end_seconds, activity_index[one.label], one.score)
        for name, document in zip(names, ALL, strict=True)
        for one in document.segments
    ]
    assert list(frame.itertuples(index=False, name=None)) == wanted
    assert (frame["t-end"] > frame["t-start"]).all()
    assert frame["score"].between(0, 1).all()


def test_a_video_without_a_segment_has_an_empty_list() -> None:
    data = json.loads(get_format("activitynet").write([make_empty("a/v1.mp4"), make_failed()]))
    assert data["results"] == {"v1": []}
    assert data["external_data"] == {"used": True, "details": "demo (vidtag 0.1.0)"}


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        ([], []),
        (["a/clip.mp4"], ["clip"]),
        (["clip.mp4", "clip.mov"], ["clip.mp4", "clip.mov"]),
        (["a/clip.mp4", "b/clip.mp4"], ["a/clip.mp4", "b/clip.mp4"]),
        (["a/clip.mp4", "b/clip.mp4", "clip.mov"], ["a/clip.mp4", "b/clip.mp4", "clip.mov"]),
        (["clip.mp4", "clip.mp4"], ["clip.mp4", "clip.mp4 (2)"]),
        (["x.mp4", "x.mov", "x.mp4.avi"], ["x.mp4", "x.mov", "x.mp4 (2)"]),
        (["v_QOlSCBRmfWY.mp4", "v_short.mp4"], ["QOlSCBRmfWY", "v_short"]),
        (["video_test_0000004.mp4", ".hidden", "-"], ["video_test_0000004", ".hidden", "stdin"]),
    ],
)
def test_names_of_videos_never_collide(paths: list[str], names: list[str]) -> None:
    assert name_videos(paths) == names


# Label Studio


def _config(documents: list[Document]) -> ET.Element:
    root = ET.fromstring(get_format("labelstudio-config").write(documents))
    assert root.tag == "View"
    return root


def test_every_region_fits_the_config() -> None:
    root = _config(ALL)
    [control], [video] = [*root.iter("TimelineLabels")], [*root.iter("Video")]
    assert control.attrib["toName"] == video.attrib["name"]
    labels = [label.attrib["value"] for label in control]
    assert len(set(labels)) == len(labels)
    tasks = json.loads(get_format("labelstudio").write([*ALL, make_failed()]))
    assert len(tasks) == len(ALL)
    for task in tasks:
        assert video.attrib["value"].removeprefix("$") in task["data"]
        assert video.attrib["frameRate"].removeprefix("$") in task["data"]
        [prediction] = task["predictions"]
        assert 0 <= prediction["score"] <= 1
        ids = [region["id"] for region in prediction["result"]]
        assert len(set(ids)) == len(ids)
        for region in prediction["result"]:
            assert region["from_name"] == control.attrib["name"]
            assert region["to_name"] == video.attrib["name"]
            assert region["type"] == control.tag.lower()
            assert set(region["value"]) == {"ranges", region["type"]}
            [label] = region["value"][region["type"]]
            assert label in labels


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_ranges_are_the_frames_of_a_segment(kind: str) -> None:
    document = DOCUMENTS[kind]
    [task] = json.loads(get_format("labelstudio").write([document]))
    rate = task["data"]["fps"]
    regions = task["predictions"][0]["result"]
    assert len(regions) == len(document.segments)
    for region, segment in zip(regions, document.segments, strict=True):
        [frames] = region["value"]["ranges"]
        assert isinstance(frames["start"], int)
        assert 1 <= frames["start"] <= frames["end"]
        assert abs((frames["start"] - 1) / rate - segment.start_seconds) <= 0.5 / rate + 1e-9
        assert abs(frames["end"] / rate - segment.end_seconds) <= 0.5 / rate + 1e-9
        assert region["score"] == segment.score


def test_neighbours_share_no_frame() -> None:
    [task] = json.loads(get_format("labelstudio").write([DOCUMENTS["hostile 0"]]))
    ranges = [region["value"]["ranges"][0] for region in task["predictions"][0]["result"]]
    assert all(a["end"] + 1 == b["start"] for a, b in pairwise(ranges))


@pytest.mark.parametrize(
    ("path", "link"),
    [
        ("clips/a b#1.mp4", "/data/local-files/?d=clips/a%20b%231.mp4"),
        ("/srv/videos/x.mp4", "/data/local-files/?d=srv/videos/x.mp4"),
        ("https://example.org/x.mp4", "https://example.org/x.mp4"),
        ("-", "-"),
    ],
)
def test_the_video_is_linked_as_label_studio_serves_it(path: str, link: str) -> None:
    [task] = json.loads(get_format("labelstudio").write([make_document(path)]))
    assert task["data"]["video"] == link


def test_the_config_lists_the_labels_of_tags_and_segments_by_index() -> None:
    document = make_document()
    document = replace(document, tags=document.tags[:1])
    labels = [label.attrib["value"] for label in _config([document, make_empty()]).iter("Label")]
    assert labels == ["clapping", "jumping jacks", "juggling balls", "riding a bike"]
