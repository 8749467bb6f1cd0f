"""Documents of given labels: where "none of these" is shown, and where it must not be."""

from dataclasses import replace
from fractions import Fraction

import pytest
from documents import (
    HOSTILE_LABELS,
    KITCHEN,
    NO_WORD,
    WORDS,
    make_document,
    make_documents,
    make_empty,
    make_worded,
)
from rich.cells import cell_len
from rich.console import Console

from vidtag.cli.display import Display
from vidtag.cli.show_run import ShowRequest, run_show
from vidtag.documents.headline import guess_phrase, words_phrase
from vidtag.documents.json import to_json
from vidtag.documents.records import Document
from vidtag.documents.stored import read_documents
from vidtag.formats import FORMATS
from vidtag.formats.table_drawing import make_rows, render, to_text
from vidtag.tagging.step_tags import StepTags
from vidtag.timeline.scores import Tag

WEAK = ((0, 0.28), (1, 0.26), (2, 0.2))
"""No label reaches 0.3, but the best one has more than the background."""


def lines_of(document: Document) -> list[str]:
    return [" ".join(line.split()) for line in to_text(document).splitlines()]


def test_a_stretch_of_none_of_the_words_says_so():
    lines = lines_of(make_worded())
    assert "0:00 - 0:01 none of these 0.93 opening a fridge 0.06" in lines
    assert "0:01 - 0:03 opening a fridge 0.67 ██████▋ none of these 0.29" in lines
    assert (
        "3 given labels against 410 other phrases (Kinetics-400), 1 left out as too near" in lines
    )
    assert "maybe" not in to_text(make_worded())


def test_a_label_with_more_than_the_background_is_a_guess():
    lines = lines_of(make_worded(rows=[WEAK]))
    [row] = [line for line in lines if line.startswith("0:00 -")]
    assert row.endswith(
        "\u2013 maybe pouring milk 0.28 none of these 0.26, opening a fridge 0.26, washing up 0.20"
    )


@pytest.mark.parametrize(
    ("rows", "phrase"),
    [
        (NO_WORD, "none of these 0.97"),
        ([((0, 0.28), (1, 0.06), (2, 0.01))], "none of these 0.65; next: pouring milk 0.28,"),
        ([WEAK], "no label reaches 0.3; a guess: pouring milk 0.28, none of these 0.26,"),
        ([((0, 0.25), (1, 0.25), (2, 0.25))], "none of these 0.25; next: pouring milk 0.25,"),
    ],
)
def test_the_head_says_none_of_these_where_it_has_the_most(rows, phrase):
    document = make_worded(rows=rows)
    assert guess_phrase(document).startswith(phrase)
    assert phrase in to_text(document)
    assert phrase[:18] in document._repr_html_()


def test_without_a_background_there_is_no_none_of_these():
    document = make_worded(rows=[((0, 0.29), (1, 0.1))], has_background=False)
    assert guess_phrase(document).startswith("no label reaches 0.3; a guess: pouring milk 0.29")
    assert words_phrase(document.model) == "3 given labels against one another"
    one = make_worded(rows=[((0, 1.0),)], labels=["walking"], has_background=False)
    assert words_phrase(one.model) == "1 given label against nothing else"


def test_a_row_has_the_mean_of_its_steps():
    rows = make_rows(make_worded())
    [last] = [row for row in rows if row.start_seconds == 5]
    expected = sum(1 - sum(score for _, score in row) for row in KITCHEN[5:]) / 3
    assert last.others[0].label == "none of these"
    assert last.others[0].score == pytest.approx(expected)


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("kind", ["words", "words, none of them", "words alone", "hostile words"])
def test_no_line_is_wider_than_the_terminal(width, kind, capsys):
    Console(width=width, highlight=False).print(render(make_documents()[kind], width=width))
    assert all(cell_len(line) <= width for line in capsys.readouterr().out.splitlines())


def test_strangers_words_do_nothing_on_a_terminal():
    for label in HOSTILE_LABELS:
        document = make_worded(rows=[((0, 0.2),)], labels=[label])
        text = to_text(document).replace("\n", "")
        assert not any(c in text for c in map(chr, [*range(32), 0x7F, 0x9B]))


@pytest.mark.parametrize("name", ["csv", "tsv", "srt", "vtt", "chapters", "youtube", "otio", "edl",
                                  "fcp7", "fcpxml", "xmp", "audacity", "eaf", "activitynet",
                                  "labelstudio", "labelstudio-config"])  # fmt: skip
def test_what_lists_segments_lists_none_of_none_of_these(name):
    worded = make_worded()
    text = FORMATS[name].write([worded])
    assert "none of these" not in text
    assert "none of these" not in FORMATS[name].write([make_worded("street.mp4", rows=NO_WORD)])
    closed = replace(make_document("clips/kitchen.mp4", rows=KITCHEN, labels=WORDS))
    closed = replace(closed, model=replace(closed.model, id="xclip"))
    assert text == FORMATS[name].write([closed])


def test_the_labelling_config_has_all_words_that_were_asked():
    words = [f"word {k}" for k in range(12)]
    document = make_worded(rows=[((3, 0.6), (1, 0.2))], labels=words)
    text = FORMATS["labelstudio-config"].write([document])
    assert all(f'value="{word}"' in text for word in words)


@pytest.mark.parametrize("name", [one.name for one in FORMATS.values() if one.is_text])
def test_labels_of_the_models_own_are_told_as_before(name):
    for document in (make_document(), make_empty()):
        text = FORMATS[name].write([document])
        assert "none of these" not in text.lower()
        assert "given" not in text.partition("<script>")[0]
        assert "background_score" not in text


def test_pandas_gets_what_is_left_over():
    pytest.importorskip("pandas")
    closed = make_document().to_pandas("steps")
    assert "background_score" not in closed.columns
    steps = make_worded().to_pandas("steps")
    assert steps.columns[-1] == "background_score"
    assert steps["background_score"].iloc[:3].tolist() == [0.93] * 3
    assert len(steps) == 3 * len(KITCHEN)
    assert "background_score" not in make_worded().to_pandas().columns


def test_a_stored_document_with_words_is_shown(tmp_path, capsys):
    document = make_worded()
    path = tmp_path / "kitchen.json"
    path.write_text(to_json(document), encoding="utf-8")
    assert read_documents(path.read_text("utf-8"), "x") == [document]
    assert run_show(ShowRequest(paths=(str(path),), quiet=True)) == 0
    assert capsys.readouterr().out == to_text(document)


@pytest.mark.parametrize(
    ("score", "background", "shown"),
    [
        (0.1, 0.85, ["0:02", "none of these", "0.85"]),
        (0.28, 0.2, ["0:02", "\u2013 maybe squat", "0.28"]),
        (0.4, 0.6, ["0:02", "squat", "0.40"]),
        (0.1, None, ["0:02", "\u2013 maybe squat", "0.10"]),
    ],
)
def test_the_live_view_says_none_of_these(score, background, shown, capsys):
    display = Display(num_videos=1, talk="usual", is_batch=False, min_score=0.3)
    display._recent.append(
        StepTags(
            start_seconds=Fraction(2),
            end_seconds=Fraction(3),
            tags=(Tag(label="squat", index=0, score=score),),
            background_score=background,
        )
    )
    Console(width=80, highlight=False).print(display._render())
    assert capsys.readouterr().out.splitlines()[0].split() == " ".join(shown).split()
