"""Display orientation messages within H.264 and HEVC: each holds until the next one."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from make_video import CORNERS, Image, draw_index, make_video, read_corners, read_index

from vidtag.video import Video
from vidtag.video.orientation import OrientationFinder

CANCEL = None


def message(quarters: int | None, codec: str) -> bytes:
    """Make a unit with a message: counter-clockwise quarter turns, or the cancellation."""
    # No flips, the angle, a persistence of 1 ("010"), no extension.
    bits = "1" if quarters is None else f"000{quarters * 0x4000:016b}0100"
    bits += "1"
    bits += "0" * (-len(bits) % 8)
    payload = int(bits, 2).to_bytes(len(bits) // 8, "big")
    unit = bytes([47, len(payload)]) + payload + b"\x80"
    unit = unit.replace(b"\0\0\1", b"\0\0\3\1").replace(b"\0\0\0", b"\0\0\3\0")
    return b"\0\0\0\1" + (b"\x06" if codec == "libx264" else b"\x4e\x01") + unit


def write(path: Path, codec: str, turns: dict[int, int | None], num_frames: int = 12) -> Path:
    """Write a raw stream with messages before some pictures."""
    turn = 0
    turned = []
    for index in range(num_frames):
        if index in turns:
            turn = turns[index] or 0
        turned.append(turn)

    def draw(index: int) -> Image:
        # Stored so that, turned, it is upright; of one size, so that half turns alone fit.
        return np.rot90(draw_index(index), -turned[index]).copy()

    parameters = "log-level=none:bframes=0:keyint=4" if codec == "libx265" else "keyint=4"
    make_video(
        path,
        num_frames=num_frames,
        size=draw(0).shape[1::-1],
        codec=codec,
        container="h264" if codec == "libx264" else "hevc",
        options={codec.removeprefix("lib") + "-params": parameters},
        draw=draw,
    )
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux() if packet.size]
    stream = b""
    for index, packet in enumerate(packets):
        stream += message(turns[index], codec) if index in turns else b""
        stream += packet
    path.write_bytes(stream)
    return path


def remux(path: Path, target: Path) -> Path:
    with av.open(str(path)) as source, av.open(str(target), "w") as output:
        stream = output.add_stream_from_template(source.streams.video[0], opaque=True)
        stream.time_base = Fraction(1, 25)
        packets = [packet for packet in source.demux() if packet.size]
        for index, packet in enumerate(packets):
            packet.stream = stream
            packet.time_base = Fraction(1, 25)
            packet.pts = packet.dts = index
            output.mux(packet)
    return target


def check(path: Path) -> set[str]:
    with Video(path) as video:
        images = [frame.to_rgb() for frame in video.frames()]
        codes = {notice.code for notice in video.notices()}
    assert [read_index(image) for image in images] == list(range(len(images)))
    assert all(read_corners(image) == CORNERS for image in images)
    return codes


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize(
    "turns",
    [
        {0: 1},
        {0: 3},
        {0: 2, 5: CANCEL},
        {0: 2, 5: 0},
        {3: 2, 9: 0},
        {0: 2, 4: 2, 8: 2},
        {0: CANCEL, 6: 2},
    ],
    ids=str,
)
def test_orientation_holds_until_the_next_message(
    turns: dict[int, int | None], codec: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.bin", codec, turns)
    assert check(path) == {"timestamps_missing"}
    if codec == "libx264":
        assert check(remux(path, tmp_path / "a.mp4")) == set()


def test_damaged_units_end() -> None:
    finder = OrientationFinder("h264", b"")
    assert finder.is_in(message(1, "libx264"))
    for length in range(12):
        finder.is_in(message(1, "libx264")[:length])
    for data in (b"", b"\0" * 50, b"\0\0\1" * 20, b"\0\0\1\x06" + b"\xff" * 300):
        for extradata in (b"", b"\1", b"\1" + b"\xff" * 40):
            assert not OrientationFinder("hevc", extradata).is_in(data)
            assert not OrientationFinder("h264", extradata).is_in(data)
