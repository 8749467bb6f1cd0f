import contextlib
import dataclasses
import math
import threading
from fractions import Fraction

import numpy as np
import pytest
from fake_classifier import LABELS, FakeClassifier
from make_video import make_video

from vidtag import Part, ScoreStore, Settings, Tagger, VideoError
from vidtag.documents.json import to_json
from vidtag.errors import ModelMismatchError


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("videos") / "clip.mp4"
    make_video(path, num_frames=150, fps=25)
    return path


def sampled(start: Fraction, window: Fraction, fps: Fraction, total: int):
    """Which frames the rule names: sample i lies at start + (i + 1/2) * window / 16."""
    times = [start + (i + Fraction(1, 2)) * window / 16 for i in range(16)]
    return [min(int(t * fps), total - 1) for t in times]


def without_timing(document):
    return dataclasses.replace(document, timing=None)


def test_frames_given_to_the_model_are_those_that_the_rule_names(clip):
    classifier = FakeClassifier()
    document = Tagger(classifier).tag(clip)
    assert classifier.clips == [
        sampled(Fraction(start), Fraction(2), Fraction(25), 150) for start in range(5)
    ]
    assert document.sampling.num_windows == 5
    assert document.video.num_frames == 150


def test_the_document_tells_what_happens_when(clip):
    document = Tagger(FakeClassifier()).tag(clip)
    tops = [step.tags[0].label for step in document.timeline]
    assert [tops[k] for k in (0, 1, 3, 5)] == ["low", "low", "middle", "high"]
    assert {segment.label for segment in document.segments} == set(LABELS)
    assert document.video.content_id is not None
    assert document.warnings == ()


@pytest.mark.parametrize("num_frames", [1, 7, 47, 50, 53, 74])
def test_every_length_is_tiled(tmp_path, num_frames):
    path = tmp_path / "clip.mp4"
    make_video(path, num_frames=num_frames, fps=25)
    classifier = FakeClassifier()
    document = Tagger(classifier).tag(path)
    duration = Fraction(num_frames, 25)
    assert document.video.duration_seconds == float(duration)
    assert len(document.timeline) == math.ceil(duration)
    assert document.timeline[-1].end_seconds == float(duration)
    if duration < 2:
        assert classifier.clips == [sampled(Fraction(0), duration, Fraction(25), num_frames)]
        assert "shorter_than_window" in [warning.code for warning in document.warnings]
    else:
        tail = Fraction(math.ceil((duration - 2) * 8), 8)
        assert classifier.clips[-1] == sampled(tail, Fraction(2), Fraction(25), num_frames)


def test_a_part_keeps_the_times_of_the_file(clip):
    classifier = FakeClassifier()
    settings = Settings(read=Part(start=Fraction(3), end=Fraction(11, 2)))
    document = Tagger(classifier, settings).tag(clip)
    assert (document.timeline[0].start_seconds, document.timeline[-1].end_seconds) == (3.0, 5.5)
    assert classifier.clips[0] == sampled(Fraction(3), Fraction(2), Fraction(25), 150)
    assert document.sampling.start_seconds == 3.0
    assert "duration_declared" in [warning.code for warning in document.warnings]


def test_a_start_beyond_the_end_is_an_error(clip):
    settings = Settings(read=Part(start=Fraction(60)))
    with pytest.raises(VideoError) as caught:
        Tagger(FakeClassifier(), settings).tag(clip)
    assert caught.value.code == "start_past_end"


def test_a_rounded_stride_is_reported(clip):
    settings = Settings(stride_seconds=Fraction(3, 10))
    document = Tagger(FakeClassifier(), settings).tag(clip)
    assert document.sampling.stride_seconds == 0.25
    assert [warning.code for warning in document.warnings] == ["stride_rounded"]


def test_a_sparse_stride_is_reported(clip):
    settings = Settings(window_seconds=Fraction(1), stride_seconds=Fraction(2))
    document = Tagger(FakeClassifier(), settings).tag(clip)
    assert [warning.code for warning in document.warnings] == ["stride_beyond_window"]
    assert "50%" in document.warnings[0].message


@pytest.mark.parametrize("batch_size", [1, 2, 3, 16])
def test_batches_do_not_change_the_result(clip, batch_size):
    one = Tagger(FakeClassifier()).tag(clip)
    many = Tagger(FakeClassifier(batch_size=batch_size)).tag(clip)
    assert without_timing(one) == without_timing(many)


def test_steps_come_before_the_video_is_read_to_its_end(clip):
    classifier = FakeClassifier()
    with Tagger(classifier).open(clip) as videos:
        video = next(iter(videos))
        first = next(iter(video))
        assert len(classifier.clips) < 5
        assert (first.start_seconds, first.tags[0].label) == (0, "low")
        assert video.document().sampling.num_windows == 5


def test_stored_scores_give_the_same_bytes_without_reading(clip, tmp_path, monkeypatch):
    store = ScoreStore(tmp_path)
    first = Tagger(FakeClassifier(), store=store).tag(clip)
    monkeypatch.setattr("vidtag.video.reader.Video", None)
    classifier = FakeClassifier()
    again = Tagger(classifier, store=store).tag(clip)
    assert without_timing(again) == without_timing(first)
    assert (again.timing.from_cache, first.timing.from_cache) == (True, False)
    assert classifier.num_prepared == 0
    other = Tagger(classifier, Settings(top_k=1), store=store).tag(clip)
    assert len(other.tags) == 1
    store.close()


class Gated(FakeClassifier):
    """Lets a large file be hashed as soon as so many windows were scored."""

    def __init__(self, num_windows: int):
        super().__init__()
        self.num_windows = num_windows
        self.is_open = threading.Event()

    def logits(self, clips):
        logits = super().logits(clips)
        if len(self.clips) == self.num_windows:
            self.is_open.set()
            for thread in threading.enumerate():
                if thread.name == "vidtag-hash":
                    thread.join(30)
        return logits


class GatedStore(ScoreStore):
    """Hashes when it is told to."""

    def __init__(self, folder, classifier):
        super().__init__(folder)
        self.classifier = classifier

    def content_id(self, path):
        assert self.classifier.is_open.wait(30)
        return super().content_id(path)

    def is_remembered(self, path):
        return False


@pytest.fixture
def large_files(monkeypatch):
    monkeypatch.setattr("vidtag.tagging.recall.HASHED_FIRST_BYTES", -1)


@pytest.mark.parametrize("num_windows", [1, 2, 5])
def test_a_large_file_is_hashed_while_its_first_windows_are_scored(
    clip, tmp_path, large_files, monkeypatch, num_windows
):
    expected = Tagger(FakeClassifier()).tag(clip)
    classifier = Gated(num_windows)
    store = GatedStore(tmp_path, classifier)
    document = Tagger(classifier, store=store).tag(clip)
    assert without_timing(document) == without_timing(expected)
    assert len(classifier.clips) == 5
    store.close()
    # All windows were stored, those before the hash too.
    monkeypatch.undo()
    with contextlib.closing(ScoreStore(tmp_path)) as store:
        again = Tagger(FakeClassifier(), store=store).tag(clip)
    assert again.timing.from_cache
    assert without_timing(again) == without_timing(expected)


def test_a_large_file_that_turns_out_to_be_known_is_read_no_further(tmp_path, large_files, clip):
    with contextlib.closing(ScoreStore(tmp_path)) as store:
        expected = Tagger(FakeClassifier(), store=store).tag(clip)
    classifier = Gated(1)
    with (
        contextlib.closing(GatedStore(tmp_path, classifier)) as store,
        Tagger(classifier, store=store).open(clip) as videos,
    ):
        for video in videos:
            steps = list(video)
            document = video.document()
    assert without_timing(document) == without_timing(expected)
    assert [step.start_seconds for step in steps] == [0, 1, 2, 3, 4, 5]
    assert len(classifier.clips) < 5
    assert not document.timing.from_cache


def test_a_large_file_goes_on_where_it_was_left(tmp_path, large_files, clip):
    first = Gated(1)
    with (
        contextlib.closing(GatedStore(tmp_path, first)) as store,
        Tagger(first, store=store).open(clip) as videos,
    ):
        next(step for step in next(iter(videos)) if step.start_seconds == 2)
    second = Gated(1)
    with contextlib.closing(GatedStore(tmp_path, second)) as store:
        resumed = Tagger(second, store=store).tag(clip)
    assert 1 <= len(second.clips) < 5
    assert without_timing(resumed) == without_timing(Tagger(FakeClassifier()).tag(clip))


def test_stored_scores_are_those_of_the_same_model_and_sampling(clip, tmp_path, monkeypatch):
    store = ScoreStore(tmp_path)
    Tagger(FakeClassifier(), store=store).tag(clip)
    for classifier, settings in [
        (FakeClassifier(revision="2"), Settings()),
        (FakeClassifier(), Settings(stride_seconds=Fraction(2))),
        (FakeClassifier(), Settings(read=Part(start=Fraction(1)))),
    ]:
        assert not Tagger(classifier, settings, store=store).tag(clip).timing.from_cache
    assert Tagger(FakeClassifier(), store=store).tag(clip).timing.from_cache
    monkeypatch.setattr("vidtag.clips.preparing.PREPARATION_VERSION", 1)
    assert not Tagger(FakeClassifier(), store=store).tag(clip).timing.from_cache
    store.close()


def test_an_interrupted_run_goes_on_where_it_stopped(clip, tmp_path):
    store = ScoreStore(tmp_path)
    whole = Tagger(FakeClassifier(batch_size=2)).tag(clip)
    with Tagger(FakeClassifier(batch_size=2), store=store).open(clip) as videos:
        next(iter(next(iter(videos))))
    classifier = FakeClassifier(batch_size=2)
    resumed = Tagger(classifier, store=store).tag(clip)
    assert without_timing(resumed) == without_timing(whole)
    assert 0 < len(classifier.clips) < 5
    store.close()


def test_a_changed_file_is_not_answered_from_old_scores(tmp_path):
    store = ScoreStore(tmp_path / "cache")
    path = tmp_path / "clip.mp4"
    make_video(path, num_frames=60, fps=25)
    first = Tagger(FakeClassifier(), store=store).tag(path)
    make_video(path, num_frames=80, fps=25)
    second = Tagger(FakeClassifier(), store=store).tag(path)
    assert (first.video.num_frames, second.video.num_frames) == (60, 80)
    assert not second.timing.from_cache
    store.close()


def test_a_failed_video_leaves_the_others_alone(clip, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_text("no video")
    tagger = Tagger(FakeClassifier())
    outcomes = []
    with tagger.open(clip, broken, tmp_path / "missing.mp4", clip) as videos:
        for video in videos:
            try:
                outcomes.append(video.document().video.num_frames)
            except VideoError as exc:
                outcomes.append(exc.code)
    assert outcomes == [150, "not_a_video", "not_found", 150]


def test_a_stopped_video_is_read_no_further(clip):
    classifier = FakeClassifier()
    with Tagger(classifier).open(clip, clip) as videos:
        for video in videos:
            next(iter(video))
            video.stop()
    assert len(classifier.clips) <= 2 * 3


def test_an_unforeseen_failure_names_the_video(clip, monkeypatch):
    monkeypatch.delenv("VIDTAG_DEBUG", raising=False)

    class Broken(FakeClassifier):
        def prepare(self, image):
            raise ZeroDivisionError("here")

    with pytest.raises(VideoError, match=r"clip\.mp4.*ZeroDivisionError: here") as caught:
        Tagger(Broken()).tag(clip)
    assert caught.value.code == "internal_error"


@pytest.mark.parametrize("logits", [np.zeros((1, 2)), np.full((1, 3), np.nan)])
def test_logits_that_make_no_sense_are_refused(clip, logits):
    class Odd(FakeClassifier):
        def logits(self, clips):
            return logits

    with pytest.raises(ModelMismatchError):
        Tagger(Odd()).tag(clip)


def test_no_thread_stays_behind(clip):
    with Tagger(FakeClassifier()).open(clip, clip, clip) as videos:
        next(iter(videos))
    assert not [t for t in threading.enumerate() if t.name == "vidtag-read-ahead"]


def test_two_runs_give_the_same_bytes(clip):
    one, two = (
        to_json(dataclasses.replace(Tagger(FakeClassifier()).tag(clip), timing=fixed))
        for fixed in [Tagger(FakeClassifier()).tag(clip).timing] * 2
    )
    assert one == two


@pytest.mark.parametrize(
    "settings", [{"top_k": 0}, {"window_seconds": Fraction(0)}, {"stride_seconds": Fraction(-1)}]
)
def test_settings_that_make_no_sense_are_a_mistake(settings):
    with pytest.raises(ValueError, match="must be"):
        Settings(**settings)


@pytest.mark.slow
@pytest.mark.parametrize("fps", [Fraction(30000, 1001), Fraction(24000, 1001), Fraction(60), 12])
def test_frame_rates_that_are_no_whole_numbers(tmp_path, fps):
    make_video(tmp_path / "clip.mp4", num_frames=300, fps=fps)
    classifier = FakeClassifier()
    Tagger(classifier).tag(tmp_path / "clip.mp4")
    assert classifier.clips[2] == sampled(Fraction(2), Fraction(2), Fraction(fps), 300)
