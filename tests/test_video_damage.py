"""Damage: what is left is read, counted and told; garbage ends."""

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import av
import pytest
from make_video import make_video, read_index

from vidtag.errors import VideoDecodeError, VideoError
from vidtag.video import Part, Video, containers, decoding, sources
from vidtag.video.frames import VideoInfo
from vidtag.video.pipes import PipeReader

Read = tuple[list[int], VideoInfo, dict[str, str]]


def read(path: Path) -> Read:
    with Video(path, Part()) as video:
        found = [read_index(frame.to_rgb()) for frame in video.frames()]
        return found, video.info(), {n.code: n.message for n in video.notices()}


def packets(path: Path) -> list[tuple[int, int]]:
    """List where the video's packets lie: position and size."""
    with av.open(str(path)) as container:
        return [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]


def spoil(
    path: Path, *indices: int, by: Callable[[bytes], bytes] = lambda old: bytes(len(old))
) -> Path:
    """Overwrite some packets."""
    data = bytearray(path.read_bytes())
    places = packets(path)
    for index in indices:
        position, size = places[index]
        data[position : position + size] = by(bytes(data[position : position + size]))
    target = path.with_name(f"spoilt{path.suffix}")
    target.write_bytes(data)
    return target


@pytest.fixture
def intra(tmp_path: Path) -> Path:
    """A video of key frames alone: a damaged packet costs its own frame and no other."""
    return make_video(tmp_path / "a.mp4", num_frames=40, options={"g": "1", "bf": "0"})


def test_a_bad_packet_costs_its_frame(intra: Path) -> None:
    found, info, notices = read(spoil(intra, 7, 20))
    assert found == [i for i in range(40) if i not in {7, 20}]
    assert info.num_frames == 38
    assert info.num_failed_packets == 2
    assert info.duration_seconds == pytest.approx(1.6)
    assert "2 damaged packets among 40" in notices["packets_failed"]


@pytest.mark.parametrize("index", [0, 1, 37, 38, 39])
def test_a_bad_packet_at_the_edges(index: int, intra: Path) -> None:
    found, info, _ = read(spoil(intra, index))
    assert found == [i for i in range(40) if i != index]
    assert info.num_failed_packets == 1


def test_a_hole_in_b_frames(tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "a.mp4", num_frames=60, options={"bf": "3", "g": "20", "preset": "medium"}
    )
    found, info, notices = read(spoil(path, 25, 26, 27))
    assert 50 <= len(found) < 60
    assert set(range(20)) | set(range(40, 60)) <= set(found)
    assert info.num_failed_packets >= 1
    assert "packets_failed" in notices


def test_nothing_but_damage(intra: Path) -> None:
    with pytest.raises(VideoDecodeError) as caught, Video(spoil(intra, *range(40))) as video:
        list(video.frames())
    assert caught.value.code == "no_frames"
    assert caught.value.num_failed_packets == 40
    assert "40 packets" in str(caught.value)


def test_garbage_ends(intra: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_FAILED_IN_A_ROW", 10)
    found, info, notices = read(spoil(intra, *range(5, 30)))
    assert found == list(range(5))
    assert info.num_failed_packets == 10
    assert {"stopped_at_damage", "truncated"} <= set(notices)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "recipe"),
    [
        ("a.mp4", {"container_options": {"movflags": "faststart"}}),
        ("a.mp4", {"container_options": {"movflags": "frag_keyframe"}, "options": {"g": "10"}}),
        ("a.mkv", {}),
        ("a.webm", {"codec": "libvpx"}),
        ("a.mkv", {"audio_seconds": 4}),
        ("a.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}),
        ("a.flv", {}),
        ("a.wmv", {"codec": "wmv2"}),
        ("a.asf", {"codec": "wmv1", "audio_seconds": 4}),
    ],
)
def test_a_truncated_file_tells_what_is_missing(
    name: str, recipe: dict[str, object], tmp_path: Path
) -> None:
    path = make_video(tmp_path / name, num_frames=100, **recipe)
    whole, _, notices = read(path)
    assert whole == list(range(100))
    assert notices == {}
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    found, info, notices = read(path)
    assert found[:-1] == list(range(len(found) - 1))  # the last one may be half a picture
    assert 20 < len(found) < 90
    assert info.duration_seconds == pytest.approx(len(found) / 25, abs=0.05)
    assert "missing" in notices["truncated"]


@pytest.mark.parametrize("name", ["a.mp4", "a.avi", "a.ivf"])
def test_where_no_header_tells_a_packet_that_is_cut_does(name: str, tmp_path: Path) -> None:
    codec = "libvpx" if name == "a.ivf" else "libx264"
    fragments = {"movflags": "frag_keyframe+empty_moov"} if name == "a.mp4" else {}
    path = make_video(
        tmp_path / name,
        num_frames=12,
        codec=codec,
        options={"g": "4"} if fragments else {},
        container_options=fragments,
    )
    data = path.read_bytes()
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
        ends = [(p.pos or 0) + p.size for p in packets]
    for number in (1, 5):
        path.write_bytes(data[: ends[number] - 9])
        with Video(path) as video:
            assert 1 <= sum(1 for _ in video.frames()) <= number + 1
            assert "truncated" in {notice.code for notice in video.notices()}


def test_a_truncated_transport_stream(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.ts", num_frames=100)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    found, info, _ = read(path)
    assert found[:-1] == list(range(len(found) - 1))  # the last one may be half a picture
    assert info.duration_seconds == pytest.approx(len(found) / 25, abs=0.05)


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_a_file_without_its_index(suffix: str, tmp_path: Path) -> None:
    path = make_video(tmp_path / f"a{suffix}", num_frames=100)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 9 // 10])
    with pytest.raises(VideoError) as caught:
        Video(path)
    assert caught.value.code in {"incomplete", "unsupported_codec"}


@pytest.mark.slow
def test_damage_is_told_alike_on_every_run(tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "a.mp4",
        num_frames=80,
        size=(320, 240),
        options={"bf": "2", "g": "16", "crf": "5", "preset": "medium"},
    )

    def flip(old: bytes) -> bytes:
        new = bytearray(old)
        new[len(new) // 2] ^= 0x55
        return bytes(new)

    damaged = spoil(path, 20, 41, 42, 79, by=flip)
    assert len({str(read(damaged)) for _ in range(6)}) == 1


def test_a_lost_tail_is_read_again(intra: Path) -> None:
    """With frame threads, frames before a damaged last packet would be lost without a word."""
    for last in (36, 38, 39):
        found, _, _ = read(spoil(intra, *range(last, 40)))
        assert found == list(range(last))


def test_titles_need_not_be_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "TITLE-TITLE"
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        container.mux(stream.encode(None))
    path.write_bytes(path.read_bytes().replace(b"TITLE-TITLE", b"\xff\xfe\x1b[31m\x80\x81!"))
    assert len(read(path)[0]) == 1


def test_encryption_is_told(intra: Path) -> None:
    marks = b"\0\0\0\x14freeencvschmtenc"
    intra.write_bytes(intra.read_bytes() + marks)
    assert "encrypted" in read(intra)[2]
    spoilt = spoil(intra, *range(40))
    with pytest.raises(VideoDecodeError) as caught, Video(spoilt) as video:
        list(video.frames())
    assert caught.value.code == "encrypted"
    assert not containers.says_encrypted(b"encv alone")


def test_an_animated_webp_is_named(tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "a.webp", num_frames=5, codec="libwebp_anim", pix_fmt="bgra", container="webp"
    )
    with pytest.raises(VideoError) as caught, Video(path) as video:
        list(video.frames())
    assert caught.value.code == "unsupported_codec"
    assert "animated WebP" in str(caught.value)


def test_a_pipe_that_fails_is_told(tmp_path: Path) -> None:
    class Failing(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise OSError(5, "Input/output error")

    reader = PipeReader(Failing())
    assert reader.read(10) == b""
    assert reader.error is not None


def test_a_picture_that_grows_beyond_the_limit_on_the_way(tmp_path: Path) -> None:
    first = make_video(tmp_path / "a.ts", num_frames=10, size=(64, 48))
    second = make_video(tmp_path / "b.ts", num_frames=10, size=(640, 480))
    path = tmp_path / "c.ts"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    with (
        pytest.raises(VideoError) as caught,
        Video(path, Part(max_pixels=64 * 48)) as video,
    ):
        list(video.frames())
    assert caught.value.code == "too_many_pixels"


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE])
def test_a_disk_that_fails(number: int, intra: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(file: BinaryIO, begin: int, end: int) -> bytes:
        assert begin < end
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(sources, "_passage", fail)
    with pytest.raises(VideoError) as caught:
        read(intra)
    assert caught.value.code == "read_failed"
    assert os.strerror(number) in str(caught.value)


def test_a_disk_that_fails_at_once(intra: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, code in {
        errno.EIO: "read_failed",
        errno.ESTALE: "read_failed",
        errno.EMFILE: "read_failed",
        errno.ENODEV: "read_failed",
        errno.ENOENT: "not_found",
        errno.EACCES: "permission_denied",
    }.items():
        error = OSError(number, os.strerror(number))
        with monkeypatch.context() as patch:
            patch.setattr(os, "stat", lambda *_, error=error, **__: (_ for _ in ()).throw(error))
            with pytest.raises(VideoError) as caught:
                Video(intra)
        assert caught.value.code == code


def test_a_file_that_is_cut_while_it_is_read(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mkv", num_frames=300, options={"g": "1", "bf": "0"})
    with Video(path) as video:
        frames = video.frames()
        next(frames)
        os.truncate(path, path.stat().st_size // 2)
        with pytest.raises(VideoError) as caught:
            list(frames)
    assert caught.value.code == "read_failed"
    assert "cut off" in str(caught.value)


def test_a_file_that_is_replaced_while_it_is_read(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mkv", num_frames=300, options={"g": "1", "bf": "0"})
    other = make_video(tmp_path / "b.mkv", num_frames=2)
    with Video(path) as video:
        frames = video.frames()
        next(frames)
        other.replace(path)
        assert sum(1 for _ in frames) == 299
