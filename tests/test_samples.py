"""The sample videos, tagged by the demo model from end to end, against the truth beside them."""

import csv
import io
import itertools
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import av
import pysubs2
import pytest
import webvtt

from vidtag import Document, LoadOptions, Tagger
from vidtag.documents.json import to_json
from vidtag.documents.stored import read_documents
from vidtag.errors import MODEL_WARNING_CODES
from vidtag.formats import get_format
from vidtag.formats.table_drawing import to_text
from vidtag.formats.timecode import edit_rate

FOLDER = Path(__file__).parents[1] / "sample_videos"
VIDEOS = sorted(path for path in FOLDER.iterdir() if path.suffix in (".mp4", ".webm"))


@pytest.fixture(scope="module")
def documents() -> dict[str, Document]:
    tagger = Tagger("demo")
    with tagger.open(*VIDEOS) as videos:
        return {Path(video.name).name: video.document() for video in videos}


def agreement(document: Document, truth: list[dict[str, object]]) -> float:
    """Share of the duration in which the timeline's top label is the true one."""
    right = 0.0
    for step in document.timeline:
        for segment in truth:
            if segment["label"] == step.tags[0].label:
                start = max(step.start_seconds, segment["start_seconds"])
                right += max(0.0, min(step.end_seconds, segment["end_seconds"]) - start)
    return right / document.video.duration_seconds


def test_there_are_at_least_four():
    assert len(VIDEOS) >= 4
    assert sum(path.stat().st_size for path in VIDEOS) < 8e6


@pytest.mark.slow
@pytest.mark.parametrize("path", VIDEOS, ids=lambda path: path.name)
def test_the_timeline_is_right(path, documents):
    truth = json.loads(path.with_suffix(".json").read_text())["segments"]
    document = documents[path.name]
    assert len(truth) >= 3
    assert 8 <= document.video.duration_seconds <= 30
    assert agreement(document, truth) >= 0.9
    found = [segment.label for segment in document.segments]
    assert found == [segment["label"] for segment in truth]


def overlap(one: dict[str, object], two: dict[str, object]) -> float:
    start = max(one["start_seconds"], two["start_seconds"])
    return max(0.0, min(one["end_seconds"], two["end_seconds"]) - start)


@pytest.mark.slow
@pytest.mark.parametrize("path", VIDEOS, ids=lambda path: path.name)
def test_segments_end_where_the_next_action_begins(path, documents):
    """They overlap no more than the truth does, and lie within half a step of it."""
    truth = json.loads(path.with_suffix(".json").read_text())["segments"]
    document = documents[path.name]
    found = json.loads(to_json(document))["segments"]
    for one, two in itertools.combinations(range(len(truth)), 2):
        assert overlap(found[one], found[two]) <= overlap(truth[one], truth[two])
    for segment, true in zip(found, truth, strict=True):
        for name in ("start_seconds", "end_seconds"):
            assert abs(segment[name] - true[name]) <= document.sampling.stride_seconds / 2
    held = {label.label: label.seconds for label in document.summary}
    assert held == {s["label"]: round(s["end_seconds"] - s["start_seconds"], 3) for s in found}


Boundary = tuple[int, int, str]
"""Start and end in milliseconds, and a label."""


def read_back(document: Document) -> Iterator[tuple[str, int, list[Boundary]]]:
    """Read the segments out of every format, with the milliseconds to which each is exact."""

    def written(name: str) -> str:
        return get_format(name).write([document])

    for name, delimiter in (("csv", ","), ("tsv", "\t")):
        rows = csv.DictReader(io.StringIO(written(name)), delimiter=delimiter)
        yield name, 0, [(int(r["start_ms"]), int(r["end_ms"]), r["label"]) for r in rows]
    cues = pysubs2.SSAFile.from_string(written("srt"), format_="srt")
    yield "srt", 0, [(cue.start, cue.end, cue.plaintext) for cue in cues]
    captions = webvtt.from_string(written("vtt"))
    yield (
        "vtt",
        0,
        [(_clock(*c.start.split(":")), _clock(*c.end.split(":")), c.text) for c in captions],
    )
    with av.open(io.BytesIO(written("chapters").encode()), format="ffmetadata") as container:
        chapters = container.chapters()
    yield "chapters", 0, [(c["start"], c["end"], c["metadata"]["title"]) for c in chapters]
    root = ET.fromstring(written("eaf"))
    slots = {s.attrib["TIME_SLOT_ID"]: int(s.attrib["TIME_VALUE"]) for s in root.iter("TIME_SLOT")}
    yield (
        "eaf",
        0,
        [
            (
                slots[a.attrib["TIME_SLOT_REF1"]],
                slots[a.attrib["TIME_SLOT_REF2"]],
                t.attrib["TIER_ID"],
            )
            for t in root.iter("TIER")
            for a in t.iter("ALIGNABLE_ANNOTATION")
        ],
    )
    [found] = json.loads(written("activitynet"))["results"].values()
    yield (
        "activitynet",
        0,
        [(*(round(1000 * t) for t in one["segment"]), one["label"]) for one in found],
    )
    frame = round(1000 / (document.video.frame_rate or 25)) + 1
    [clip] = json.loads(written("otio"))["tracks"]["children"][0]["children"]
    ranges = [(m["name"], m["marked_range"]) for m in clip["markers"]]
    yield "otio", frame, [(*_milliseconds(one), name) for name, one in ranges]
    rate = float(
        edit_rate(document.video.frame_rate, is_variable=document.video.is_variable_frame_rate)
    )
    found = [[one.findtext(name) for name in ("in", "out", "name")]
             for one in ET.fromstring(written("fcp7")).iter("marker")]  # fmt: skip
    yield (
        "fcp7",
        frame,
        [(round(int(a) / rate * 1000), round(int(b) / rate * 1000), name) for a, b, name in found],
    )
    rows = [line.split("\t") for line in written("audacity").splitlines()]
    yield "audacity", 0, [(*(round(1000 * float(t)) for t in row[:2]), row[2]) for row in rows]
    [task] = json.loads(written("labelstudio"))
    values = [region["value"] for region in task["predictions"][0]["result"]]
    yield (
        "labelstudio",
        frame,
        [
            (
                round((value["ranges"][0]["start"] - 1) / task["data"]["fps"] * 1000),
                round(value["ranges"][0]["end"] / task["data"]["fps"] * 1000),
                value["timelinelabels"][0],
            )
            for value in values
        ],
    )
    row = re.compile(r"(\d+):([\d.]+) - (\d+):([\d.]+)  +(.+?)  ")
    matches = [match for line in to_text(document).splitlines() if (match := row.match(line))]
    yield "table", 0, [(_clock(m[1], m[2]), _clock(m[3], m[4]), m[5].strip()) for m in matches]
    body = written("html").split('<details id="segments"')[1].split("</details>")[0]
    cell = r"<a [^>]*>(\d+):([\d.]+)</a></td><td>(\d+):([\d.]+)</td><th[^>]*><bdi>(.*?)</bdi>"
    matches = list(re.finditer(cell, body))
    yield "html", 50, [(_clock(m[1], m[2]), _clock(m[3], m[4]), m[5]) for m in matches]


def _clock(*parts: str) -> int:
    *larger, seconds = parts
    minutes = sum(int(part) * 60**k for k, part in enumerate(reversed(larger)))
    return minutes * 60_000 + round(float(seconds) * 1000)


def _milliseconds(marked: dict[str, dict[str, float]]) -> tuple[int, int]:
    start, length = marked["start_time"]["value"], marked["duration"]["value"]
    rate = marked["start_time"]["rate"]
    return round(start / rate * 1000), round((start + length) / rate * 1000)


@pytest.mark.slow
@pytest.mark.parametrize("path", VIDEOS, ids=lambda path: path.name)
def test_every_format_tells_the_same_boundaries(path, documents):
    document = documents[path.name]
    wanted = [
        (round(s.start_seconds * 1000), round(s.end_seconds * 1000), s.label)
        for s in document.segments
    ]
    told = {name: (exact, boundaries) for name, exact, boundaries in read_back(document)}
    assert len(told) == 13
    for name, (exact, boundaries) in told.items():
        assert [label for _, _, label in boundaries] == [label for _, _, label in wanted], name
        for one, other in zip(boundaries, wanted, strict=True):
            assert abs(one[0] - other[0]) <= exact, name
            assert abs(one[1] - other[1]) <= exact, name


@pytest.mark.slow
@pytest.mark.parametrize("path", VIDEOS, ids=lambda path: path.name)
def test_a_stored_document_gives_the_same_files(path, documents):
    document = documents[path.name]
    [again] = read_documents(to_json(document), "stored")
    value = json.loads(to_json(document))
    del value["summary"]  # as it was before there was one
    [older] = read_documents(json.dumps(value), "stored")
    for name in ("json", "srt", "chapters", "csv", "eaf", "otio", "html"):
        text = get_format(name).write([document])
        assert get_format(name).write([again]) == text
        assert get_format(name).write([older]) == text
    assert to_text(older) == to_text(document)


@pytest.mark.slow
def test_they_show_what_vidtag_can_read(documents):
    videos = {name: document.video for name, document in documents.items()}
    assert {video.codec for video in videos.values()} == {"h264", "vp9"}
    turned = [video for video in videos.values() if video.rotation_degrees]
    assert [video.height > video.width for video in turned] == [True]
    assert any(video.is_variable_frame_rate for video in videos.values())
    assert len({video.frame_rate for video in videos.values()}) >= 4


@pytest.mark.slow
def test_engines_and_precisions_agree(documents):
    """The first steps' top labels agree, but where the two best scores are within 0.02."""
    exact = Tagger(LoadOptions(model="demo", engine="torch", precision="fp32"))
    with exact.open(*VIDEOS) as videos:
        for video in videos:
            fast = documents[Path(video.name).name].timeline[:6]
            steps = list(itertools.islice(video, len(fast)))
            video.stop()
            for one, two in zip(steps, fast, strict=True):
                if one.tags[0].score - one.tags[1].score > 0.02:
                    assert one.tags[0].label == two.tags[0].label


@pytest.mark.slow
def test_the_demo_says_what_it_is(documents):
    document = next(iter(documents.values()))
    assert (document.model.id, document.model.licence) == ("demo", "mit")
    assert document.model.num_labels >= 16
    assert '"id": "demo"' in to_json(document)
    assert document.warnings[0].code == "demo_model"
    for document in documents.values():
        assert MODEL_WARNING_CODES["demo_model"] in {w.message for w in document.warnings}
        assert MODEL_WARNING_CODES["demo_model"] in get_format("html").write([document])
