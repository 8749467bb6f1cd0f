"""The picture a viewer sees: upright, square, progressive, in the right colours."""

import gc
import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from make_video import CORNERS, draw_index, make_video, read_corners, read_index

from vidtag.video import Part, Video
from vidtag.video.frames import Image, VideoInfo
from vidtag.video.pictures import Turn, turn_of_matrix

Colour = tuple[int, int, int]
ONE = 1 << 16


def read(path: Path, options: Part | None = None) -> tuple[list[Image], VideoInfo, set[str]]:
    with Video(path, options or Part()) as video:
        images = [frame.to_rgb() for frame in video.frames()]
        for image in images:
            assert image.dtype == np.uint8
            assert image.shape[2] == 3
            assert image.flags.c_contiguous
        return images, video.info(), {notice.code for notice in video.notices()}


def plain(colour: Colour, size: tuple[int, int] = (160, 120)) -> Image:
    return np.full((size[1], size[0], 3), colour, np.uint8)


# Rotation and mirrors


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotation(rotation: int, suffix: str, tmp_path: Path) -> None:
    path = make_video(tmp_path / f"a{suffix}", num_frames=3, rotation=rotation)
    images, info, notices = read(path)
    assert [read_index(image) for image in images] == [0, 1, 2]
    for image in images:
        assert read_corners(image) == CORNERS
        assert image.shape == (120, 160, 3)
    assert (info.width, info.height) == (160, 120)
    assert info.rotation_degrees == rotation
    assert notices == set()


def stored_for(turn: Turn, image: Image) -> Image:
    """Undo what a display matrix will do."""
    if turn.flip_y:
        image = image[::-1]
    if turn.flip_x:
        image = image[:, ::-1]
    if turn.transpose:
        image = image.transpose(1, 0, 2)
    return np.ascontiguousarray(image)


@pytest.mark.parametrize(
    ("matrix", "degrees"),
    [
        ((-1, 0, 0, 1), 0),
        ((1, 0, 0, -1), 180),
        ((0, 1, 1, 0), 270),
        ((0, -1, -1, 0), 90),
        ((0, 1, -1, 0), 90),
        ((-1, 0, 0, -1), 180),
        ((0, -1, 1, 0), 270),
    ],
)
def test_mirrors_and_turns(matrix: tuple[int, int, int, int], degrees: int, tmp_path: Path) -> None:
    a, b, c, d = (value * ONE for value in matrix)
    turn = turn_of_matrix(a, b, c, d)
    path = make_video(
        tmp_path / "a.mov",
        num_frames=2,
        size=(120, 160) if turn.transpose else (160, 120),
        matrix=(a, b, 0, c, d, 0, 0, 0, 1 << 30),
        draw=lambda index: stored_for(turn, draw_index(index)),
    )
    images, info, notices = read(path)
    assert read_corners(images[0]) == CORNERS
    assert [read_index(image) for image in images] == [0, 1]
    assert images[0].shape == (120, 160, 3)
    assert info.rotation_degrees == degrees
    assert notices == set()


@pytest.mark.parametrize(
    "matrix",
    [
        (0, 0, 0, 0),
        (46341, 46341, -46341, 46341),
        (ONE, ONE, ONE, ONE),
        (ONE, 0, 0, 0),
        (-(1 << 31), -(1 << 31), (1 << 31) - 1, 5),
    ],
)
def test_nonsense_matrices_are_ignored(matrix: tuple[int, ...], tmp_path: Path) -> None:
    a, b, c, d = matrix
    path = make_video(tmp_path / "a.mkv", num_frames=2, rotation=180)
    assert read_corners(read(path)[0][0]) == CORNERS
    assert turn_of_matrix(a, b, c, d) == Turn(is_ignored=True)
    path = make_video(tmp_path / "b.mov", num_frames=2, matrix=(a, b, 0, c, d, 0, 0, 0, 1 << 30))
    images, info, notices = read(path)
    assert read_corners(images[0]) == CORNERS
    assert info.rotation_degrees == 0
    assert "rotation_ignored" in notices


def test_a_matrix_a_little_off_is_a_right_angle() -> None:
    assert turn_of_matrix(3, 65530, -65541, -2) == turn_of_matrix(0, ONE, -ONE, 0)


@pytest.mark.slow
def test_frames_are_freed_as_soon_as_they_are_done_with(tmp_path: Path) -> None:
    """Memory must not wait for the garbage collector, which counts objects and not pixels."""
    path = make_video(tmp_path / "a.mp4", num_frames=100, rotation=90)
    gc.collect()
    gc.disable()
    try:
        with Video(path) as video:
            for frame in video.frames():
                frame.to_rgb()
            left = sum(type(one) is av.VideoFrame for one in gc.get_objects())
    finally:
        gc.enable()
    assert left < 5


@pytest.mark.parametrize(("orientation", "rotation"), [(1, 0), (3, 180), (6, 90), (8, 270)])
def test_exif_orientation(orientation: int, rotation: int, tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "a.jpg",
        num_frames=1,
        rotation=rotation,
        codec="mjpeg",
        pix_fmt="yuvj420p",
        container="image2",
        container_options={"update": "1"},
    )
    tag = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    exif = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 1) + tag + bytes(4)
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:])
    images, info, notices = read(path)
    assert read_corners(images[0]) == CORNERS
    assert read_index(images[0]) == 0
    assert info.rotation_degrees == rotation
    assert notices == {"still_picture"}


def test_side_data_that_pyav_does_not_know(tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "a.tiff", num_frames=1, codec="tiff", pix_fmt="rgb24", container="image2"
    )
    assert read_corners(read(path)[0][0]) == CORNERS


# Sample aspect ratio


@pytest.mark.parametrize(
    ("sar", "width"),
    [
        (Fraction(4, 3), 213),
        (Fraction(1, 2), 80),
        (Fraction(64, 51), 201),
        (Fraction(1), 160),
        (Fraction(704, 705), 160),
    ],
)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_sample_aspect_ratio(sar: Fraction, width: int, suffix: str, tmp_path: Path) -> None:
    images, info, notices = read(make_video(tmp_path / f"a{suffix}", num_frames=2, sar=sar))
    assert images[0].shape == (120, width, 3)
    assert (info.width, info.height) == (width, 120)
    assert read_corners(images[0]) == CORNERS
    assert read_index(images[1]) == 1
    assert notices == set()


def test_sample_aspect_ratio_with_rotation(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", num_frames=2, rotation=90, sar=Fraction(2))
    images, info, _ = read(path)
    # Stored 120x160, shown 240x160, then turned.
    assert images[0].shape == (240, 160, 3)
    assert (info.width, info.height) == (160, 240)
    assert read_corners(images[0]) == CORNERS


def test_absurd_sample_aspect_ratio_is_ignored(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mov", num_frames=2, sar=Fraction(20))
    images, _, notices = read(path)
    assert images[0].shape == (120, 160, 3)
    assert notices == {"aspect_ignored"}


# Interlaced


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".ts", "mpeg2video"), (".mp4", "libx264"), (".mxf", "mpeg2video")]
)
def test_interlaced_pictures_show_one_field(suffix: str, codec: str, tmp_path: Path) -> None:
    def draw(index: int) -> Image:
        """A white bar that moves 8 pixels with every field."""
        image = plain((40, 40, 40))
        image[:, 8 + 4 * index : 16 + 4 * index] = 250
        return image

    path = make_video(
        tmp_path / f"a{suffix}", num_frames=8, codec=codec, interlaced=True, draw=draw,
        options={"qscale": "2"} if codec == "mpeg2video" else {},
    )  # fmt: skip
    with av.open(str(path)) as container:
        flags = [frame.interlaced_frame for frame in container.decode(video=0)]
        container.seek(0)
        raw = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert all(flags)

    def combing(image: Image) -> float:
        lines = image[40:80, :, 1].astype(int)
        return float(np.abs(lines[1:] - lines[:-1]).mean())

    images, _, notices = read(path)
    assert len(images) == 8
    assert notices == set()
    assert min(combing(image) for image in raw) > 8
    assert max(combing(image) for image in images[1:-1]) < 4


def test_progressive_pictures_are_left_alone(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (120, 160, 3), dtype=np.uint8)
    path = make_video(
        tmp_path / "a.mkv", num_frames=3, codec="ffv1", pix_fmt="bgr0", draw=lambda _: noise
    )
    images, _, _ = read(path)
    assert all(np.array_equal(image, noise) for image in images)


def test_to_rgb_may_wait(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.ts", num_frames=20, codec="mpeg2video", interlaced=True)
    with Video(path) as video:
        frames = list(video.frames())
        late = [read_index(frame.to_rgb()) for frame in reversed(frames)][::-1]
        again = [read_index(frame.to_rgb()) for frame in frames]
    assert late == again
    assert [index // 2 for index in late] == list(range(20))


# Colours


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("a.mkv", "ffv1", "bgr0"),
        ("a.avi", "utvideo", "gbrp"),
        ("a.avi", "rawvideo", "bgr24"),
        ("a.mov", "qtrle", "rgb24"),
        ("a.mov", "png", "rgb24"),
    ],
)
def test_rgb_is_exact(name: str, codec: str, pix_fmt: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(2).integers(0, 255, (61, 83, 3), dtype=np.uint8)
    path = make_video(
        tmp_path / name,
        num_frames=2,
        codec=codec,
        pix_fmt=pix_fmt,
        size=(83, 61),
        draw=lambda _: noise,
    )
    for image in read(path)[0]:
        np.testing.assert_array_equal(image, noise)


@pytest.mark.parametrize(
    ("codec", "pix_fmt"),
    [
        ("libx264", "yuv420p"),
        ("libx264", "yuv422p"),
        ("libx264", "yuv444p"),
        ("libx264", "yuvj420p"),
        ("libx264", "yuv420p10le"),
        ("libx265", "yuv420p10le"),
        ("libx265", "yuv422p12le"),
        ("ffv1", "yuv420p16le"),
        ("ffv1", "yuv410p"),
        ("ffv1", "gbrp10le"),
        ("prores_ks", "yuv422p10le"),
        ("mjpeg", "yuvj444p"),
        ("huffyuv", "yuv422p"),
        ("rawvideo", "yuyv422"),
        ("rawvideo", "nv12"),
    ],
)
def test_pixel_formats(codec: str, pix_fmt: str, tmp_path: Path) -> None:
    images, _, _ = read(
        make_video(
            tmp_path / {"prores_ks": "a.mov", "huffyuv": "a.avi"}.get(codec, "a.mkv"),
            num_frames=2,
            codec=codec,
            pix_fmt=pix_fmt,
        )
    )
    assert read_corners(images[0]) == CORNERS
    assert [read_index(image) for image in images] == [0, 1]
    assert images[0][:20, :20].mean((0, 1)) == pytest.approx((230, 20, 20), abs=12)


@pytest.mark.parametrize("pix_fmt", ["gray", "gray16le", "gray10le"])
def test_grey(pix_fmt: str, tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mkv", num_frames=2, codec="ffv1", pix_fmt=pix_fmt)
    images, _, _ = read(path)
    assert [read_index(image) for image in images] == [0, 1]
    assert np.array_equal(images[0][..., 0], images[0][..., 2])


BT709, BT601, BT2020 = 1, 5, 9
LIMITED, FULL = 1, 2


@pytest.mark.parametrize("colour", [(200, 30, 60), (20, 180, 90), (128, 128, 128), (250, 240, 20)])
@pytest.mark.parametrize("colour_range", [LIMITED, FULL])
@pytest.mark.parametrize("space", [BT709, BT601, BT2020])
def test_colour_tags_are_honoured(
    space: int, colour_range: int, colour: Colour, tmp_path: Path
) -> None:
    path = make_video(
        tmp_path / "a.mkv",
        num_frames=1,
        codec="ffv1",
        pix_fmt="yuv444p",
        colours={"colorspace": space, "color_range": colour_range},
        draw=lambda _: plain(colour),
    )
    image = read(path)[0][0]
    assert image.reshape(-1, 3).mean(0) == pytest.approx(colour, abs=3)


@pytest.mark.parametrize(
    ("size", "space"), [((720, 576), BT601), ((640, 480), BT601), ((1280, 720), BT709)]
)
def test_untagged_colours_follow_the_size(
    size: tuple[int, int], space: int, tmp_path: Path
) -> None:
    colour = (200, 30, 60)
    path = make_video(
        tmp_path / "a.mkv",
        num_frames=1,
        codec="ffv1",
        pix_fmt="yuv444p",
        size=size,
        colours={"colorspace": space, "color_range": LIMITED},
        draw=lambda _: plain(colour, size),
    )
    from vidtag.video import pictures

    with Video(path) as video:
        (frame,) = video.frames()
    with av.open(str(path)) as container:
        raw = next(container.decode(video=0))
        raw.colorspace = 2
        shape = pictures.shape_of(raw, None, Turn())
        image = pictures.to_rgb(raw, shape, None, None)
    assert image.reshape(-1, 3).mean(0) == pytest.approx(colour, abs=3)
    assert frame.seconds == 0


@pytest.mark.parametrize("space", [3, 8, 10, 11, 14, 15, 99])
def test_unconvertible_colour_tags_are_survived(space: int, tmp_path: Path) -> None:
    from vidtag.video import pictures

    path = make_video(tmp_path / "a.mp4", num_frames=1)
    with av.open(str(path)) as container:
        raw = next(container.decode(video=0))
        raw.colorspace = space
        assert pictures.has_odd_colours(raw)
        image = pictures.to_rgb(raw, pictures.shape_of(raw, None, Turn()), None, None)
    assert read_corners(image) == CORNERS


def test_an_unconvertible_tag_in_a_file_is_told(tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "a.mp4",
        num_frames=2,
        options={"x264-params": "colormatrix=bt709:range=tv"},
        colours={"colorspace": 3},
    )
    with av.open(str(path)) as container:
        tag = next(container.decode(video=0)).colorspace
    images, _, notices = read(path)
    assert read_corners(images[0]) == CORNERS
    assert ("colour_tag_ignored" in notices) == (tag == 3)


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_read_with_a_warning(transfer: int, name: str, tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "a.mp4",
        num_frames=2,
        codec="libx264",
        pix_fmt="yuv420p10le",
        colours={"color_trc": transfer, "color_primaries": 9, "colorspace": BT2020},
    )
    with Video(path) as video:
        images = [frame.to_rgb() for frame in video.frames()]
        (notice,) = video.notices()
    assert read_corners(images[0]) == CORNERS
    assert notice.code == "hdr"
    assert name in notice.message


@pytest.mark.parametrize(
    ("suffix", "codec", "pix_fmt"),
    [(".mov", "qtrle", "argb"), (".mov", "png", "rgba"), (".mov", "prores_ks", "yuva444p10le")],
)
def test_alpha_is_shown_over_black(suffix: str, codec: str, pix_fmt: str, tmp_path: Path) -> None:
    def draw(_: int) -> Image:
        image = np.full((120, 160, 4), (200, 100, 50, 255), np.uint8)
        image[:, 80:, 3] = 0
        image[:40, 80:, 3] = 128
        return image

    path = make_video(
        tmp_path / f"a{suffix}", num_frames=2, codec=codec, pix_fmt=pix_fmt, draw=draw
    )
    image = read(path)[0][1].astype(int)
    assert image[60, 20] == pytest.approx((200, 100, 50), abs=4)
    assert image[100, 120] == pytest.approx((0, 0, 0), abs=4)
    assert image[10, 120] == pytest.approx((100, 50, 25), abs=4)


def test_palette(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.gif", num_frames=3, codec="gif", pix_fmt="rgb8")
    images, info, _ = read(path)
    assert read_corners(images[0]) == CORNERS
    assert [read_index(image) for image in images] == [0, 1, 2]
    assert info.container == "gif"


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (17, 9), (321, 241), (1024, 8)])
def test_odd_sizes(size: tuple[int, int], tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "a.mp4",
        num_frames=2,
        size=size,
        pix_fmt="yuv444p",
        draw=lambda _: plain((200, 40, 40), size),
    )
    images, info, _ = read(path)
    assert images[0].shape == (size[1], size[0], 3)
    assert images[0].reshape(-1, 3).mean(0) == pytest.approx((200, 40, 40), abs=6)
    assert (info.width, info.height) == size


def test_a_size_that_changes(tmp_path: Path) -> None:
    first = make_video(tmp_path / "a.ts", num_frames=10, size=(160, 120), options={"bf": "0"})
    second = make_video(
        tmp_path / "b.ts", num_frames=10, size=(320, 240), options={"bf": "0"},
        pts=list(range(10, 20)), time_base=Fraction(1, 25),
    )  # fmt: skip
    path = tmp_path / "c.ts"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    images, info, notices = read(path)
    assert [image.shape[1] for image in images] == [160] * 10 + [320] * 10
    assert [read_index(image) for image in images] == [*range(10), *range(10)]
    assert (info.width, info.height) == (160, 120)
    assert "size_changed" in notices


# The right stream


def test_the_default_stream_else_the_largest(tmp_path: Path) -> None:
    small = make_video(tmp_path / "small.mkv", num_frames=4, size=(64, 48))
    large = make_video(tmp_path / "large.mkv", num_frames=6, size=(160, 120))
    for default, expected in {None: 160, 0: 64, 1: 160}.items():
        path = tmp_path / f"both{default}.mkv"
        mux([small, large], path, default)
        images, info, notices = read(path)
        assert images[0].shape[1] == expected
        assert info.width == expected
        assert "several_video_streams" in notices


def test_cover_art_is_no_video(tmp_path: Path) -> None:
    video = make_video(tmp_path / "a.mp4", num_frames=4, size=(64, 48))
    cover = make_video(
        tmp_path / "c.mkv", num_frames=1, size=(320, 240), codec="mjpeg", pix_fmt="yuvj444p"
    )
    path = tmp_path / "both.mp4"
    mux([cover, video], path, 1, cover=0)
    images, _, notices = read(path)
    assert [image.shape[1] for image in images] == [64] * 4
    assert notices == set()


def mux(sources: list[Path], target: Path, default: int | None, cover: int | None = None) -> None:
    """Put the videos of several files into one."""
    from av.stream import Disposition

    givens = [av.open(str(source)) for source in sources]
    with av.open(str(target), "w") as made:
        streams = []
        for index, given in enumerate(givens):
            stream = made.add_stream_from_template(given.streams.video[0])
            stream.disposition = Disposition.default if index == default else Disposition(0)
            if index == cover:
                stream.disposition = Disposition.attached_pic
            streams.append(stream)
        for given, stream in zip(givens, streams, strict=True):
            for packet in given.demux(video=0):
                if packet.dts is not None:
                    packet.stream = stream
                    made.mux(packet)
            given.close()
