"""`vidtag explain` as a function: which windows it takes, and what it writes."""

import json
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from tests.make_video import make_video, read_index
from tests.tiny_models import make_tiny_model
from vidtag.errors import EmptyVideoError, ModelMismatchError, OutputError, UsageError
from vidtag.explain.pages import Explainer, embed_windows
from vidtag.explain.run import ExplainOptions, explain_video, to_json
from vidtag.explain.writing import check_outputs, explanation_bytes, write_explanation
from vidtag.models.classifier import ClassifierInfo
from vidtag.models.options import LoadOptions
from vidtag.tagging.settings import Settings
from vidtag.tagging.tagger import Tagger
from vidtag.timeline.segments import SegmentRule

FPS = 10


class Counting:
    """Says "late" the more, the later in the video a window lies; its frames bear their index."""

    labels = ("early", "late")
    info = ClassifierInfo(
        model_id="counting",
        revision=None,
        num_frames=8,
        image_size=64,
        licence="mit",
        window_seconds=Fraction(2),
        stride_seconds=Fraction(1),
        engine="counting",
        device="cpu",
        precision="fp32",
        batch_size=4,
    )

    def prepare(self, image):
        return np.asarray(Image.fromarray(image).resize((64, 64), Image.Resampling.BOX))

    def logits(self, clips):
        means = np.array([np.mean([read_index(frame) for frame in clip]) for clip in clips])
        late = (means - 30) / 5
        return np.stack([-late, late], 1).astype(np.float32)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """Six seconds, every frame with its index."""
    path = tmp_path_factory.mktemp("videos") / "counts.mp4"
    make_video(path, num_frames=6 * FPS, fps=FPS, size=(128, 128))
    return str(path)


def explain(video, **options):
    options = ExplainOptions(source=video, method="occlusion", **options)
    return explain_video(options, classifier=Counting())


def bounds(result):
    return [
        (window.explanation.start_seconds, window.explanation.end_seconds)
        for window in result.windows
    ]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("0", (0, 2)),
        ("1", (0, 2)),
        ("3", (2, 4)),
        ("3.1", ("2.1", "4.1")),
        ("5.9", ("4.15", "6.15")),
    ],
)
def test_a_named_moment_is_in_the_middle_where_the_video_allows(video, at, expected):
    result = explain(video, at=Fraction(at))
    assert bounds(result) == [tuple(Fraction(second) for second in expected)]


def test_the_frames_are_those_of_the_window(video):
    (window,) = explain(video, at=Fraction(3)).windows
    indices = [read_index(frame) for frame in window.clip]
    assert indices == [int((2 + (i + 0.5) / 4) * FPS) for i in range(8)]
    assert window.explanation.label == "early" if np.mean(indices) < 30 else "late"


def test_a_label_may_be_another_than_the_best(video):
    (best,) = explain(video, at=Fraction(1)).windows
    (other,) = explain(video, at=Fraction(1), label="LATE").windows
    assert (best.explanation.label, other.explanation.label) == ("early", "late")
    assert best.explanation.score + other.explanation.score == pytest.approx(1)


def test_without_a_moment_each_labels_best_segment_is_explained_at_its_peak(video):
    result = explain(video)
    assert [window.explanation.label for window in result.windows] == ["early", "late"]
    assert bounds(result) == [(0, 2), (4, 6)]


def test_a_label_alone_is_explained_at_its_own_peak(video):
    result = explain(video, label="late")
    assert [window.explanation.label for window in result.windows] == ["late"]
    assert bounds(result) == [(4, 6)]


def test_without_segments_the_best_step_is_explained(video):
    never = Settings(rule=SegmentRule(min_score=1.0, min_duration_seconds=Fraction(60)))
    result = explain(video, settings=never)
    assert len(result.windows) == 1
    assert result.windows[0].explanation.score > 0.9


def test_a_video_shorter_than_a_window_is_one_window(tmp_path):
    path = tmp_path / "short.mp4"
    make_video(path, num_frames=9, fps=FPS, size=(128, 128))
    for options in ({}, {"at": Fraction("0.4")}):
        assert bounds(explain(str(path), **options)) == [(0, Fraction("0.9"))]


def test_a_moment_past_the_end_is_refused(video):
    with pytest.raises(UsageError, match=r"0:06.5 lies past the end of '.*counts.mp4' \(0:06\)"):
        explain(video, at=Fraction("6.5"))
    with pytest.raises((UsageError, EmptyVideoError)):
        explain(video, at=Fraction(60))


def test_an_unknown_label_is_one_clear_error(video):
    with pytest.raises(UsageError, match="'counting' has no label 'lat'; did you mean 'late'"):
        explain(video, label="lat", at=Fraction(1))


def test_stdin_is_refused():
    with pytest.raises(UsageError, match="stdin"):
        explain("-")


def test_another_engine_is_refused_before_the_model_is_loaded(video):
    load = LoadOptions(model="nothing", engine="openvino")
    with pytest.raises(UsageError, match="occlusion"):
        explain_video(ExplainOptions(source=video, load=load, at=Fraction(1)))


def test_a_plugged_in_classifier_has_no_insides(video):
    options = ExplainOptions(source=video, at=Fraction(1), method="rollout")
    with pytest.raises(ModelMismatchError):
        explain_video(options, classifier=Counting())


def test_json_has_the_map_the_profile_and_the_measures(video):
    result = explain(video, at=Fraction(3))
    document = json.loads(to_json(result))
    (one,) = document["explanations"]
    assert document["video"] == {"path": video}
    assert document["model"] == {"id": "counting", "revision": None, "licence": "mit"}
    assert one["grid"]["shape"] == [4, 4, 4] == list(np.shape(one["evidence"]))
    assert np.sum(one["evidence"]) == pytest.approx(1, abs=1e-3)
    assert np.sum(one["temporal_profile"]) == pytest.approx(1, abs=1e-4)
    assert (one["start_seconds"], one["end_seconds"]) == (2.0, 4.0)
    assert set(one["measures"]) >= {"spread", "moving_mass", "frozen_score", "shuffled_score"}
    assert to_json(result) == to_json(explain(video, at=Fraction(3)))


@pytest.mark.slow
def test_a_folder_gets_the_animation_the_sheet_and_the_numbers(video, tmp_path):
    result = explain(video)
    written = write_explanation(result, f"{tmp_path}/out/")
    assert [path.name for path in written] == [
        "counts.mp4.explain.mp4",
        "counts.mp4.explain.png",
        "counts.mp4.explain.json",
    ]
    with av.open(str(written[0])) as container:
        assert sum(1 for _ in container.decode(video=0)) == 16
    with Image.open(written[1]) as picture:
        assert picture.format == "PNG"
    assert len(json.loads(written[2].read_text())["explanations"]) == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.gif", "b.WEBP", "c.png", "d.json", "e.mp4"])
def test_a_file_is_written_as_its_name_says(video, tmp_path, name):
    (path,) = write_explanation(explain(video, at=Fraction(3)), str(tmp_path / name))
    start = path.read_bytes()[:12]
    assert start.startswith((b"GIF8", b"RIFF", b"\x89PNG", b"{")) or start[4:8] == b"ftyp"


def test_other_names_are_refused_before_any_work(tmp_path):
    with pytest.raises(UsageError, match=r"must end in \.mp4, \.gif, \.webp, \.png, \.json"):
        check_outputs(["clip.avi"], "clip.mp4")
    check_outputs([f"{tmp_path}/folder/"], "clip.mp4")
    check_outputs([str(tmp_path)], "clip.mp4")


def test_what_cannot_be_written_is_one_clear_error(video, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="no folder"):
        write_explanation(explain(video, at=Fraction(3)), str(tmp_path / "file" / "a.json"))


@pytest.mark.slow
def test_a_page_gets_small_animations_with_their_moment(video):
    one, two = embed_windows(explain(video))
    assert (one.label, one.seconds, two.label, two.seconds) == ("early", 1.0, "late", 5.0)
    assert one.content[:4] == b"RIFF"
    assert len(one.content) < 60_000
    assert "“early” lies from 0:00 to 0:02" in one.caption
    assert "exact model" not in one.caption
    (shortcut, _) = embed_windows(explain(video), is_exact=False)
    assert shortcut.caption.endswith("It explains the exact model; the tags took a shortcut.")


def test_a_map_belongs_to_the_segment_that_it_explains(video, monkeypatch):
    # Nothing looks inside this model: it is explained by what it says of covered pictures.
    monkeypatch.setattr("vidtag.explain.run.load_classifier", lambda *_: Counting())
    document = Tagger(Counting(), Settings()).tag(video)
    explained = Explainer(LoadOptions(), Settings()).explain(document, video)
    segments = {segment.index: segment for segment in document.segments}
    assert {clip.index for clip in explained.clips} == set(segments)
    for clip in explained.clips:
        assert clip.seconds == segments[clip.index].peak_seconds
    assert explained.note == ""  # each segment has a map


def test_a_page_is_told_which_segments_have_a_map(video, monkeypatch):
    monkeypatch.setattr("vidtag.explain.run.load_classifier", lambda *_: Counting())
    monkeypatch.setattr("vidtag.explain.moments.NUM_WINDOWS", 1)
    document = Tagger(Counting(), Settings()).tag(video)
    explained = Explainer(LoadOptions(), Settings()).explain(document, video)
    assert len(explained.clips) == 1
    assert explained.note.endswith("the best moment of the label that scores best has one.")


@pytest.mark.slow
def test_a_videomae_is_explained_from_a_file_to_a_picture(video, tmp_path):
    folder = make_tiny_model(tmp_path / "m", image_size=32)
    options = ExplainOptions(source=video, load=LoadOptions(model=str(folder), device="cpu"))
    result = explain_video(replace(options, at=Fraction(2)))
    assert result.windows[0].explanation.method == "combined"
    assert explanation_bytes(result.windows, ".png")[:4] == b"\x89PNG"
    assert result.windows[0].rows[0].name == "top tenth of the map"
