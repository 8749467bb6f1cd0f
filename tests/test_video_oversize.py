"""Pictures beyond the limit of pixels, which decoders refuse without telling why."""

from pathlib import Path

import pytest
from make_video import make_video

from vidtag.errors import VideoDecodeError
from vidtag.video import Part, Video

LIMIT = 100_000
LARGE = (1920, 1088)
"""Beyond the limit even with what decoders are allowed for padding."""

RECIPES = {
    "mjpeg": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "mpegts": {"codec": "mpeg2video"},
    "h264": {"codec": "libx264"},
    "hevc": {"codec": "libx265"},
    "webm": {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8"}},
    "mpeg2video": {"codec": "mpeg2video"},
    "image2pipe": {"codec": "jpeg2000", "pix_fmt": "rgb24"},
}


def write(path: Path, container: str, size: tuple[int, int]) -> Path:
    recipe = RECIPES[container]
    return make_video(path, num_frames=3, size=size, container=container, **recipe)


def refusal(path: Path) -> VideoDecodeError:
    with (
        pytest.raises(VideoDecodeError) as caught,
        Video(path, Part(max_pixels=LIMIT)) as video,
    ):
        list(video.frames())
    return caught.value


@pytest.mark.slow
@pytest.mark.parametrize("container", RECIPES)
def test_all_pictures_are_too_large(container: str, tmp_path: Path) -> None:
    error = refusal(write(tmp_path / "a.bin", container, LARGE))
    assert error.code == "too_many_pixels"
    assert "1920x1088" in str(error)
    assert "--max-pixels" in str(error)


@pytest.mark.slow
@pytest.mark.parametrize("container", ["mjpeg", "h264", "hevc", "mpeg2video", "image2pipe"])
def test_pictures_become_too_large(container: str, tmp_path: Path) -> None:
    small = write(tmp_path / "a.bin", container, (160, 120)).read_bytes()
    large = write(tmp_path / "b.bin", container, LARGE).read_bytes()
    (tmp_path / "c.bin").write_bytes(small + large)
    error = refusal(tmp_path / "c.bin")
    assert error.code == "too_many_pixels"
    assert "1920x1088" in str(error)


def test_one_damaged_header_is_damage(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mjpeg", "mjpeg", (160, 120))
    data = bytearray(path.read_bytes())
    sizes = [place for place in range(len(data)) if data[place : place + 2] == b"\xff\xc0"]
    data[sizes[1] + 5 : sizes[1] + 9] = b"\x40\0\x40\0"
    path.write_bytes(data)
    with Video(path, Part(max_pixels=LIMIT)) as video:
        assert len(list(video.frames())) == 2
        assert "packets_failed" in {notice.code for notice in video.notices()}
