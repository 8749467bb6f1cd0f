"""`vidtag eval`: labelled videos through a model, what is told of them, and the page."""

import io
import json
import math
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from fake_classifier import LABELS, FakeClassifier
from make_video import draw_index, make_video, read_index
from rich.console import Console

from vidtag import Tagger
from vidtag.cli import eval_run
from vidtag.cli.eval_table import class_table
from vidtag.errors import ModelLoadError
from vidtag.evaluation.confidence import calibration_error, fit_temperature
from vidtag.evaluation.figures import evaluate
from vidtag.evaluation.outcomes import ClipOutcome, Names, TimeOutcome
from vidtag.evaluation.overlap import Stretch
from vidtag.evaluation.page import draw_matrix, draw_reliability, write_page
from vidtag.evaluation.result import Evaluated, to_dict, to_json
from vidtag.evaluation.running import Judge
from vidtag.evaluation.temperature import keep_temperature
from vidtag.evaluation.views import Views, crop_squares, score_views, spread
from vidtag.formats.truths.truth import LabelledVideo, TrueSegment, Truths
from vidtag.tagging.settings import Settings
from vidtag.timeline.scores import softmax
from vidtag.video.options import Part


def of_index(first: int):
    return lambda index: draw_index(first + index)


def segment(start, end, label) -> TrueSegment:
    return TrueSegment(start_seconds=Fraction(start), end_seconds=Fraction(end), label=label)


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> dict[str, str]:
    """Clips that the fake model calls low and middle, and one that is low, then middle."""
    folder = tmp_path_factory.mktemp("videos")
    return {
        "low": str(make_video(folder / "low.mp4", num_frames=20, fps=10)),
        "middle": str(make_video(folder / "mid.mp4", num_frames=30, fps=10, draw=of_index(60))),
        "both": str(make_video(folder / "both.mp4", num_frames=100, fps=10)),
    }


@pytest.fixture
def read(monkeypatch, videos):
    """Let the command read truths that a test makes, and run the fake model."""

    def read(*labelled: LabelledVideo, notes: tuple[str, ...] = ()):
        labels = {one.label for one in labelled if one.label is not None}
        labels |= {one.label for video in labelled for one in video.segments}
        truths = Truths(videos=labelled, labels=tuple(sorted(labels)), notes=notes)
        monkeypatch.setattr(eval_run, "read_truths", lambda path, videos: truths)

    monkeypatch.setattr(eval_run, "load_classifier", lambda load, tell: FakeClassifier())
    return read


def clip(path: str, label: str, **more) -> LabelledVideo:
    return LabelledVideo(path=path, label=label, **more)


def labelled(videos) -> tuple[LabelledVideo, ...]:
    segments = (segment(0, 5, "low"), segment(5, 8, "middle"))
    return (
        clip(videos["low"], "low"),
        clip(videos["middle"], "middle"),
        clip(videos["middle"], "high"),
        LabelledVideo(path=videos["both"], label=None, segments=segments),
    )


def test_a_clip_has_the_scores_of_its_document(videos):
    tagger = Tagger(FakeClassifier())
    names = Names.match(tagger.labels, ["middle"])
    judge = Judge(tagger=tagger, settings=Settings(), names=names)
    outcome = judge.judge(clip(videos["middle"], "middle"))
    document = tagger.tag(videos["middle"])
    assert outcome.truth == 1
    best = LABELS[int(outcome.scores.argmax())]
    assert (best, round(outcome.scores.max(), 6)) == (
        document.tags[0].label,
        document.tags[0].score,
    )
    logits = tagger.score(videos["middle"]).logits
    assert outcome.scores == pytest.approx(softmax(logits.astype(float).mean(axis=0)))
    assert 0 < outcome.peak_seconds < 3


def test_a_video_in_time_has_the_segments_of_its_document(videos):
    tagger = Tagger(FakeClassifier())
    judge = Judge(
        tagger=tagger, settings=Settings(), names=Names.match(LABELS, LABELS), keeps_scores=True
    )
    segments = (segment(0, 5, "low"), segment(5, 8, "middle"))
    outcome = judge.judge(LabelledVideo(path=videos["both"], label=None, segments=segments))
    document = tagger.tag(videos["both"])
    assert [(one.start, one.end, LABELS[one.label]) for one in outcome.said] == [
        (one.start_seconds, one.end_seconds, one.label) for one in document.segments
    ]
    assert (outcome.start, outcome.end) == (0, 10)
    assert len(outcome.hits) == len(outcome.fitted_truths) == 8  # the last two seconds hold nothing
    assert outcome.hits.mean() >= 7 / 8
    assert outcome.lengths.tolist() == [1.0] * 8


def test_what_is_said_of_none_of_the_labels_is_nothing_said(videos):
    class WithNone(FakeClassifier):
        labels = ("low", "none of these", "high")

    tagger = Tagger(WithNone())
    names = Names.match(tagger.labels, ["low", "none of these"])
    judge = Judge(tagger=tagger, settings=Settings(), names=names)
    segments = (segment(0, 5, "low"), segment(5, 8, "none of these"))
    outcome = judge.judge(LabelledVideo(path=videos["both"], label=None, segments=segments))
    assert {one.label for one in outcome.said} == {one.label for one in outcome.true} == {0}
    found = evaluate([outcome], names)
    assert found.per_second.value > 0.85
    assert found.f1[0.5].value == 1


def test_a_clip_of_none_of_the_labels_is_time_in_which_nothing_holds(run, read, videos):
    read(clip(videos["low"], "low"), clip(videos["middle"], "none_of_these"))
    code, out, err = run("eval", "d", "-m", "fake", "--no-cache", "--json")
    assert code == 0
    told = json.loads(out)
    assert (told["data"]["num_clips"], told["data"]["num_untrimmed"]) == (1, 1)
    assert told["data"]["unknown_labels"] == []
    assert told["top1"]["value"] == 1
    assert told["per_second"]["value"] < 0.5  # it says "middle", where nothing holds
    assert "does not know" not in err


def test_ranges_beyond_the_end_are_counted_and_said(run, read, videos):
    segments = (segment(0, 5, "low"), segment(5, 12, "middle"), segment(20, 30, "low"))
    read(LabelledVideo(path=videos["both"], label=None, segments=segments))
    code, out, err = run("eval", "d", "-m", "fake", "--no-cache", "--json")
    assert code == 0
    for note in ("1 range going on after the video's end", "1 range beginning after the video's"):
        assert note in err
        assert any(note in one for one in json.loads(out)["notes"])
    read(LabelledVideo(path=videos["both"], label=None, segments=segments[:1]))
    assert run("eval", "d", "-m", "fake", "--no-cache")[2] == ""


def test_subsets_are_asked_for_by_any_of_their_names(run, read, videos):
    read(clip(videos["low"], "low", subset="validation"), clip(videos["middle"], "middle"))
    code, out, _ = run("eval", "d", "-m", "fake", "--no-cache", "--subset", "val", "--json")
    assert (code, json.loads(out)["data"]["num_clips"]) == (0, 1)


def test_json_tells_no_password_and_has_nothing_that_acts(videos):
    found = result_of(5)
    outcomes = [
        ClipOutcome(
            path=f"https://me:secret@example.org/{name}.mp4", truth=0,
            scores=np.array([0.1, 0.9]), peak_seconds=1.0,
        )
        for name in ("a", "b\x9b\u202e")
    ]  # fmt: skip
    path = outcomes[0].path
    evaluation = evaluate(outcomes, Names.match(["x", "y"], ["x"]))
    found = replace(found, evaluation=evaluation, failures=((path, f"'{path}' failed."),))
    text = to_json(found)
    assert "secret" not in text
    assert "https://example.org/a.mp4" in text
    assert not {"\x9b", "\u202e"} & {*text}


def test_a_temperature_is_fitted_to_what_went_to_none_of_the_labels_too():
    """A model that has an output for none of them: its scores do not sum to 1."""
    logits = np.array([[2.0, 0, 1.5], [0, 2, 0], [2, 0, 0], [0.5, 0, 2]])
    truths = np.array([0, 1, 1, 0])
    clips = [
        ClipOutcome(path=f"{k}.mp4", truth=truth, scores=softmax(row)[:2], peak_seconds=1.0)
        for k, (row, truth) in enumerate(zip(logits, truths, strict=True))
    ]
    names = Names.match(["low", "high"], ["low", "high"])
    fitted = evaluate(clips, names, calibrates=True, has_none=True).fitted
    assert fitted.temperature == pytest.approx(fit_temperature(logits, truths), rel=1e-6)
    scores = softmax(logits / fitted.temperature)[:, :2]
    hits = scores.argmax(axis=1) == truths
    assert fitted.ece_after == pytest.approx(
        calibration_error(scores.max(axis=1), hits, np.ones(len(hits)))
    )


def test_figures_are_those_of_the_measures(videos):
    names = Names.match(LABELS, LABELS)
    scores = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.1, 0.6, 0.3]])
    truths = [0, 1, 2]
    clips = [
        ClipOutcome(path=f"{k}.mp4", truth=truth, scores=row, peak_seconds=1.0)
        for k, (truth, row) in enumerate(zip(truths, scores, strict=True))
    ]
    time = TimeOutcome(
        path="t.mp4", start=0, end=10, true=(Stretch(0, 5, 0), Stretch(5, 8, 1)),
        said=(Stretch(0, 6, 0, 0.9), Stretch(6, 8, 1, 0.8)),
        confidences=np.array([0.9]), hits=np.array([True]), lengths=np.array([5.0]),
        fitted_scores=np.empty((0, 3)), fitted_truths=np.empty(0, np.int64),
    )  # fmt: skip
    found = evaluate([*clips, time], names, calibrates=True)
    assert found.top1.value == found.mean_class.value == pytest.approx(2 / 3)
    assert found.top5 is None  # of three labels, all are among the best five
    assert found.per_second.value == pytest.approx(0.9)
    assert (found.per_second.low, found.per_second.high) == (None, None)
    assert [found.f1[least].value for least in (0.1, 0.25, 0.5)] == [1, 1, 1]
    # 5 of 6 s and 2 of 3 s overlap: 0.83 and 0.67.
    assert found.average_precision[0.65].value == 1
    assert found.average_precision[0.7].value == 0.5
    assert found.average_precision[0.85].value == 0
    assert found.map_thumos.value == pytest.approx(0.9)
    assert found.map_activitynet.value == pytest.approx((4 + 0.5 * 3) / 10)
    assert found.ece.value == pytest.approx((0.3 + 0.2 + 0.6) / 3)
    assert found.clip_confusions.pairs() == [("high", "middle", 1)]
    assert found.time_confusions.pairs() == [("middle", "low", 1)]
    rows = {row.label: row for row in found.classes}
    assert (rows["high"].num_clips, rows["high"].num_right) == (1, 0)
    assert rows["high"].mistaken_for == "middle"
    assert (rows["middle"].seconds, rows["middle"].right_seconds) == (3, 2)
    assert rows["high"].average_precision is None
    first, second = found.mistakes
    assert (first.path, first.said, first.true, first.score) == ("2.mp4", "middle", ("high",), 0.6)
    assert (second.start, second.end, second.said, second.true) == (5, 6, "low", ("middle",))
    assert found.fitted.is_found
    assert found.fitted.num_clips == 3


def test_labels_are_the_same_words_however_they_are_written():
    names = Names.match(["a b", "A-c", "a c", "d"], ["a_b", "A B", "a c", "a_c", "d", "e"])
    assert names.numbers == {"a_b": 0, "A B": 0, "a c": 2, "a_c": 4, "d": 3, "e": 5}
    assert names.unknown == ("a_c", "e")  # which of two it is, nobody knows
    assert names.respelled == (("a_b", "a b"), ("A B", "a b"))


def test_the_command_prints_a_table(run, read, videos):
    read(*labelled(videos), notes=("2 rows name a missing file.",))
    code, out, err = run("eval", "data.csv", "-m", "fake", "--no-cache")
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert out.startswith("3 clips and 1 untrimmed video (0:10); model fake, 3 labels.")
    assert next(line for line in lines if line[:1] == ["top-1"])[1:3] == ["66.7", "%"]
    assert any(line[:2] == ["per", "second"] for line in lines)
    assert "high taken for middle: 1 clip" in out
    assert "2 rows name a missing file." in err
    assert "\x1b" not in out


@pytest.mark.parametrize("width", [40, 60, 100])
def test_numbers_are_never_cut_on_a_narrow_terminal(width, videos):
    found = result_of(30).evaluation
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(class_table(found, width))
    lines = console.file.getvalue().splitlines()
    assert len(lines) == 1 + len(found.classes)
    assert max(map(len, lines)) <= width
    for line, row in zip(lines[1:], found.classes, strict=True):
        assert f" {row.num_clips}  " in line
        assert f"{100 * row.num_right / row.num_clips:.0f} %" in line


def test_the_command_prints_json(run, read, videos):
    read(*labelled(videos))
    code, out, err = run("eval", "data.csv", "-m", "fake", "--no-cache", "--json")
    assert (code, err) == (0, "")
    [line] = out.splitlines()
    told = json.loads(line)
    assert told["schema_version"] == 1
    assert told["data"]["num_clips"] == 3
    assert told["data"]["num_untrimmed"] == 1
    assert told["top1"]["value"] == pytest.approx(2 / 3, abs=1e-6)
    assert told["top1"]["low"] <= told["top1"]["value"] <= told["top1"]["high"]
    for name in ("top1", "mean_class", "per_second", "ece"):
        assert set(told[name]) == {"value", "low", "high"}
    assert set(told["f1"]) == {"10", "25", "50"}
    assert set(told["map"]) == {"activitynet", "thumos", "at"}
    assert told["confusions"]["clips"] == [{"true": "high", "said": "middle", "amount": 1.0}]
    assert told["mistakes"][0]["path"] == videos["middle"]
    assert told["calibration"] is None
    assert run("eval", "data.csv", "-m", "fake", "--no-cache", "--json")[1] == out


def test_a_video_that_fails_costs_itself_alone(run, read, videos, tmp_path):
    (tmp_path / "empty.mp4").touch()
    read(clip(str(tmp_path / "empty.mp4"), "low"), clip(videos["low"], "low"))
    code, out, err = run("eval", "data.csv", "-m", "fake", "--no-cache", "--json")
    assert code == 3
    told = json.loads(out)
    assert told["data"]["num_failed"] == len(told["failures"]) == 1
    assert told["data"]["num_clips"] == 1
    assert "empty.mp4" in err
    read(clip(str(tmp_path / "empty.mp4"), "low"))
    assert run("eval", "data.csv", "-m", "fake", "--no-cache")[:2] == (1, "")


def test_labels_that_the_model_does_not_know_are_counted_and_never_right(run, read, videos):
    read(clip(videos["low"], "low"), clip(videos["middle"], "flying"))
    code, out, err = run("eval", "data.csv", "-m", "fake", "--no-cache", "--json")
    assert code == 0
    told = json.loads(out)
    assert told["top1"]["value"] == told["mean_class"]["value"] == 0.5
    assert told["data"]["unknown_labels"] == ["flying"]
    assert "does not know 1 of the labels ('flying'); that of 1 of 2 videos" in err
    read(clip(videos["low"], "flying"))
    code, out, err = run("eval", "data.csv", "-m", "fake", "--no-cache")
    assert (code, out) == (2, "")
    assert "knows no label" in err


def test_a_subset_is_taken(run, read, videos):
    read(clip(videos["low"], "low", subset="validation"), clip(videos["middle"], "high"))
    arguments = ("eval", "data.csv", "-m", "fake", "--no-cache", "--json")
    told = json.loads(run(*arguments, "--subset", "validation")[1])
    assert (told["data"]["num_clips"], told["top1"]["value"]) == (1, 1)
    code, _, err = run(*arguments, "--subset", "testing")
    assert code == 2
    assert "no video of the subset 'testing'; it has validation" in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["-f", "html"], "add -o PATH"),
        (["-o", "x.csv"], "must end in .html"),
        (["-f", "json", "-o", "x.html"], "fit -f json"),
        (["--views", "5x2"], "clips x crops"),
        (["--views", "0x1"], "clips x crops"),
        (["--calibrate"], "must be a folder of yours"),
        (["--calibrate", "--views", "5x1"], "leave --views"),
        (["--calibrate", "--average", "probs"], "leave --views"),
        (["--calibrate", "--label", "x"], "leave --label"),
    ],
)
def test_what_does_not_go_together_is_wrong_usage(arguments, told, run, read, videos):
    read(clip(videos["low"], "low"))
    code, out, err = run("eval", "data.csv", "-m", "base", "--no-cache", *arguments)
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1


def test_views_are_of_clips_alone(run, read, videos):
    read(labelled(videos)[-1])
    code, _, err = run("eval", "data.csv", "-m", "fake", "--no-cache", "--views", "5x1")
    assert code == 2
    assert "labelled clips" in err
    read(*labelled(videos))
    code, out, err = run("eval", "d", "-m", "fake", "--no-cache", "--views", "2x1", "--json")
    assert code == 0
    assert json.loads(out)["settings"]["views"] == "2x1"
    assert "untrimmed videos (1) were run as ever" in err


def test_nothing_of_the_users_is_overwritten(run, read, videos, tmp_path):
    data = tmp_path / "data.json"
    data.write_text("{}")
    read(clip(videos["low"], "low"))
    code, _, err = run("eval", str(data), "-m", "fake", "--no-cache", "-o", str(data))
    assert code == 2
    assert "would be overwritten" in err
    assert data.read_text() == "{}"


# Views.


class Recorder(FakeClassifier):
    """Remembers the pictures that it is given to prepare."""

    def __init__(self, **more):
        super().__init__(**more)
        self.images: list[np.ndarray] = []

    def prepare(self, image):
        self.images.append(image.copy())
        return np.full((1, 1, 3), len(self.images) % 256, np.uint8)


def test_clips_are_spread_evenly_and_crops_along_the_longer_side(videos):
    classifier = FakeClassifier(batch_size=4)
    scores, peak = score_views(
        classifier, Views(num_clips=5, num_crops=1), videos["both"], Part(), Fraction(2)
    )
    # Windows of 2 s start at 0, 2, 4, 6 and 8 s of 10 s; a frame is 0.1 s.
    assert [clip[0] for clip in classifier.clips] == [0, 20, 40, 60, 80]
    logits = np.zeros((5, 3))
    for row, shown in enumerate(classifier.clips):
        logits[row, int(np.mean(shown) // 50)] = 3 + np.mean(shown) % 1
    assert scores == pytest.approx(softmax(logits).mean(axis=0), abs=1e-6)
    assert peak in (1, 3, 5)  # low has three of five


def test_three_crops_are_prepared_from_squares(videos, tmp_path):
    wide = str(make_video(tmp_path / "wide.mp4", num_frames=20, fps=10, size=(192, 96)))
    classifier = Recorder()
    score_views(classifier, Views(num_clips=1, num_crops=3), wide, Part(), Fraction(2))
    assert len(classifier.images) == 3 * 16
    left, middle, right = classifier.images[:3]
    assert {image.shape for image in classifier.images} == {(96, 96, 3)}
    assert left[10, 10, 0] > 180 > 90 > left[10, 10, 1]  # red is at the top left
    assert right[10, -10, 1] > 150 > 90 > right[10, -10, 0]  # green at the top right
    assert abs(int(middle[10, 10, 0]) - int(middle[10, 10, 1])) < 40  # grey between them


def test_crops_of_a_tall_picture_go_down():
    image = np.arange(9)[:, None, None] * np.ones((9, 4, 3), np.uint8)
    assert [one[0, 0, 0] for one in crop_squares(image)] == [0, 2, 5]


def test_a_video_shorter_than_a_window_is_one_view(videos, tmp_path):
    short = str(make_video(tmp_path / "short.mp4", num_frames=6, fps=10))
    classifier = FakeClassifier()
    score_views(classifier, Views(num_clips=5, num_crops=1), short, Part(), Fraction(2))
    assert len(classifier.clips) == 1
    assert spread(5, 3) == [0, 1, 2, 3]
    assert spread(3, 10) == [0, 5, 10]


# Calibration.


@pytest.fixture
def model(tmp_path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    config = {"model_type": "x", "id2label": {"0": "é"}, "vidtag": {"still_threshold": 0.1}}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def test_a_temperature_is_kept_beside_the_weights(run, read, videos, model):
    before = json.loads((model / "config.json").read_text(encoding="utf-8"))
    read(*labelled(videos)[:3])
    code, out, err = run("eval", "d", "-m", str(model), "--no-cache", "--calibrate", "--json")
    assert code == 0
    fitted = json.loads(out)["calibration"]
    after = json.loads((model / "config.json").read_text(encoding="utf-8"))
    own = after["vidtag"]
    assert own == {
        "still_threshold": 0.1, "temperature": fitted["temperature"], "calibrated_on": 3,
    }  # fmt: skip
    assert {**after, "vidtag": before["vidtag"]} == before
    assert fitted["ece_after"] < fitted["ece_before"]
    assert "wrote the temperature" in err
    assert os.listdir(model) == ["config.json"]
    # Two of three are right: that is how sure the model should be.
    scores = softmax(np.array([3.5, 0, 0]) / own["temperature"])
    assert scores.max() == pytest.approx(2 / 3, abs=0.03)


def test_steps_are_what_is_fitted_where_there_are_no_clips(run, read, videos, model):
    segments = (segment(0, 7, "low"), segment(7, 9, "middle"))
    read(LabelledVideo(path=videos["both"], label=None, segments=segments))
    code, out, _ = run("eval", "d", "-m", str(model), "--no-cache", "--calibrate", "--json")
    assert code == 0
    assert json.loads(out)["calibration"]["num_clips"] == 9


def test_no_temperature_is_kept_where_all_is_right(run, read, videos, model):
    before = (model / "config.json").read_bytes()
    read(*labelled(videos)[:2])
    code, out, err = run("eval", "d", "-m", str(model), "--no-cache", "--calibrate")
    assert code == 1
    assert "top-1" in out
    assert "No temperature was kept: 2 clips can't say how sure" in err
    assert (model / "config.json").read_bytes() == before


def test_a_config_in_the_hubs_cache_is_not_written_to(run, read, videos, model, tmp_path):
    link = tmp_path / "snapshot"
    link.mkdir()
    (link / "config.json").symlink_to(model / "config.json")
    read(clip(videos["low"], "low"))
    code, _, err = run("eval", "d", "-m", str(link), "--no-cache", "--calibrate")
    assert code == 2
    assert "must be a folder of yours" in err


def test_a_config_that_is_none_is_left_alone(tmp_path):
    config = tmp_path / "config.json"
    config.write_text("[]")
    with pytest.raises(ModelLoadError, match="can't be read"):
        keep_temperature(config, 1.5, 3)
    assert config.read_text() == "[]"


# The page.


@pytest.mark.slow
def test_the_page_is_complete_and_lets_nothing_act(run, read, videos, tmp_path):
    bad = "<script>alert(1)</script>"
    page = tmp_path / "eval.html"
    (tmp_path / "mid.mp4.html").touch()
    read(*labelled(videos), clip(videos["low"], bad))
    arguments = ("eval", "d", "-m", "fake", "--no-cache", "-o", str(page))
    code, out, err = run(*arguments)
    assert (code, out) == (0, "")
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "script-src &#39;none&#39;" in text
    assert bad.replace("<", "&lt;").replace(">", "&gt;") in text
    assert text.count('class="card"') == text.count("data:image/jpeg") >= 3
    assert f'href="{os.path.relpath(videos["middle"], tmp_path)}#t=' in text
    assert 'href="mid.mp4.html#t=' in text
    assert 'class="matrix"' in text
    assert "wrote" in err
    run(*arguments)
    assert page.read_text(encoding="utf-8") == text


def result_of(num_labels: int, name: str = "{}.mp4") -> Evaluated:
    rng = np.random.default_rng(0)
    labels = [f"label {k}" for k in range(num_labels)]
    names = Names.match(labels, labels)
    outcomes = []
    for k in range(3 * num_labels):
        logits = rng.normal(0, 1, num_labels)
        logits[k % num_labels] += 2
        outcomes.append(
            ClipOutcome(
                path=name.format(k), truth=k % num_labels, scores=softmax(logits), peak_seconds=1.0
            )
        )
    return Evaluated(
        data="d", model=FakeClassifier().info, settings=Settings(), views=None, names=names,
        evaluation=evaluate(outcomes, names), failures=(), notes=(),
        paths=tuple({one.path for one in outcomes}),
    )  # fmt: skip


def test_a_matrix_of_many_labels_shows_the_most_confused():
    found = result_of(60).evaluation
    matrix = draw_matrix(found.clip_confusions, "Confusions", "clips")
    assert (len(matrix.names), matrix.num_left_out) == (50, 10)
    assert not any(cell.number for cell in matrix.cells)
    small = draw_matrix(result_of(5).evaluation.clip_confusions, "Confusions", "clips")
    assert sum(int(cell.number) for cell in small.cells) == 15
    right = [cell for cell in small.cells if cell.is_right]
    assert all(cell.x - small.left == cell.y - small.top for cell in right)


def test_bars_are_as_high_as_what_is_right():
    found = result_of(5).evaluation
    bars = draw_reliability(found.reliability)
    filled = [one for one in found.reliability if one.total]
    assert len(bars) == len(filled)
    for bar, one in zip(bars, filled, strict=True):
        assert bar.height == pytest.approx(300 * one.accuracy, abs=0.01)
        assert bar.y + bar.height == pytest.approx(300, abs=0.02)
    assert max(bar.share for bar in bars) == 1


def test_a_page_that_may_be_another_videos_is_not_linked(tmp_path):
    (tmp_path / "clip.mp4.html").touch()
    assert "clip.mp4.html#t=" in write_page(result_of(5, "1/clip.mp4"), str(tmp_path / "x.html"))
    many = write_page(result_of(5, "{}/clip.mp4"), str(tmp_path / "x.html"))
    assert 'class="card"' in many
    assert "clip.mp4.html" not in many


def test_a_page_without_videos_has_no_empty_frames(tmp_path):
    text = write_page(result_of(5), str(tmp_path / "x.html"))
    assert 'class="shot"' not in text
    assert 'class="card"' in text


@pytest.mark.tool("chromium")
@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_the_page_and_has_nothing_to_complain_of(width, tmp_path):
    from chromium import Chromium

    page = tmp_path / "eval.html"
    page.write_text(write_page(result_of(60), str(page)), encoding="utf-8")
    with Chromium(tmp_path / "profile") as browser:
        shown = browser.open(page.as_uri(), width=width)
        assert shown.complaints == []
        assert {address.partition(":")[0] for address in shown.addresses} <= {"file", "data"}
        assert shown.evaluate("document.documentElement.scrollWidth") == width
        assert shown.evaluate("document.querySelectorAll('.matrix .right').length") >= 30
        shown.close()


def test_json_has_no_number_that_is_none():
    def numbers(value):
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            return [number for one in value for number in numbers(one)]
        return [value] if isinstance(value, float) else []

    assert all(math.isfinite(number) for number in numbers(to_dict(result_of(4))))


def test_a_picture_reads_back(videos):
    """The fake model tells videos apart: what these tests rest on."""
    from PIL import Image

    from vidtag.report.thumbnails import read_pictures

    [picture] = read_pictures(videos["both"], [4.05])
    assert read_index(np.asarray(Image.open(io.BytesIO(picture.jpeg)))) == 40
