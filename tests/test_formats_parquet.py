"""Parquet, read back by pyarrow and pandas; and what tables have on request."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from documents import (
    HOSTILE_LABELS,
    make_document,
    make_documents,
    make_empty,
    make_failed,
    make_worded,
)

from vidtag.documents.json import to_json
from vidtag.documents.records import Document, Failure
from vidtag.errors import TruthError, UsageError
from vidtag.formats import get_format
from vidtag.formats.layouts import laid_out
from vidtag.formats.rows import SEGMENT_COLUMNS, STEP_COLUMNS, Layout
from vidtag.formats.truths.reading import read_truths

ALL = list(make_documents().values())
STEPS = Layout(per="step")
EVERY = Layout(every_video=True)
NAMES = (
    'Tom & "Jerry\'s" <b>.mp4',
    "\u202eright\u200fto left\u202c.mp4",
    "\U0001f483\U00020000 \u8e0a\u308b.mp4",
)
"""What people call their files: quotes and ampersands, marks of direction, four bytes each."""


def written(results: list[Document | Failure], layout: Layout = Layout()) -> io.BytesIO:  # noqa: B008
    return io.BytesIO(laid_out(layout, ["parquet"])["parquet"].to_bytes(results))


def test_segments_are_read_back_with_types_and_names_as_they_are() -> None:
    table = pq.read_table(written([*ALL, make_failed()]))
    assert tuple(table.column_names) == SEGMENT_COLUMNS
    types = {field.name: str(field.type) for field in table.schema}
    assert types == {
        **dict.fromkeys(("file", "label"), "string"),
        **dict.fromkeys(("start_ms", "end_ms", "index", "peak_ms"), "int64"),
        **dict.fromkeys(("score", "peak_score"), "double"),
    }
    expected = [
        {
            "file": document.video.path,
            "start_ms": round(segment.start_seconds * 1000),
            "end_ms": round(segment.end_seconds * 1000),
            "label": segment.label,
            "index": segment.index,
            "score": segment.score,
            "peak_score": segment.peak_score,
            "peak_ms": round(segment.peak_seconds * 1000),
        }
        for document in ALL
        for segment in document.segments
    ]
    assert table.to_pylist() == expected
    assert {*HOSTILE_LABELS} <= {row["label"] for row in expected}


@pytest.mark.parametrize("document", [make_document(), make_worded()], ids=["model's", "given"])
def test_steps_are_those_of_to_pandas(document: Document) -> None:
    frame = pd.read_parquet(written([document, make_failed()], STEPS))
    assert tuple(frame.columns) == STEP_COLUMNS
    wanted = document.to_pandas("steps")
    assert (frame["file"] == document.video.path).all()
    assert list(frame["start_ms"]) == [round(1000 * one) for one in wanted["start_seconds"]]
    assert list(frame["end_ms"]) == [round(1000 * one) for one in wanted["end_seconds"]]
    for name in ("rank", "label", "index", "score"):
        assert list(frame[name]) == list(wanted[name])
    if document.background_score is None:
        assert frame["background_score"].isna().all()
    else:
        assert list(frame["background_score"]) == list(wanted["background_score"])


@pytest.mark.parametrize("layout", [EVERY, replace(STEPS, every_video=True)])
def test_a_video_without_rows_has_an_empty_one_where_that_is_asked_for(layout: Layout) -> None:
    bare = replace(make_empty("bare.mp4"), timeline=())
    table = pq.read_table(written([bare, make_document(), make_failed()], layout))
    first = table.to_pylist()[0]
    assert first.pop("file") == "bare.mp4"
    assert {*first.values()} == {None}
    assert pq.read_table(written([bare], replace(layout, every_video=False))).num_rows == 0
    for name, separator in (("csv", ","), ("tsv", "\t")):
        text = laid_out(layout, [name])[name].write([bare, make_failed()])
        header, row = text.splitlines()
        assert row == "bare.mp4" + separator * header.count(separator)


def test_the_file_says_what_made_it_and_is_the_same_each_time() -> None:
    other = replace(make_document("b.mp4"), model=replace(make_document().model, id="other"))
    results = [make_document(), other, make_document("c.mp4")]
    metadata = pq.read_schema(written([*results])).metadata
    assert metadata == {b"vidtag_version": b"0.1.0", b"model": b"demo, other"}
    assert written([*results]).getvalue() == written([*results]).getvalue()
    read = pq.ParquetFile(written([*results]))
    first = read.metadata.row_group(0)
    dictionaries = {
        first.column(k).path_in_schema
        for k in range(first.num_columns)
        if first.column(k).has_dictionary_page
    }
    assert dictionaries == {"file", "label"}


@pytest.mark.parametrize("name", NAMES)
def test_names_of_peoples_files_survive_in_every_table(name: str) -> None:
    document = make_document(name)
    assert pd.read_parquet(written([document]))["file"][0] == name
    text = get_format("csv").write([document])
    [_, first, *_] = csv.reader(io.StringIO(text, newline=""), strict=True)
    plain = first[0].encode().decode()
    for mark in "\u202e\u202c\u200f":  # written as escapes, which say what they are
        plain = plain.replace(f"\\u{ord(mark):04x}", mark)
    assert plain == name
    [line] = get_format("json").write([document]).splitlines()
    assert json.loads(line)["video"]["path"] == name


def test_half_a_character_in_a_label_is_replaced() -> None:
    document = make_document(labels=[rb"a\ud800".decode("unicode_escape")] * 7)
    assert pq.read_table(written([document])).to_pylist()[0]["label"] == "a\ufffd"


@pytest.mark.parametrize("per", ["segment", "step"])
@pytest.mark.parametrize("name", ["csv", "tsv"])
def test_a_mark_for_excel_stands_once_at_the_beginning(name: str, per: str) -> None:
    one = laid_out(Layout(per=per, bom=True), [name])[name]  # type: ignore[arg-type]
    assert one.append is not None
    results = [make_document(), make_failed(), make_empty(), make_document("b.mp4")]
    text = one.write(results)
    assert text == one.write([]) + "".join(map(one.append, results))
    assert text.startswith("\ufefffile")
    assert text.count("\ufeff") == 1
    plain = laid_out(Layout(per=per), [name])[name]  # type: ignore[arg-type]
    assert text[1:] == plain.write(results)


def test_steps_in_csv_are_ranked_and_have_clocks() -> None:
    lines = laid_out(STEPS, ["csv"])["csv"].write([make_worded(), make_document()]).splitlines()
    assert lines[0] == ",".join((*STEP_COLUMNS, "start", "end"))
    assert lines[1] == (
        "clips/kitchen.mp4,0,1000,1,opening a fridge,1,0.060000,0.930000,0:00:00.000,0:00:01.000"
    )
    assert lines[-1] == (
        "clips/park.mp4,7000,7700,2,waving hand,6,0.030000,,0:00:07.000,0:00:07.700"
    )


@pytest.mark.parametrize(
    ("layout", "names", "said"),
    [
        (STEPS, ["json", "srt"], "--per step goes with -f csv, tsv or parquet."),
        (EVERY, ["table"], "--every-video goes with -f csv, tsv or parquet."),
        (Layout(bom=True), ["parquet"], "--bom goes with -f csv or tsv."),
    ],
)
def test_what_a_format_has_not_is_refused(layout: Layout, names: list[str], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        laid_out(layout, names)
    assert str(caught.value) == said
    assert laid_out(layout, [*names, "csv"])


@pytest.mark.parametrize("name", ["csv", "tsv"])
@pytest.mark.parametrize("layout", [Layout(bom=True), EVERY, Layout(bom=True, every_video=True)])
def test_what_was_asked_for_is_read_back_as_labels(
    name: str, layout: Layout, tmp_path: Path
) -> None:
    (tmp_path / "clips").mkdir()
    for video in ("park.mp4", "empty.mp4"):
        (tmp_path / "clips" / video).touch()
    one = laid_out(layout, [name])[name]
    path = tmp_path / f"all.{name}"
    path.write_bytes(one.to_bytes([make_document(), make_empty()]))
    truths = read_truths(str(path), videos=str(tmp_path))
    found = {os.path.basename(one.path): len(one.segments) for one in truths.videos}
    expected = {"park.mp4": 4, **({"empty.mp4": 0} if layout.every_video else {})}
    assert found == expected
    assert not [note for note in truths.notes if "single" not in note and "label has" not in note
                and "labels have" not in note and "overlap" not in note]  # fmt: skip


def test_a_table_of_steps_is_not_taken_for_labels(tmp_path: Path) -> None:
    path = tmp_path / "steps.csv"
    path.write_bytes(laid_out(STEPS, ["csv"])["csv"].to_bytes([make_document()]))
    with pytest.raises(TruthError, match="without --per step"):
        read_truths(str(path), videos=str(tmp_path))


@pytest.fixture
def stored(tmp_path: Path) -> str:
    path = tmp_path / "tags.jsonl"
    lines = [to_json(one) for one in (make_document(), make_empty(), make_failed())]
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


def test_a_file_for_all_videos(run, stored: str, tmp_path: Path) -> None:
    output = tmp_path / "all.parquet"
    code, out, _ = run("show", stored, "-o", str(output), "--every-video")
    assert (code, out) == (0, "")
    frame = pd.read_parquet(output)
    assert [*frame["file"].unique()] == ["clips/park.mp4", "clips/empty.mp4"]


def vidtag(*arguments: str, **more: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "vidtag", *arguments]
    return subprocess.run(command, check=False, stderr=subprocess.PIPE, **more)  # type: ignore[call-overload]


@pytest.mark.slow
def test_a_pipe_takes_it_and_a_terminal_does_not(stored: str) -> None:
    piped = vidtag("show", stored, "-f", "parquet", stdout=subprocess.PIPE)
    assert piped.returncode == 0
    assert pq.read_table(io.BytesIO(piped.stdout)).num_rows == 4
    ours, theirs = pty.openpty()
    try:
        done = vidtag("show", stored, "-f", "parquet", stdout=theirs)
    finally:
        os.close(theirs)
        os.close(ours)
    assert done.returncode == 2
    assert done.stderr.decode().splitlines() == [
        "vidtag: parquet is no text that a terminal could show: add -o all.parquet, or redirect "
        "standard output."
    ]


@pytest.mark.slow
def test_without_pyarrow_the_extra_is_named_before_any_work(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['pyarrow'] = None; sys.argv[0] = 'vidtag'\n"
        "from vidtag.__main__ import main; main()"
    )
    (tmp_path / "clip.mp4").write_text("never read")
    done = subprocess.run(
        [sys.executable, "-c", code, "clip.mp4", "-m", "none-such", "-o", "all.parquet"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "vidtag: -f parquet needs pyarrow, an extra: pip install 'vidtag-cli[parquet]'."
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_a_document_saves_itself(tmp_path: Path) -> None:
    make_document().save(tmp_path / "one.parquet")
    assert pq.read_table(tmp_path / "one.parquet").num_rows == 4
