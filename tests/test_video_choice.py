"""Which of several video streams is the video."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.video.frame import PictureType
from boxes import insert
from make_video import draw_index, make_video, read_index
from piping import pipe_of

from vidtag.errors import VideoOpenError
from vidtag.video import Video

CODECS = {".mp4": "mpeg4", ".mkv": "libx264", ".wmv": "wmv2", ".ts": "mpeg2video", ".avi": "mpeg4"}


def write(path: Path, *streams: tuple[str, tuple[int, int], list[float], int]) -> Path:
    """Write streams, each of a codec, a size, the seconds of its frames, and a first index."""
    with av.open(str(path), "w") as output:
        packets = []
        for codec, size, seconds, first in streams:
            stream = output.add_stream(codec, rate=10)
            stream.width, stream.height = size
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            stream.codec_context.max_b_frames = 0
            stream.codec_context.time_base = stream.time_base = Fraction(1, 10)
            for number, second in enumerate(seconds):
                image = draw_index(first + number, size)
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame = frame.reformat(format=stream.pix_fmt)
                frame.pts, frame.time_base = round(second * 10), Fraction(1, 10)
                frame.pict_type = PictureType.NONE
                packets += stream.encode(frame)
            packets += stream.encode(None)
        output.start_encoding()
        for packet in sorted(packets, key=lambda one: one.dts * one.time_base):
            output.mux(packet)
    return path


def even(num_frames: int, fps: float = 10, start: float = 0) -> list[float]:
    return [start + number / fps for number in range(num_frames)]


def look(source: str | Path) -> tuple[list[int], tuple[int, int], set[str]]:
    with Video(source) as video:
        indices = [read_index(frame.to_rgb()) for frame in video.frames()]
        info = video.info()
        return indices, (info.width, info.height), {n.code for n in video.notices()}


def through_pipe(path: Path) -> tuple[list[int], tuple[int, int], set[str]]:
    with pipe_of(path.read_bytes()) as reading:
        return look(f"/dev/fd/{reading}")


VIDEO = ((160, 120), even(30), 100)
"""What should be chosen: indices 100 to 129."""


@pytest.mark.slow
@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".wmv", ".avi"])
@pytest.mark.parametrize(
    ("codec", "seconds"),
    [
        ("mjpeg", [0]),
        ("mjpeg", [0, 2.9]),
        ("mpeg4", [0, 1, 2]),
    ],
    ids=["poster", "two pictures", "slides"],
)
def test_pictures_beside_the_video(
    codec: str, seconds: list[float], suffix: str, is_first: bool, tmp_path: Path
) -> None:
    video = (CODECS[suffix], *VIDEO)
    pictures = (codec if suffix != ".wmv" else "mjpeg", (320, 240), seconds, 0)
    streams = (pictures, video) if is_first else (video, pictures)
    path = write(tmp_path / f"a{suffix}", *streams)
    expected = list(range(100, 130)), (160, 120), {"several_video_streams"}
    assert look(path) == expected
    if suffix != ".mp4":  # whose index comes last, so that it is spooled
        assert through_pipe(path) == expected


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_a_larger_stream_that_ends_early(suffix: str, tmp_path: Path) -> None:
    codec = CODECS[suffix]
    path = write(
        tmp_path / f"a{suffix}",
        (codec, (320, 240), even(12), 0),
        (codec, (160, 120), even(30), 100),
    )
    assert look(path) == (list(range(100, 130)), (160, 120), {"several_video_streams"})


@pytest.mark.parametrize("suffix", [".mkv", ".ts"])
def test_of_two_videos_the_larger_one(suffix: str, tmp_path: Path) -> None:
    codec = CODECS[suffix]
    path = write(
        tmp_path / f"a{suffix}",
        (codec, (160, 120), even(30), 0),
        (codec, (320, 240), even(15, fps=5), 100),
    )
    assert look(path) == (list(range(100, 115)), (320, 240), {"several_video_streams"})


def test_image_sequence_with_its_still(tmp_path: Path) -> None:
    path = tmp_path / "a.avif"
    make_video(
        path,
        num_frames=6,
        fps=5,
        codec="libsvtav1",
        options={"svtav1-params": "lp=1", "preset": "12"},
        container="avif",
    )
    indices, size, warnings = look(path)
    assert (indices, size, warnings) == (list(range(6)), (160, 120), set())


def test_thousands_of_streams(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", num_frames=2)
    data = path.read_bytes()
    place = data.index(b"trak") - 4
    track = data[place : place + int.from_bytes(data[place : place + 4], "big")]
    insert(path, [b"moov"], track * 10_000)
    with pytest.raises(VideoOpenError, match="more than 1000 streams") as caught:
        Video(path)
    assert caught.value.code == "too_many_streams"


@pytest.mark.slow
@pytest.mark.parametrize("closes", [True, False])
def test_reading_ends_while_ffmpeg_logs_to_python(closes: bool, tmp_path: Path) -> None:
    """A decoder's threads must be idle when it is freed: the interpreter's lock is held then."""
    path = make_video(tmp_path / "a.mp4", num_frames=120, size=(320, 240))
    damaged = bytearray(path.read_bytes())
    for place in range(3000, len(damaged) - 6000, 701):
        damaged[place] ^= 0x55
    (tmp_path / "b.mp4").write_bytes(damaged)
    script = """
import logging, sys
import av.logging
from vidtag.errors import VideoError
from vidtag.errors import VideoOpenError
from vidtag.video import Video
logging.getLogger("libav").addHandler(logging.NullHandler())
logging.getLogger("libav").propagate = False
av.logging.set_level(av.logging.TRACE)
for last in range(2, 40):
    for path in sys.argv[2:]:
        video = Video(path)
        frames = video.frames()
        try:
            for number, frame in enumerate(frames):
                if number == last:
                    break
        except VideoError:
            pass
        if sys.argv[1] == "True":
            video.close()
        del video, frames, frame
"""
    command = [sys.executable, "-c", script, str(closes), path, str(tmp_path / "b.mp4")]
    subprocess.run(command, check=True, timeout=240)
