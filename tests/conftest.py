import functools
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # The workers share the cores: more than one thread each would get in the others' way.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def _required(name: str) -> bool:
    return os.environ.get(name) == "1"


@functools.cache
def _has_gstreamer() -> bool:
    """Tell whether the system's Python can serve RTSP."""
    code = (
        "import gi; gi.require_version('Gst', '1.0'); gi.require_version('GstRtspServer', '1.0');"
        "from gi.repository import Gst, GstRtspServer; Gst.init(None);"
        "raise SystemExit(not all(map(Gst.ElementFactory.find, ('qtdemux', 'rtph264pay', "
        "'h264parse'))))"
    )
    try:
        return subprocess.run(["/usr/bin/python3", "-c", code], capture_output=True).returncode == 0
    except OSError:
        return False


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("tool"):
        for program in mark.args:
            if shutil.which(program) is None:
                if _required("VIDTAG_REQUIRE_TOOLS"):
                    pytest.fail(f"{program} is missing, and VIDTAG_REQUIRE_TOOLS=1")
                pytest.skip(f"{program} is not installed")
    if item.get_closest_marker("gstreamer") and not _has_gstreamer():
        if _required("VIDTAG_REQUIRE_TOOLS"):
            pytest.fail("GStreamer's RTSP server is missing, and VIDTAG_REQUIRE_TOOLS=1")
        pytest.skip("GStreamer's RTSP server is not installed")
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            if _required("VIDTAG_REQUIRE_CUDA"):
                pytest.fail("there is no CUDA device, and VIDTAG_REQUIRE_CUDA=1")
            pytest.skip("there is no CUDA device")
    if item.get_closest_marker("videos") and not os.environ.get("VIDTAG_TEST_VIDEOS"):
        pytest.skip("VIDTAG_TEST_VIDEOS is not set")


@pytest.fixture(scope="session")
def test_videos() -> Path:
    folder = os.environ.get("VIDTAG_TEST_VIDEOS")
    if not folder:
        pytest.skip("VIDTAG_TEST_VIDEOS is not set")
    return Path(folder)


@pytest.fixture(autouse=True, scope="session")
def _interruptible() -> None:
    """Let child processes be interrupted, also where the suite runs as a script's background job.

    Such a job is started with SIGINT ignored, and children inherit that.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the suite away from the user's cache, also in child processes."""
    os.environ["VIDTAG_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["VIDTAG_CONFIG"] = ""  # none


@pytest.fixture
def run(capfd, monkeypatch):
    """Run the command in this process; return its exit code, stdout and stderr."""
    from vidtag.cli import app

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["vidtag", *arguments])
        code = app.run()
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return run
