import dataclasses
import os
import pty
import subprocess
import sys

import pytest
from documents import HOSTILE_LABELS, HOSTILE_PATHS, make_document
from make_video import make_video
from rich.cells import cell_len
from rich.console import Console
from tiny_models import make_tiny_model

from vidtag.formats.running import NO_CLEAR_ACTION
from vidtag.formats.table import make_rows, render, to_text
from vidtag.results import Document, StepRecord, TagRecord, read_documents, to_json


def document_of(*tops: list[tuple[str, float]], path: str = "clip.mp4") -> Document:
    names = sorted({label for tags in tops for label, _ in tags})
    timeline = tuple(
        StepRecord(
            start_seconds=float(k),
            end_seconds=float(k + 1),
            tags=tuple(
                TagRecord(label=label, index=names.index(label), score=score)
                for label, score in tags
            ),
        )
        for k, tags in enumerate(tops)
    )
    document = make_document()
    return dataclasses.replace(
        document,
        video=dataclasses.replace(document.video, path=path),
        timeline=timeline,
        tags=timeline[0].tags,
        settings=dataclasses.replace(document.settings, min_score=0.3),
    )


def screen(document: Document, width: int, *, colour: bool = False) -> str:
    console = Console(
        width=width,
        highlight=False,
        force_terminal=colour,
        file=open(os.devnull, "w"),  # noqa: SIM115
    )
    with console.capture() as capture:
        console.print(render(document, width=width))
    console.file.close()
    return capture.get()


def test_runs_of_the_same_label_are_one_row():
    document = document_of(
        [("jog", 0.8), ("run", 0.1)],
        [("jog", 0.6), ("run", 0.3)],
        [("run", 0.2), ("jog", 0.1)],
        [("run", 0.9), ("jog", 0.1)],
    )
    rows = list(make_rows(document))
    assert [(row.start_seconds, row.end_seconds, row.label) for row in rows] == [
        (0, 2, "jog"),
        (2, 3, None),
        (3, 4, "run"),
    ]
    assert rows[0].score == pytest.approx(0.7)
    assert [(tag.label, round(tag.score, 3)) for tag in rows[0].others] == [("run", 0.2)]
    assert [tag.label for tag in rows[1].others] == ["run", "jog"]
    assert NO_CLEAR_ACTION in to_text(document)


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
    for shown in ("0:00 - 0:01", "0.50", "0.90"):
        assert shown in plain
    assert ("\x1b[" in text) == colour


@pytest.mark.parametrize("width", [80, 120])
def test_a_long_name_keeps_its_end_and_hides_nothing_else(width):
    path = "a_folder_with_a_long_name/" * 6 + "跳绳/the clip.mp4"
    [title, *_] = screen(document_of([("jog", 0.9)], path=path), width).splitlines()
    assert title.startswith("…")
    assert "the clip.mp4  0:0" in title
    assert title.rstrip().endswith(make_document().model.id)


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


def test_the_table_of_a_stored_document_is_the_same():
    document = make_document()
    [again] = read_documents(to_json(document), "x")
    assert to_text(again) == to_text(document)


def test_on_a_terminal_the_results_still_go_to_stdout(tmp_path):
    """The live view is on stderr; it must neither swallow nor mix with stdout."""
    model = make_tiny_model(tmp_path / "model")
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
    assert b"1 tagged, 0 skipped, 1 failed" in shown
