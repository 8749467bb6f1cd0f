"""The sample videos, tagged by the demo model from end to end, against the truth beside them."""

import json
from pathlib import Path

import pytest

from vidtag import Document, LoadOptions, Tagger
from vidtag.results import to_json

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


@pytest.mark.parametrize("path", VIDEOS, ids=lambda path: path.name)
def test_the_timeline_is_right(path, documents):
    truth = json.loads(path.with_suffix(".json").read_text())["segments"]
    document = documents[path.name]
    assert len(truth) >= 3
    assert 8 <= document.video.duration_seconds <= 30
    assert agreement(document, truth) >= 0.9
    found = [segment.label for segment in document.segments]
    assert found == [segment["label"] for segment in truth]


def test_they_show_what_vidtag_can_read(documents):
    videos = {name: document.video for name, document in documents.items()}
    assert {video.codec for video in videos.values()} == {"h264", "vp9"}
    turned = [video for video in videos.values() if video.rotation_degrees]
    assert [video.height > video.width for video in turned] == [True]
    assert any(video.is_variable_frame_rate for video in videos.values())
    assert len({video.frame_rate for video in videos.values()}) >= 4


def test_engines_and_precisions_agree(documents):
    """Every step's top label agrees, but where the two best scores are within 0.02."""
    exact = Tagger(LoadOptions(model="demo", engine="torch", precision="fp32"))
    with exact.open(*VIDEOS) as videos:
        for video in videos:
            document = video.document()
            fast = documents[Path(video.name).name]
            for one, two in zip(document.timeline, fast.timeline, strict=True):
                if one.tags[0].score - one.tags[1].score > 0.02:
                    assert one.tags[0].label == two.tags[0].label


def test_the_demo_says_what_it_is(documents):
    document = next(iter(documents.values()))
    assert (document.model.id, document.model.licence) == ("demo", "mit")
    assert document.model.num_labels >= 16
    assert '"id": "demo"' in to_json(document)
