"""An evaluation as tables for a terminal, or as plain text for a file or pipe."""

import sys
from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from vidtag.evaluation.figures import ClassRow, Evaluation
from vidtag.evaluation.result import Evaluated
from vidtag.evaluation.wording import (
    describe_confusions,
    describe_data,
    describe_fit,
    figure_rows,
)
from vidtag.terminal import plain_text, printing
from vidtag.text import printable

_GAP = 2

_LEAST_NAME = 8
"""Columns below which a name tells nothing."""


def print_evaluation(result: Evaluated) -> None:
    """Print what came of an evaluation on stdout."""
    with printing():
        is_terminal = sys.stdout.isatty()
        console = Console(highlight=False) if is_terminal else None
        for part in _parts(result, None if console is None else console.width):
            if console is not None:
                console.print(part)
            else:
                sys.stdout.write(plain_text(part))


def _parts(result: Evaluated, width: int | None) -> Iterator[RenderableType]:
    found = result.evaluation
    views = f", views {result.views}" if result.views is not None else ""
    yield Text(printable(
        f"{describe_data(result)}; model {result.model.model_id}, {result.names.num_known} labels"
        f"{views}."
    ))  # fmt: skip
    yield ""
    yield _figures(found)
    if found.classes:
        yield ""
        yield class_table(found, width)
    confused = list(describe_confusions(found))
    if confused:
        yield ""
        yield from (Text(printable(line)) for line in confused)
    fit = describe_fit(result)
    if fit:
        yield ""
        yield Text(fit)


def _figures(found: Evaluation) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, _GAP, 0, 0), pad_edge=False)
    table.add_column("", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True, style="bold")
    table.add_column("95 % interval", justify="right", no_wrap=True)
    for row in figure_rows(found):
        table.add_row(row.name, row.value, row.interval)
    return table


def class_table(found: Evaluation, width: int | None = None) -> Table:
    """Make a row of each label; numbers are never cut, names where there is no room for them.

    Args:
        found: What came of the evaluation.
        width: Columns of the terminal; `None` for a file or pipe.
    """
    heads = ["label"]
    heads += ["clips", "right"] if found.num_clips else []
    heads += ["time", "right", "mAP"] if found.num_untrimmed else []
    heads.append("mistaken for")
    rows = [list(_cells(row, found)) for row in found.classes]
    widths = [max(cell_len(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
    if width is not None:
        room = width - sum(widths[1:-1]) - _GAP * len(widths)
        first = min(widths[0], max(_LEAST_NAME, room - min(widths[-1], room // 2)))
        widths[0], widths[-1] = first, min(widths[-1], room - first)
    shown = range(len(heads) if widths[-1] >= _LEAST_NAME else len(heads) - 1)
    table = Table(box=None, header_style="dim", padding=(0, _GAP, 0, 0), pad_edge=False)
    for k in shown:
        is_name = k in (0, len(heads) - 1)
        table.add_column(heads[k], justify="left" if is_name else "right", no_wrap=True)
    for row, cells in zip(found.classes, rows, strict=True):
        texts = [Text(cells[k]) for k in shown]
        for k, text in enumerate(texts):
            text.truncate(widths[k], overflow="ellipsis")
        table.add_row(*texts, style="" if row.is_known else "dim")
    return table


def _cells(row: ClassRow, found: Evaluation) -> Iterator[str]:
    yield printable(row.label) + ("" if row.is_known else " (not known)")
    if found.num_clips:
        yield str(row.num_clips)
        yield _percent(row.num_right, row.num_clips)
    if found.num_untrimmed:
        yield f"{row.seconds:.1f} s"
        yield _percent(row.right_seconds, row.seconds)
        precision = row.average_precision
        yield "" if precision is None else f"{100 * precision:.0f} %"
    yield printable(row.mistaken_for or "")


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %" if whole > 0 else ""
