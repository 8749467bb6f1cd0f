"""Whatever a server does, a URL gives the right frames or one line, in bounded time."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import odd_server
import pytest
from make_video import make_video, read_index
from odd_server import FAILING, GUARDED, SOUND, OddServer

from vidtag.cli import app
from vidtag.errors import VideoError, VideoOpenError
from vidtag.video import Part, Video
from vidtag.video.waiting import Stall

PATIENT = Part(timeout_seconds=30)
IMPATIENT = Part(timeout_seconds=0.2)
NUM_FRAMES = 120


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The same video with its index last, and as a stream."""
    folder = tmp_path_factory.mktemp("data")
    return {
        name: make_video(folder / name, num_frames=NUM_FRAMES).read_bytes()
        for name in ("a.mp4", "a.mkv")
    }


@pytest.fixture(params=[pytest.param("a.mp4", marks=pytest.mark.slow), "a.mkv"])
def server(
    request: pytest.FixtureRequest, data: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> Iterator[OddServer]:
    monkeypatch.setenv("no_proxy", "*")
    with OddServer(data[request.param], odd_server.ALL) as server:
        yield server


def indices(url: str, options: Part = PATIENT) -> list[int]:
    with Video(url, options) as video:
        return [read_index(frame.to_rgb()) for frame in video.frames()]


def refused(url: str, options: Part = PATIENT) -> VideoOpenError:
    began = time.monotonic()
    with pytest.raises(VideoError) as caught:
        indices(url, options)
    assert time.monotonic() - began < 120
    error = caught.value
    assert isinstance(error, VideoOpenError)
    return error


@pytest.mark.slow
@pytest.mark.parametrize("path", SOUND)
def test_odd_but_whole(path: str, server: OddServer) -> None:
    with Video(server.url(path), PATIENT) as video:
        assert [read_index(f.to_rgb()) for f in video.frames()] == list(range(NUM_FRAMES))
        assert video.notices() == ()
        if video.can_reread and "once" not in path:
            assert sum(1 for _ in video.frames()) == NUM_FRAMES
    assert not any(b"Authorization" in head for head in server.requests)


@pytest.mark.slow
@pytest.mark.parametrize("path", FAILING)
def test_what_is_no_whole_video_is_an_error(path: str, server: OddServer) -> None:
    _, code = FAILING[path]
    error = refused(server.url(path), IMPATIENT if code == "timed_out" else PATIENT)
    assert error.code == code, error
    assert str(error).endswith(".")


@pytest.mark.slow
@pytest.mark.parametrize("path", GUARDED)
def test_user_name_and_password(path: str, server: OddServer) -> None:
    assert indices(server.url(path, "me:s/c@")) == list(range(NUM_FRAMES))
    assert indices(server.url(path, "me:s%2Fc@")) == list(range(NUM_FRAMES))
    assert "(401)" in str(refused(server.url(path)))
    assert "(401)" in str(refused(server.url("basic", "me:other@")))


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_no_password_is_sent_to_another_server(
    scheme: str, asks: bool, data: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    wants = GUARDED[scheme] if asks else SOUND["ranges"]
    with OddServer(data["a.mkv"], {"a": wants}) as other:
        answers = {"a": odd_server._redirect(other.url("a").encode())}
        with OddServer(b"", answers) as server:
            url = server.url("a", "me:s%2Fc@")
            if asks:
                assert "(401)" in str(refused(url))
            else:
                assert indices(url) == list(range(NUM_FRAMES))
        assert any(b"Authorization" in head for head in server.requests)
        assert other.requests
        assert not any(b"Authorization" in head for head in other.requests)


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http:///a.mp4",
        "http://a%20b/a.mp4",
        "http://a b/a.mp4",
        "http://a..b/a.mp4",
        f"http://{'a' * 70}.org/a.mp4",
        "http://127.0.0.1:99999/a.mp4",
        "http://127.0.0.1:-1/a.mp4",
        "http://127.0.0.1:http/a.mp4",
        "http://127.0.0.1:1/a b\x7f\n.mp4",
        "http://[::1/a.mp4",
        "http://[::1]]:1/a.mp4",
        "http://127.0.0.1:0/a.mp4",
        "http://\udcff/a.mp4",
        "http://127.0.0.1:1/\udcff.mp4",
        "http://127.0.0.1:1/\x00.mp4",
        "http://\u2100.invalid/a.mp4",
        "http://127.0.0.1:\u0661/a.mp4",
        "https://:@:/",
        "rtsp://",
        "rtsp://127.0.0.1:99999/a",
        "rtsp://[::1/a",
    ],
)
def test_odd_addresses(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    assert refused(url).code in {"network_failed", "timed_out"}


def test_tls_where_there_is_none() -> None:
    def answer(client: socket.socket) -> None:
        with client:
            client.recv(9999)
            client.sendall(b"HTTP/1.1 400 Plain\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: answer(listener.accept()[0]))
        thread.start()
        error = refused(f"https://127.0.0.1:{listener.getsockname()[1]}/a.mp4")
        thread.join()
    assert error.code == "network_failed"


@pytest.mark.slow
def test_a_live_stream_that_breaks_off_keeps_what_came(data: dict[str, bytes]) -> None:
    half = len(data["a.mkv"]) // 2

    def breaks(asked: odd_server.Asked) -> None:
        asked.send(odd_server.OK, b"\r\n", asked.data[:half])
        asked.reset()

    def falls_silent(asked: odd_server.Asked) -> None:
        asked.send(odd_server.OK, b"\r\n", asked.data[:half])
        asked.hold()

    answers = {"breaks": breaks, "falls-silent": falls_silent}
    with OddServer(data["a.mkv"], answers) as server:
        for path in answers:
            with Video(server.url(path), Part(timeout_seconds=1)) as video:
                found = [read_index(frame.to_rgb()) for frame in video.frames()]
                codes = {notice.code for notice in video.notices()}
            assert found == list(range(len(found)))
            assert 20 < len(found) < NUM_FRAMES
            assert "stopped_at_damage" in codes


def test_what_was_asked_for_came_before_it_broke(data: dict[str, bytes]) -> None:
    with OddServer(data["a.mkv"], odd_server.ALL) as server:
        options = Part(timeout_seconds=30, end=1)
        assert indices(server.url("half-then-reset"), options) == list(range(25))


def test_a_web_page_leads_to_the_tool_for_it(server: OddServer) -> None:
    error = refused(server.url("web-page?v=1&x=y"))
    url = server.url("web-page?v=1&x=y")
    assert f"yt-dlp -o - '{url}' | vidtag -" in str(error)


def test_no_file_is_reached_by_a_redirect(data: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    path.write_bytes(data["a.mkv"])
    answers = {"a": odd_server._redirect(f"file://{path}".encode())}
    with OddServer(b"", answers) as server:
        assert refused(server.url("a")).code == "network_failed"
        assert len(server.requests) == 1


def test_a_stall_is_little_in_a_long_time() -> None:
    stall = Stall(10, 100)
    assert not stall.is_late(9, 0)
    assert not stall.is_late(9, 100)
    assert not stall.is_late(1, 199)
    assert stall.is_late(9, 199)


@pytest.mark.slow
def test_a_batch_goes_on(
    data: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every server that fails at once, beside a good file: a line each, and exit code 3."""
    monkeypatch.setenv("no_proxy", "*")
    paths = [path for path, (_, code) in FAILING.items() if code != "timed_out"]
    good = tmp_path / "good.mkv"
    good.write_bytes(data["a.mkv"])
    with OddServer(data["a.mp4"], odd_server.ALL) as server:
        urls = [server.url(path) for path in paths]
        monkeypatch.setattr("sys.argv", ["vidtag", *urls, str(good), "-m", "demo", "--json"])
        monkeypatch.setenv("VIDTAG_CACHE_DIR", str(tmp_path))
        assert app.run() == 3
    out, err = capsys.readouterr()
    assert "report" not in err
    assert "Traceback" not in err
    lines = out.splitlines()
    assert len(lines) == len(paths) + 1
    for path, line in zip(paths, lines, strict=False):
        assert f'"code": "{FAILING[path][1]}"' in line, line
    assert '"num_frames": 120' in lines[-1]


@pytest.mark.parametrize("url", ["http://u:p@[::1/a.mp4", "http://[::1/a.mp4", "http://u:p@::1]/a"])
def test_half_a_bracket_is_no_address(url: str) -> None:
    assert "no valid address" in str(refused(url))
