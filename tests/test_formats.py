"""The registry, and what holds for every format."""

import subprocess
import sys

import pytest
from documents import make_document, make_documents, make_empty, make_failed

from vidtag.formats import FORMATS, Format, get_format

DOCUMENTS = make_documents()


def test_names_and_suffixes_are_unique() -> None:
    assert all(name == one.name for name, one in FORMATS.items())
    suffixes = [one.suffix for one in FORMATS.values()]
    assert len(set(suffixes)) == len(suffixes)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no format 'docx'; choose from table, json, csv, tsv"):
        get_format("docx")
    assert get_format("csv") is FORMATS["csv"]


def test_a_suffix_starts_with_a_point() -> None:
    with pytest.raises(ValueError, match="starts with a point"):
        Format(name="x", suffix="x", summary="", joins=False, write=lambda _: "")


@pytest.mark.parametrize("name", [one.name for one in FORMATS.values() if one.is_text])
def test_every_document_gives_utf_8_without_live_controls(name: str) -> None:
    allowed = {"csv": "\n\r\t", "tsv": "\n\t", "audacity": "\n\t"}.get(name, "\n")
    for kind, document in DOCUMENTS.items():
        text = FORMATS[name].write([document])
        text.encode("utf-8")
        assert text == "" or text.endswith("\n"), kind
        assert not [c for c in text if ord(c) < 32 and c not in allowed], kind
        assert not set(text) & set("\x7f\x85\u2028\u2029\u202e"), kind


@pytest.mark.parametrize("name", FORMATS)
def test_writing_twice_gives_the_same_bytes(name: str) -> None:
    write = FORMATS[name].to_bytes
    assert write([make_document()]) == write([make_document()])


@pytest.mark.parametrize("name", [one.name for one in FORMATS.values() if one.append])
def test_a_file_grows_line_by_line(name: str) -> None:
    one = FORMATS[name]
    assert one.append is not None
    results = [make_document(), make_failed(), make_empty(), make_document("b.mp4")]
    assert one.write(results) == one.write([]) + "".join(map(one.append, results))


@pytest.mark.parametrize("name", [one.name for one in FORMATS.values() if not one.joins])
def test_a_format_for_one_video_refuses_more(name: str) -> None:
    with pytest.raises(ValueError, match="one video, not 2"):
        FORMATS[name].write([make_document(), make_document("b.mp4")])
    with pytest.raises(ValueError, match="one video, not 0"):
        FORMATS[name].write([make_failed()])


def test_the_list_of_formats_imports_nothing_heavy() -> None:
    code = (
        "import sys, vidtag.formats\n"
        "heavy = {'torch', 'numpy', 'pydantic', 'rich', 'jinja2', 'opentimelineio', 'pyarrow'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
