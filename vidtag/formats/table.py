"""The table for a person: a title, the whole video's tags, one row per run of steps.

Rendered for a terminal of a given width, or, for files and pipes, plain, unwrapped and
untruncated.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.bar import Bar
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from vidtag.formats.running import NO_CLEAR_ACTION
from vidtag.frames import format_seconds
from vidtag.models.registry import ALIASES, DEMO_MODEL
from vidtag.results import Document, StepRecord, TagRecord
from vidtag.terminal import printable

_BAR_CELLS = 10
_SCORE_CELLS = 5
_GAP = 2
_LEAST_ROOM = 12
"""Columns without which runners-up are not shown."""
_LEAST_NAME = 20
"""Columns that the file's name gets in a narrow terminal, before its length and the model."""
_UNBOUNDED = 100_000
"""Columns of a console that never wraps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A run of steps with the same top label."""

    start_seconds: float
    end_seconds: float

    label: str | None
    """`None` where no label reaches `min_score`."""

    score: float
    """Mean of the top label's scores over the run."""

    others: tuple[TagRecord, ...]
    """The next labels, by their mean over the run."""


def make_rows(document: Document) -> Iterator[Row]:
    """Join neighbouring steps with the same top label."""
    min_score = document.settings.min_score

    def top_label(step: StepRecord) -> str | None:
        best = step.tags[0]
        return best.label if best.score >= min_score else None

    for label, grouped in groupby(document.timeline, top_label):
        steps = list(grouped)
        means: dict[int, TagRecord] = {}
        for tag in (tag for step in steps for tag in step.tags):
            before = means[tag.index].score if tag.index in means else 0.0
            score = before + tag.score / len(steps)
            means[tag.index] = TagRecord(label=tag.label, index=tag.index, score=score)
        ranked = sorted(means.values(), key=lambda tag: -tag.score)
        yield Row(
            start_seconds=steps[0].start_seconds,
            end_seconds=steps[-1].end_seconds,
            label=label,
            score=next(tag.score for tag in ranked if label in (None, tag.label)),
            others=tuple(tag for tag in ranked if tag.label != label)[: document.settings.top_k],
        )


def render(document: Document, *, width: int | None = None) -> Group:
    """Make what rich prints.

    Args:
        document: The result.
        width: Columns of the terminal; `None` for a file or pipe.
    """
    head = [_title(document, width), _settings(document)]
    if document.model.id == DEMO_MODEL:  # its tags mean nothing there, however high they score
        note = f"{DEMO_MODEL}: {ALIASES[DEMO_MODEL].note}"
        head.append(Text(note, style="dim", overflow="ellipsis", no_wrap=True))
    return Group(*head, Text(), *_tags(document.tags), Text(), _table(document, width))


def print_table(document: Document) -> None:
    """Print the table on the terminal that stdout is."""
    console = Console(highlight=False)
    console.print(render(document, width=console.width))


def to_text(document: Document) -> str:
    """Write the table plain, unwrapped and untruncated, for a file or a pipe."""
    console = Console(file=io.StringIO(), width=_UNBOUNDED, color_system=None, highlight=False)
    with console.capture() as capture:
        console.print(render(document))
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


def _title(document: Document, width: int | None) -> Text:
    video, model = document.video, document.model
    start, end = document.sampling.start_seconds, document.sampling.end_seconds
    length = format_seconds(end - start)
    if end - start < video.duration_seconds:
        length = f"{format_seconds(start)} to {format_seconds(end)}"
    length, model_id = f"  {length}", f"  {printable(model.id)}"
    name = printable(video.path)
    if width is not None:
        name = _shortened(name, max(_LEAST_NAME, width - cell_len(length + model_id)))
    text = Text(name, style="bold", overflow="ellipsis", no_wrap=True)
    text.append(length, style="not bold")
    text.append(model_id, style="not bold dim")
    return text


def _shortened(name: str, room: int) -> str:
    """Leave out the beginning of a name that is too long: its end tells files apart."""
    if cell_len(name) <= room:
        return name
    first = next(n for n in range(len(name) + 1) if cell_len(name[n:]) < room)
    return f"…{name[first:]}"


def _settings(document: Document) -> Text:
    sampling, engine, model = document.sampling, document.engine, document.model
    parts = [
        f"{document.video.width}x{document.video.height}",
        f"{sampling.num_windows} window{'s' * (sampling.num_windows != 1)} of "
        f"{sampling.window_seconds:g} s every {sampling.stride_seconds:g} s",
        f"{engine.name} {engine.precision} on {engine.device}",
    ]
    if model.licence:
        parts.append(f"weights {printable(model.licence)}")
    return Text(" · ".join(parts), style="dim", overflow="ellipsis", no_wrap=True)


def _tags(tags: Sequence[TagRecord]) -> Iterator[RenderableType]:
    """The whole video's tags, as a small table."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, overflow="ellipsis")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    for n, tag in enumerate(tags):
        style = "bold" if n == 0 else ""
        table.add_row(Text(printable(tag.label), style=style), _score(tag.score), _bar(tag.score))
    yield table


def _table(document: Document, width: int | None) -> Table:
    cells: list[RenderableType]
    rows = list(make_rows(document))
    times = [f"{format_seconds(r.start_seconds)} - {format_seconds(r.end_seconds)}" for r in rows]
    names = [printable(row.label or NO_CLEAR_ACTION) for row in rows]
    time_width, widest = max(map(len, times)), max(map(cell_len, ("action", *names)))
    # Where it gets narrow, the runners-up give way, then long labels; times and scores never.
    fixed = time_width + _SCORE_CELLS + _BAR_CELLS + 4 * _GAP
    name_width = widest if width is None else max(6, min(widest, width - fixed))
    room = None if width is None else width - fixed - name_width
    table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("time", no_wrap=True, width=time_width)
    table.add_column("action", no_wrap=True, overflow="ellipsis", width=name_width)
    table.add_column("score", no_wrap=True, justify="right", width=_SCORE_CELLS)
    table.add_column("", no_wrap=True, width=_BAR_CELLS)
    if room is None or room >= _LEAST_ROOM:
        table.add_column("runners-up", no_wrap=True, width=room)
    for row, time, name in zip(rows, times, names, strict=True):
        style = "dim italic" if row.label is None else "bold"
        cells = [time, Text(name, style=style), _score(row.score), _bar(row.score)]
        if room is None or room >= _LEAST_ROOM:
            cells.append(Text(_others(row.others, room), style="dim"))
        table.add_row(*cells)
    return table


def _others(others: Sequence[TagRecord], room: int | None) -> str:
    """List as many runners-up as fit, each of them whole."""
    text = ""
    for tag in others:
        longer = f"{text}, " if text else ""
        longer += f"{printable(tag.label)} {tag.score:.2f}"
        if room is not None and cell_len(longer) > room:
            break
        text = longer
    return text


def _score(score: float) -> Text:
    return Text(f"{score:.2f}")


def _bar(score: float) -> Bar:
    return Bar(1, 0, score, width=_BAR_CELLS, color="cyan")
