"""Where the command is run by odd hands: closed streams, no home, no working folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from make_video import make_video

from vidtag.cache.folder import NOWHERE
from vidtag.cli.cache_run import measure_cache
from vidtag.documents.stored import read_documents

COMMAND = Path(__file__).parent / "fake_command.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("odd")
    make_video(folder / "clip.mp4", num_frames=80, fps=25, size=(64, 48))
    done = run("{clip} --json", folder)
    (folder / "clip.json").write_text(done.stdout)
    return folder


def run(
    words: str, folder: Path, how: str = "", cwd: Path | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run a command line as a shell does; `how` redirects its streams."""
    filled = words.format(clip=folder / "clip.mp4", document=folder / "clip.json", folder=folder)
    script = f"exec {sys.executable} {COMMAND} {filled} {how}"
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=False, cwd=cwd,
        env={**os.environ, **more}, timeout=120,
    )  # fmt: skip


SOME = ["{clip} --json", "show {document}", "--version"]
OTHERS = [
    "{clip}", "{clip} {clip} -f csv", "grep low {document}", "grep low {clip}", "schema", "models",
    "labels -m demo", "cache", "--help",
]  # fmt: skip
PRINTING = [*SOME, *(pytest.param(words, marks=pytest.mark.slow) for words in OTHERS)]
"""Command lines that print something."""


@pytest.mark.slow
@pytest.mark.parametrize("words", PRINTING)
def test_a_closed_stdout_is_one_line(folder, words):
    done = run(words, folder, ">&-")
    assert done.returncode in (1, 2)
    said = [line for line in done.stderr.splitlines() if line.startswith("vidtag: ")]
    assert said == ["vidtag: Can't write to standard output: it is closed."]
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("words", PRINTING)
def test_the_result_comes_without_a_stderr(folder, words):
    how = "2>&-" if words in SOME else "2>/dev/full"
    expected, done = run(words, folder), run(words, folder, how)
    assert done.returncode == 0
    assert done.stderr == ""
    if "json" not in words:
        assert done.stdout == expected.stdout
    else:
        assert json.loads(done.stdout)["tags"] == json.loads(expected.stdout)["tags"]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["<&-", ">&-", "<&- >&- 2>&-"])
def test_no_file_takes_the_number_of_a_closed_stream(folder, tmp_path, how):
    output = tmp_path / "one.json"
    done = run(f"{{clip}} {{folder}}/missing.mp4 -v -o {output}l -o {output}.csv", folder, how)
    assert done.returncode == 3
    [document, failure] = read_documents((tmp_path / "one.jsonl").read_text(), "out")
    assert (document.video.num_frames, failure.error.code) == (80, "not_found")
    assert (tmp_path / "one.json.csv").read_text().count("\n") == 3


@pytest.mark.slow
def test_work_for_a_closed_stdout_is_not_begun(folder):
    assert "scored" not in run("{clip} --json --no-cache", folder, ">&-").stderr


@pytest.mark.slow
def test_a_closed_stdin_holds_no_video(folder):
    done = run("- --json", folder, "<&-")
    assert json.loads(done.stdout)["error"]["code"] == "read_failed"
    assert "Standard input ('-') is closed" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("words", PRINTING)
def test_the_result_comes_without_a_working_folder(folder, tmp_path, words):
    gone = tmp_path / "gone"
    gone.mkdir()
    done = run(words, folder, "", None, GONE=str(gone), BASH_ENV=str(_leave(tmp_path)))
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("words", ["clip.mp4 --json", "{clip} -o one.json", "{clip} -o out/"])
def test_relative_names_without_a_working_folder_are_one_line(folder, tmp_path, words):
    gone = tmp_path / "gone"
    gone.mkdir()
    done = run(words, folder, "", None, GONE=str(gone), BASH_ENV=str(_leave(tmp_path)))
    assert done.returncode == 1
    said = [line for line in done.stderr.splitlines() if line.startswith(("vidtag: ", "error: "))]
    assert len(said) == 1
    assert "report" not in done.stderr


def _leave(tmp_path: Path) -> Path:
    """Write what bash does first: go into a folder, and delete it."""
    script = tmp_path / "leave"
    script.write_text('cd "$GONE" && rmdir "$GONE"\n')
    return script


@pytest.mark.slow
def test_a_user_without_a_home_has_no_cache(folder, tmp_path, monkeypatch):
    script = (
        "import pwd, sys\n"
        "def gone(*_): raise KeyError('uid not found')\n"
        "pwd.getpwuid = pwd.getpwnam = gone\n"
        f"sys.path.insert(0, {str(COMMAND.parent)!r})\n"
        "import fake_command\n"
    )
    (tmp_path / "run").mkdir()
    for words in (["{clip}", "--json"], ["cache"], ["cache", "--clear"], ["models"]):
        filled = [word.format(clip=folder / "clip.mp4") for word in words]
        done = subprocess.run(
            [sys.executable, "-c", script, *filled], capture_output=True, check=False,
            cwd=tmp_path / "run", env={"PATH": os.environ["PATH"]}, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
    assert list((tmp_path / "run").iterdir()) == []
    monkeypatch.setattr("vidtag.cli.cache_run.cache_folder", lambda: NOWHERE)
    assert "VIDTAG_CACHE_DIR" in measure_cache()[0]
