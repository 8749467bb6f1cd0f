"""Strings of strangers do nothing, wherever they are shown."""

import dataclasses
import io
import json
from typing import Any

import pytest
from documents import make_document, make_failed
from rich.console import Console

from vidtag.cli.grep_lines import JsonLines, TextLines
from vidtag.cli.grep_run import explain_undecided
from vidtag.cli.show_run import ShowRequest, run_show
from vidtag.documents.json import to_json
from vidtag.documents.records import Document, Failure
from vidtag.documents.stored import read_documents
from vidtag.formats import FORMATS, table_drawing
from vidtag.report.index import IndexEntry, render_index
from vidtag.search.matching import compile_patterns
from vidtag.search.stored import search_document
from vidtag.text import encodable, escape_controls, one_line, printable

HOSTILE = "a\x1b]0;b\x07\x1b[31m\x9b31m\x00\r\n\t\u202ec\u2028\x7f\x85"
"""Sets a title, colours, ends the line, writes from right to left."""

ACTIVE = "\x00\x07\x1b\x7f\x85\x9b\r\u2028\u202e"


def hostile(value: Any, name: str = "") -> Any:
    """Let every string of a result carry what a terminal acts on."""
    if dataclasses.is_dataclass(value):
        changes = {
            field.name: hostile(getattr(value, field.name), field.name)
            for field in dataclasses.fields(value)
        }
        return dataclasses.replace(value, **changes)
    if isinstance(value, tuple):
        return tuple(hostile(one) for one in value)
    if isinstance(value, str) and name != "average":
        # No file name has a NUL in it, and no such document is read.
        return value + (HOSTILE.replace("\0", "") if name == "path" else HOSTILE)
    return value


@pytest.fixture(scope="module")
def document() -> Document:
    document: Document = hostile(make_document())
    assert document.engine.device.endswith("\x85")
    return document


def active_in(text: str, allowed: str = "\n") -> set[str]:
    found = {c for c in text if c in ACTIVE or (c < " " and c != "\n")}
    return found - set(allowed)


@pytest.mark.parametrize("name", [one.name for one in FORMATS.values() if one.is_text])
def test_no_format_carries_what_acts(document, name):
    # RFC 4180 lets quoted fields of CSV have line breaks, and a tab does nothing.
    allowed = {"csv": "\t\r\n", "tsv": "\t\n", "audacity": "\t\n"}.get(name, "\n")
    assert not active_in(FORMATS[name].write([document]), allowed)


def test_no_table_carries_what_acts(document):
    assert not active_in(table_drawing.to_text(document))
    for width in (20, 80, 300):
        for is_terminal in (True, False):
            console = Console(
                file=io.StringIO(), width=width, color_system=None, force_terminal=is_terminal
            )
            with console.capture() as capture:
                console.print(table_drawing.render(document, width=width))
            assert not active_in(capture.get())


def test_no_index_carries_what_acts(document):
    failure = hostile(make_failed())
    page = render_index([IndexEntry(result=document), IndexEntry(result=failure)])
    assert not active_in(page)


def test_show_says_nothing_that_acts(document, tmp_path, capsys):
    path = tmp_path / "results.jsonl"
    failure: Failure = hostile(make_failed())
    odd = json.dumps({"schema_version": 1, "video": {HOSTILE: 1}, HOSTILE: HOSTILE})
    path.write_text("\n".join([to_json(document), to_json(failure), odd]))
    paths = [str(path), f"{tmp_path}/{HOSTILE[:9]}.json"]
    assert run_show(ShowRequest(paths=tuple(paths), formats=("table",))) == 3
    out, err = capsys.readouterr()
    assert not active_in(out)
    assert not active_in(err)


def test_grep_says_nothing_that_acts(document):
    found = search_document(document, compile_patterns(["."]), min_score=0.01)
    for hit in found.hits:
        assert not active_in(TextLines().hit("clip.mp4", hit))
        assert not active_in(JsonLines().hit("clip.mp4", hit))
    assert found.undecided
    gap = explain_undecided(document.video.path, document, found, min_score=0.01)
    assert not active_in(printable(gap or ""))


def test_json_keeps_every_character(document):
    assert read_documents(to_json(document), "x") == [document]


def test_halves_of_characters_are_no_text_of_a_terminal():
    assert printable("a\ud800b\udce9c") == "a\ufffdb\ufffdc"
    assert encodable("\udfff") == "\ufffd"
    assert escape_controls("\ud800") == "\\ud800"
    assert one_line("\ud800", 3) == "#3"
