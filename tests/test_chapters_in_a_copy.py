"""Chapters put into a copy of the video, read back by FFmpeg's own tools."""

import json
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import pytest
from make_video import make_video
from test_cut import indices, seconds
from test_watch import COMMAND

from vidtag.cutting.chapters import with_copies
from vidtag.outputs.destination import OutputPlan

MIN = ("--min-score", "0.6")


def run(*args: str, **kwargs) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*COMMAND, *args], capture_output=True, text=True, timeout=60, **kwargs)


def chapters(path: Path) -> list[tuple[float, float, str]]:
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-show_chapters", "-of", "json", str(path)],
        capture_output=True,
        check=True,
    )
    return [
        (float(one["start_time"]), float(one["end_time"]), one["tags"]["title"])
        for one in json.loads(done.stdout)["chapters"]
    ]


@pytest.mark.slow
@pytest.mark.tool("ffprobe")
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_copy_has_the_chapters_and_all_else_as_it_was(tmp_path, suffix):
    video = make_video(
        tmp_path / "a.mp4", num_frames=150, rotation=90, audio_seconds=6, options={"bf": "2"}
    )
    target = tmp_path / f"copy{suffix}"
    done = run(str(video), "-f", "chapters", "-o", str(target), *MIN)
    assert done.returncode == 0, done.stderr
    stored = json.loads(run(str(video), "--json", *MIN).stdout)
    assert chapters(target) == [
        (pytest.approx(s["start_seconds"]), pytest.approx(s["end_seconds"]), s["label"])
        for s in stored["segments"]
    ]
    assert indices(target) == indices(video)
    assert seconds(target) == pytest.approx(seconds(video), abs=0.001)
    with av.open(str(target)) as copy, av.open(str(video)) as source:
        assert [stream.type for stream in copy.streams if stream.type != "data"] == [
            "video",
            "audio",
        ]
        assert next(copy.decode(video=0)).rotation == next(source.decode(video=0)).rotation


@pytest.mark.slow
@pytest.mark.tool("ffprobe")
def test_chapters_count_from_the_first_picture(tmp_path):
    video = make_video(
        tmp_path / "a.mkv",
        num_frames=150,
        pts=[5000 + 40 * k for k in range(150)],
        time_base=Fraction(1, 1000),
    )
    target = tmp_path / "copy.mkv"
    assert run(str(video), "-f", "chapters", "-o", str(target), *MIN).returncode == 0
    assert chapters(target)[0][0] == pytest.approx(5.0)


@pytest.mark.slow
def test_show_makes_a_copy_from_a_stored_document(tmp_path):
    video = make_video(tmp_path / "a.mp4", num_frames=150)
    run(str(video), "-o", str(tmp_path / "a.json"), *MIN)
    target = tmp_path / "copy.mp4"
    done = run("show", str(tmp_path / "a.json"), "-f", "chapters", "-o", str(target))
    assert done.returncode == 0, done.stderr
    with av.open(str(target)) as copy:
        assert len(copy.chapters()) == 3


@pytest.mark.slow
def test_no_picture_of_a_matroska_file_is_lost(tmp_path):
    video = make_video(
        tmp_path / "a.mkv", num_frames=150, options={"bf": "3", "g": "50"}, audio_seconds=6
    )
    target = tmp_path / "copy.mp4"
    assert run(str(video), "-f", "chapters", "-o", str(target), *MIN).returncode == 0
    assert indices(target) == list(range(150))
    assert seconds(target) == pytest.approx(seconds(video), abs=0.002)


@pytest.mark.slow
def test_never_onto_the_video_itself(tmp_path):
    video = make_video(tmp_path / "a.mp4", num_frames=50)
    before = video.read_bytes()
    done = run(str(video), "-f", "chapters", "-o", str(video))
    assert done.returncode == 2
    assert "is an input" in done.stderr
    assert video.read_bytes() == before


@pytest.mark.slow
def test_other_formats_are_not_written_over_media(tmp_path):
    video = make_video(tmp_path / "a.mp4", num_frames=50)
    for name in ("csv", "json"):
        done = run(str(video), "-f", name, "-o", str(tmp_path / "b.mp4"))
        assert done.returncode == 2
        assert not (tmp_path / "b.mp4").exists()
    plan = OutputPlan(kind="file", path="b.mp4", formats=("csv",))
    assert with_copies([plan]) == {}


@pytest.mark.slow
def test_what_a_container_can_not_hold_is_told_and_leaves_nothing(tmp_path):
    video = make_video(tmp_path / "a.mp4", num_frames=50)
    target = tmp_path / "copy.webm"
    done = run(str(video), "-f", "chapters", "-o", str(target))
    assert done.returncode == 1
    assert f"'{target}' can't hold h264; name an .mkv file." in done.stderr
    assert len([line for line in done.stderr.splitlines() if not line.startswith("scored")]) == 1
    assert not target.exists()
    assert not list(tmp_path.glob(".vidtag-*.tmp"))
