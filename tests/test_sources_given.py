"""Videos that a program holds itself: bytes, file objects, pictures."""

import dataclasses
import hashlib
import io
import os
import tempfile
import threading
from fractions import Fraction

import numpy as np
import pytest
from fake_classifier import FakeClassifier
from make_video import draw_index, make_video

from vidtag import Part, ScoreStore, Settings, Tagger, VideoError
from vidtag.documents.records import Document


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("given") / "clip.mp4"
    return make_video(path, num_frames=150, fps=25, size=(64, 48))


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.stack([draw_index(index, (64, 48)) for index in range(150)])


def told(document: Document) -> Document:
    """What is the same whatever the video came from."""
    return dataclasses.replace(document, timing=None, video=None)


class Unseekable(io.RawIOBase):
    """What a network's client gives: it is read once, a little at a time."""

    def __init__(self, data: bytes):
        self._data = io.BytesIO(data)

    def readable(self):
        return True

    def readinto(self, buffer):
        return self._data.readinto(memoryview(buffer)[:7000])


class OnlyRead:
    def __init__(self, data: bytes):
        self.read = io.BytesIO(data).read


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
@pytest.mark.parametrize(
    "give",
    [bytes, bytearray, memoryview, io.BytesIO, Unseekable, OnlyRead],
    ids=lambda g: g.__name__,
)
def test_bytes_and_file_objects_are_the_video_that_they_hold(tmp_path, give, suffix):
    path = make_video(tmp_path / f"clip{suffix}", num_frames=80, fps=25, size=(64, 48))
    expected = Tagger(FakeClassifier()).tag(path)
    document = Tagger(FakeClassifier()).tag(give(path.read_bytes()))
    assert document.video.path in {"<bytes>", "<file>"}
    assert told(document) == told(expected)
    same = ("container", "codec", "width", "height", "num_frames", "duration_seconds")
    for name in same:
        assert getattr(document.video, name) == getattr(expected.video, name), name


def test_an_open_file_stays_open_and_is_read_from_its_beginning(clip):
    with open(clip, "rb") as file:
        file.read(10)
        first = Tagger(FakeClassifier()).tag(file)
        again = Tagger(FakeClassifier()).tag(file)
        assert not file.closed
    assert first.video.path == str(clip)
    assert told(first) == told(again) == told(Tagger(FakeClassifier()).tag(clip))


def test_a_pipe_is_a_file_object(tmp_path):
    path = make_video(tmp_path / "clip.ts", num_frames=80, fps=25, size=(64, 48))
    read, write = os.pipe()
    with open(read, "rb") as file, open(write, "wb") as into:
        thread = threading.Thread(target=lambda: (into.write(path.read_bytes()), into.close()))
        thread.start()
        document = Tagger(FakeClassifier()).tag(file)
        thread.join()
    assert (document.video.path, document.video.num_frames) == ("<file>", 80)


def test_bytes_are_known_by_their_hash_and_stored(clip, tmp_path):
    content = clip.read_bytes()
    classifier = FakeClassifier()
    store = ScoreStore(tmp_path)
    first = Tagger(classifier, store=store).tag(content)
    assert first.video.content_id == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert first.video.size_bytes == len(content)
    count = len(classifier.clips)
    again = Tagger(classifier, store=store).tag(bytearray(content))
    assert again.timing.from_cache
    assert len(classifier.clips) == count
    assert dataclasses.replace(again, timing=None) == dataclasses.replace(first, timing=None)
    store.close()


@pytest.mark.parametrize("content", [b"", b"no video at all, but some text"])
def test_content_that_is_no_video(content):
    for source in (content, io.BytesIO(content), Unseekable(content)):
        with pytest.raises(VideoError) as caught:
            Tagger(FakeClassifier()).tag(source)
        assert caught.value.code in {"empty_file", "not_a_video"}


class Failing(io.BytesIO):
    """A client of the network, with errors of its own."""

    def __init__(self, data: bytes, at: int, *, seekable: bool):
        super().__init__(data)
        self._at, self._seekable = at, seekable

    def seekable(self):
        return self._seekable

    def read(self, size=-1):
        if self.tell() >= self._at:
            raise RuntimeError("the bucket is gone")
        return super().read(size)


@pytest.mark.parametrize("seekable", [False, True])
def test_a_file_object_that_fails_is_told_as_such(clip, seekable):
    with pytest.raises(VideoError, match="the bucket is gone") as caught:
        Tagger(FakeClassifier()).tag(Failing(clip.read_bytes(), 0, seekable=seekable))
    assert caught.value.code == "read_failed"
    assert "report" not in str(caught.value)


@pytest.mark.parametrize("fps", [25, 25.0, Fraction(25), np.float32(25)])
def test_pictures_are_sampled_like_a_video(clip, pictures, fps):
    one, two = FakeClassifier(), FakeClassifier()
    expected, document = Tagger(one).tag(clip), Tagger(two).tag(pictures, fps=fps)
    assert two.clips == one.clips
    assert told(document) == told(expected)
    video = document.video
    assert (video.path, video.container, video.codec) == ("<array>", "array", "rawvideo")
    assert (video.width, video.height, video.num_frames) == (64, 48, 150)
    assert (video.frame_rate, video.is_variable_frame_rate) == (25.0, False)
    assert (video.duration_seconds, video.content_id, video.size_bytes) == (6.0, None, None)


@pytest.mark.parametrize("start", [0, 100])
@pytest.mark.parametrize("fps", [25, 30, Fraction(30000, 1001)])
def test_pictures_may_bring_their_times(pictures, fps, start):
    one, two = FakeClassifier(), FakeClassifier()
    times = start + np.arange(150) / float(fps)
    expected = Tagger(one).tag(pictures, fps=float(fps))
    assert told(Tagger(two).tag(pictures, times=times)) == told(expected)
    assert told(Tagger(two).tag(pictures, times=list(times))) == told(expected)
    assert two.clips == one.clips * 2


def test_pictures_may_be_uneven(pictures):
    times = [Fraction(n, 25) if n < 50 else Fraction(2) + Fraction(n - 50, 5) for n in range(75)]
    classifier = FakeClassifier()
    document = Tagger(classifier).tag(pictures[:75], times=times)
    assert document.video.is_variable_frame_rate
    assert document.video.duration_seconds == 7.0
    assert classifier.clips[2][:4] == [50, 50, 51, 52]


@pytest.mark.parametrize("count", [1, 7, 47, 50])
def test_few_pictures_are_tiled(pictures, tmp_path, count):
    path = make_video(tmp_path / "clip.mp4", num_frames=count, fps=25, size=(64, 48))
    one, two = FakeClassifier(), FakeClassifier()
    expected, document = Tagger(one).tag(path), Tagger(two).tag(pictures[:count], fps=25)
    assert two.clips == one.clips
    assert document.timeline == expected.timeline
    codes = [[warning.code for warning in one.warnings] for one in (document, expected)]
    assert codes[0] == codes[1]


def test_a_part_of_pictures(clip, pictures):
    settings = Settings(read=Part(start=Fraction(3), end=Fraction(11, 2)))
    one, two = FakeClassifier(), FakeClassifier()
    expected = Tagger(one, settings).tag(clip)
    document = Tagger(two, settings).tag(pictures, fps=25)
    assert two.clips == one.clips
    assert document.timeline == expected.timeline
    with pytest.raises(VideoError) as caught:
        Tagger(two, Settings(read=Part(start=60))).tag(pictures, fps=25)
    assert caught.value.code == "start_past_end"


def test_views_need_not_be_contiguous(pictures):
    mirrored = pictures[:, :, ::-1]
    assert not mirrored.flags.c_contiguous
    one, two = FakeClassifier(), FakeClassifier()
    Tagger(one).tag(mirrored, fps=25)
    Tagger(two).tag(mirrored.copy(), fps=25)
    assert one.clips == two.clips


def test_a_batch_may_hold_all_kinds(clip, pictures):
    tagger = Tagger(FakeClassifier())
    with tagger.open(pictures, pictures[:60], fps=25) as videos:
        assert [video.document().video.num_frames for video in videos] == [150, 60]
    with tagger.open(clip, clip.read_bytes(), io.BytesIO(b"")) as videos:
        names = [video.name for video in videos]
    assert names == [str(clip), "<bytes>", "<file>"]


@pytest.mark.parametrize(
    ("source", "more"),
    [
        (None, {}),
        (5, {}),
        ([1, 2], {}),
        (["a.mp4"], {}),
        (object(), {}),
        (io.StringIO("text"), {}),
        (np.zeros((4, 8, 8, 3), np.float32), {"fps": 25}),
        (np.zeros((4, 8, 8, 3), np.uint8), {}),
        (np.zeros((4, 8, 8, 3), np.uint8), {"fps": 25, "times": [0, 1, 2, 3]}),
        (np.zeros((4, 8, 8, 3), np.uint8), {"fps": "25"}),
        (np.zeros((4, 8, 8, 3), np.uint8), {"times": 5}),
        (np.zeros((4, 8, 8, 3), np.uint8), {"times": "0123"}),
        (np.zeros((4, 8, 8, 3), np.uint8), {"times": [0, 1, None, 3]}),
        ("clip.mp4", {"fps": 25}),
        (b"bytes", {"times": [0]}),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else type(value).__name__,
)
def test_what_is_no_video_is_a_type_error(source, more):
    with pytest.raises(TypeError, match=r"must be|needs|go with|text"):
        Tagger(FakeClassifier()).tag(source, **more)


@pytest.mark.parametrize(
    ("shape", "more"),
    [
        ((8, 8, 3), {"fps": 25}),
        ((4, 3, 8, 8), {"fps": 25}),
        ((4, 8, 8, 4), {"fps": 25}),
        ((0, 8, 8, 3), {"fps": 25}),
        ((4, 0, 8, 3), {"fps": 25}),
        ((4, 8, 8, 3), {"fps": 0}),
        ((4, 8, 8, 3), {"fps": float("nan")}),
        ((4, 8, 8, 3), {"times": [0, 1, 2]}),
        ((4, 8, 8, 3), {"times": [0, 1, 1, 2]}),
        ((4, 8, 8, 3), {"times": [3, 2, 1, 0]}),
        ((4, 8, 8, 3), {"times": [0, 1, 2, float("inf")]}),
    ],
)
def test_pictures_that_make_no_sense_are_a_value_error(shape, more):
    with pytest.raises(ValueError, match="must"):
        Tagger(FakeClassifier()).tag(np.zeros(shape, np.uint8), **more)


def test_files_that_cannot_be_read_are_a_value_error(tmp_path):
    closed = io.BytesIO(b"x")
    closed.close()
    with open(tmp_path / "out", "wb") as writing:
        for file in (closed, writing):
            with pytest.raises(ValueError, match=r"closed|not open"):
                Tagger(FakeClassifier()).tag(file)


def test_a_temporary_file_is_a_file(clip):
    with tempfile.SpooledTemporaryFile() as file:
        file.write(clip.read_bytes())
        assert Tagger(FakeClassifier()).tag(file).video.num_frames == 150
