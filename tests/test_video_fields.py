"""HEVC coded as fields: full pictures at half the rate."""

from pathlib import Path

import av
import pytest
from make_video import CORNERS, Image, draw_index, make_video, read_corners, read_index

from vidtag.video import Video
from vidtag.video.fields import FieldPairs


def write(path: Path, order: str, num_fields: int = 16, **recipe: object) -> Path:
    def draw(number: int) -> Image:
        first = 0 if order == "tff" else 1
        return draw_index(number // 2)[(first + number) % 2 :: 2].copy()

    return make_video(
        path,
        num_frames=num_fields,
        fps=20,
        size=(160, 60),
        codec="libx265",
        options={"x265-params": f"log-level=none:bframes=0:interlace={order}"},
        draw=draw,
        **recipe,
    )


@pytest.mark.parametrize("order", ["tff", "bff"])
@pytest.mark.parametrize("container", ["mp4", "matroska", "mpegts", "hevc"])
def test_fields_become_frames(order: str, container: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.bin", order, container=container)
    with Video(path) as video:
        frames = [(frame.seconds, frame.to_rgb()) for frame in video.frames()]
        info, codes = video.info(), {notice.code for notice in video.notices()}
    assert [image.shape for _, image in frames] == [(120, 160, 3)] * 8
    assert [read_index(image) for _, image in frames] == list(range(8))
    assert all(read_corners(image) == CORNERS for _, image in frames)
    assert [float(seconds) for seconds, _ in frames] == pytest.approx(
        [number / 10 for number in range(8)], abs=0.001
    )
    assert float(info.duration_seconds) == pytest.approx(0.8, abs=0.001)
    assert (info.width, info.height, info.num_frames) == (160, 120, 8)
    assert codes == ({"timestamps_missing"} if container == "hevc" else set())


def test_a_field_without_its_partner(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mkv", "tff", num_fields=15)
    with Video(path) as video:
        images = [frame.to_rgb() for frame in video.frames()]
    assert [image.shape for image in images] == [(120, 160, 3)] * 8
    assert [read_index(image) for image in images] == list(range(8))


@pytest.mark.parametrize("lost", [0, 5, 8])
def test_a_lost_field_does_not_shift_the_pairs(lost: int, tmp_path: Path) -> None:
    pairs = FieldPairs()
    with av.open(str(write(tmp_path / "a.mkv", "tff"))) as container:
        fields = list(container.decode(video=0))
        del fields[lost]
        frames = [frame for field in fields for frame in pairs.push(field)]
        frames += pairs.flush()
        indices = [read_index(frame.to_ndarray(format="rgb24")) for frame in frames]
    assert indices == list(range(8))
    assert all(frame.interlaced_frame and frame.height == 120 for frame in frames)
