"""Transport streams whose video goes on as another one: stream number, codec, programme, size."""

from fractions import Fraction
from pathlib import Path

import av
import pytest
from make_video import make_video, read_index
from piping import piped

from vidtag.errors import NoVideoStreamError
from vidtag.video import Part, Video

NEW_PID = {"mpegts_start_pid": "512"}
NEW_PROGRAMME = {"mpegts_service_id": "2", "mpegts_pmt_start_pid": "4400"}
LARGE = (320, 240)


def make(path: Path, offset: int = 0, **recipe: object) -> bytes:
    """Make two seconds that begin at an offset."""
    recipe.setdefault("container_options", {})
    options = dict(recipe.pop("container_options"))  # type: ignore[call-overload]
    options["output_ts_offset"] = str(offset)
    make_video(path, num_frames=20, fps=10, container_options=options, **recipe)
    return path.read_bytes()


def indices(path: Path | str, options: Part | None = None) -> list[int]:
    with Video(path, options or Part()) as video:
        found = []
        for frame in video.frames():
            found.append(read_index(frame.to_rgb()))
            last = frame.seconds
        assert video.info().num_failed_packets == 0
        if options is None:
            assert video.info().num_frames == len(found)
            assert last == pytest.approx(float(Fraction(len(found) - 1, 10)), abs=0.15)
            assert "several_video_streams" not in {notice.code for notice in video.notices()}
    return found


@pytest.mark.slow
@pytest.mark.parametrize("is_piped", [False, True])
@pytest.mark.parametrize("sound", [0, 2])
@pytest.mark.parametrize(
    "recipe",
    [
        pytest.param({"container_options": NEW_PID}, id="number"),
        pytest.param({"container_options": NEW_PID, "size": LARGE}, id="number and size"),
        pytest.param({"container_options": NEW_PID, "codec": "mpeg2video"}, id="number and codec"),
        pytest.param({"container_options": NEW_PID | NEW_PROGRAMME}, id="programme"),
        pytest.param({"container_options": NEW_PROGRAMME}, id="programme of the same number"),
        pytest.param({"size": LARGE}, id="size"),
    ],
)
def test_the_video_goes_on(
    recipe: dict[str, object],
    sound: int,
    is_piped: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = make(tmp_path / "a.ts", audio_seconds=sound)
    data += make(tmp_path / "b.ts", 2, audio_seconds=sound, **recipe)
    path = tmp_path / "c.ts"
    path.write_bytes(data)
    expected = [*range(20), *range(20)]
    if is_piped:
        with piped(data, monkeypatch):
            assert indices("-") == expected
    else:
        assert indices(path) == expected
        if "size" not in recipe and not sound:  # whose first packet shifts the times
            assert indices(path, Part(start=Fraction(3))) == expected[30:]


@pytest.mark.parametrize("codecs", [("libx264", "mpeg2video"), ("mpeg2video", "libx264")])
def test_a_new_codec_under_the_same_number(codecs: tuple[str, str], tmp_path: Path) -> None:
    first, second = codecs
    path = tmp_path / "c.ts"
    path.write_bytes(
        make(tmp_path / "a.ts", codec=first) + make(tmp_path / "b.ts", 2, codec=second)
    )
    with Video(path) as video:
        found = [read_index(frame.to_rgb()) for frame in video.frames()]
        # The end of the old codec's last picture can't be told from the beginning of the new one.
        assert found[-20:] == list(range(20))
        assert found[:19] == list(range(19))
        assert len(found) <= 40


def test_more_than_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"".join(
        make(tmp_path / "a.ts", 2 * n, container_options={"mpegts_start_pid": str(256 + 16 * n)})
        for n in range(5)
    )
    (tmp_path / "c.ts").write_bytes(data)
    assert indices(tmp_path / "c.ts") == [*range(20)] * 5
    with piped(data, monkeypatch):
        assert indices("-") == [*range(20)] * 5


def test_sound_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "a.ts", audio_seconds=2)
    with_video = make(tmp_path / "b.ts", 2, container_options=NEW_PID)
    # The first table lists the sound alone.
    with (
        av.open(str(tmp_path / "a.ts")) as source,
        av.open(str(tmp_path / "s.ts"), "w") as target,
    ):
        audio = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = audio
                target.mux(packet)
    data = (tmp_path / "s.ts").read_bytes()
    (tmp_path / "c.ts").write_bytes(data + with_video)
    assert indices(tmp_path / "c.ts") == list(range(20))
    with piped(data + with_video, monkeypatch):
        assert indices("-") == list(range(20))
    with pytest.raises(NoVideoStreamError):
        indices(tmp_path / "s.ts")
