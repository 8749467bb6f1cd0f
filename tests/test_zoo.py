"""Every file of the collection in `VIDTAG_TEST_VIDEOS`, against its manifest.

Where vidtag differs on purpose, `DISAGREEMENTS` says why; an entry that no longer differs
fails, so the table stays true. In `reports`, beside that folder, lie files after public bug
reports, with a manifest of their own.
"""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from piping import piped

from vidtag.errors import VIDEO_ERROR_CODES, VIDEO_WARNING_CODES, VideoError
from vidtag.video import Video

pytestmark = pytest.mark.videos

DISAGREEMENTS: dict[str, dict[str, str]] = {
    "broken/fz_ogv_chained-video.ogv": {
        "duration": "two chained Ogg streams, of 8 and 9 frames; the manifest counts the last",
    },
    "edge/drew_with-gps.mp4": {
        "duration": "3 frames are 0.1 s; the manifest gives the length of the sound",
    },
    "edge/fz_ogv_bug482461.ogv": {
        "duration": "124 frames span 4.17 s; the manifest gives the length of the sound",
    },
    "generated/bomb_8192x8192_2f.mp4": {
        "frames": "refused: the manifest allows a clear error at the limit of pixels",
        "display": "refused at the limit of pixels",
        "duration": "refused at the limit of pixels",
    },
    "generated/broken/gen_all_pts_identical.mp4": {
        "duration": "84 frames at the declared rate; the manifest gives the header's 152 frames",
        "evenness": "repeated timestamps are spread out evenly",
    },
    "generated/broken/gen_hole_64k_zero.mp4": {
        "duration": "the last 20 packets are damaged; what is missing is a warning",
    },
    "generated/broken/gen_noise_0.3pct_mpeg4_bframes.avi": {
        "duration": "the last frames are damaged; what is missing is a warning",
    },
    "generated/broken/gen_stts_2e9_samples.mp4": {
        "duration": "timestamps one tick apart span 0.13 s; the header promises 6.12 s",
    },
    "generated/broken/gen_truncated_60pct_vp9.webm": {
        "duration": "32 frames are left; what is missing is a warning",
    },
    "generated/broken/gen_truncated_faststart_90pct.mp4": {
        "duration": "146 frames are left; what is missing is a warning",
    },
    "generated/coded_ffv1_gray16.mkv": {"corners": "grey: the corners have no colours"},
    "generated/coded_h264_gray.mp4": {"corners": "grey: the corners have no colours"},
    "generated/coded_h264.mxf": {
        "evenness": "sorted timestamps are even; the manifest took them as stored",
    },
    "generated/coded_mpeg2_interlaced_pal169.ts": {
        "codes": "each frame shows the first of its two fields, which have an index each",
    },
    "generated/coded_resolution_switch.h264": {
        "display": "the last picture is 640x360; the manifest gives the first one's size",
    },
    "generated/coded_two_video_default_second.mkv": {
        "frames": "the default stream, as the manifest's note prefers; it measured the first",
        "display": "the default stream, as the manifest's note prefers; it measured the first",
    },
    "generated/coded_video_starts_after_audio.mp4": {
        "duration": "60 frames are 2 s; the manifest adds the 1.5 s before the first frame",
    },
    "real/nasa_13013.mp4": {
        "frames": "the larger of two streams, the manifest's 'best'; it measured the first",
        "display": "the larger of two streams, the manifest's 'best'; it measured the first",
    },
    "real/v_ApplyEyeMakeup_g01_c01.avi": {
        "evenness": "sorted timestamps are even; the manifest took them as stored",
    },
}

RATE_IS_GUESSED = {
    "generated/coded_av1.obu",
    "generated/coded_h261.h261",
    "generated/coded_mjpeg_raw.mjpeg",
}
"""Formats without times, for which FFmpeg makes some up; the manifest took them as given."""

EXPECTED_WARNINGS = {
    "partial/damaged": {"packets_failed", "frames_damaged", "truncated"},
    "damaged frames": {"frames_damaged"},
    "no timestamps": {"timestamps_missing"},
    "+ warning": {"packets_failed"},
    "warn about encryption": {"encrypted"},
}
"""Words in a manifest's expectation → warnings, one of which must be given."""

ALLOWED_WITHOUT_MENTION = {
    "several_video_streams",
    "still_picture",
    "size_changed",
    "hdr",
    "timestamps_reordered",
    "timestamps_repeated",
    "timestamps_discontinuous",
    "rotation_ignored",
    "frames_damaged",
    "truncated",
}

ERRORS = {
    "no video stream": {"no_video_stream", "audio_only", "subtitles_only", "cover_art_only"},
    "no frame could be decoded": {"no_frames", "too_many_pixels"},
    "no decodable frames": {"unsupported_codec"},
    "cannot be read as a video": {"not_a_video", "incomplete", "playlist"},
    "not a readable video": {"empty_file"},
    "unsupported codec": {"unsupported_codec"},
}
"""Words in a manifest's expectation → codes, one of which must be given."""


@dataclass
class Seen:
    """What vidtag made of one file."""

    error: VideoError | None = None
    times: list[Fraction] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    turns: set[int | None] = field(default_factory=set)
    info: Any = None
    warnings: set[str] = field(default_factory=set)


def manifest() -> list[dict[str, Any]]:
    folder = os.environ.get("VIDTAG_TEST_VIDEOS")
    if not folder:
        return [{"file": "none"}]
    entries: list[dict[str, Any]] = json.loads((Path(folder) / "manifest.json").read_text())
    return entries


def reports() -> list[Any]:
    folder = reports_folder()
    if folder is None:
        return [pytest.param({"file": "none"}, marks=pytest.mark.skip("there are no reports"))]
    entries = json.loads((folder / "manifest.json").read_text())
    return [pytest.param(entry, id=entry["file"]) for entry in entries]


def reports_folder() -> Path | None:
    folder = os.environ.get("VIDTAG_TEST_VIDEOS")
    if not folder:
        return None
    beside = Path(folder).resolve().parent / "reports"
    return beside if (beside / "manifest.json").is_file() else None


def look(path: Path | str) -> Seen:
    seen = Seen()
    is_coded = os.path.basename(path).startswith("coded_")
    try:
        with Video(path) as video:
            for frame in video.frames():
                if is_coded or len(seen.times) < 2:
                    image = frame.to_rgb()
                    seen.sizes.append((image.shape[1], image.shape[0]))
                    if is_coded:
                        index, turn = read_code(image)
                        seen.codes.append(index)
                        seen.turns.add(turn)
                seen.times.append(frame.seconds)
            seen.info = video.info()
            seen.warnings = {notice.code for notice in video.notices()}
    except VideoError as exc:
        seen.error = exc
    return seen


def read_code(image: np.ndarray) -> tuple[int, int | None]:
    """Read the marks of the collection's coded videos (its own `readcode.py`)."""
    folder = os.environ["VIDTAG_TEST_VIDEOS"]
    if folder not in sys.path:
        sys.path.append(folder)
    from readcode import read

    index, turn = read(image)
    return int(index), turn


def differences(entry: dict[str, Any], seen: Seen) -> dict[str, str]:
    """Compare with the manifest: aspect → what differs."""
    found: dict[str, str] = {}

    def compare(aspect: str, is_equal: bool, what: str) -> None:
        if not is_equal:
            found[aspect] = what

    if not entry["frames"] and seen.error is not None:
        return found
    info = seen.info
    compare("frames", len(seen.times) == (entry["frames"] or 0), f"{len(seen.times)} frames")
    if entry["display"]:
        shown = {f"{width}x{height}" for width, height in seen.sizes}
        compare("display", shown == {entry["display"]}, f"{shown}")
    if entry["duration_s"] is not None:
        seconds = float(info.duration_seconds) if info else -1.0
        slack = 0.05 + 0.01 * entry["duration_s"]
        compare("duration", abs(seconds - entry["duration_s"]) <= slack, f"{seconds:.3f} s")
    if seen.error is not None:
        return found
    if entry["vfr"] is not None:
        is_variable = info.is_variable_frame_rate
        compare("evenness", is_variable == entry["vfr"], f"variable: {is_variable}")
    if seen.codes:
        first = seen.codes[0]
        expected = list(range(first, first + len(seen.codes)))
        compare("codes", seen.codes == expected, f"{seen.codes}")
        compare("corners", seen.turns == {0}, f"{seen.turns}")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("entry", manifest(), ids=lambda entry: entry["file"])
def test_file(entry: dict[str, Any], test_videos: Path) -> None:
    seen = look(test_videos / entry["file"])
    expected = entry["expected"]
    reasons = DISAGREEMENTS.get(entry["file"], {})
    found = differences(entry, seen)
    assert set(found) == set(reasons), found

    if seen.error is not None:
        assert "error" in expected, f"{seen.error.code}: {seen.error}"
        assert seen.error.code in VIDEO_ERROR_CODES
        for words, codes in ERRORS.items():
            if words in expected:
                assert seen.error.code in codes
        return

    assert not expected.startswith("clear error"), expected
    assert seen.times == sorted(seen.times)
    assert seen.times[0] == 0
    assert seen.info.num_frames == len(seen.times)
    assert seen.warnings <= set(VIDEO_WARNING_CODES)
    mentioned: set[str] = set()
    for words, codes in EXPECTED_WARNINGS.items():
        if words in expected:
            assert seen.warnings & codes, (words, seen.warnings)
            mentioned |= codes
    if entry["no_pts"] or entry["file"] in RATE_IS_GUESSED:
        mentioned.add("timestamps_missing")
        assert "timestamps_missing" in seen.warnings
    assert seen.warnings <= mentioned | ALLOWED_WITHOUT_MENTION


@pytest.mark.parametrize("entry", reports())
def test_report(entry: dict[str, Any], test_videos: Path) -> None:
    folder = reports_folder()
    assert folder is not None
    check_report(entry, look(folder / entry["file"]))


@pytest.mark.slow
@pytest.mark.parametrize("entry", reports())
def test_report_from_a_pipe(
    entry: dict[str, Any], test_videos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = reports_folder()
    assert folder is not None
    with piped((folder / entry["file"]).read_bytes(), monkeypatch):
        check_report(entry, look("-"))


@pytest.fixture(scope="module")
def server_without_length() -> Iterator[str]:
    """Start the reports' own server; give its address."""
    folder = reports_folder()
    assert folder is not None
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    script = str(folder / "serve_without_length.py")
    command = [sys.executable, script, str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        until = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                assert time.monotonic() < until
        yield f"http://127.0.0.1:{port}"
        process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("entry", reports())
def test_report_from_a_server_without_lengths(
    entry: dict[str, Any], server_without_length: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    seen = look(f"{server_without_length}/{entry['file']}")
    is_live = entry["file"].endswith(".mjpeg")  # pictures are dated as they arrive
    check_report({**entry, "warnings": []} if is_live else entry, seen)


def check_report(entry: dict[str, Any], seen: Seen) -> None:
    """Compare with the reports' manifest."""
    assert seen.error is None, seen.error
    assert seen.times == sorted(seen.times)
    assert seen.times[0] == 0
    if entry["frames"] is not None:
        assert len(seen.times) == seen.info.num_frames == entry["frames"]
    assert {f"{width}x{height}" for width, height in seen.sizes} == {entry["display"]}
    assert f"{seen.info.width}x{seen.info.height}" == entry["display"]
    if "seconds" in entry:
        assert float(seen.info.duration_seconds) == pytest.approx(entry["seconds"], abs=0.051)
    assert set(entry.get("warnings", ())) <= seen.warnings
    assert not set(entry.get("no_warnings", ())) & seen.warnings


def test_the_table_names_files_that_exist(test_videos: Path) -> None:
    assert set(DISAGREEMENTS) <= {entry["file"] for entry in manifest()}


@pytest.mark.slow
def test_installed_command(test_videos: Path) -> None:
    """A quarter of the files by the command itself: a line for each, and no traceback.

    Each file is read in this process by the tests above.
    """
    entries = manifest()[::4]
    files = [str(test_videos / entry["file"]) for entry in entries]
    vidtag = str(Path(sys.executable).with_name("vidtag"))
    command = [vidtag, "--model", "demo", "--json", "--no-cache"]
    done = subprocess.run([*command, "--", *files], capture_output=True, text=True)
    assert done.returncode == 3, done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", done.stderr + done.stdout)
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert [document["video"]["path"] for document in documents] == files
    for entry, document in zip(entries, documents, strict=True):
        if "error" in document:
            assert "error" in entry["expected"], entry["file"]
            assert document["error"]["code"] in VIDEO_ERROR_CODES
            continue
        duration = document["video"]["duration_seconds"]
        assert document["timeline"][0]["start_seconds"] == 0
        assert document["timeline"][-1]["end_seconds"] == pytest.approx(duration, abs=0.001)
        assert document["video"]["num_frames"] > 0
