"""An evaluation as tables for a terminal, or as plain text for a file or pipe."""

import sys
from collections.abc import Iterator

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


def print_evaluation(result: Evaluated) -> None:
    """Print what came of an evaluation on stdout."""
    with printing():
        is_terminal = sys.stdout.isatty()
        console = Console(highlight=False) if is_terminal else None
        for part in _parts(result):
            if console is not None:
                console.print(part)
            else:
                sys.stdout.write(plain_text(part))


def _parts(result: Evaluated) -> Iterator[RenderableType]:
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
        yield _classes(found)
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


def _classes(found: Evaluation) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, _GAP, 0, 0), pad_edge=False)
    table.add_column("label", overflow="ellipsis", no_wrap=True)
    if found.num_clips:
        table.add_column("clips", justify="right", no_wrap=True)
        table.add_column("right", justify="right", no_wrap=True)
    if found.num_untrimmed:
        table.add_column("time", justify="right", no_wrap=True)
        table.add_column("right", justify="right", no_wrap=True)
        table.add_column("mAP", justify="right", no_wrap=True)
    table.add_column("mistaken for", overflow="ellipsis", no_wrap=True)
    for row in found.classes:
        table.add_row(*_cells(row, found), style="" if row.is_known else "dim")
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
