"""Packets without content: the picture before them stays."""

import struct
from fractions import Fraction
from pathlib import Path

import pytest
from make_video import make_video, read_index
from piping import pipe_of

from vidtag.errors import EmptyVideoError
from vidtag.video import Part, Video

NUM_FRAMES = 20


def write_mp4(path: Path, num_first: int, num_last: int) -> Path:
    """Empty the first and the last samples of a track."""
    make_video(
        path, num_frames=NUM_FRAMES, fps=10, codec="mjpeg", pix_fmt="yuvj420p", container="mp4"
    )
    data = bytearray(path.read_bytes())
    place = data.index(b"stsz") + 16
    sizes = list(struct.unpack(f">{NUM_FRAMES}I", data[place : place + 4 * NUM_FRAMES]))
    offset = data.index(b"stco") + 12
    begin = int.from_bytes(data[offset : offset + 4], "big") + sum(sizes[:num_first])
    data[offset : offset + 4] = begin.to_bytes(4, "big")
    sizes[:num_first] = [0] * num_first
    sizes[NUM_FRAMES - num_last :] = [0] * num_last
    data[place : place + 4 * NUM_FRAMES] = struct.pack(f">{NUM_FRAMES}I", *sizes)
    path.write_bytes(data)
    return path


def write_avi(path: Path, num_first: int, num_last: int) -> Path:
    """Empty the first and the last chunks of an AVI."""
    make_video(
        path, num_frames=NUM_FRAMES, fps=10, codec="mjpeg", pix_fmt="yuvj420p", container="avi"
    )
    data = path.read_bytes()
    movi = data.index(b"movi")
    chunks, index, place = b"", b"", movi + 4
    for number in range(NUM_FRAMES):
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        content = data[place + 8 : place + 8 + size + size % 2]
        place += 8 + len(content)
        if number < num_first or number >= NUM_FRAMES - num_last:
            size, content = 0, b""
        index += struct.pack("<4sIII", b"00dc", 16, 4 + len(chunks), size)
        chunks += struct.pack("<4sI", b"00dc", size) + content
    body = data[12 : movi - 8] + struct.pack("<4sI4s", b"LIST", 4 + len(chunks), b"movi") + chunks
    body += struct.pack("<4sI", b"idx1", len(index)) + index
    path.write_bytes(struct.pack("<4sI4s", b"RIFF", 4 + len(body), b"AVI ") + body)
    return path


def look(source: Path | str) -> tuple[list[int], float, list[str]]:
    with Video(source) as video:
        indices = [read_index(frame.to_rgb()) for frame in video.frames()]
        seconds = float(video.info().duration_seconds)
        return indices, seconds, [notice.code for notice in video.notices()]


def through_pipe(path: Path) -> tuple[list[int], float, list[str]]:
    with pipe_of(path.read_bytes()) as reading:
        return look(f"/dev/fd/{reading}")


@pytest.mark.parametrize("write", [write_mp4, write_avi])
@pytest.mark.parametrize(("num_first", "num_last"), [(0, 5), (3, 0), (3, 5), (0, 19)])
def test_the_last_picture_is_held(write, num_first: int, num_last: int, tmp_path: Path) -> None:
    path = write(tmp_path / "a.bin", num_first, num_last)
    shown = list(range(num_first, NUM_FRAMES - num_last))
    still = ["still_picture"] if len(shown) == 1 else []
    expected = shown, (NUM_FRAMES - num_first) / 10, still
    assert look(path) == expected
    assert through_pipe(path) == expected


@pytest.mark.parametrize("write", [write_mp4, write_avi])
def test_a_part_where_the_last_picture_is_held(write, tmp_path: Path) -> None:
    path = write(tmp_path / "a.bin", 0, 5)
    with Video(path, Part(start=Fraction(17, 10))) as video:
        assert [read_index(frame.to_rgb()) for frame in video.frames()] == [14]
        assert video.info().duration_seconds == 2
    with (
        pytest.raises(EmptyVideoError, match="ends before"),
        Video(path, Part(start=Fraction(21, 10))) as video,
    ):
        list(video.frames())


def test_an_avi_that_was_cut_off_is_still_told_of(tmp_path: Path) -> None:
    path = write_avi(tmp_path / "a.avi", 0, 0)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    indices, seconds, codes = look(path)
    assert 5 < len(indices) < NUM_FRAMES - 2
    assert seconds <= (len(indices) + 1) / 10
    assert "truncated" in codes
