"""What the container says of the picture beside the codec: cropping, Dolby Vision."""

import struct
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from boxes import box, clap, insert, set_track_size, to_sample_entry
from make_video import CORNERS, Image, draw_index, make_video, read_corners, read_index

from vidtag.video import Video
from vidtag.video.side_data import Crop
from vidtag.video.streams import container_aspect

Edges = tuple[int, int, int, int]
SIZE = (160, 120)


def write(path: Path, edges: Edges, *, turn: int = 0, **recipe: object) -> Path:
    """Write a picture with edges (left, top, right, bottom) that are cropped off."""
    left, top, right, bottom = edges

    def draw(index: int) -> Image:
        image = draw_index(index, SIZE)
        image = np.rot90(image, turn // 90)
        height, width = image.shape[:2]
        whole = np.full((height + top + bottom, width + left + right, 3), (230, 20, 230), np.uint8)
        whole[top : top + height, left : left + width] = image
        return whole

    height, width = draw(0).shape[:2]
    matrix = {0: None, 90: (0, 1, 0, -1, 0, 0, 0, 0, 1 << 14)}[turn]
    make_video(
        path,
        num_frames=2,
        size=(width, height),
        draw=draw,
        matrix=None if matrix is None else [value << 16 for value in matrix],
        **recipe,
    )
    # The middle of the clean aperture lies off the stored picture's.
    aperture = clap(
        (width - left - right, 1), (height - top - bottom, 1), (left - right, 2), (top - bottom, 2)
    )
    insert(path, to_sample_entry(), aperture)
    return path


def remux(path: Path, target: Path) -> Path:
    with av.open(str(path)) as source, av.open(str(target), "w") as output:
        stream = output.add_stream_from_template(source.streams.video[0], opaque=True)
        for packet in source.demux():
            if packet.size:
                packet.stream = stream
                output.mux(packet)
    return target


def check(path: Path, size: tuple[int, int] = SIZE) -> None:
    with Video(path) as video:
        images = [frame.to_rgb() for frame in video.frames()]
        info = video.info()
        assert video.notices() == ()
    assert [image.shape[1::-1] for image in images] == [size] * 2
    assert (info.width, info.height) == size
    for index, image in enumerate(images):
        assert image.flags.c_contiguous
        assert read_corners(image) == CORNERS
        assert read_index(image) == index


@pytest.mark.parametrize("container", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize(
    "edges",
    [(0, 20, 0, 20), (10, 20, 6, 4), (11, 7, 5, 3), (1, 0, 1, 2), (0, 0, 32, 0)],
    ids=str,
)
def test_crop(edges: Edges, container: str, tmp_path: Path) -> None:
    if container == ".mkv":
        path = write(tmp_path / "a.mp4", edges, pix_fmt="yuv444p")
        path = remux(path, tmp_path / "a.mkv")
    else:
        path = write(tmp_path / f"a{container}", edges)
    check(path)


@pytest.mark.parametrize("container", [".mp4", ".mkv"])
def test_crop_with_sample_aspect_ratio(container: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", (16, 8, 0, 0), sar=Fraction(4, 3))
    if container == ".mkv":
        path = remux(path, tmp_path / "a.mkv")
    check(path, (213, 120))


def test_crop_with_rotation(tmp_path: Path) -> None:
    check(write(tmp_path / "a.mov", (16, 8, 0, 0), turn=90))


@pytest.mark.parametrize(
    ("codec", "pix_fmt"),
    [("qtrle", "rgb24"), ("png", "rgb24"), ("prores_ks", "yuv422p10le"), ("mjpeg", "yuvj420p")],
)
def test_crop_of_other_codecs(codec: str, pix_fmt: str, tmp_path: Path) -> None:
    check(write(tmp_path / "a.mov", (16, 8, 4, 0), codec=codec, pix_fmt=pix_fmt))


def test_the_track_has_the_size_of_the_cropped_picture(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mov", (0, 20, 0, 20))
    set_track_size(path, *SIZE)
    check(path)


@pytest.mark.parametrize(
    ("aspect", "expected"),
    [
        (Fraction(3, 4), Fraction(1)),  # the size on screen is that before the crop
        (Fraction(4, 3), Fraction(1)),  # the stored size is taken for that on screen
        (Fraction(1), Fraction(1)),
        (Fraction(16, 15), Fraction(16, 15)),
        (None, None),
    ],
)
def test_aspect_ratios_that_only_stand_for_the_crop(
    aspect: Fraction | None, expected: Fraction | None
) -> None:
    """As mkvmerge and mkvpropedit, and as cameras' MP4 files, make FFmpeg report them."""
    stream = SimpleNamespace(
        sample_aspect_ratio=aspect, codec_context=SimpleNamespace(width=160, height=160)
    )
    assert container_aspect(stream, Crop(top=20, bottom=20)) == expected
    assert container_aspect(stream, None) == aspect


@pytest.mark.parametrize(
    "aperture",
    [
        clap((0, 1), (0, 1), (0, 1), (0, 1)),
        clap((160, 1), (120, 1), (500, 1), (0, 1)),
        clap((160, 0), (120, 0), (0, 0), (0, 0)),
        clap((1600, 1), (1200, 1), (0, 1), (0, 1)),
        box(b"clap", b"\xff" * 32),
        box(b"clap", b""),
    ],
    ids=["nothing", "outside", "by zero", "larger", "ones", "empty"],
)
@pytest.mark.parametrize("codec", ["libx264", "qtrle"])
def test_senseless_apertures_are_ignored(aperture: bytes, codec: str, tmp_path: Path) -> None:
    pix_fmt = "rgb24" if codec == "qtrle" else "yuv420p"
    path = make_video(tmp_path / "a.mov", num_frames=2, codec=codec, pix_fmt=pix_fmt)
    insert(path, to_sample_entry(), aperture)
    check(path)


def dolby_vision(profile: int, compatibility: int) -> bytes:
    """Make a configuration box: version 1.0, level 1, a base layer with metadata."""
    kind = b"dvcC" if profile < 8 else b"dvvC"
    bits = profile << 9 | 1 << 3 | 0b101
    return box(kind, struct.pack(">BBHB19x", 1, 0, bits, compatibility << 4))


@pytest.mark.parametrize("container", [".mp4", ".mkv"])
@pytest.mark.parametrize(
    ("profile", "compatibility", "is_warned"),
    [(5, 0, True), (10, 0, True), (7, 6, False), (8, 1, False), (8, 4, False), (10, 1, False)],
)
def test_dolby_vision(
    profile: int, compatibility: int, is_warned: bool, container: str, tmp_path: Path
) -> None:
    path = make_video(tmp_path / "a.mp4", num_frames=2)
    insert(path, to_sample_entry(), dolby_vision(profile, compatibility))
    if container == ".mkv":
        path = remux(path, tmp_path / "a.mkv")
    with Video(path) as video:
        assert len(list(video.frames())) == 2
        assert [notice.code for notice in video.notices()] == ["hdr"] * is_warned
