"""The manual page: current, whole, and well-formed."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import typer

from vidtag.cli.app import app
from vidtag.cli.examples import EXAMPLES
from vidtag.cli.manual import manual_page
from vidtag.errors import ExitCode
from vidtag.formats import FORMATS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "vidtag" / "vidtag.1"


def plain(page: str) -> str:
    text = re.sub(r"\\f[BIR]|\\&", "", page).replace("\\-", "-").replace("\\(aq", "'")
    return text.replace("\\(ti", "~").replace("\\(dq", '"').replace("\\(ha", "^")


def test_the_page_is_current():
    assert PAGE.read_text() == manual_page(), "python -m vidtag.cli.manual > vidtag/vidtag.1"


def test_every_command_and_option_stands_in_it():
    text = plain(manual_page())
    group = typer.main.get_command(app)
    assert {f"vidtag {name}" for name in group.commands} - {"vidtag tag"} <= set(
        re.findall(r"^\.SS (vidtag \w+)$", text, re.MULTILINE)
    )
    for command in [*group.commands.values(), group.commands["models"].commands["get"]]:
        for parameter in command.params:
            for name in parameter.opts if parameter.opts[0].startswith("-") else ():
                assert name in text, name


def test_formats_and_exit_codes_stand_in_it():
    text = plain(manual_page())
    for name, one in FORMATS.items():
        assert f"{name} ({one.suffix})\n{one.summary}." in text
    for code in ExitCode:
        assert f".TP\n{int(code)}\n{code.meaning}." in text
    for heading in ("NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES", "OPTIONS", "COMMANDS",
                    "EXIT STATUS", "ENVIRONMENT", "FILES", "SEE ALSO"):  # fmt: skip
        assert f"\n.SH {heading}\n" in text


def test_examples_name_what_there_is():
    text = plain(manual_page()).partition(".SH EXAMPLES")[2].partition(".SH OPTIONS")[0]
    examples = re.findall(r"^vidtag .*$", text, re.MULTILINE)
    assert examples == [line for some in EXAMPLES.values() for line, _ in some]
    options = plain(manual_page()).partition(".SH OPTIONS")[2]
    for example in examples:
        for option in re.findall(r" (--[a-z-]+)", example.partition("|")[0]):
            assert option in options


def test_no_line_of_an_example_is_wider_than_a_terminal():
    for block in re.findall(r"^\.nf\n(.*?)\n\.fi", manual_page(), re.MULTILINE | re.DOTALL):
        assert all(len(plain(line)) <= 69 for line in block.splitlines())


@pytest.mark.tool("groff")
def test_groff_has_nothing_to_say():
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tutf8", "-Kutf8", str(PAGE)], capture_output=True, check=True
    )
    assert done.stderr == b""
    assert "--install-completion" in re.sub(r"\x1b\[\d*m|.\x08", "", done.stdout.decode())


def test_the_wheel_puts_it_where_man_looks():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    shared = build["targets"]["wheel"]["shared-data"]
    assert shared == {"vidtag/vidtag.1": "share/man/man1/vidtag.1"}
    assert PAGE.is_file()
