"""What somebody sees who does not know the command yet."""

import re
import shlex

import pytest
import typer

from vidtag.cli.app import app
from vidtag.cli.configuration import options_of, walk
from vidtag.cli.examples import EXAMPLES
from vidtag.formats import FORMATS

GROUP = typer.main.get_command(app)
COMMANDS = dict(walk(GROUP))
WIDTHS = ["40", "80", "120"]


def test_the_name_alone_gives_six_lines_and_is_no_success(run):
    code, out, err = run()
    assert (code, out) == (2, "")
    lines = err.splitlines()
    assert len(lines) == 6
    assert max(map(len, lines)) < 80
    assert sum(line.startswith("  vidtag ") for line in lines) == 3
    assert "drawn figures" in err


def test_options_without_an_input_are_one_line(run):
    code, out, err = run("-m", "demo")
    assert (code, out, err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("asked", [["-h"], ["tag", "-h"]])
def test_the_short_help_fits_on_a_screen(run, asked, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = run(*asked)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "Usage: vidtag [OPTIONS] [INPUT]..."
    assert len(lines) <= 36
    for word in ("--top-k", "--output", "--model", "grep", "vidtag --help", "# in your own words"):
        assert word in out
    assert "--max-pixels" not in out


@pytest.mark.parametrize("asked", [["--help"], ["tag", "--help"], ["clip.mp4", "--help"]])
def test_the_whole_help_has_everything(run, asked):
    code, out, err = run(*asked)
    assert (code, err) == (0, "")
    assert "Usage: vidtag [OPTIONS] [INPUT]..." in out
    for option in options_of(COMMANDS["tag"]):
        assert f"--{option}" in out
    for word in ("--version", "--install-completion", "--show-completion"):
        assert word in out
    for name in (*FORMATS, *GROUP.commands):
        assert name == "tag" or re.search(rf"^  {name}( |$)", out, re.MULTILINE), name


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_command_has_a_help_of_its_terminals_width(run, name, width, monkeypatch):
    monkeypatch.setenv("COLUMNS", width)
    code, out, err = run(*name.split(), "--help")
    assert (code, err) == (0, "")
    assert "<bool>" not in out
    assert "\x1b" not in out
    for option in options_of(COMMANDS[name]):
        assert f"--{option}" in out
    # Command lines are for copying: they are never broken.
    long = [line for line in out.splitlines() if len(line) >= int(width)]
    assert all(line.startswith(("  vidtag ", "Usage: ")) for line in long), long


def test_help_is_coloured_where_that_is_wanted(run, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in run("-h")[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in run("-h")[1]


@pytest.mark.parametrize("line", [line for some in EXAMPLES.values() for line, _ in some])
def test_every_example_is_one_that_the_command_takes(line):
    words = shlex.split(line.partition(" | ")[0])
    assert words.pop(0) == "vidtag"
    name = words[0] if words[0] in GROUP.commands else "tag"
    command, rest = GROUP.commands[name], words[1:] if name != "tag" else words
    if rest and rest[0] in getattr(command, "commands", {}):
        command = command.commands[rest.pop(0)]
    command.make_context(name, list(rest))


def test_examples_are_of_commands_that_there_are():
    assert set(EXAMPLES) <= set(GROUP.commands)
