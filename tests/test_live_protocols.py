"""What `vidtag watch` reads: each protocol against something that speaks it."""

import functools
import http.server
import io
import itertools
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import pytest
from fake_classifier import FakeClassifier
from make_video import draw_index, make_video
from PIL import Image
from stream_server import Plan, StreamServer
from test_live import collect, kinds, make_watcher
from test_watch import COMMAND, free_port

from vidtag.live import draining

FFMPEG = ("ffmpeg", "-hide_banner", "-loglevel", "error")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def minute(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("protocols") / "minute.mp4"
    return make_video(path, num_frames=1500, options={"g": "25", "bf": "0"})


@contextmanager
def sending(*command: str) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen([*FFMPEG, *command], stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def web_server(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def check_clips(classifier: FakeClassifier) -> None:
    """See that windows hold the frames of two seconds, whichever those were."""
    assert classifier.clips
    for clip in classifier.clips:
        gaps = {after - before for before, after in itertools.pairwise(clip)}
        assert gaps <= {3, 4}, clip


@pytest.mark.tool("ffmpeg")
def test_a_transport_stream_over_udp(minute):
    target = f"udp://127.0.0.1:{free_port()}"
    classifier = FakeClassifier()
    with sending("-re", "-i", str(minute), "-c", "copy", "-f", "mpegts", f"{target}?pkt_size=1316"):
        events = collect(make_watcher(target, classifier), {"step": 3})
    assert kinds(events)[0] == "started"
    check_clips(classifier)


@pytest.mark.tool("ffmpeg")
def test_a_transport_stream_that_stops_coming_is_lost(minute, monkeypatch):
    monkeypatch.setattr(draining, "RETRY_SECONDS", (0.1,))
    target = f"udp://127.0.0.1:{free_port()}"
    send = ("-re", "-i", str(minute), "-c", "copy", "-f", "mpegts", f"{target}?pkt_size=1316")
    with sending(*send):
        watcher = make_watcher(target)
        coming = watcher.events()
        while next(coming).event != "step":
            pass
    event = next(coming)
    while event.event != "source_lost":
        event = next(coming)
    assert event.code == "timed_out"
    with sending(*send):
        while next(coming).event != "source_back":
            pass
    watcher.stop()
    assert list(coming)[-1].event == "stopped"


@pytest.mark.tool("ffmpeg")
def test_hls_that_goes_on(minute, tmp_path):
    how = ("-hls_time", "1", "-hls_list_size", "4", "-hls_flags", "delete_segments")
    playlist = tmp_path / "live.m3u8"
    classifier = FakeClassifier()
    handler = functools.partial(_Files, directory=str(tmp_path))
    with (
        sending("-re", "-i", str(minute), "-c", "copy", "-f", "hls", *how, str(playlist)),
        web_server(handler) as url,  # type: ignore[arg-type]
    ):
        while not playlist.exists():
            time.sleep(0.1)
        events = collect(make_watcher(f"{url}/live.m3u8", classifier), {"step": 3})
    assert kinds(events)[0] == "started"
    assert "source_lost" not in kinds(events)
    check_clips(classifier)


@pytest.mark.tool("ffmpeg")
@pytest.mark.parametrize("name", ["list.m3u8", "list.txt"])
def test_hls_with_an_end_is_a_video(tmp_path, name):
    """Also where the address does not say that it is a playlist."""
    video = make_video(tmp_path / "a.mp4", num_frames=75, options={"g": "25", "bf": "0"})
    command = [*FFMPEG, "-i", str(video), "-c", "copy", "-f", "hls", "-hls_time", "1"]
    subprocess.run([*command, "-hls_list_size", "0", str(tmp_path / "list.m3u8")], check=True)
    (tmp_path / "list.m3u8").rename(tmp_path / name)
    handler = functools.partial(_Files, directory=str(tmp_path))
    with web_server(handler) as url:  # type: ignore[arg-type]
        events = collect(make_watcher(f"{url}/{name}"))
    assert [event.start_seconds for event in events if event.event == "step"] == [0, 1, 2]
    assert events[-1].code == "ended"
    assert events[-1].skipped_windows == 0


@pytest.mark.tool("ffmpeg")
def test_rtmp(minute):
    url = f"rtmp://127.0.0.1:{free_port()}/live/camera"
    classifier = FakeClassifier()
    send = ("-re", "-i", str(minute), "-c", "copy", "-f", "flv", "-listen", "1", url)
    with sending(*send):
        time.sleep(1)
        events = collect(make_watcher(url, classifier, timeout=5.0), {"step": 2})
    assert kinds(events)[0] == "started"
    check_clips(classifier)


def test_mjpeg_is_dated_by_arrival():
    """Ten pictures a second, whatever FFmpeg guesses: steps are as long as seconds are."""

    class Camera(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            for index in range(200):
                buffer = io.BytesIO()
                Image.fromarray(draw_index(index)).save(buffer, "jpeg")
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {buffer.tell()}"
                try:
                    self.wfile.write(head.encode() + b"\r\n\r\n" + buffer.getvalue() + b"\r\n")
                except OSError:
                    return
                time.sleep(0.1)

        def log_message(self, *_: object) -> None:
            pass

    classifier = FakeClassifier()
    with web_server(Camera) as url:
        events = collect(make_watcher(f"{url}/camera", classifier), {"step": 3})
    assert kinds(events)[0] == "started"
    for clip in classifier.clips:
        # Two seconds are 20 pictures.
        assert 15 <= clip[-1] - clip[0] <= 21, clip


@pytest.mark.parametrize("fast", [True, False])
def test_a_pipe(minute, tmp_path, fast):
    path = make_video(tmp_path / "a.ts", num_frames=100, options={"g": "25"})
    extra = ["--as-fast-as-possible"] if fast else []
    done = subprocess.run(
        [*COMMAND, "watch", "-", "--every", "0", *extra],
        input=path.read_bytes(),
        capture_output=True,
        timeout=30,
    )
    assert done.returncode == 0
    lines = done.stdout.decode().splitlines()
    assert '"event": "stopped"' in lines[-1]
    if fast:
        assert sum('"event": "step"' in line for line in lines) == 4


def test_a_stream_that_changes_its_size_goes_on(tmp_path):
    small = make_video(tmp_path / "a.ts", num_frames=60, options={"g": "10"})
    ticks = [3600 * index for index in range(60, 120)]
    large = make_video(
        tmp_path / "b.ts", num_frames=60, size=(320, 240), options={"g": "10"}, pts=ticks,
        time_base=Fraction(1, 90_000),
    )  # fmt: skip
    both = tmp_path / "c.ts"
    both.write_bytes(small.read_bytes() + large.read_bytes())
    with StreamServer(Plan(both, speed=2, seconds=4.8)) as server:
        events = collect(make_watcher(server.url), {"source_lost": 1})
    lost = next(event for event in events if event.event == "source_lost")
    assert lost.end_seconds is not None
    assert lost.end_seconds > 4.5
    assert "size_changed" in [event.code for event in events]
