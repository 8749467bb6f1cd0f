"""Standard input, pipes and URLs; damaged and truncated videos come last."""

import contextlib
import errno
import http.server
import io
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from make_video import make_video, read_index
from piping import piped

from vidtag.errors import VideoError, VideoOpenError
from vidtag.urls import without_credentials
from vidtag.video import Part, Video, pipes

INDEX_FIRST = {"container_options": {"movflags": "faststart"}}
FRAGMENTED = {"container_options": {"movflags": "frag_keyframe+empty_moov"}}


class Stdin:
    """Stands for sys.stdin."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor


def indices(video: Video) -> list[int]:
    return [read_index(frame.to_rgb()) for frame in video.frames()]


@pytest.mark.parametrize(
    ("name", "recipe"),
    [
        ("a.mkv", {}),
        ("a.ts", {}),
        ("a.mp4", INDEX_FIRST),
        ("a.mp4", FRAGMENTED),
        ("a.avi", {"codec": "mpeg4"}),
        ("a.flv", {}),
        ("a.gif", {"codec": "gif", "pix_fmt": "rgb8"}),
        ("a.webm", {"codec": "libvpx"}),
        ("a.y4m", {"codec": "wrapped_avframe"}),
    ],
)
def test_a_pipe_is_read_as_it_comes(
    name: str, recipe: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = make_video(tmp_path / name, num_frames=12, **recipe).read_bytes()
    with piped(data, monkeypatch), Video("-") as video:
        assert not video.can_reread
        assert indices(video) == list(range(12))
        assert video.path == "-"
        assert video.info().size_bytes is None
        with pytest.raises(ValueError, match="once"):
            next(video.frames())


@pytest.mark.parametrize("name", ["a.mp4", "a.apng"])
def test_a_pipe_that_has_to_be_sought_in_is_spooled(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = {"codec": "apng", "pix_fmt": "rgb24"} if name == "a.apng" else {}
    data = make_video(tmp_path / name, num_frames=12, **recipe).read_bytes()
    if name == "a.mp4":
        assert data.index(b"mdat") < data.index(b"moov")
    with piped(data, monkeypatch), Video("-") as video:
        assert video.can_reread
        assert indices(video) == list(range(12))
        assert indices(video) == list(range(12))
        assert video.info().size_bytes == len(data)


def test_the_spool_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = make_video(tmp_path / "a.mp4", num_frames=12).read_bytes()
    monkeypatch.setattr(pipes, "SPOOL_BYTES", len(data) - 1)
    with piped(data, monkeypatch), pytest.raises(VideoOpenError) as caught:
        Video("-")
    assert caught.value.code == "spool_limit"


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: Full())
    data = make_video(tmp_path / "a.mp4", num_frames=12).read_bytes()
    with piped(data, monkeypatch), pytest.raises(VideoOpenError) as caught:
        Video("-")
    assert caught.value.code == "spool_limit"


def test_a_file_on_stdin_is_seeked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_video(tmp_path / "a.mp4", num_frames=12)
    with path.open("rb") as file:
        file.read(100)  # whatever was read before
        monkeypatch.setattr(sys, "stdin", Stdin(file.fileno()))
        with Video("-") as video:
            assert video.can_reread
            assert indices(video) == list(range(12))
            assert indices(video) == list(range(12))
            assert video.info().size_bytes == path.stat().st_size


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "empty_file"), (b"hello", "not_a_video"), (b"#EXTM3U\na.mp4\n", "playlist")],
)
def test_a_pipe_without_a_video(data: bytes, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with piped(data, monkeypatch), pytest.raises(VideoError) as caught:
        Video("-")
    assert caught.value.code == code


def test_a_terminal_is_no_video(monkeypatch: pytest.MonkeyPatch) -> None:
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    monkeypatch.setattr(sys, "stdin", Stdin(theirs))
    with pytest.raises(VideoOpenError, match="terminal"):
        Video("-")
    os.close(ours)
    os.close(theirs)


def test_no_stdin_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(VideoOpenError) as caught:
        Video("-")
    assert caught.value.code == "read_failed"


def test_a_pipe_that_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = make_video(tmp_path / "a.mkv", num_frames=60).read_bytes()
    with piped(data[: len(data) // 2], monkeypatch), Video("-") as video:
        found = indices(video)
        assert found == list(range(len(found)))
        assert 5 < len(found) < 60
        assert "truncated" in {notice.code for notice in video.notices()}


# URLs


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves one file, with or without ranges, and some misbehaviour."""

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        server.requests.append(self.path)
        server.headers.append(dict(self.headers))
        server.asked.set()
        if self.path.startswith("/status"):
            self.send_error(int(self.path[-3:]))
        elif self.path == "/stall":
            server.released.wait(30)
        elif self.path == "/drip":
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                while not server.released.wait(0.05):
                    self.wfile.write(b"\0")
        elif self.path == "/half":
            self.send_response(200)
            self.send_header("Content-Length", str(len(server.data)))
            self.end_headers()
            self.wfile.write(server.data[: len(server.data) // 2])
            self.wfile.flush()
            server.released.wait(30)
        elif self.path == "/to-file":
            self._redirect(server.local)
        elif self.path == "/to-video":
            self._redirect("/ranges/a.mp4")
        elif self.path.startswith("/private") and "Authorization" not in self.headers:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.end_headers()
        else:
            self._send(server.data, has_ranges="ranges" in self.path)

    def _redirect(self, target: str) -> None:
        self.send_response(302)
        self.send_header("Location", target)
        self.end_headers()

    def _send(self, data: bytes, *, has_ranges: bool) -> None:
        begin = 0
        wanted = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if has_ranges and wanted:
            begin = int(wanted[1])
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        if has_ranges:
            self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(data) - begin))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(data[begin:])

    def log_message(self, *_: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, data: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.data = data
        self.local = ""
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.asked = threading.Event()
        self.released = threading.Event()

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that hang up."""

    def url(self, path: str, credentials: str = "") -> str:
        return f"http://{credentials}127.0.0.1:{self.server_address[1]}{path}"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    path = make_video(tmp_path / "a.mp4", num_frames=12)
    with Server(path.read_bytes()) as server:
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


def refused(url: str, options: Part | None = None) -> VideoError:
    with pytest.raises(VideoError) as caught, Video(url, options or Part()) as video:
        list(video.frames())
    assert caught.value.path == without_credentials(url)
    assert str(caught.value).endswith(".")
    return caught.value


@pytest.mark.parametrize("path", ["/ranges/a.mp4", "/ranges/", "/plain/a.mp4", "/to-video"])
def test_http(path: str, server: Server) -> None:
    with Video(server.url(path)) as video:
        assert indices(video) == list(range(12))
        assert video.info().num_failed_packets == 0
        if video.can_reread:
            assert indices(video) == list(range(12))


def test_http_with_the_index_first_is_not_spooled(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.data = make_video(tmp_path / "b.mp4", num_frames=12, **INDEX_FIRST).read_bytes()
    monkeypatch.setattr(pipes, "SPOOL_BYTES", 0)
    with Video(server.url("/plain/b.mp4")) as video:
        assert indices(video) == list(range(12))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 429, 500, 503])
def test_http_errors(status: int, server: Server) -> None:
    error = refused(server.url(f"/status/{status}"))
    assert error.code == "network_failed"
    assert isinstance(error, VideoOpenError)
    assert str(status) in str(error)


def test_http_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    for scheme in ("http", "rtsp"):
        assert refused(f"{scheme}://127.0.0.1:{port}/a").code == "network_failed"


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/stall", "/drip"])
def test_http_timeout(path: str, server: Server) -> None:
    began = time.monotonic()
    error = refused(server.url(path), Part(timeout_seconds=0.3))
    assert error.code == "timed_out"
    assert time.monotonic() - began < 5


@pytest.mark.slow
def test_a_server_that_falls_silent(server: Server, tmp_path: Path) -> None:
    server.data = make_video(tmp_path / "a.mkv", num_frames=100).read_bytes()
    with (
        pytest.raises(VideoOpenError) as caught,
        Video(server.url("/half"), Part(timeout_seconds=0.5)) as video,
    ):
        indices(video)
    assert caught.value.code == "timed_out"


def test_rtsp_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"rtsp://127.0.0.1:{silent.getsockname()[1]}/a"
        assert refused(url, Part(timeout_seconds=0.3)).code == "timed_out"


def test_what_is_no_video_on_the_web(server: Server) -> None:
    server.data = b"<html>Not found</html>" * 100
    assert refused(server.url("/ranges/a.mp4")).code == "not_a_video"


@pytest.mark.parametrize("playlist", ["#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n",
                                      "ffconcat version 1.0\nfile {}\n"])  # fmt: skip
def test_a_playlist_on_the_web_opens_nothing(playlist: str, server: Server) -> None:
    server.data = playlist.format(server.url("/ranges/trap.ts")).encode()
    assert refused(server.url("/ranges/a.m3u8")).code == "playlist"
    assert not any("trap" in path for path in server.requests)


def test_a_local_playlist_reaches_no_server(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    for text in ("#EXTM3U\n#EXTINF:9,\n{}\n", "ffconcat version 1.0\nfile {}\n"):
        path.write_text(text.format(server.url("/trap.ts")))
        assert refused(str(path)).code == "playlist"
    assert server.requests == []


CERTIFICATE = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg80A2gLpfdBcBrgXx
iA8QfFpC333uN1TFhJGDhUl8QmyhRANCAAQcMpfqfFu1/kKxJzE3jSVaKkkZFPIU
plzwP8ZgWLFj+jS5xPcreysdzPCb7fyNDqvCb0NgiRvT4xviLUWf4kDq
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUFBbpV4zZ0TyBEVxxCzJz9fqsKYYwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTEzNTczMVoYDzIxMjYxMDI4
MTM1NzMxWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQcMpfqfFu1/kKxJzE3jSVaKkkZFPIUplzwP8ZgWLFj+jS5xPcreysd
zPCb7fyNDqvCb0NgiRvT4xviLUWf4kDqo28wbTAdBgNVHQ4EFgQUBbx6eQXTDcmw
cZL51tdX2gaHW8EwHwYDVR0jBBgwFoAUBbx6eQXTDcmwcZL51tdX2gaHW8EwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIhAPDiuji+gPd4uzMCmxGaZ5A58bbsRsXYPY9UCS22c4PKAiBo
OYmtf4cfIAG/ECxr7mmGXYNEd4z8BHUtEh4wMfCBZw==
-----END CERTIFICATE-----
"""
"""For localhost and 127.0.0.1, signed by itself, valid until 2126."""


@pytest.mark.parametrize("is_trusted", [True, False])
def test_certificates_are_checked(
    is_trusted: bool, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "certificate.pem"
    path.write_text(CERTIFICATE)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
    for name in ("/ranges/a.mp4", "/plain/a.mp4"):
        url = server.url(name).replace("http:", "https:")
        if is_trusted:
            with Video(url) as video:
                assert indices(video) == list(range(12))
        else:
            error = refused(url)
            assert error.code == "network_failed"
            assert "certificate" in str(error)


@pytest.mark.parametrize("scheme", ["file://", "file:", "FILE://", ""])
def test_no_redirect_leads_to_a_file(scheme: str, server: Server, tmp_path: Path) -> None:
    path = make_video(tmp_path / "secret.mkv", num_frames=2)
    server.local = f"{scheme}{path}"
    try:
        with Video(server.url("/to-file")) as video:
            # Taken for a path on the server, whatever it looked like.
            assert len(indices(video)) == 12
    except VideoOpenError as exc:
        code = exc.code
    else:
        code = "not_a_video"
    assert code in {"network_failed", "not_a_video"}


def test_offline(server: Server) -> None:
    assert refused(server.url("/ranges/a.mp4"), Part(network=False)).code == "offline"
    assert server.requests == []


@pytest.mark.parametrize("path", ["/private/ranges/a.mp4", "/private/plain/a.mp4"])
def test_credentials_are_used_but_never_told(path: str, server: Server) -> None:
    url = server.url(path, "me:se%40cret@")
    with Video(url) as video:
        assert indices(video) == list(range(12))
        told = [video.path, video.info().path, *(n.message for n in video.notices())]
    assert not any("cret" in text or "me:" in text for text in told)
    assert any("Authorization" in headers for headers in server.headers)


def test_credentials_are_not_in_errors(server: Server) -> None:
    error: BaseException | None = refused(server.url("/status/404", "me:secret@"))
    while error is not None:
        assert "secret" not in str(error)
        assert "secret" not in repr(error)
        error = error.__cause__
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    error = refused(f"rtsp://me:secret@127.0.0.1:{port}/a")
    assert "secret" not in f"{error}{error.path}{error.__cause__!r}"


READ = """
import sys
from vidtag.video import Part, Video
try:
    print("reading", flush=True)
    with Video(sys.argv[1], Part(timeout_seconds=60)) as video:
        for frame in video.frames():
            pass
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("kind", ["http", "rtsp", "pipe"])
def test_ctrl_c_works_at_once(kind: str, server: Server, tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    names = {
        "http": server.url("/stall"),
        "rtsp": f"rtsp://127.0.0.1:{listener.getsockname()[1]}/a",
        "pipe": "-",
    }
    command = [sys.executable, "-c", READ, names[kind]]
    pipe = subprocess.PIPE
    with listener, subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(make_video(tmp_path / "b.mkv", num_frames=20).read_bytes())
        process.stdin.flush()
        assert process.stdout.readline() == b"reading\n"
        if kind == "http":
            assert server.asked.wait(30)
        elif kind == "rtsp":
            listener.settimeout(30)
            client, _ = listener.accept()
            with client:
                client.recv(100)
                interrupt(process)
            return
        interrupt(process)


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Do as Ctrl-C does; the process must end at once, and know why."""
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    assert time.monotonic() - began < 5
