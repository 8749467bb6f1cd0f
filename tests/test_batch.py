"""Folders, pipes and searches, as a shell user runs them."""

import dataclasses
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from documents import make_document
from make_video import make_video
from tiny_models import convert, make_tiny_model

from vidtag.cli.notices import OF_SEVERAL, Notices
from vidtag.documents.records import WarningRecord
from vidtag.errors import TAGGING_WARNING_CODES, VIDEO_WARNING_CODES

NUM_VIDEOS = 24
ODD_NAMES = ["a b.mp4", "-x.mp4", "[y].mp4", "100%d.mp4", "ü.mp4", "tab\there.mp4", "q'uote.mp4"]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """Videos under odd names in nested folders, two broken ones, a note, and a `vidtag`."""
    folder = tmp_path_factory.mktemp("shelf")
    model = convert(make_tiny_model(folder / "model"))
    make_video(folder / "clip.mp4", num_frames=55, fps=25, size=(64, 48))
    for n in range(NUM_VIDEOS):
        name = ODD_NAMES[n] if n < len(ODD_NAMES) else f"{n}.mp4"
        path = folder / "videos" / f"d{n % 3}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / "clip.mp4", path)
    (folder / "videos" / "d0" / "same.mp4").write_bytes((folder / "clip.mp4").read_bytes())
    (folder / "videos" / "d1" / "same.mp4").write_bytes((folder / "clip.mp4").read_bytes())
    (folder / "videos" / "bad.mp4").write_text("no video")
    (folder / "videos" / "d2" / "empty.mp4").touch()
    (folder / "videos" / "note.txt").write_text("no video, and not named like one")
    command = folder / "bin" / "vidtag"
    command.parent.mkdir()
    command.write_text(f'#!/bin/bash\nexec {sys.executable} -m vidtag "$@"\n')
    command.chmod(0o755)
    return folder, str(model)


def bash(script: str, shelf, **more: str) -> subprocess.CompletedProcess[str]:
    folder, model = shelf
    path = f"{folder}/bin:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {script}"], cwd=folder, capture_output=True, text=True,
        check=False, env={**os.environ, "PATH": path, "M": model, **more},
    )  # fmt: skip


def tree(folder: Path) -> dict[str, str]:
    """All files with their content, but for what differs from run to run."""
    return {
        str(path.relative_to(folder)): re.sub(r'"timing": \{.*?\}', "", path.read_text())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.slow
def test_a_folder_is_tagged_and_the_broken_ones_are_named(shelf):
    done = bash("vidtag videos -r -m $M -o out/ -f json -f srt --no-cache", shelf)
    assert done.returncode == 3
    assert done.stdout == ""
    last = done.stderr.splitlines()[-1]
    assert re.fullmatch(
        rf"{NUM_VIDEOS + 2} tagged, 2 failed in 0:\d\d → out/ \({2 * NUM_VIDEOS + 4} files\); "
        "1 other file left alone",
        last,
    )
    assert "videos/bad.mp4" in done.stderr
    assert "videos/d2/empty.mp4" in done.stderr
    files = tree(shelf[0] / "out")
    assert len(files) == 2 * (NUM_VIDEOS + 2) + 1
    for name in ("d0/same.mp4.json", "d1/same.mp4.json", "d2/[y].mp4.srt"):
        assert name in files


def test_warnings_of_one_kind_are_counted_and_all_of_them_told_where_asked():
    def told(*, folds):
        notices = Notices(folds=folds)
        lines = []
        for name in ("a.mp4", "b.mp4", "c.mp4"):
            short = WarningRecord(code="shorter_than_window", message=f"'{name}' is short.")
            model = WarningRecord(code="demo_model", message="The model is small.")
            hdr = WarningRecord(code="hdr", message=f"'{name}' is HDR.")
            found = (short, model, *([hdr] if name == "b.mp4" else []))
            lines += notices.add(dataclasses.replace(make_document(name), warnings=found))
        return [*lines, *notices.close()]

    assert told(folds=True) == [
        "warning: The model is small.",
        "warning: 'b.mp4' is HDR.",
        "warning: 3 videos shorter than a window (-v names them).",
    ]
    assert len(told(folds=False)) == 5


def test_every_kind_of_warning_of_a_video_has_a_plural():
    of_settings = {"stopped", "stride_beyond_window", "stride_rounded"}
    assert set(OF_SEVERAL) == {*VIDEO_WARNING_CODES, *TAGGING_WARNING_CODES} - of_settings


@pytest.mark.slow
def test_killed_and_started_again_it_ends_with_the_same_files(shelf):
    command = "vidtag videos -r -m $M -f json -f srt --skip-existing -q"
    bash(f"{command} -o whole/", shelf)
    folder, model = shelf
    rng = random.Random(1)
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-m", "vidtag", "videos", "-r", "-m", model, "-f", "json", "-f", "srt",
             "--skip-existing", "-q", "--no-cache", "-o", "killed/"],
            cwd=folder, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not list((folder / "killed").glob("*/*.json")):
            time.sleep(0.01)
        time.sleep(rng.random() * 0.2)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert bash(f"{command} -o killed/", shelf).returncode == 3
    assert tree(folder / "killed") == tree(folder / "whole")
    began = time.monotonic()
    done = bash(command.replace("-q", "") + " -o killed/", shelf)
    assert f"0 tagged, {NUM_VIDEOS + 2} skipped, 2 failed in 0:" in done.stderr
    assert time.monotonic() - began < 30
    other = bash(f"{command} -o killed/ -k 3".replace("-q", ""), shelf)
    assert f"{NUM_VIDEOS + 2} tagged" in other.stderr


@pytest.mark.slow
def test_shell_users_get_what_they_expect(shelf):
    assert (
        bash("vidtag videos/ -r --json -m $M 2>/dev/null | head -1 | wc -l", shelf).stdout == "1\n"
    )
    done = bash("find videos -name '*.mp4' -print0 | vidtag --files-from - -0 --json -m $M", shelf)
    assert len(done.stdout.splitlines()) == NUM_VIDEOS + 4
    done = bash("find videos/d1 -name '*.mp4' -print0 | xargs -0 vidtag -m $M --json -- ", shelf)
    assert done.returncode == 0
    done = bash("vidtag 'videos/d0/*.mp4' --json -m $M | tee copy.jsonl | wc -l", shelf)
    assert done.stdout == f"{len(list((shelf[0] / 'videos/d0').glob('*.mp4')))}\n"
    assert (shelf[0] / "copy.jsonl").read_text().count("\n") == int(done.stdout)


@pytest.mark.slow
def test_one_csv_holds_many_videos(shelf):
    done = bash("vidtag videos/d0 -m $M -o all.csv --min-score 0.01", shelf)
    assert done.returncode == 0, done.stderr
    rows = (shelf[0] / "all.csv").read_text().splitlines()
    assert rows[0].startswith("file,start_ms,end_ms,label")
    assert len({row.split(",")[0] for row in rows[1:]}) >= 8


@pytest.mark.slow
def test_fail_fast_stops(shelf):
    done = bash("vidtag videos/bad.mp4 videos/d0 --fail-fast --json -m $M", shelf)
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.slow
def test_stdin_is_a_video(shelf):
    for script in ("vidtag - -m $M --json < clip.mp4", "cat clip.mp4 | vidtag - -m $M --json"):
        done = bash(script, shelf)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["video"]["num_frames"] == 55


@pytest.mark.slow
def test_show_renders_stored_documents(shelf):
    bash("vidtag clip.mp4 -m $M -o clip.json -f json", shelf)
    table = bash("vidtag clip.mp4 -m $M", shelf).stdout
    assert bash("vidtag show clip.json", shelf).stdout == table
    assert bash("vidtag show - < clip.json", shelf).stdout == table
    assert bash("vidtag show clip.json -f csv", shelf).stdout.startswith("file,start_ms")
    assert bash("vidtag show clip.json -o pages/ -f html", shelf).returncode == 0
    assert "</html>" in (shelf[0] / "pages" / "clip.mp4.html").read_text()
    assert bash("vidtag show nothing.json", shelf).returncode == 1


@pytest.mark.slow
def test_pages_get_an_index(shelf):
    done = bash("vidtag videos/d0 videos/bad.mp4 -m $M -o site/ -f html", shelf)
    assert done.returncode == 3
    index = (shelf[0] / "site" / "index.html").read_text()
    assert "same.mp4.html" in index
    assert "bad.mp4" in index
    page = (shelf[0] / "site" / "same.mp4.html").read_text()
    assert "../videos/d0/same.mp4" in page


@pytest.mark.slow
def test_grep_finds_videos_and_documents(shelf):
    bash("vidtag clip.mp4 -m $M -k 1000 -o full.json -f json; ", shelf)
    label = json.loads((shelf[0] / "full.json").read_text())["tags"][0]["label"]
    query = {"L": label}
    found = bash('vidtag grep -F "$L" clip.mp4 -m $M', shelf, **query)
    assert found.returncode == 0, found.stderr
    assert re.fullmatch(rf"clip\.mp4:0\.000-2\.200:{label}:0\.\d{{6}}\n", found.stdout)
    assert bash('vidtag grep -F "$L" full.json', shelf, **query).stdout == found.stdout
    names = bash('vidtag grep -l -Z -F "$L" videos -r -m $M', shelf, **query)
    assert names.returncode == 2
    listed = names.stdout.split("\0")[:-1]
    assert len(listed) == NUM_VIDEOS + 2
    assert all((shelf[0] / name).is_file() for name in listed)
    counts = bash("vidtag grep -c nothing clip.mp4 full.json -m $M", shelf)
    assert (counts.returncode, counts.stdout) == (1, "clip.mp4:0\nclip.mp4:0\n")
    assert "no label of" in counts.stderr
    wrong = bash("vidtag grep '(' clip.mp4 -m $M", shelf)
    assert wrong.returncode == 2
    assert wrong.stderr.count("\n") == 1


@pytest.mark.slow
def test_grep_leaves_foreign_json_in_folders_alone(shelf):
    folder = shelf[0] / "mixed"
    folder.mkdir()
    bash("vidtag clip.mp4 -m $M -o mixed/ -f json -f activitynet -f labelstudio", shelf)
    (folder / "package.json").write_text('{"name": "other"}')
    (folder / "binary.json").write_bytes(b"\xff\xfe")
    found = bash("vidtag grep -c action mixed/ --min-score 0.01", shelf)
    assert (found.returncode, found.stdout[:9]) == (0, "clip.mp4:"), found.stderr
    assert found.stderr == "4 JSON files in folders left alone: no results.\n"
    named = bash("vidtag grep action mixed/package.json", shelf)
    assert named.returncode == 2
    assert "package.json: line 1: not a vidtag result" in named.stderr


@pytest.mark.slow
def test_grep_stops_reading_at_the_first_hit(shelf, monkeypatch):
    folder = shelf[0]
    make_video(folder / "long.mp4", num_frames=2500, fps=25, size=(64, 48))
    label = json.loads(bash("vidtag clip.mp4 -m $M --json", shelf).stdout)["tags"][0]["label"]
    monkeypatch.setenv("VIDTAG_CACHE_DIR", str(folder / "grep-cache"))
    convert(Path(shelf[1]))
    done = bash(
        'vidtag grep --max-count 1 -F "$L" long.mp4 -m $M --batch-size 1 --min-score 0.01; '
        "vidtag cache",
        shelf, L=label,
    )  # fmt: skip
    assert done.stdout.count(f":{label}:") == 1
    import sqlite3

    with sqlite3.connect(folder / "grep-cache" / "scores.sqlite3") as db:
        scored = db.execute("SELECT count(*) FROM windows").fetchone()[0]
    db.close()
    assert 0 < scored < 20
