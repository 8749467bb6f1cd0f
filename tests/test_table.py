import dataclasses
import io
import os
import pty
import subprocess
import sys

import pytest
from documents import HOSTILE_LABELS, HOSTILE_PATHS, make_document
from make_video import make_video
from rich.cells import cell_len
from rich.console import Console
from tiny_models import convert, make_tiny_model

from vidtag.documents.json import to_json
from vidtag.documents.records import Document, SegmentRecord, summarise
from vidtag.documents.stored import read_documents
from vidtag.formats.table import PLAIN_VIEW, TableView
from vidtag.formats.table_drawing import make_rows, render, to_text
from vidtag.formats.video_rows import make_row
from vidtag.terminal import mend_signs


def document_of(*tops: list[tuple[str, float]], path: str = "clip.mp4") -> Document:
    """Make a document of steps of a second; labels hold where they reach 0.3."""
    names = sorted({label for tags in tops for label, _ in tags})
    rows = [[(names.index(label), score) for label, score in tags] for tags in tops]
    document = make_document(path, rows=rows, labels=names, duration=float(len(tops)))
    return dataclasses.replace(document, tags=document.timeline[0].tags)


def with_segments(document: Document, *held: tuple[str, float, float, float]) -> Document:
    """Give a document other segments: label, start, end, score."""
    names = sorted({label for label, *_ in held})
    segments = tuple(
        SegmentRecord(
            start_seconds=start,
            end_seconds=end,
            label=label,
            index=names.index(label),
            score=score,
            peak_score=score,
            peak_seconds=start + 0.5,
        )
        for label, start, end, score in held
    )
    summary = summarise(segments, document.sampling)
    return dataclasses.replace(document, segments=segments, summary=summary)


def screen(
    document: Document, width: int, *, view: TableView = PLAIN_VIEW, colour: bool = False
) -> str:
    console = Console(
        width=width,
        highlight=False,
        force_terminal=colour,
        color_system="truecolor" if colour else None,
        file=open(os.devnull, "w"),  # noqa: SIM115
    )
    with console.capture() as capture:
        console.print(render(document, view, width=width))
    console.file.close()
    return capture.get()


def test_every_segment_is_a_row_and_so_is_what_lies_between():
    document = document_of(
        [("jog", 0.8), ("run", 0.1)],
        [("jog", 0.5), ("run", 0.4)],
        [("run", 0.2), ("jog", 0.1), ("sit", 0.04)],
        [("run", 0.9), ("jog", 0.02)],
    )
    rows = make_rows(document)
    assert [(row.start_seconds, row.end_seconds, row.label) for row in rows] == [
        (0, 2, "jog"),
        (1, 2, "run"),
        (2, 3, None),
        (3, 4, "run"),
    ]
    assert [row.score for row in rows] == [0.65, 0.4, None, 0.9]
    # Runners-up are means over the row; none says less than 0.05.
    assert [[(tag.label, round(tag.score, 3)) for tag in row.others] for row in rows] == [
        [("run", 0.25)],
        [("jog", 0.5)],
        [("run", 0.2), ("jog", 0.1)],
        [],
    ]
    lines = [" ".join(line.split()) for line in to_text(document).splitlines()]
    assert "0:02 - 0:03 \u2013 maybe run 0.20 jog 0.10" in lines
    assert "0:03 - 0:04 run 0.90 █████████" in lines


def test_rows_are_the_segments_also_where_they_hold_over_a_weak_moment():
    document = document_of([("jog", 0.8)], [("jog", 0.2)], [("jog", 0.1), ("run", 0.05)])
    document = with_segments(document, ("jog", 0.0, 2.0, 0.5))
    rows = [(row.start_seconds, row.end_seconds, row.label) for row in make_rows(document)]
    assert rows == [(0, 2, "jog"), (2, 3, None)]


def test_a_stretch_of_nothing_but_noise_is_a_dash_alone():
    document = document_of([("jog", 0.8)], [("jog", 0.04), ("run", 0.03)])
    assert ["0:01", "-", "0:02", "\u2013"] in [
        line.split() for line in to_text(document).splitlines()
    ]


def test_the_last_line_says_what_holds_and_how_long():
    document = document_of([("run", 0.8)], [("jog", 0.9)], [("jog", 0.7)], [("run", 0.1)])
    assert to_text(document).splitlines()[-1] == "jog 0:02 50 % · run 0:01 25 %"


def test_where_nothing_holds_the_last_line_is_a_guess_and_says_so():
    document = document_of([("run", 0.2), ("jog", 0.06), ("sit", 0.04)], [("run", 0.1)])
    assert "no label reaches 0.3; a guess: run 0.20, jog 0.06" in to_text(document)
    noise = document_of([("run", 0.04)])
    assert "no label reaches 0.3\n" in to_text(noise)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_many_labels_take_a_few_lines_and_are_counted(width):
    held = [(f"action number {k}", float(k), k + 1.0, 0.9) for k in range(40)]
    document = with_segments(document_of(*[[("x", 0.1)]] * 40), *held)
    lines = screen(document, width).splitlines()
    *_, before, first, second, third = (line.strip() for line in lines)
    assert before == ""
    told = sum(line.count("action number") for line in (first, second, third))
    assert third.endswith(f" · {40 - told} more")
    assert to_text(document).splitlines()[-1].count("action number") == 40


@pytest.mark.parametrize("width", [40, 80, None])
def test_a_long_video_begins_with_the_totals_of_its_labels(width):
    held = [(f"action {k % 3}", float(k), k + 1.0, 0.5 + k / 100) for k in range(30)]
    document = with_segments(document_of(*[[("x", 0.1)]] * 30), *held)
    text = to_text(document) if width is None else screen(document, width)
    lines = [line.split() for line in text.splitlines()]
    header = ["action", "time", "share", "segments", "best", "at"]
    if width == 40:
        assert ["action", "time", "share", "best", "at"] in lines
        return
    assert lines[3] == header
    assert lines[4] == ["action", "0", "0:10", "33", "%", "10", "0.77", "0:27.5"]
    short = with_segments(document_of(*[[("x", 0.1)]] * 30), *held[:20])
    assert header not in [line.split() for line in to_text(short).splitlines()]


def test_all_runners_up_are_shown_where_that_is_asked_for():
    document = document_of([("jog", 0.9), ("run", 0.06), ("sit", 0.03), ("eat", 0.01)])
    settings = dataclasses.replace(document.settings, top_k=3)
    document = dataclasses.replace(document, settings=settings)
    view = TableView(all_tags=True)
    [few] = [line for line in to_text(document).splitlines() if line.startswith("0:00")]
    [row] = [line for line in to_text(document, view).splitlines() if line.startswith("0:00")]
    assert "run 0.06" in few
    assert "sit" not in few
    assert row.endswith("run 0.06, sit 0.03")
    # Where there is no room for a column, each has a line.
    lines = [line.split() for line in screen(document, 40, view=view).splitlines()]
    at = next(n for n, line in enumerate(lines) if line[:4] == ["0:00", "-", "0:01", "jog"])
    assert [line[:2] for line in lines[at + 1 : at + 3]] == [["run", "0.06"], ["sit", "0.03"]]
    # The weak ones step back.
    coloured = screen(document, 120, view=view, colour=True)
    assert "\x1b[2msit 0.03\x1b[0m" in coloured
    assert "\x1b[2mrun 0.06" not in coloured


def test_in_a_narrow_terminal_the_label_is_kept_and_the_bar_goes():
    document = document_of([("skipping rope", 0.9)])
    narrow = screen(document, 40)
    assert "skipping rope" in narrow
    assert "█" not in narrow
    assert "█" in screen(document, 60)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_without_unicode_bars_are_drawn_all_the_same(encoding):
    text = to_text(document_of([("jog", 0.95)], [("跳绳", 0.2)]))
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    mend_signs(stream, keeps=False)
    stream.write(text)
    stream.flush()
    shown = stream.buffer.getvalue().decode(encoding)
    assert "#########  " in shown.replace("\n", "  ")
    assert "- maybe ??" in shown.replace("\x96", "-").replace("\u2013", "-")
    assert [len(line) for line in shown.splitlines()] == [len(line) for line in text.splitlines()]


def test_a_document_without_steps_has_a_table():
    document = dataclasses.replace(make_document(), timeline=(), segments=(), summary=(), tags=())
    assert "no label reaches 0.3" in to_text(document)
    assert "no label reaches 0.3" in screen(document, 80)


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("colour", [False, True])
def test_no_line_is_wider_than_the_terminal(width, colour):
    document = document_of(
        [("an extraordinarily long label that goes on", 0.5), ("跳绳 skipping rope", 0.4)],
        [("跳绳 skipping rope", 0.9), ("[bold]not markup[/bold]", 0.05)],
        [("[bold]not markup[/bold]", 0.1)],
    )
    text = screen(document, width, colour=colour)
    plain = screen(document, width)
    assert all(cell_len(line) <= width for line in plain.splitlines())
    for shown in ("0:00 - 0:01", "0.50", "0.65"):
        assert shown in plain
    assert ("\x1b[" in text) == colour


@pytest.mark.parametrize("width", [80, 120])
def test_a_long_name_keeps_its_end_and_hides_nothing_else(width):
    path = "a_folder_with_a_long_name/" * 6 + "跳绳/the clip.mp4"
    [title, *_] = screen(document_of([("jog", 0.9)], path=path), width).splitlines()
    assert title.startswith("…")
    assert title.rstrip().endswith("the clip.mp4  0:01")


@pytest.mark.parametrize(("model", "is_told"), [("demo", True), ("somebody/model", False)])
def test_the_demo_model_says_what_it_does_not_know(model, is_told):
    document = document_of([("jog", 0.9)])
    document = dataclasses.replace(document, model=dataclasses.replace(document.model, id=model))
    for text in (screen(document, 80), to_text(document)):
        assert ("not real footage" in text) == is_told


def test_a_plain_table_is_never_cut():
    document = document_of(
        [("a", 0.9), ("an extraordinarily long label " * 9, 0.05)], path="x" * 300
    )
    assert "…" not in to_text(document)
    assert "time         action  score" in to_text(document)


def test_strangers_text_is_shown_and_does_nothing():
    for label in HOSTILE_LABELS:
        for path in HOSTILE_PATHS:
            text = to_text(document_of([(label, 0.9)], path=path))
            assert not any(c in text.replace("\n", "") for c in map(chr, [*range(32), 0x7F, 0x9B]))


def test_in_the_c_locale_signs_are_replaced_and_names_kept(monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    mend_signs(stream, keeps=False)
    stream.write("\u2013 跳绳 ███▌ caf\udce9")
    stream.flush()
    assert stream.buffer.getvalue() == "- 跳绳 #### caf".encode() + b"\xe9"
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    mend_signs(stream, keeps=True)
    stream.write("\u2013 █")
    stream.flush()
    assert stream.buffer.getvalue() == "\u2013 █".encode()


@pytest.mark.parametrize("width", [40, 80, 120])
def test_several_videos_are_a_row_each_and_their_columns_stand_still(width):
    names = ["clips/one.mp4", "a_folder_with_a_long_name/" * 3 + "two.mp4", "three.mp4"]
    found = [[("jog", 0.8), ("run", 0.1)], [("jog", 0.2)], [("run", 0.9)]]
    rows = [
        make_row(document_of(tags, path=path), names, width).plain
        for path, tags in zip(names, found, strict=True)
    ]
    assert len({row.index("0:01") for row in rows}) == 1
    assert rows[0].startswith("clips/one.mp4 ")
    assert rows[1].lstrip("…").split()[0].endswith("two.mp4")
    assert rows[0].endswith("jog 0:01 100 %")
    assert "no label reaches 0.3; a guess: jog 0.20" in rows[1]


def test_the_table_of_a_stored_document_is_the_same():
    document = make_document()
    [again] = read_documents(to_json(document), "x")
    assert to_text(again) == to_text(document)


@pytest.mark.slow
def test_on_a_terminal_the_results_still_go_to_stdout(tmp_path):
    """The live view is on stderr; it must neither swallow nor mix with stdout."""
    model = convert(make_tiny_model(tmp_path / "model"))
    make_video(tmp_path / "clip.mp4", num_frames=60, fps=25)
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "vidtag", "clip.mp4", "missing.mp4", "-m", str(model), "--json"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=slave, stdin=slave,
        env={**os.environ, "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(slave)
    shown = b""
    try:
        while data := os.read(master, 65536):
            shown += data
    except OSError:  # the other end is closed
        pass
    out = process.stdout.read().decode()
    process.stdout.close()
    assert process.wait() == 3
    os.close(master)
    assert [line[:20] for line in out.splitlines()] == ['{"schema_version": 1'] * 2
    assert b"There is no file" in shown
    assert b"schema_version" not in shown
    assert b"1 tagged, 1 failed in 0:" in shown
