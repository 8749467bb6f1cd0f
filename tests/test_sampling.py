"""Which frames the model is given, proven on real containers by the numbers burnt into them.

The expectation is computed apart from vidtag: timestamps by plain PyAV, the sampling rule of the
README written out.
"""

import importlib.util
import math
from fractions import Fraction

import av
import numpy as np
import pytest
from fake_classifier import FakeClassifier

from vidtag import Settings, Tagger

pytestmark = pytest.mark.videos

NAMES = [
    "coded_h264_faststart.mp4",
    "coded_h264.ts",
    "coded_hevc_hvc1.mp4",
    "coded_mpeg4_bframes.avi",
    "coded_vfr_gaps.mp4",
    "coded_vfr_vp9.webm",
    "coded_negative_start.mp4",
    "coded_video_starts_after_audio.mp4",
    "coded_rot90_matrix.mp4",
    "coded_fps_240.mp4",
    "coded_fps_0.2.mp4",
    "coded_7frames.mp4",
    "coded_2frames.mp4",
    "coded_1frame.avi",
]


@pytest.fixture(scope="module")
def read_code(test_videos):
    spec = importlib.util.spec_from_file_location("readcode", test_videos / "readcode.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda image: module.read(image)[0]


def timeline(path, read_code) -> tuple[list[tuple[Fraction, int]], Fraction]:
    """Time and number of each frame, and the duration, as plain PyAV tells them."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = [
            (frame.pts, frame.duration, read_code(turned(frame)))
            for frame in container.decode(stream)
        ]
        base = stream.time_base
        rate = stream.average_rate
    ticks = sorted(frame[0] for frame in frames)
    times = [(tick - ticks[0]) * base for tick in ticks]
    last = frames[-1][1] * base if frames[-1][1] else 0
    if not last:
        last = times[-1] - times[-2] if len(times) > 1 else 1 / rate
    return list(zip(times, (frame[2] for frame in frames), strict=True)), times[-1] + last


def turned(frame: av.VideoFrame) -> np.ndarray:
    return np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90) % 4)


def expected(frames, duration, window, stride) -> list[list[int]]:
    """The rule: samples in the middle of intervals, the frame on screen then, the tail."""
    interval = window / 16
    if duration < window:
        windows = [(Fraction(0), duration / 16)]
    else:
        starts = []
        while len(starts) * stride + window <= duration:
            starts.append(len(starts) * stride)
        if starts[-1] + window < duration:
            starts.append(math.ceil((duration - window) / interval) * interval)
        windows = [(start, interval) for start in starts]
    return [
        [
            max(
                (t, n)
                for n, (t, _) in enumerate(frames)
                if t <= start + (i + Fraction(1, 2)) * step
            )[1]
            for i in range(16)
        ]
        for start, step in windows
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("window", "stride"), [(Fraction(2), Fraction(1)), (Fraction(1), Fraction(1, 4))]
)
@pytest.mark.parametrize("name", NAMES)
def test_the_model_is_given_the_frames_that_the_rule_names(
    test_videos, read_code, monkeypatch, name, window, stride
):
    monkeypatch.setattr("fake_classifier.read_index", read_code)
    path = test_videos / "generated" / name
    frames, duration = timeline(path, read_code)
    classifier = FakeClassifier()
    settings = Settings(window_seconds=window, stride_seconds=stride)
    document = Tagger(classifier, settings).tag(path)
    wanted = [[frames[n][1] for n in clip] for clip in expected(frames, duration, window, stride)]
    # A window that shows the same as the one before is not run again.
    run = [clip for clip, before in zip(wanted, [None, *wanted], strict=False) if clip != before]
    assert classifier.clips == run
    assert document.timing.num_repeated_windows == len(wanted) - len(run)
    assert document.sampling.num_windows == len(wanted)
    assert document.video.duration_seconds == pytest.approx(float(duration), abs=1e-3)
    assert document.timeline[-1].end_seconds == document.video.duration_seconds


@pytest.mark.slow
def test_ten_minutes_are_tiled(test_videos):
    class Blind(FakeClassifier):
        def prepare(self, image):
            self.num_prepared += 1
            return np.zeros((1, 1, 3), np.uint8)

    classifier = Blind()
    document = Tagger(classifier).tag(test_videos / "generated" / "long_10min_30fps.mp4")
    assert len(document.timeline) == math.ceil(document.video.duration_seconds)
    assert classifier.num_prepared <= 8 * document.video.duration_seconds + 1
