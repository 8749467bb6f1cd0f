"""`vidtag watch` against a real RTSP server, GStreamer's, that is killed, stalls and comes back."""

import itertools
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fake_classifier import FakeClassifier
from make_video import make_video
from test_live import collect, kinds, make_watcher
from test_watch import free_port

from vidtag.errors import VideoError
from vidtag.live import draining

SERVER = Path(__file__).parent / "rtsp_server.py"
PYTHON = "/usr/bin/python3"
"""The system's, for which Debian has GStreamer."""

pytestmark = [pytest.mark.gstreamer, pytest.mark.slow]


@pytest.fixture(scope="module")
def camera(tmp_path_factory) -> Path:
    """Give a minute of frames that carry their numbers, with a key frame a second."""
    path = tmp_path_factory.mktemp("rtsp") / "camera.mp4"
    return make_video(path, num_frames=1500, options={"g": "25", "bf": "0"})


class Server:
    """A server process, which may be killed and started again."""

    def __init__(self, path: Path, port: int, credentials: str = "") -> None:
        self._command = [PYTHON, str(SERVER), str(path), str(port)]
        self._command += [credentials] if credentials else []
        self.url = f"rtsp://127.0.0.1:{port}/live"
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextmanager
def serving(path: Path, credentials: str = "") -> Iterator[Server]:
    server = Server(path, free_port(), credentials)
    try:
        yield server
    finally:
        server.kill()


def test_windows_hold_the_frames_that_were_on_screen(camera):
    classifier = FakeClassifier()
    with serving(camera) as server:
        events = collect(make_watcher(server.url, classifier), {"step": 5})
    clips = classifier.clips[1:]  # the first one warmed it up, or is that of the start
    assert len(clips) >= 3
    for clip in clips:
        gaps = [after - before for before, after in itertools.pairwise(clip)]
        assert set(gaps) <= {3, 4}  # an eighth of a second at 25 frames a second
    firsts = [clip[0] for clip in clips]
    assert [after - before for before, after in itertools.pairwise(firsts)] == [
        25 for _ in firsts[1:]
    ]
    lags = [event.lag_seconds for event in events if event.event == "step"]
    assert all(lag is not None and lag < 1.5 for lag in lags)


def test_the_first_key_frame_is_not_lost(tmp_path):
    """What is read to find out what comes is shown, too: the next key frame may be far away."""
    path = make_video(tmp_path / "a.mp4", num_frames=400, options={"g": "400", "bf": "0"})
    classifier = FakeClassifier()
    with serving(path) as server:
        collect(make_watcher(server.url, classifier), {"step": 1})
    assert classifier.clips[0][0] <= 2


def test_killed_five_times_and_stalled_twice_it_goes_on(camera, monkeypatch):
    monkeypatch.setattr(draining, "RETRY_SECONDS", (0.3, 0.3))
    before = len(os.listdir("/proc/self/fd"))
    num_threads = threading.active_count()
    with serving(camera) as server:
        watcher = make_watcher(server.url)
        events, num_lost = [], 0
        for event in watcher.events():
            events.append(event)
            is_running = kinds(events[-2:]) in (["started", "step"], ["source_back", "step"])
            if event.event == "step" and (is_running or events[-2].event == "segment_open"):
                if num_lost == 7:
                    watcher.stop()
                elif num_lost < 5:
                    server.kill()
                    server.start()
                else:
                    stall(server)
            num_lost += event.event == "source_lost"
    lost = [event for event in events if event.event == "source_lost"]
    assert [event.code for event in lost[:7]] == ["ended"] * 5 + ["timed_out"] * 2
    num_open = 0
    for event in events:
        num_open += {"segment_open": 1, "segment_close": -1}.get(event.event, 0)
        assert event.event not in ("source_lost", "stopped") or num_open == 0
    assert kinds(events).count("source_back") == 7
    deadline = time.monotonic() + 10
    while threading.active_count() > num_threads and time.monotonic() < deadline:
        time.sleep(0.1)
    assert threading.active_count() <= num_threads
    assert len(os.listdir("/proc/self/fd")) <= before + 1


def stall(server: Server) -> None:
    """Stop a server for longer than it may be silent."""
    os.kill(server.process.pid, signal.SIGSTOP)
    timer = threading.Timer(3, os.kill, (server.process.pid, signal.SIGCONT))
    timer.daemon = True
    timer.start()


@pytest.mark.parametrize(
    ("who", "path", "says"),
    [
        ("", "live", "wants a user name and password"),
        ("me:wr0ng@", "live", "does not take this user name and password"),
        ("me:secret@", "other", "no such stream"),
    ],
)
def test_why_it_can_not_be_opened(camera, who, path, says):
    with serving(camera, "me:secret") as server:
        url = server.url.replace("//", f"//{who}").replace("/live", f"/{path}")
        with pytest.raises(VideoError, match=says) as caught:
            collect(make_watcher(url))
    assert "wr0ng" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_password_opens_it(camera):
    with serving(camera, "me:se/cret") as server:
        url = server.url.replace("//", "//me:se%2Fcret@")
        events = collect(make_watcher(url), {"step": 1})
    assert events[0].source == server.url
