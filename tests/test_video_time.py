"""Time as it is: the timestamps' oddities, `start` and `end`, and what is told of them."""

import http.server
import threading
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_video import make_video, read_index

from vidtag.errors import EmptyVideoError
from vidtag.video import Part, Video
from vidtag.video.frames import VideoInfo
from vidtag.video.streams import USUAL_RATE, declared_rate
from vidtag.video.timestamps import Oddities, RateMeter, TimeAxis

CENTISECOND = Fraction(1, 100)


def read(
    path: Path, options: Part | None = None
) -> tuple[list[tuple[Fraction, int]], VideoInfo, dict[str, str]]:
    """Read a whole video: times and indices, what is known of it, and its warnings."""
    with Video(path, options or Part()) as video:
        frames = [(frame.seconds, read_index(frame.to_rgb())) for frame in video.frames()]
        return frames, video.info(), {n.code: n.message for n in video.notices()}


def times(frames: list[tuple[Fraction, int]]) -> list[Fraction]:
    return [seconds for seconds, _ in frames]


def indices(frames: list[tuple[Fraction, int]]) -> list[int]:
    return [index for _, index in frames]


# Whole videos


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".flv"])
def test_constant_rate_with_b_frames(suffix: str, tmp_path: Path) -> None:
    path = make_video(tmp_path / f"a{suffix}", options={"bf": "3", "preset": "medium"})
    frames, info, notices = read(path)
    assert indices(frames) == list(range(30))
    assert times(frames) == [Fraction(i, 25) for i in range(30)]
    assert info.duration_seconds == Fraction(30, 25)
    assert info.frame_rate == 25
    assert not info.is_variable_frame_rate
    assert info.num_frames == 30
    assert info.num_failed_packets == 0
    assert notices == {}


def test_ntsc_rate_does_not_drift(tmp_path: Path) -> None:
    rate = Fraction(30000, 1001)
    path = make_video(tmp_path / "a.mp4", num_frames=300, fps=rate, size=(64, 48))
    frames, info, _ = read(path)
    assert times(frames) == [i / rate for i in range(300)]
    assert info.duration_seconds == 300 / rate
    assert info.frame_rate == pytest.approx(29.97, abs=0.001)


def test_milliseconds_are_no_variable_rate(tmp_path: Path) -> None:
    frames, info, _ = read(make_video(tmp_path / "a.mkv", fps=30))
    assert len({b - a for a, b in zip(times(frames), times(frames)[1:], strict=False)}) == 2
    assert not info.is_variable_frame_rate


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_variable_rate(suffix: str, tmp_path: Path) -> None:
    pts = [0, 4, 8, 50, 54, 154, 155, 160]
    path = make_video(
        tmp_path / f"a{suffix}", num_frames=len(pts), pts=pts, time_base=CENTISECOND, fps=25
    )
    frames, info, notices = read(path)
    assert times(frames) == [p * CENTISECOND for p in pts]
    assert indices(frames) == list(range(len(pts)))
    assert info.is_variable_frame_rate
    assert notices == {}


@pytest.mark.parametrize("fps", [Fraction(1, 5), 1, 240, 1000])
def test_absurd_rates(fps: Fraction, tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", num_frames=8, fps=fps)
    frames, info, notices = read(path)
    assert times(frames) == [i / Fraction(fps) for i in range(8)]
    assert info.duration_seconds == 8 / Fraction(fps)
    assert notices == {}


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_a_delayed_start_is_time_zero(suffix: str, tmp_path: Path) -> None:
    path = make_video(
        tmp_path / f"a{suffix}",
        num_frames=10,
        pts=[150 + 4 * i for i in range(10)],
        time_base=CENTISECOND,
        audio_seconds=2,
    )
    frames, info, notices = read(path)
    assert times(frames) == [Fraction(i, 25) for i in range(10)]
    assert info.duration_seconds == Fraction(10, 25)
    assert notices == {}


def test_an_edit_list_hides_frames(tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "a.mp4",
        pts=[4 * (i - 15) for i in range(30)],
        time_base=CENTISECOND,
        container_options={"use_editlist": "1"},
        options={"bf": "0"},
    )
    frames, info, _ = read(path)
    assert indices(frames) == list(range(15, 30))
    assert times(frames)[0] == 0
    assert info.duration_seconds == Fraction(15, 25)


@pytest.mark.parametrize("suffix", [".avi", ".mxf"])
def test_frames_keep_their_order_where_timestamps_do_not(suffix: str, tmp_path: Path) -> None:
    codec = {".avi": "libx264", ".mxf": "libx264"}[suffix]
    path = make_video(
        tmp_path / f"a{suffix}",
        num_frames=60,
        codec=codec,
        options={"bf": "3", "preset": "medium", "g": "30"},
    )
    with av.open(str(path)) as container:
        pts = [frame.pts for frame in container.decode(video=0)]
    assert pts != sorted(pts), "the fixture lost what it is for"
    frames, info, notices = read(path)
    assert indices(frames) == list(range(60))
    assert times(frames) == sorted(times(frames))
    assert len(set(times(frames))) == 60
    assert info.duration_seconds == pytest.approx(60 / 25, abs=0.1)
    assert set(notices) == {"timestamps_reordered"}


def test_a_raw_stream_is_dated_by_its_own_rate(tmp_path: Path) -> None:
    frames, info, notices = read(make_video(tmp_path / "a.h264", fps=50, container="h264"))
    assert times(frames) == [Fraction(i, 50) for i in range(30)]
    assert info.duration_seconds == Fraction(30, 50)
    assert set(notices) == {"timestamps_missing"}
    assert "50 frames per second" in notices["timestamps_missing"]


def test_where_nothing_declares_a_rate_it_is_25() -> None:
    def stream(*rates: Fraction | None) -> SimpleNamespace:
        names = ("average_rate", "guessed_rate", "base_rate")
        context = SimpleNamespace(framerate=None)
        return SimpleNamespace(
            **dict(zip(names, rates, strict=True)), start_time=0, duration=1, codec_context=context
        )

    assert declared_rate(stream(Fraction(60000), Fraction(25), None)) == 25
    assert declared_rate(stream(None, Fraction(0), Fraction(1, 1000))) is None
    assert USUAL_RATE == 25


def joined(parts: Sequence[Path], target: Path) -> Path:
    target.write_bytes(b"".join(part.read_bytes() for part in parts))
    return target


def test_joined_transport_streams_go_on(tmp_path: Path) -> None:
    first = make_video(tmp_path / "a.ts", num_frames=25, options={"bf": "0"})
    second = make_video(
        tmp_path / "b.ts",
        num_frames=25,
        pts=[100_000 + 4 * i for i in range(25)],
        time_base=CENTISECOND,
        options={"bf": "0"},
    )
    for name, parts in {"forth": (first, second), "back": (second, first)}.items():
        frames, info, notices = read(joined(parts, tmp_path / f"{name}.ts"))
        assert indices(frames) == [*range(25), *range(25)]
        assert times(frames) == [Fraction(i, 25) for i in range(50)]
        assert info.duration_seconds == 2
        assert "timestamps_discontinuous" in notices


def test_a_counter_that_wraps_goes_on(tmp_path: Path) -> None:
    wrap = Fraction(1 << 33, 90_000)
    start = int((wrap - Fraction(1, 2)) * 25)
    path = make_video(
        tmp_path / "a.ts",
        num_frames=50,
        pts=[start + i for i in range(50)],
        time_base=Fraction(1, 25),
        options={"bf": "0"},
        container_options={"output_ts_offset": "0"},
    )
    frames, info, _ = read(path)
    assert indices(frames) == list(range(50))
    for i, seconds in enumerate(times(frames)):
        assert seconds == pytest.approx(i / 25, abs=0.001)
    assert info.duration_seconds == pytest.approx(2, abs=0.001)


def test_single_frame_is_a_still(tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "a.png", num_frames=1, codec="png", pix_fmt="rgb24", container="image2"
    )
    frames, info, notices = read(path)
    assert frames == [(0, 0)]
    assert info.duration_seconds == Fraction(1, 25)
    assert info.frame_rate is None
    assert set(notices) == {"still_picture"}


def test_unknown_length_of_the_last_frame_is_the_gap_before(tmp_path: Path) -> None:
    pts = [0, 10, 20, 60]
    path = make_video(
        tmp_path / "a.mkv", num_frames=4, pts=pts, time_base=CENTISECOND, fps=Fraction(5, 2)
    )
    with Video(path) as video:
        *_, last = video.frames()
        info = video.info()
    if last.duration_seconds is None:
        assert info.duration_seconds == Fraction(100, 100)
    else:
        assert info.duration_seconds == Fraction(60, 100) + last.duration_seconds


def test_a_lying_duration_is_not_believed(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mkv", num_frames=25)
    data = path.read_bytes()
    place = data.index(b"\x44\x89\x88") + 3
    import struct

    for lie in (1e18, 0.0, -5.0, float("nan"), 10.0):
        (tmp_path / "b.mkv").write_bytes(data[:place] + struct.pack(">d", lie) + data[place + 8 :])
        frames, info, _ = read(tmp_path / "b.mkv")
        assert len(frames) == 25
        assert info.duration_seconds == 1


# A part of a video

PARTS = {
    "mp4": {"path": "a.mp4", "options": {"bf": "3", "g": "24", "preset": "medium"}},
    "mkv": {"path": "a.mkv", "options": {"bf": "3", "g": "24", "preset": "medium"}},
    "open gop": {
        "path": "a.mp4",
        "options": {"x264-params": "open-gop=1:keyint=24:bframes=3", "preset": "medium"},
    },
    "ts": {"path": "a.ts", "options": {"bf": "2", "g": "24", "preset": "medium"}},
    "ts, mpeg2": {"path": "a.ts", "codec": "mpeg2video", "options": {"bf": "2", "g": "12"}},
    "program stream": {"path": "a.mpg", "codec": "mpeg2video", "options": {"bf": "2", "g": "12"}},
    "avi": {"path": "a.avi", "codec": "mpeg4", "options": {"bf": "2", "g": "12"}},
    "avi, reordered": {"path": "a.avi", "options": {"bf": "3", "g": "24", "preset": "medium"}},
    "mxf": {"path": "a.mxf", "codec": "mpeg2video", "options": {"bf": "2", "g": "12"}},
    "flv": {"path": "a.flv", "options": {"g": "24"}},
    "wmv": {"path": "a.wmv", "codec": "wmv2", "options": {"g": "12"}},
    "webm": {"path": "a.webm", "codec": "libvpx", "options": {"g": "24", "deadline": "realtime"}},
    "gif": {"path": "a.gif", "codec": "gif", "pix_fmt": "rgb8"},
    "fragmented": {
        "path": "a.mp4",
        "options": {"g": "12"},
        "container_options": {"movflags": "frag_keyframe+empty_moov"},
    },
    "raw": {"path": "a.h264", "container": "h264"},
    "delayed": {
        "path": "a.mp4",
        "pts": [500 + 4 * i for i in range(160)],
        "time_base": CENTISECOND,
        "options": {"g": "24"},
    },
    "variable": {
        "path": "a.mp4",
        "pts": [4 * i + (3 if i % 5 else 0) + (100 if i > 100 else 0) for i in range(160)],
        "time_base": CENTISECOND,
        "options": {"g": "24"},
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", PARTS)
def test_a_part_is_exactly_that_of_the_whole(kind: str, tmp_path: Path) -> None:
    recipe = dict(PARTS[kind])
    path = make_video(tmp_path / str(recipe.pop("path")), num_frames=160, size=(64, 48), **recipe)
    whole, _, _ = read(path)
    assert len(whole) == 160
    for start in map(Fraction, ("2.5", "3.84", "4.005", "5.1", "6.36")):
        end = start + Fraction(1, 2)
        shown = max(i for i, seconds in enumerate(times(whole)) if seconds <= start)
        part, info, notices = read(path, Part(start=start, end=end))
        assert part == [item for item in whole[shown:] if item[0] < end], (kind, float(start))
        if end < times(whole)[-1]:
            assert "duration_declared" in notices
            assert info.duration_seconds >= part[-1][0]


def test_from_a_start_to_the_end_of_a_video(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", num_frames=200, size=(64, 48), options={"g": "25"})
    frames, info, notices = read(path, Part(start=Fraction(601, 100)))
    assert indices(frames) == list(range(150, 200))
    assert info.duration_seconds == 8
    assert notices == {}


def test_the_frame_on_screen_comes_first(tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "a.mp4", num_frames=4, pts=[0, 100, 300, 900], time_base=CENTISECOND, fps=1
    )
    frames, _, _ = read(path, Part(start=Fraction(8)))
    assert frames == [(3, 2), (9, 3)]
    frames, _, _ = read(path, Part(start=Fraction(9)))
    assert frames == [(9, 3)]
    frames, _, _ = read(path, Part(start=Fraction(19, 2)))
    assert frames == [(9, 3)]


@pytest.mark.parametrize("start", [Fraction(6, 5), Fraction(5), Fraction(10**9)])
@pytest.mark.parametrize("suffix", [".mp4", ".ts", ".gif"])
def test_a_start_past_the_end(start: Fraction, suffix: str, tmp_path: Path) -> None:
    kind = {"codec": "gif", "pix_fmt": "rgb8"} if suffix == ".gif" else {}
    path = make_video(tmp_path / f"a{suffix}", **kind)
    with pytest.raises(EmptyVideoError) as caught, Video(path, Part(start=start)) as video:
        list(video.frames())
    assert caught.value.code == "start_past_end"


def test_an_end_past_the_end_reads_it_all(tmp_path: Path) -> None:
    frames, info, notices = read(make_video(tmp_path / "a.mp4"), Part(end=Fraction(99)))
    assert len(frames) == 30
    assert info.duration_seconds == Fraction(30, 25)
    assert notices == {}


def test_without_a_declared_duration_the_last_time_is_given(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.h264", container="h264")
    _, info, notices = read(path, Part(end=Fraction(1, 2)))
    assert info.duration_seconds == pytest.approx(0.5, abs=0.05)
    assert "no duration is declared" in notices["duration_declared"]


@pytest.mark.parametrize(
    "options",
    [
        {"start": Fraction(-1)},
        {"end": Fraction(0)},
        {"start": Fraction(2), "end": Fraction(1)},
        {"max_pixels": 0},
        {"timeout_seconds": 0},
        {"timeout_seconds": float("nan")},
    ],
)
def test_impossible_options(options: dict[str, Fraction]) -> None:
    with pytest.raises(ValueError, match="must"):
        Part(**options)


def test_reading_again_gives_the_same(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.avi", options={"bf": "3", "preset": "medium"})
    with Video(path) as video:
        results = []
        for _ in range(3):
            frames = [(frame.seconds, read_index(frame.to_rgb())) for frame in video.frames()]
            results.append((frames, video.info(), video.notices()))
    assert results[0] == results[1] == results[2]


def test_reading_again_after_stopping_early(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4")
    with Video(path) as video:
        for _ in range(3):
            frames = video.frames()
            assert next(frames).seconds == 0
        assert len(list(video.frames())) == 30
        assert video.info().num_frames == 30
    with pytest.raises(ValueError, match="closed"):
        next(video.frames())


# The timeline alone


def dated(
    pts: Sequence[int | None],
    *,
    time_base: Fraction = Fraction(1, 100),
    frame_seconds: Fraction = Fraction(4, 100),
    look_ahead: int = 4,
    is_chained: bool = False,
    last_tick: int | None = None,
) -> tuple[list[Fraction], Oddities]:
    """Date frames; times in ticks."""
    timeline: TimeAxis[int] = TimeAxis(
        time_base=time_base,
        frame_seconds=frame_seconds,
        look_ahead=look_ahead,
        is_chained=is_chained,
        last_tick=last_tick,
    )
    items = [item for index, stamp in enumerate(pts) for item in timeline.push(index, stamp)]
    items += timeline.flush()
    assert [index for index, _ in items] == list(range(len(pts)))
    return [seconds / time_base for _, seconds in items], timeline.oddities


@pytest.mark.parametrize(
    ("pts", "expected", "odd"),
    [
        pytest.param([0, 4, 8], [0, 4, 8], {}, id="sound"),
        pytest.param([100, 104, 108], [0, 4, 8], {}, id="delayed"),
        pytest.param([-8, -4, 0], [0, 4, 8], {}, id="negative"),
        pytest.param([0, 8, 4, 12], [0, 4, 8, 12], {"reordered": 2}, id="out of order"),
        pytest.param([None] * 3, [0, 4, 8], {"missing": 3}, id="none at all"),
        pytest.param([0, None, 8, None], [0, 4, 8, 12], {"missing": 2}, id="some missing"),
        pytest.param([None, None, 50, 54], [0, 4, 8, 12], {"missing": 2}, id="first missing"),
        pytest.param([7] * 5, [0, 4, 8, 12, 16], {"repeated": 4}, id="all the same"),
        pytest.param([7, 7], [0, 4], {"repeated": 1}, id="two the same"),
        pytest.param([0, 4, 4, 8], [0, 4, 4, 8], {}, id="one repeat"),
        pytest.param([0, 4, 4, 4, 4, 8], [0, 4, 5, 6, 7, 8], {"repeated": 3}, id="a run"),
        pytest.param([0, 4, 400_000, 400_004], [0, 4, 8, 12], {"jumped": 1}, id="jump of hours"),
        pytest.param([0, 4, 3000, 3004], [0, 4, 3000, 3004], {}, id="a pause stays"),
        pytest.param([5000, 5004, 0, 4], [0, 4, 8, 12], {"jumped": 1}, id="back to zero"),
    ],
)
def test_timestamps(pts: list[int | None], expected: list[int], odd: dict[str, int]) -> None:
    ticks, oddities = dated(pts)
    assert ticks == expected
    assert oddities == Oddities(**odd)


def test_a_chained_stream_may_jump_by_seconds() -> None:
    pts = [0, 4, 2000, 2004, 100, 104]
    assert dated(pts, is_chained=True) == ([0, 4, 8, 12, 16, 20], Oddities(jumped=2))


def test_a_jump_beyond_the_declared_end_is_not_believed() -> None:
    pts = [0, 4, 8, 200_000, 12, 16]
    ticks, oddities = dated(pts, last_tick=40)
    assert ticks[-1] < 100
    assert oddities.jumped


@pytest.mark.parametrize("bits", [32, 33])
def test_wraps_of_counters(bits: int) -> None:
    base = Fraction(1, 90_000)
    frame = 3600
    pts = [((1 << bits) - 2 * frame + i * frame) % (1 << bits) for i in range(5)]
    ticks, oddities = dated(pts, time_base=base, frame_seconds=Fraction(1, 25))
    assert ticks == [i * frame for i in range(5)]
    assert oddities == Oddities(wrapped=1)


def test_nanoseconds_are_not_taken_for_a_wrap() -> None:
    base = Fraction(1, 10**9)
    pts = [40_000_000 * i for i in range(200)]
    ticks, oddities = dated(pts, time_base=base, frame_seconds=Fraction(1, 25))
    assert ticks == pts
    assert oddities == Oddities()


@given(
    st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.integers(0, 100))),
    st.booleans(),
    st.integers(1, 16),
)
def test_time_never_runs_backwards(
    pts: list[int | None], is_chained: bool, look_ahead: int
) -> None:
    ticks, _ = dated(pts, is_chained=is_chained, look_ahead=look_ahead)
    assert ticks == sorted(ticks)
    assert not ticks or ticks[0] == 0


@given(st.lists(st.integers(1, 900), min_size=1, max_size=60), st.booleans())
def test_sound_timestamps_stay(gaps: list[int], is_chained: bool) -> None:
    pts = [sum(gaps[:i]) for i in range(len(gaps))]
    ticks, oddities = dated(pts, is_chained=is_chained)
    assert ticks == pts
    assert oddities == Oddities()


@pytest.mark.parametrize(
    ("milliseconds", "is_variable"),
    [
        ([0, 40, 80, 120], False),
        ([0, 33, 67, 100, 133], False),
        ([0, 62, 130, 199, 261, 330], False),
        ([0, 40, 80, 160, 200], True),
        ([0, 33, 67, 100, 142, 183, 225], True),
        ([0], False),
        ([0, 0, 0], False),
    ],
)
def test_evenness(milliseconds: list[int], is_variable: bool) -> None:
    meter = RateMeter(Fraction(1, 1000))
    for value in milliseconds:
        meter.add(Fraction(value, 1000))
    assert meter.is_variable == is_variable


def test_dropped_frames_in_a_coarse_time_base_are_variable() -> None:
    meter = RateMeter(Fraction(1, 30))
    for tick in [0, 2, 3, 4, 5, 6]:
        meter.add(Fraction(tick, 30))
    assert meter.is_variable


# No clock at all


@pytest.mark.parametrize(
    ("suffix", "recipe"),
    [
        (".mjpeg", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}),
        (".png", {"codec": "png", "pix_fmt": "rgb24", "container": "image2pipe"}),
        (".obu", {"codec": "libsvtav1", "options": {"preset": "12", "svtav1-params": "lp=1"}}),
        (".h263", {"codec": "h263", "size": (176, 144)}),
    ],
)
def test_times_are_guessed_where_a_format_has_none(
    suffix: str, recipe: dict[str, Any], tmp_path: Path
) -> None:
    path = make_video(tmp_path / f"a{suffix}", num_frames=8, fps=10, **recipe)
    with Video(path) as video:
        times = [frame.seconds for frame in video.frames()]
        assert {notice.code for notice in video.notices()} == {"timestamps_missing"}
        assert video.info().duration_seconds == 8 * times[1]
    assert times == [number * times[1] for number in range(8)]


def test_a_still_picture_needs_no_clock(tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "a.jpg",
        num_frames=1,
        codec="mjpeg",
        pix_fmt="yuvj420p",
        container="image2pipe",
    )
    with Video(path) as video:
        assert len(list(video.frames())) == 1
        assert {notice.code for notice in video.notices()} == {"still_picture"}


class PushedPictures(http.server.BaseHTTPRequestHandler):
    """A camera: one JPEG after the other, in parts of one reply without a length."""

    pictures: ClassVar[list[bytes]] = []
    come = threading.Event()

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for number, picture in enumerate(self.pictures):
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
            self.wfile.write(head.encode() + picture + b"\r\n")
            self.wfile.flush()
            if number == len(self.pictures) // 2:
                self.come.wait(0.5)  # nobody ever sets it


@pytest.mark.slow
def test_a_file_of_pictures_with_a_length_is_no_camera(tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "a.mjpeg", num_frames=8, codec="mjpeg", pix_fmt="yuvj420p", container="mpjpeg"
    )
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with Video(f"http://127.0.0.1:{server.server_port}/{path.name}") as video:
            assert [frame.seconds for frame in video.frames()] == [
                Fraction(n, 25) for n in range(8)
            ]
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.slow
def test_pictures_of_a_camera_are_dated_by_their_arrival(tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "a.mjpeg", num_frames=8, codec="mjpeg", pix_fmt="yuvj420p", container="mjpeg"
    )
    parts = path.read_bytes().split(b"\xff\xd8\xff")[1:]
    PushedPictures.pictures = [b"\xff\xd8\xff" + part for part in parts]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), PushedPictures)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with Video(f"http://127.0.0.1:{server.server_port}/camera") as video:
            frames = [(float(f.seconds), read_index(f.to_rgb())) for f in video.frames()]
            codes = [notice.code for notice in video.notices()]
    finally:
        server.shutdown()
        server.server_close()
    assert [index for _, index in frames] == list(range(8))
    seconds = [second for second, _ in frames]
    assert seconds == sorted(seconds)
    assert seconds[5] - seconds[4] >= 0.25  # less than the pause: the one before came late
    assert "timestamps_missing" in codes
