"""JSON, CSV and TSV, read back by pandas, the csv module and the documents' own reader."""

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest
from documents import HOSTILE_PATHS, make_document, make_documents, make_empty, make_failed

from vidtag.documents.stored import read_documents
from vidtag.formats import get_format
from vidtag.formats.jsonlines import show_indented
from vidtag.formats.tabular import COLUMNS

DOCUMENTS = make_documents()
ALL = list(DOCUMENTS.values())


@pytest.mark.slow
def test_json_lines_give_the_documents_back_and_name_failures() -> None:
    results = [*ALL, make_failed()]
    text = get_format("json").write(results)
    assert text.count("\n") == len(results)
    assert list(read_documents(text, "x")) == results
    assert "error" in json.loads(text.splitlines()[-1])


def test_indented_json_gives_the_document_back(capsys: pytest.CaptureFixture[str]) -> None:
    show_indented(make_document())
    text = capsys.readouterr().out
    assert text.startswith('{\n  "schema_version": 1,')
    assert text.endswith("}\n")
    assert list(read_documents(text, "x")) == [make_document()]


def test_half_a_character_in_a_label_is_written_as_json() -> None:
    document = make_document(labels=[rb"a\ud800".decode("unicode_escape")] * 7)
    text = get_format("json").write([document])
    text.encode("utf-8")
    assert json.loads(text)["tags"][0]["label"] == document.tags[0].label


def clock(seconds: float) -> str:
    """Write a time as `h:mm:ss.mmm`, in another way than what is tested."""
    text = str(timedelta(milliseconds=round(seconds * 1000)))
    return text[:-3] if "." in text else f"{text}.000"


def _expected_rows() -> list[tuple[object, ...]]:
    return [
        (
            document.video.path,
            round(segment.start_seconds * 1000),
            round(segment.end_seconds * 1000),
            segment.label,
            segment.index,
            segment.score,
            segment.peak_score,
            round(segment.peak_seconds * 1000),
            clock(segment.start_seconds),
            clock(segment.end_seconds),
        )
        for document in ALL
        for segment in document.segments
    ]


def _is_plain(text: str) -> bool:
    return text.strip()[:1] not in ("=", "-") and not set(text) & set(
        "\x00\x07\x1b\x85\u2028\u202e"
    )


def test_pandas_reads_csv_with_types_and_plain_names() -> None:
    text = get_format("csv").write([*ALL, make_failed()])
    frame = pd.read_csv(io.StringIO(text, newline=""), keep_default_na=False)
    expected = _expected_rows()
    assert tuple(frame.columns) == COLUMNS
    assert len(frame) == len(expected)
    assert all(frame[name].dtype.kind == "i" for name in ("start_ms", "end_ms", "index", "peak_ms"))
    for row, wanted in zip(frame.itertuples(index=False), expected, strict=True):
        for cell, want in zip(row, wanted, strict=True):
            if not isinstance(want, str) or _is_plain(want):
                assert cell == want


def test_the_csv_module_reads_names_with_line_breaks_exactly() -> None:
    rows = list(csv.reader(io.StringIO(get_format("csv").write(ALL), newline=""), strict=True))
    assert rows[0] == list(COLUMNS)
    assert all(len(row) == len(COLUMNS) for row in rows)
    assert HOSTILE_PATHS[1] in {row[0] for row in rows}


def test_tsv_is_one_line_per_segment_and_escapes_as_jq_does() -> None:
    text = get_format("tsv").write(ALL)
    rows = [line.split("\t") for line in text.split("\n")[:-1]]
    expected = _expected_rows()
    assert rows[0] == list(COLUMNS)
    assert len(rows) - 1 == len(expected)
    for row, wanted in zip(rows[1:], expected, strict=True):
        assert [int(row[1]), int(row[2])] == list(wanted[1:3])
        for cell, want in ((row[0], str(wanted[0])), (row[3], str(wanted[3]))):
            if _is_plain(want):
                assert _unescaped(cell) == want
    frame = pd.read_csv(io.StringIO(text), sep="\t", quoting=csv.QUOTE_NONE, keep_default_na=False)
    assert len(frame) == len(expected)


def _unescaped(text: str) -> str:
    characters = iter(text)
    meaning = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}
    return "".join(meaning[next(characters)] if c == "\\" else c for c in characters)


@pytest.mark.parametrize("name", ["csv", "tsv"])
def test_a_video_without_a_segment_has_no_row(name: str) -> None:
    write = get_format(name).write
    assert write([make_empty(), make_failed()]) == write([])
    assert write([]).count("\n") == 1


@pytest.mark.parametrize("name", ["csv", "tsv"])
def test_no_cell_starts_a_formula(name: str) -> None:
    labels = ["=1+1", "+1", "-1", "@SUM(A1)", " =1+1", "\uff1d1", "plain"]
    documents = [make_document(path, labels=labels) for path in ("=x.mp4", "-", "@x/@y.mp4")]
    text = get_format(name).write([replace(d, segments=d.segments) for d in documents])
    rows = list(csv.reader(io.StringIO(text), delimiter="," if name == "csv" else "\t"))
    assert {row[0] for row in rows[1:]} == {"./=x.mp4", "-", "./@x/@y.mp4"}
    assert {row[3] for row in rows[1:]} == {"'-1", "' =1+1", "'+1"}


def test_scores_have_six_decimals_and_times_whole_milliseconds() -> None:
    line = get_format("csv").write([make_document()]).splitlines()[1]
    assert line == (
        "clips/park.mp4,0,3000,juggling balls,2,0.740000,0.910000,500,0:00:00.000,0:00:03.000"
    )
