"""The file's own time of its first picture, and whether there is sound."""

from fractions import Fraction

import pytest
from fake_classifier import FakeClassifier
from make_video import make_video

from vidtag.tagging.tagger import Tagger
from vidtag.video import Video


@pytest.mark.parametrize(
    ("name", "fps", "timecode"),
    [
        ("a.mov", 25, "10:00:00:00"),
        ("a.mp4", 25, "23:59:58:24"),
        ("a.mov", Fraction(30000, 1001), "09:59:58;20"),
        ("a.mov", Fraction(24000, 1001), "01:00:00:23"),
        ("a.mov", 50, "10:00:00:49"),
    ],
)
def test_a_timecode_is_told(tmp_path, name, fps, timecode):
    path = make_video(tmp_path / name, num_frames=10, fps=fps, timecode=timecode)
    with Video(path) as video:
        assert video.info().timecode == timecode
    document = Tagger(FakeClassifier()).tag(path)
    assert document.video.timecode == timecode


def test_where_there_is_none_there_is_no_field(tmp_path):
    document = Tagger(FakeClassifier()).tag(make_video(tmp_path / "a.mp4", num_frames=10))
    assert not {"timecode", "sound_rate", "sound_channels"} & document.video.to_dict().keys()


def test_sound_is_told(tmp_path):
    path = make_video(tmp_path / "a.mp4", num_frames=30, audio_seconds=1)
    video = Tagger(FakeClassifier()).tag(path).video
    assert video.sound_rate
    assert video.sound_channels
