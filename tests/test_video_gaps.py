"""Long gaps: a picture that stands still, as opposed to recordings that were joined."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import pytest
from make_video import make_video
from piping import piped

from vidtag.video import Video, pipes
from vidtag.video.gaps import Gaps

CENTISECOND = Fraction(1, 100)
GAP = [*range(0, 100, 10), *range(3000, 3100, 10)]
"""Ten pictures a second, of which 29 seconds are missing."""

JUMP = "timestamps_discontinuous"


def make(path: Path, pts: list[int] = GAP, **recipe: object) -> Path:
    return make_video(
        path, num_frames=len(pts), pts=pts, time_base=CENTISECOND, fps=10, size=(64, 48), **recipe
    )


def read(path: Path | str) -> tuple[Fraction, set[str]]:
    with Video(path) as video:
        assert sum(1 for _ in video.frames()) == video.info().num_frames
        return video.info().duration_seconds, {notice.code for notice in video.notices()}


TRUE_GAPS: dict[str, Callable[[Path], Path]] = {
    "sound": lambda path: make(path.with_suffix(".ts"), audio_seconds=31),
    "silent": lambda path: make(path.with_suffix(".ts")),
    "b-frames": lambda path: make(
        path.with_suffix(".ts"), options={"bf": "2", "preset": "medium"}
    ),
    "a clock that comes seldom": lambda path: make(
        path.with_suffix(".ts"), container_options={"pcr_period": "1000"}
    ),
    "padded": lambda path: make(path.with_suffix(".ts"), container_options={"muxrate": "300000"}),
    "m2ts": lambda path: make(path.with_suffix(".m2ts"), container="mpegts",
                              container_options={"mpegts_m2ts_mode": "1"}),
}  # fmt: skip


@pytest.mark.parametrize("kind", TRUE_GAPS)
def test_time_goes_on(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = TRUE_GAPS[kind](tmp_path / "a")
    assert read(path) == (Fraction(31), set())
    with piped(path.read_bytes(), monkeypatch):
        assert read("-") == (Fraction(31), set())


def test_slides(tmp_path: Path) -> None:
    pts = [1200 * n for n in range(5)]
    assert read(make(tmp_path / "a.ts", pts)) == (Fraction(60), set())


def test_what_is_gone_of_a_pipe_is_no_proof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipes, "RECENT_BYTES", 188)
    path = TRUE_GAPS["padded"](tmp_path / "a")
    with piped(path.read_bytes(), monkeypatch):
        assert read("-") == (Fraction(2), {JUMP})


@pytest.mark.parametrize("seconds", [0, 2])
@pytest.mark.parametrize("is_back", [False, True])
def test_joined_recordings_do_not_wait(seconds: int, is_back: bool, tmp_path: Path) -> None:
    early = make(tmp_path / "a.ts", GAP[:10], audio_seconds=seconds)
    late = make(
        tmp_path / "b.ts",
        GAP[:10],
        audio_seconds=seconds,
        container_options={"output_ts_offset": "30"},
    )
    parts = [late, early] if is_back else [early, late]
    joined = tmp_path / "c.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    duration, codes = read(joined)
    assert duration == 2
    assert JUMP in codes


def test_a_clock_that_is_marked_as_set_anew(tmp_path: Path) -> None:
    path = make(tmp_path / "a.ts")
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        after = [p.pos for p in container.demux(video=0) if p.size][10]
    assert after is not None
    assert data[after + 3] & 0x20
    data[after + 5] |= 0x80
    path.write_bytes(data)
    assert read(path) == (Fraction(2), {JUMP})


def test_what_was_lost_is_no_gap(tmp_path: Path) -> None:
    path = make(tmp_path / "a.ts")
    data = path.read_bytes()
    with av.open(str(path)) as container:
        places = [p.pos for p in container.demux(video=0) if p.size]
    begin, end = places[9], places[10]
    assert begin is not None
    assert end is not None
    path.write_bytes(data[:begin] + data[end:])  # one picture is gone, and its counts
    duration, codes = read(path)
    assert duration < 3
    assert JUMP in codes


@pytest.mark.parametrize("rates", [(1000, 1000), (1000, 48000)])
def test_sound_goes_on_in_ticks_of_another_length(rates: tuple[int, int]) -> None:
    gaps = Gaps("ogg", lambda _begin, _end: b"")

    def note(second: int, rate: int, *, is_video: bool) -> None:
        packet: Any = SimpleNamespace(
            pts=second * rate,
            dts=second * rate,
            duration=rate,
            time_base=Fraction(1, rate),
            size=1,
            pos=None,
            stream=SimpleNamespace(index=int(not is_video)),
        )
        gaps.note(packet, is_video=is_video)

    note(0, 90, is_video=True)
    for second in range(31):
        note(second, rates[second >= 15], is_video=False)
    note(30, 90, is_video=True)
    assert gaps.holds(0, 30 * 90)
