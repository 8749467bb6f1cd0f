"""The README and the pages behind it: what they list is what there is, and their commands run."""

import doctest
import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from make_video import make_video
from tiny_models import convert, make_tiny_model

from vidtag.cli import app
from vidtag.errors import (
    EVENT_CODES,
    INPUT_ERROR_CODES,
    LIVE_WARNING_CODES,
    MODEL_ERROR_CODES,
    MODEL_WARNING_CODES,
    TAGGING_WARNING_CODES,
    VIDEO_ERROR_CODES,
    VIDEO_WARNING_CODES,
    ExitCode,
)
from vidtag.extensions import VIDEO_EXTENSIONS
from vidtag.formats import FORMATS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for path in (
        ROOT / "README.md",
        ROOT / "sample_videos" / "README.md",
        ROOT / ".github" / "CONTRIBUTING.md",
        *sorted((ROOT / ".github" / "docs").glob("*.md")),
    )
}


def section(title: str, page: str = "README.md") -> str:
    match = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGES[page], re.MULTILINE | re.DOTALL)
    assert match, f"{page} has no section {title}"
    return match[1]


def rows(text: str) -> dict[str, list[str]]:
    found = {}
    lines = text.splitlines()
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("| `") and not below.startswith("|-"):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]
            found[cells[0].strip("`")] = cells
    return found


def test_every_option_is_listed_and_no_other():
    listed = set(
        re.findall(r"(?<!-)--[a-z][a-z-]+", section("Options").split("\n\nAny of these")[0])
    )
    done = subprocess.run(
        [sys.executable, "-m", "vidtag", "--help"], capture_output=True, check=True,
        env={"COLUMNS": "200", "PATH": "/usr/bin"},
    )  # fmt: skip
    real = set(re.findall(r"^  (?:    |-\w, )(--[a-z-]+)", done.stdout.decode(), re.MULTILINE))
    assert listed - {"--json"} == real - {"--json"}


def test_the_readme_is_short_enough_to_be_read():
    assert len(README.split()) < 3500


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for text, target in re.findall(r"\[([^\]]*)\]\(([^)]+)\)", PAGES[page]):
        if "://" in target:
            continue
        path, _, part = target.partition("#")
        found = (ROOT / page).parent / path if path else ROOT / page
        assert found.exists(), (text, target)
        if part:
            titles = re.findall(r"^#+ (.*)$", found.read_text(), re.MULTILINE)
            assert part in [title.lower().replace(" ", "-") for title in titles], target


def test_every_command_is_named():
    for command in app.app.registered_commands:
        name = command.name or command.callback.__name__
        assert name == "tag" or f"`vidtag {name}`" in README, name
    for group in app.app.registered_groups:
        assert f"`vidtag {group.name}`" in README
        for command in group.typer_instance.registered_commands:
            name = command.name or command.callback.__name__
            assert f"`vidtag {group.name} {name}`" in README, name


def test_every_format_is_listed():
    assert list(rows(section("Formats"))) == list(FORMATS)
    for name, cells in rows(section("Formats")).items():
        assert cells[1] == f"`{FORMATS[name].suffix}`"
        assert cells[2] == FORMATS[name].summary


def test_every_exit_code_is_listed():
    table = dict(re.findall(r"^\| (\d+) \| (.*?) \|$", section("Options"), re.MULTILINE))
    assert table == {str(int(code)): code.meaning for code in ExitCode}


def test_every_code_is_listed_with_its_meaning():
    lines = re.findall(r"^`(\w+)` (.*?) *$", section("Errors and warnings"), re.MULTILINE)
    listed = {code: meaning for code, meaning in lines if not meaning.startswith(",")}
    codes = {
        **INPUT_ERROR_CODES,
        **VIDEO_ERROR_CODES,
        **MODEL_ERROR_CODES,
        **VIDEO_WARNING_CODES,
        **TAGGING_WARNING_CODES,
        **LIVE_WARNING_CODES,
        **MODEL_WARNING_CODES,
    }
    for code, meaning in codes.items():
        assert listed.pop(code) == meaning
    assert set(listed) == {"internal_error"}


def test_every_code_of_events_is_listed_with_its_meaning():
    listed = dict(
        re.findall(r"^`(\w+)` (.*?) *$", section("Events", ".github/docs/watch.md"), re.MULTILINE)
    )
    assert listed == EVENT_CODES


def test_every_extension_is_listed():
    listed = set(re.findall(r"`(\.[\w-]+)`", section("Folders", ".github/docs/reference.md")))
    assert listed == set(VIDEO_EXTENSIONS)


def test_the_two_commands_stand_on_lines_of_their_own():
    commands = re.findall(r"^python3 -m venv \.venv && .*$", README, re.MULTILINE)
    assert len(commands) == 2
    video = re.search(r"sample_videos/\S+", commands[0])
    assert video
    assert (ROOT / video[0]).is_file()


PYTHON = [
    block
    for text in PAGES.values()
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL)
]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A folder as the recipes expect it, and a `vidtag` that uses a tiny model."""
    folder = tmp_path_factory.mktemp("docs")
    model = convert(make_tiny_model(folder / "model"))
    make_video(folder / "clip.mp4", num_frames=80, fps=25)
    (folder / "videos" / "deep").mkdir(parents=True)
    shutil.copy(folder / "clip.mp4", folder / "videos" / "one.mp4")
    shutil.copy(folder / "clip.mp4", folder / "videos" / "deep" / "two.mp4")
    (folder / "videos" / "bad.mp4").write_text("no video")
    command = folder / "bin" / "vidtag"
    command.parent.mkdir()
    command.write_text(
        '#!/bin/bash\ncase "$1" in show|models|schema|labels|config) m=();; '
        f"*) m=(-m {model});; esac\n"
        f'exec {sys.executable} -m vidtag "$@" "${{m[@]}}"\n'
    )
    command.chmod(0o755)
    return folder


def run_shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", script], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}"},
    )  # fmt: skip


def recipes(text: str) -> list[str]:
    """List the command lines of a text."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def is_for_jq(line: str) -> bool:
    return "| jq" in line and "ffmpeg" not in line


@pytest.mark.slow
@pytest.mark.tool("jq")
@pytest.mark.parametrize("line", [
    *filter(is_for_jq, recipes(section("Recipes"))),
    *filter(is_for_jq, recipes(PAGES[".github/docs/json.md"])),
])  # fmt: skip
def test_jq_recipes_answer(line, shelf):
    done = run_shell(f"set -o pipefail; {line}", shelf)
    assert done.returncode in (0, 3), done.stderr
    assert done.stdout.strip()
    assert "jq:" not in done.stderr


@pytest.mark.slow
@pytest.mark.tool("ffmpeg")
def test_recipes_for_folders_run(shelf):
    label = "action 0"
    lines = [line for line in recipes(section("Recipes")) if not is_for_jq(line)]
    lines += recipes(section("Folders", ".github/docs/reference.md"))
    scripts = [re.sub(r"'\^?\w+'|\bjogging\b", f"'{label}'", line) for line in lines]
    # A model of random weights is sure of nothing: what is cut out must be found first.
    scripts = [line.replace("-o clips/", "-o clips/ --min-score 0.01") for line in scripts]
    assert len(scripts) >= 20
    (shelf / "push").mkdir()
    (shelf / "tags").mkdir()
    for name in ("one.mp4", "clip.mp4"):  # the recipes of several pages share the folder
        run_shell(f"vidtag clip.mp4 --json --min-score 0.01 > tags/{name}.json", shelf)
    for script in scripts:
        if "mv {}" in script:
            shutil.copytree(shelf / "videos", shelf / "kept", dirs_exist_ok=True)
        done = run_shell(f"set -o pipefail; {script}", shelf)
        if "mv {}" in script:
            shutil.copytree(shelf / "kept", shelf / "videos", dirs_exist_ok=True)
        assert done.returncode in (0, 1, 2, 3, 123), (script, done.stderr)
        assert "Traceback" not in done.stderr, script
        assert "vidtag failed" not in done.stderr, script
        assert "wrong" not in done.stderr, script
        if done.returncode == 2:  # grep, beside a broken file
            assert "grep" in script
    for path in (
        *("tags/one.mp4.json", "tags/deep/two.mp4.srt", "all.csv", "tags.jsonl", "one.vtt"),
        *("report/index.html", "with_chapters.mkv", "clip.otio", "clip.srt", "clip.html"),
    ):
        assert (shelf / path).is_file(), path
    assert list(shelf.glob("clips/*.mp4"))


@pytest.mark.slow
@pytest.mark.parametrize("block", PYTHON)
def test_python_in_the_readme_runs(block, shelf, tmp_path):
    if "tags.jsonl" in block:
        run_shell("vidtag clip.mp4 --json --min-score 0.01 > tags.jsonl", shelf)
        folder = shelf
    elif table := re.search(r"\ball\.\w+", block):
        run_shell(f"vidtag clip.mp4 --min-score 0.01 -o {table[0]}", shelf)
        folder = shelf
    else:
        folder = tmp_path  # some of them write a file
        (folder / "sample_videos").symlink_to(ROOT / "sample_videos")
    done = subprocess.run(
        [sys.executable, "-W", "error::SyntaxWarning", "-c", block], cwd=folder,
        capture_output=True, text=True, check=False, env=with_stand_ins(),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def with_stand_ins() -> dict[str, str]:
    """Let a process find stand-ins for what is too large to install, such as FiftyOne."""
    path = [str(ROOT / "tests" / "stand_ins"), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))}


@pytest.mark.slow
def test_data_recipes_run(shelf):
    scripts = recipes(PAGES[".github/docs/data.md"])
    run_shell("vidtag clip.mp4 --json --min-score 0.01 > tags.jsonl", shelf)
    assert len(scripts) == 7
    for script in scripts:
        done = run_shell(re.sub(r"\bjogging\b", "action", script), shelf)
        assert done.returncode in (0, 3), (script, done.stderr)
        assert "Traceback" not in done.stderr, script
    for path in ("all.parquet", "steps.parquet", "all.csv", "sport.csv", "sure.csv", "subtitles"):
        assert (shelf / path).exists(), path


def test_the_document_in_the_readme_is_a_document():
    block = re.search(r"```json\n(.*?)```", PAGES[".github/docs/json.md"], re.DOTALL)
    assert block

    from vidtag.documents.stored import read_documents

    [document] = read_documents(re.sub(r",?\s*…", "", block[1]), "README")
    assert document.model.id == "demo"


@pytest.mark.slow
def test_examples_in_docstrings_run():
    failed, num_examples = [], 0
    for path in sorted((ROOT / "vidtag").rglob("*.py")):
        if ">>> " not in path.read_text():
            continue
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        result = doctest.testmod(importlib.import_module(name))
        num_examples += result.attempted
        failed += [name] * bool(result.failed)
    assert not failed
    assert num_examples > 50
