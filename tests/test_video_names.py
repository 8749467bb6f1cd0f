"""Any file name names a file, and nothing but the named file is opened."""

import contextlib
import ctypes
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from make_video import make_video, read_index

from vidtag.errors import VIDEO_ERROR_CODES, NoVideoStreamError, VideoError, VideoOpenError
from vidtag.video import MAX_PIXELS, Part, Video

Watch = Callable[[Path], Callable[[], set[str]]]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_video(tmp_path_factory.mktemp("names") / "clip.mp4", num_frames=3)


def indices(path: str | os.PathLike[str], options: Part | None = None) -> list[int]:
    with Video(path, options or Part()) as video:
        return [read_index(frame.to_rgb()) for frame in video.frames()]


def error_of(path: str | os.PathLike[str], options: Part | None = None) -> VideoError:
    with pytest.raises(VideoError) as caught, Video(path, options or Part()) as video:
        list(video.frames())
    error = caught.value
    assert error.code in VIDEO_ERROR_CODES
    assert error.path == os.fspath(path)
    assert os.fspath(path) in str(error)
    assert str(error).endswith(".")
    for misleading in ("Invalid data", "Errno", "Operation not", "av.error"):
        assert misleading not in str(error)
    return error


NAMES = [
    "12:30 clip.mp4",
    "http:clip.mp4",
    "file:clip.mp4",
    "concat:clip.mp4",
    "pipe:0",
    "data:clip",
    "-clip.mp4",
    "--help",
    "%03d.mp4",
    "clip%d.png",
    "clip\nnew line.mp4",
    "clip\t\x1b[31m.mp4",
    "[bold]clip[red].mp4",
    "*?.mp4",
    "🎬 clip ü.mp4",
    "клип",
    "clip",
    "clip.txt",
    "clip.m3u8",
    "clip.jpg",
    "clip.mp3",
    " clip ",
    "clip'\"\\.mp4",
    "c" * 251 + ".mp4",
    os.fsdecode(b"clip \xff\xfe.mp4"),
    "clip,mp4|b",
    "cache:clip;a=b#c?d&e.mp4",
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_any_name_names_a_file(
    name: str, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(clip, tmp_path / name)
    assert indices(tmp_path / name) == [0, 1, 2]
    monkeypatch.chdir(tmp_path)
    assert indices(name) == [0, 1, 2]


def test_a_dash_means_stdin_but_a_path_to_it_does_not(clip: Path, tmp_path: Path) -> None:
    shutil.copy(clip, tmp_path / "-")
    assert indices(tmp_path / "-") == [0, 1, 2]


@pytest.mark.parametrize("name", ["ftp://host/a.mp4", "rtmp://host/a", "concat:a|b", "lavfi:x"])
def test_other_schemes_are_file_names(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert error_of(name).code == "not_found"


def test_missing_file(tmp_path: Path) -> None:
    error = error_of(tmp_path / "none.mp4")
    assert error.code == "not_found"
    assert isinstance(error, VideoOpenError)
    assert isinstance(error, OSError)
    assert error.__cause__ is not None


@pytest.mark.parametrize("name", ["a\0b.mp4", "c" * 300, "x" * 5000])
def test_impossible_names_are_not_found(name: str) -> None:
    assert error_of(name).code == "not_found"


def test_folder(tmp_path: Path) -> None:
    assert error_of(tmp_path).code == "is_a_folder"


def test_forbidden_file(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(VideoOpenError) as caught:
        Video(clip)
    assert caught.value.code == "permission_denied"


def test_device() -> None:
    assert error_of("/dev/null").code == "not_a_file"


def test_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    path.touch()
    assert error_of(path).code == "empty_file"


CONTENTS: dict[str, tuple[bytes, str]] = {
    "text": (b"This is not a video, however it is called.\n" * 20, "not_a_video"),
    "json": (b'{"a": [1, 2, 3]}', "not_a_video"),
    "one byte": (b"x", "not_a_video"),
    "zeros": (bytes(100_000), "not_a_video"),
    "elf": (b"\x7fELF\x02\x01\x01" + bytes(200), "not_a_video"),
    "zip": (b"PK\x03\x04" + bytes(200), "not_a_video"),
    "mp4 without index": (
        b"\0\0\0\x18ftypisom\0\0\2\0isommp41" + b"\0\0\x10\0mdat" + bytes(5000),
        "incomplete",
    ),
    "fragment alone": (b"\0\0\0\x10styp" + bytes(8) + b"\0\0\0\x08moof", "incomplete"),
    "ffconcat": (b"ffconcat version 1.0\nfile neighbour.mp4\n", "playlist"),
    "ffconcat with bom": (b"\xef\xbb\xbfffconcat version 1.0\nfile neighbour.mp4\n", "playlist"),
    "hls": (b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nneighbour.mp4\n", "playlist"),
    "hls master": (b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nneighbour.mp4\n", "playlist"),
    "pls": (b"[playlist]\nFile1=neighbour.mp4\n", "playlist"),
    "sdp": (b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=video {port} RTP/AVP 96\r\n", "playlist"),
    "dash": (b"<?xml version='1.0'?><MPD><BaseURL>neighbour.mp4</BaseURL></MPD>", "playlist"),
    "smil": (b"<smil><video src='neighbour.mp4'/></smil>", "playlist"),
}


@pytest.mark.parametrize("suffix", [".mp4", ".m3u8", ".ffconcat", ".sdp", ""])
@pytest.mark.parametrize("kind", CONTENTS)
def test_what_is_no_video_is_refused_and_nothing_else_is_opened(
    kind: str, suffix: str, clip: Path, tmp_path: Path, opened: Watch
) -> None:
    content, code = CONTENTS[kind]
    (tmp_path / "here").mkdir()
    neighbour = tmp_path / "here" / "neighbour.mp4"
    shutil.copy(clip, neighbour)
    path = tmp_path / f"input{suffix}"
    path.write_bytes(content.replace(b"neighbour.mp4", str(neighbour).encode()))
    watch = opened(neighbour.parent)
    assert error_of(path).code == code
    path.write_bytes(content.replace(b"neighbour.mp4", b"here/neighbour.mp4"))
    assert error_of(path).code == code
    assert watch() == set()


def test_numbered_neighbours_are_not_opened(tmp_path: Path, opened: Watch) -> None:
    make_video(
        tmp_path / "frame001.jpg",
        num_frames=1,
        codec="mjpeg",
        pix_fmt="yuvj444p",
        container="image2",
        container_options={"update": "1"},
    )
    (tmp_path / "here").mkdir()
    shutil.copy(tmp_path / "frame001.jpg", tmp_path / "here" / "frame001.jpg")
    shutil.copy(tmp_path / "frame001.jpg", tmp_path / "here" / "frame%03d.jpg")
    make_video(
        tmp_path / "here" / "frame002.jpg",
        num_frames=1,
        codec="mjpeg",
        pix_fmt="yuvj444p",
        container="image2",
        container_options={"update": "1"},
    )
    watch = opened(tmp_path / "here")
    assert len(indices(tmp_path / "here" / "frame%03d.jpg")) == 1
    assert watch() == {"frame%03d.jpg"}


@pytest.fixture
def opened() -> Iterator[Watch]:
    """Watch a folder: the names of files in it that were opened, by whatever code."""
    if not sys.platform.startswith("linux"):
        pytest.skip("inotify is Linux's")
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_NONBLOCK)
    is_open = 0x20

    def watch(folder: Path) -> Callable[[], set[str]]:
        assert libc.inotify_add_watch(descriptor, os.fsencode(folder), is_open) >= 0
        return names

    def names() -> set[str]:
        found = set()
        with contextlib.suppress(BlockingIOError):
            while data := os.read(descriptor, 65536):
                while data:
                    size = int.from_bytes(data[12:16], sys.byteorder)
                    found.add(os.fsdecode(data[16 : 16 + size].rstrip(b"\0")))
                    data = data[16 + size :]
        return found - {""}

    yield watch
    os.close(descriptor)


def test_the_watch_sees_an_opened_file(clip: Path, tmp_path: Path, opened: Watch) -> None:
    shutil.copy(clip, tmp_path / "clip.mp4")
    watch = opened(tmp_path)
    assert indices(tmp_path / "clip.mp4") == [0, 1, 2]
    assert watch() == {"clip.mp4"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_named_pipe_is_read_once(clip: Path, tmp_path: Path) -> None:
    import threading

    stream = make_video(tmp_path / "clip.mkv", num_frames=3)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    writer = threading.Thread(target=lambda: fifo.write_bytes(stream.read_bytes()))
    writer.start()
    with Video(fifo) as video:
        assert not video.can_reread
        assert [read_index(frame.to_rgb()) for frame in video.frames()] == [0, 1, 2]
        with pytest.raises(ValueError, match="once"):
            next(video.frames())
    writer.join()


# The right stream


def test_audio_only(tmp_path: Path) -> None:
    path = make_video(tmp_path / "sound.mkv", num_frames=0, audio_seconds=1)
    remux(path, tmp_path / "only.mkv", {"audio"})
    error = error_of(tmp_path / "only.mkv")
    assert error.code == "audio_only"
    assert isinstance(error, NoVideoStreamError)


def test_declared_video_without_a_frame(tmp_path: Path) -> None:
    path = tmp_path / "init.mp4"
    make_video(path, num_frames=5, container_options={"movflags": "frag_keyframe+empty_moov"})
    data = path.read_bytes()
    path.write_bytes(data[: data.find(b"moof") - 4])
    assert error_of(path).code == "no_frames"


def test_unknown_codec(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "unknown.mp4"
    path.write_bytes(clip.read_bytes().replace(b"avc1", b"zzzz"))
    assert error_of(path).code == "unsupported_codec"


def test_picture_beyond_the_limit(clip: Path) -> None:
    limit = 160 * 120
    assert indices(clip, Part(max_pixels=limit)) == [0, 1, 2]
    error = error_of(clip, Part(max_pixels=limit - 1))
    assert error.code == "too_many_pixels"
    assert "160x120" in str(error)


@pytest.mark.parametrize("size", [(65535, 65535), (8192, 8192)])
def test_bombs_end_before_memory_is_taken(size: tuple[int, int], tmp_path: Path) -> None:
    assert size[0] * size[1] > MAX_PIXELS
    gif = bytearray(
        make_video(tmp_path / "a.gif", num_frames=2, codec="gif", pix_fmt="rgb8").read_bytes()
    )
    gif[6:10] = size[0].to_bytes(2, "little") + size[1].to_bytes(2, "little")
    (tmp_path / "bomb.gif").write_bytes(gif)
    assert error_of(tmp_path / "bomb.gif").code == "too_many_pixels"
    path = make_video(
        tmp_path / "a.png", num_frames=1, codec="png", pix_fmt="rgb24", container="image2"
    )
    png = bytearray(path.read_bytes())
    png[16:24] = size[0].to_bytes(4, "big") + size[1].to_bytes(4, "big")
    (tmp_path / "bomb.png").write_bytes(png)
    assert error_of(tmp_path / "bomb.png").code == "too_many_pixels"
    path = make_video(
        tmp_path / "a.jpg",
        num_frames=1,
        codec="mjpeg",
        pix_fmt="yuvj420p",
        container="image2",
        container_options={"update": "1"},
    )
    jpg = bytearray(path.read_bytes())
    place = jpg.index(b"\xff\xc0") + 5
    jpg[place : place + 4] = size[1].to_bytes(2, "big") + size[0].to_bytes(2, "big")
    (tmp_path / "bomb.jpg").write_bytes(jpg)
    assert error_of(tmp_path / "bomb.jpg").code == "too_many_pixels"


def test_a_lying_container_size_does_not_matter(clip: Path, tmp_path: Path) -> None:
    data = bytearray(clip.read_bytes())
    place = data.find(b"avc1", data.find(b"stsd")) + 28
    assert data[place : place + 4] == (160).to_bytes(2, "big") + (120).to_bytes(2, "big")
    for lie in (b"\xff\xff\xff\xff", b"\0\0\0\0"):
        data[place : place + 4] = lie
        (tmp_path / "lie.mp4").write_bytes(data)
        assert indices(tmp_path / "lie.mp4") == [0, 1, 2]


def remux(source: Path, target: Path, kinds: set[str]) -> None:
    """Copy the streams of some kinds into another file."""
    import av

    with av.open(str(source)) as given, av.open(str(target), "w") as made:
        streams = {
            stream.index: made.add_stream_from_template(stream)
            for stream in given.streams
            if stream.type in kinds
        }
        for packet in given.demux():
            if packet.dts is not None and packet.stream.index in streams:
                packet.stream = streams[packet.stream.index]
                made.mux(packet)
