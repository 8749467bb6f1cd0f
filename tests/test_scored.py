"""Scores as a value: dated, cut by time, described again."""

import pickle
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from fake_classifier import LABELS, FakeClassifier
from make_video import make_video

from vidtag import (
    LoadOptions,
    Scored,
    ScoreStore,
    SegmentRule,
    SegmentTracker,
    Settings,
    Tagger,
    describe,
)
from vidtag.documents.records import Document
from vidtag.errors import OutputError, UsageError
from vidtag.formats import FORMATS, get_format
from vidtag.timeline.segments import find_segments


class WithFeatures(FakeClassifier):
    """Its features are the pixels' mean; its head makes logits of them."""

    def features(self, clips):
        self.num_windows = len(clips)
        return clips.reshape(len(clips), -1).mean(axis=1, keepdims=True).astype(np.float32)

    def head(self, features):
        return np.hstack([features, -features, 0 * features]).astype(np.float32)

    def logits(self, clips):
        return self.head(self.features(clips))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return str(make_video(tmp_path_factory.mktemp("videos") / "clip.mp4", num_frames=125))


@pytest.fixture(scope="module")
def scored(clip):
    return Tagger(FakeClassifier(batch_size=2)).score(clip)


def without_timing(document):
    return {**document.to_dict(), "timing": None}


@pytest.mark.slow
def test_scores_have_the_times_of_their_windows(scored):
    assert scored.bounds == tuple((Fraction(k), Fraction(k + 2)) for k in range(4))
    assert scored.labels == LABELS
    assert scored.logits.shape == (4, 3)
    assert scored.features is None
    assert repr(scored) == ("<VideoScores 4 windows of 2 s every 1 s, 0:00 to 0:05, logits (4, 3)>")
    copy = scored.to_numpy()
    copy[:] = 0
    assert scored.logits.any()


def test_describing_scores_is_tagging(clip, scored):
    tagged = Tagger(FakeClassifier(batch_size=2)).tag(clip)
    assert without_timing(describe(scored)) == without_timing(tagged)


def test_other_settings_need_no_video(clip, scored):
    settings = Settings(top_k=1, average="probs", rule=SegmentRule(min_score=0.95))
    tagged = Tagger(FakeClassifier(batch_size=2), settings).tag(clip)
    assert without_timing(describe(scored, settings)) == without_timing(tagged)
    assert without_timing(tagged) != without_timing(describe(scored))


def test_stored_scores_are_the_same(clip, scored, tmp_path):
    with ScoreStore(tmp_path) as store:
        tagger = Tagger(FakeClassifier(batch_size=2), store=store)
        first, second = tagger.score(clip), tagger.score(clip)
    assert not first.timing.from_cache
    assert second.timing.from_cache
    for one in (first, second):
        assert one.bounds == scored.bounds
        assert np.array_equal(one.logits, scored.logits)


def test_scores_are_cut_by_time(scored):
    part = scored[2.5:4]
    assert type(part) is Scored
    assert part.bounds == scored.bounds[1:]
    assert (part.start_seconds, part.end_seconds) == (1, 5)
    assert np.array_equal(part.logits, scored.logits[1:])
    steps, mean = part.timeline()
    assert [step.start_seconds for step in steps] == [1, 2, 3, 4]
    assert mean.shape == (3,)
    assert scored[:].bounds == scored.bounds
    with pytest.raises(TypeError, match="whole video"):
        describe(part)
    with pytest.raises(ValueError, match="no window overlaps 9 s to 10 s"):
        scored[9:10]
    with pytest.raises(TypeError, match="cut by time"):
        scored[1]


def test_what_does_not_fit_is_no_scores(scored):
    with pytest.raises(ValueError, match=r"must be \(4, 2\)"):
        Scored(
            labels=("a", "b"),
            bounds=scored.bounds,
            logits=scored.logits,
            start_seconds=Fraction(0),
            end_seconds=Fraction(5),
            window_seconds=Fraction(2),
            stride_seconds=Fraction(1),
        )


def test_features_are_kept_where_they_are_asked_for(clip, tmp_path):
    with ScoreStore(tmp_path) as store:
        tagger = Tagger(WithFeatures(batch_size=2), store=store)
        plain = tagger.score(clip)
        scored = tagger.score(clip, features=True)
    assert plain.features is None
    assert scored.features.shape == (4, 1)
    assert np.array_equal(scored.logits, plain.logits)
    assert np.array_equal(WithFeatures().head(scored.features), scored.logits)
    assert scored[3:].features.shape == (2, 1)
    assert repr(scored).endswith("logits (4, 3), features (4, 1)>")
    assert Tagger(FakeClassifier()).score(clip, features=True).features is None


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_a_model_is_its_head_on_its_features(engine):
    classifier = Tagger("demo", engine=engine, precision="fp32", device="cpu").classifier
    size = classifier.info.image_size
    shape = (2, classifier.info.num_frames, size, size, 3)
    clips = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    features = classifier.features(clips)
    assert features.shape[0] == 2
    assert features.shape[1] > len(classifier.labels)
    np.testing.assert_allclose(classifier.head(features), classifier.logits(clips), atol=1e-4)
    np.testing.assert_allclose(
        classifier.head(features[1:]), classifier.logits(clips)[1:], atol=1e-4
    )


def test_choices_by_name():
    tagger = Tagger(FakeClassifier(), top_k=2, min_score=0.5, end=3, window_seconds=1.0)
    assert tagger.settings.top_k == 2
    assert tagger.settings.rule.min_score == 0.5
    assert tagger.settings.read.end == 3
    assert tagger.grid.window_seconds == 1
    base = Settings(top_k=7, rule=SegmentRule(min_score=0.4))
    assert Tagger(FakeClassifier(), base, min_score=0.6).settings.top_k == 7
    assert not Tagger(FakeClassifier(), offline=True).settings.read.network
    with pytest.raises(TypeError, match="no choice 'topk'"):
        Tagger(FakeClassifier(), topk=3)
    with pytest.raises(TypeError, match="'device' is a choice for loading"):
        Tagger(FakeClassifier(), device="cpu")
    with pytest.raises(ValueError, match="min_score must be in"):
        Tagger(FakeClassifier(), min_score=2)


def test_steps_are_one_loop(clip):
    classifier = FakeClassifier()
    steps = list(Tagger(classifier).steps(clip))
    assert [float(step.start_seconds) for step in steps] == [0, 1, 2, 3, 4]
    for step in Tagger(classifier, top_k=1).steps(clip):
        assert len(step.tags) == 1
        break


def test_options_travel_to_another_process():
    for value in (LoadOptions(model="demo", device="cpu"), Settings(top_k=2)):
        assert pickle.loads(pickle.dumps(value)) == value


def test_a_document_saves_itself(clip, tmp_path):
    document = Tagger(FakeClassifier()).tag(clip)
    for name in ("srt", "csv", "json", "table"):
        one = get_format(name)
        document.save(tmp_path / f"clip{one.suffix}")
        assert (tmp_path / f"clip{one.suffix}").read_text() == one.write([document])
    document.save(tmp_path / "tasks.json", format="labelstudio")
    assert (tmp_path / "tasks.json").read_text() == FORMATS["labelstudio"].write([document])
    assert document.to_json() + "\n" == (tmp_path / "clip.json").read_text()
    with pytest.raises(UsageError, match=r"not known: name a format, or end it in \.txt, \.json"):
        document.save(tmp_path / "clip.docx")
    with pytest.raises(UsageError, match=r"clip\.mp4"):
        document.save(clip, format="json")
    with pytest.raises(OutputError, match="no folder"):
        document.save(tmp_path / "missing" / "clip.json")


def test_a_document_as_tables(clip):
    document: Document = Tagger(FakeClassifier(), top_k=2).tag(clip)
    segments = document.to_pandas()
    assert list(segments.label) == [one.label for one in document.segments]
    steps = document.to_pandas("steps")
    assert len(steps) == 2 * len(document.timeline)
    assert list(steps["rank"]) == [1, 2] * len(document.timeline)
    assert isinstance(segments, pd.DataFrame)
    with pytest.raises(ValueError, match="'segments' or 'steps'"):
        document.to_pandas("windows")
    html = document._repr_html_()
    assert all(f"<td>{one.label}</td>" in html for one in document.segments)


def test_a_notebook_shows_strange_labels_harmlessly(clip):
    classifier = FakeClassifier()
    classifier.labels = ("<script>", "\x1b[31m", "high")
    html = Tagger(classifier).tag(clip)._repr_html_()
    assert "<script>" not in html
    assert "\x1b" not in html


def test_a_tracker_tells_of_segments_as_they_open_and_close(scored):
    steps, _ = scored.timeline()
    rule = SegmentRule(min_score=0.5)
    tracker = SegmentTracker(rule)
    changes = [tracker.add(step) for step in steps]
    opened = [one.index for change in changes for one in change.opened]
    closed = [one for change in changes for one in change.closed] + [*tracker.finish()]
    assert opened == [one.index for one in find_segments(steps, rule)] != []
    assert {one.start_seconds for one in closed} == {
        one.start_seconds for one in find_segments(steps, rule)
    }
