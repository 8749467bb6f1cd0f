"""The page of an evaluation: its figures, diagrams to look at, and the worst mistakes.

Owns what the page holds; how text gets into it without acting there stands in `vidtag.report`.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from vidtag.evaluation.confidence import Bin
from vidtag.evaluation.mistakes import Confusions
from vidtag.evaluation.outcomes import Mistake
from vidtag.evaluation.result import Evaluated
from vidtag.evaluation.wording import (
    LEAST_SECONDS,
    describe_confusions,
    describe_data,
    describe_fit,
    figure_rows,
    name_label,
)
from vidtag.report.page import show_name
from vidtag.report.rendering import embed_data, relative_href, render
from vidtag.report.thumbnails import is_plain_file, read_pictures
from vidtag.version import __version__

MAX_LABELS = 50
"""Rows of a confusion matrix that can be read; of more labels, the most confused are shown."""

MAX_MISTAKES = 24
"""Pictures of mistakes, of clips and of stretches each: nobody scrolls through more."""

PICTURE_BYTES = 24_000
"""Of one picture: all of them take less than 1.6 MB inside a page."""

_LONGEST_NAME = 23
"""Signs of a label beside a matrix; the whole of it stands in its title."""

_NUMBERED = 30
"""Labels up to which a matrix has numbers in its cells."""

_NAME_WIDTH, _HEAD_HEIGHT = 190.0, 155.0
"""Room for labels, in the matrix's units."""

_PLOT = 300.0
"""Height and width of the reliability diagram, in its units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell of a matrix that is not empty."""

    x: float
    y: float
    opacity: float
    """By its share of the row, never so faint that it can't be seen."""

    is_right: bool
    """Whether it is on the diagonal."""

    number: str
    """What stands in it; empty where there is no room."""

    is_strong: bool
    """Whether the number stands on a strong ground."""

    title: str
    """What it says, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A label beside a row and above a column."""

    at: float
    """Middle of the row or column."""

    short: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """A confusion matrix, as it is drawn."""

    title: str
    unit: str
    size: float
    """Height and width of a cell."""

    left: float
    """Where the cells begin."""

    top: float
    width: float
    height: float
    names: tuple[Name, ...]
    cells: tuple[Cell, ...]
    num_left_out: int
    """Labels that are less confused, and not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A bin of the reliability diagram, as it is drawn."""

    x: float
    width: float
    y: float
    height: float
    expected_y: float
    """Where the bar would end if scores meant what they say."""

    share: float
    """Height of its part of the histogram, from 0 to 1."""

    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A mistake, as it is shown."""

    name: str
    picture: str | None
    """A `data:` link."""

    video_href: str | None
    page_href: str | None
    start: float | None
    end: float | None
    said: str
    true: str
    score: float | None


def write_page(result: Evaluated, path: str) -> str:
    """Write the page of an evaluation.

    The same evaluation of the same files gives the same text.

    Args:
        result: What to show.
        path: Where the page will lie: its links start there.

    Returns:
        HTML in one file.
    """
    found = result.evaluation
    matrices = [
        draw_matrix(confusions, title, unit)
        for confusions, title, unit in (
            (found.clip_confusions, "Confusions of clips", "clips"),
            (found.time_confusions, "Confusions in time", "s"),
        )
        if confusions is not None and len(confusions.labels)
    ]
    of_clips = [one for one in found.mistakes if one.start is None]
    in_time = [
        one for one in found.mistakes
        if one.start is not None and (one.end or 0) - one.start >= LEAST_SECONDS
    ]  # fmt: skip
    shown = [*of_clips[:MAX_MISTAKES], *in_time[:MAX_MISTAKES]]
    return render(
        "evaluation.html",
        {
            "version": __version__,
            "name": show_name(result.data),
            "described": describe_data(result),
            "model": result.model,
            "num_labels": result.names.num_known,
            "views": None if result.views is None else str(result.views),
            "notes": (*(note.message for note in result.model.notes), *result.notes),
            "failures": [(show_name(name), message) for name, message in result.failures],
            "figures": list(figure_rows(found)),
            "fit": describe_fit(result),
            "bars": draw_reliability(found.reliability),
            "plot": _PLOT,
            "of_what": "clips" if found.num_clips else "time in which a label holds",
            "matrices": matrices,
            "confused": list(describe_confusions(found)),
            "classes": found.classes,
            "num_clips": found.num_clips,
            "num_untrimmed": found.num_untrimmed,
            "cards": list(_cards(shown, result.paths, os.path.dirname(os.path.abspath(path)))),
            "num_mistakes": len(of_clips) + len(in_time),
        },
        script=None,
        style="evaluation.css",
    )


def draw_matrix(confusions: Confusions, title: str, unit: str) -> Matrix:
    """Place the cells of a confusion matrix.

    Args:
        confusions: What was said of what.
        title: What stands above it.
        unit: Of its amounts: `clips`, or `s`.
    """
    amounts = confusions.amounts
    wrong = amounts * ~np.eye(len(amounts), dtype=bool)
    most = np.argsort(-(wrong.sum(axis=0) + wrong.sum(axis=1)), kind="stable")[:MAX_LABELS]
    kept = np.sort(most)
    labels = [name_label(confusions.labels[k]) for k in kept]
    totals = amounts.sum(axis=1)
    size = 26.0 if len(kept) <= _NUMBERED else 16.0
    names = tuple(
        Name(at=(k + 0.5) * size, short=_shortened(label), label=label)
        for k, label in enumerate(labels)
    )
    cells = []
    for row, true in enumerate(kept):
        for column, said in enumerate(kept):
            amount = float(amounts[true, said])
            if amount <= 0 or (unit == "s" and amount < LEAST_SECONDS):
                continue
            share = amount / float(totals[true])
            told = f"{amount:.0f}" if unit == "clips" else f"{amount:.1f}"
            what = (
                f"{told} {unit}".replace("1 clips", "1 clip") if told == "1" else f"{told} {unit}"
            )
            cells.append(
                Cell(
                    x=_NAME_WIDTH + column * size,
                    y=_HEAD_HEIGHT + row * size,
                    opacity=round(0.12 + 0.88 * share, 3),
                    is_right=row == column,
                    number=_in_cell(amount, unit) if len(kept) <= _NUMBERED else "",
                    is_strong=share > 0.5,
                    title=f"{labels[row]}, said {labels[column]}: {what}, {share:.0%}",
                )
            )
    side = len(kept) * size
    return Matrix(
        title=title,
        unit=unit,
        size=size,
        left=_NAME_WIDTH,
        top=_HEAD_HEIGHT,
        width=_NAME_WIDTH + side + 90,  # the last label leans out
        height=_HEAD_HEIGHT + side + 2,
        names=names,
        cells=tuple(cells),
        num_left_out=len(amounts) - len(kept),
    )


def draw_reliability(bins: Sequence[Bin]) -> tuple[Bar, ...]:
    """Place the bars of a reliability diagram; empty bins have none."""
    total = sum(one.total for one in bins)
    largest = max((one.total for one in bins), default=0)
    return tuple(
        Bar(
            x=round(one.low * _PLOT + 1, 2),
            width=round((one.high - one.low) * _PLOT - 2, 2),
            y=round((1 - one.accuracy) * _PLOT, 2),
            height=round(one.accuracy * _PLOT, 2),
            expected_y=round((1 - one.confidence) * _PLOT, 2),
            share=round(one.total / largest, 4),
            title=f"Said with {one.low:.2f} to {one.high:.2f}: {one.accuracy:.0%} right, "
            f"{one.total / total:.0%} of all",
        )
        for one in bins
        if one.accuracy is not None and one.confidence is not None
    )


def _in_cell(amount: float, unit: str) -> str:
    """Write an amount so short that it fits into a cell."""
    if unit == "clips" or amount >= 10:
        return f"{amount:.0f}"
    return f"{amount:.1f}"


def _shortened(label: str) -> str:
    return label if len(label) <= _LONGEST_NAME else f"{label[: _LONGEST_NAME - 1]}…"


def _cards(mistakes: Sequence[Mistake], paths: Sequence[str], folder: str) -> Iterator[Card]:
    moments: dict[str, set[float]] = {}
    for one in mistakes:
        moments.setdefault(one.path, set()).add(one.seconds)
    pictures = {
        (path, picture.seconds): embed_data("image/jpeg", picture.jpeg)
        for path, seconds in moments.items()
        for picture in read_pictures(path, seconds, max_bytes=PICTURE_BYTES)
    }
    namesakes = Counter(map(os.path.basename, set(paths)))
    for one in mistakes:
        name = show_name(one.path)
        page = os.path.join(folder, f"{os.path.basename(one.path)}.html")
        at = f"#t={round(one.seconds if one.start is None else one.start, 2):g}"
        is_there = is_plain_file(one.path)
        yield Card(
            name=name,
            picture=pictures.get((one.path, one.seconds)),
            video_href=relative_href(one.path, folder) + at if is_there else None,
            # Of two videos with one name, nobody knows whose page it is.
            page_href=relative_href(page, folder) + at
            if os.path.isfile(page) and namesakes[os.path.basename(one.path)] == 1
            else None,
            start=one.start,
            end=one.end,
            said="nothing" if one.said is None else one.said,
            true=", ".join(one.true) if one.true else "nothing",
            score=one.score,
        )
