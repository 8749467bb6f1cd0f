"""The table for a person: a title, what holds how long, one row per segment.

Rendered for a terminal of a given width, or, for files and pipes, plain, unwrapped and
untruncated. A stretch in which no label holds is a row, too: a dash, and what it might be; or
none of these, where given labels competed with a background and that has more than any of them.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.bar import Bar
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from vidtag.aliases import ALIASES, PACKAGED_MODELS
from vidtag.documents.headline import (
    NOTHING,
    guess_phrase,
    held_phrases,
    is_none_of_these,
    words_phrase,
    worth_showing,
)
from vidtag.documents.records import Document, TagRecord
from vidtag.documents.stretches import list_gaps
from vidtag.seconds import format_seconds
from vidtag.terminal import plain_text
from vidtag.text import printable

_BAR_CELLS = 10
_SCORE_CELLS = 5
_GAP = 2
_LEAST_ROOM = 12
"""Columns without which runners-up are not shown."""
_LEAST_NAME = 20
"""Columns that the file's name gets in a narrow terminal, before its length and the model."""
_MAX_HEADLINES = 3
"""Lines of a terminal that say what holds: the others would hide the table."""
_SEPARATOR = " · "


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A segment, or a stretch in which no label holds."""

    start_seconds: float
    end_seconds: float

    label: str | None
    """`None` where no label holds."""

    score: float | None
    """The segment's score; `None` where no label holds."""

    others: tuple[TagRecord, ...]
    """Other labels by their mean over the row's steps, the best first, without those that say
    nothing; among them, what went to none of given labels. Where no label holds, the first one is
    what it might be."""


def make_rows(document: Document) -> tuple[Row, ...]:
    """Make a row of each segment and of each stretch without any, in the order of their starts."""
    starts = [step.start_seconds for step in document.timeline]

    def means(start: float, end: float, index: int | None) -> tuple[TagRecord, ...]:
        """Rank the stored labels, but for one, by their means over the steps from start to end."""
        steps = document.timeline[bisect_left(starts, start) : bisect_left(starts, end)]
        found: dict[int, TagRecord] = {}
        for tag in (tag for step in steps for tag in step.tags if tag.index != index):
            before = found[tag.index].score if tag.index in found else 0.0
            score = before + tag.score / len(steps)
            found[tag.index] = TagRecord(label=tag.label, index=tag.index, score=score)
        ranked = sorted(found.values(), key=lambda tag: -tag.score)
        left = [step.background_score for step in steps if step.background_score is not None]
        background = sum(left) / len(left) if left else None
        return worth_showing(ranked, background)[: document.settings.top_k]

    rows = [
        Row(
            start_seconds=segment.start_seconds,
            end_seconds=segment.end_seconds,
            label=segment.label,
            score=segment.score,
            others=means(segment.start_seconds, segment.end_seconds, segment.index),
        )
        for segment in document.segments
    ]
    for gap in list_gaps(document):
        start, end = gap.start_ms / 1000, gap.end_ms / 1000
        others = means(start, end, None)
        rows.append(
            Row(start_seconds=start, end_seconds=end, label=None, score=None, others=others)
        )
    return tuple(sorted(rows, key=lambda row: row.start_seconds))


def render(document: Document, *, width: int | None = None) -> Group:
    """Make what rich prints.

    Args:
        document: The result.
        width: Columns of the terminal; `None` for a file or pipe.
    """
    head = [_title(document, width), _settings(document)]
    words = words_phrase(document.model)
    if words is not None:
        head.append(Text(words, style="dim", overflow="ellipsis", no_wrap=True))
    name = document.model.id
    if name in PACKAGED_MODELS:  # its tags mean nothing on real footage
        note = f"{name}: {ALIASES[name].note}"
        head.append(Text(note, style="dim", overflow="ellipsis", no_wrap=True))
    return Group(*head, Text(), *_headlines(document, width), Text(), _table(document, width))


def print_table(document: Document) -> None:
    """Print the table on the terminal that stdout is."""
    console = Console(highlight=False)
    console.print(render(document, width=console.width))


def to_text(document: Document) -> str:
    """Write the table plain, unwrapped and untruncated, for a file or a pipe."""
    return plain_text(render(document))


def _title(document: Document, width: int | None) -> Text:
    video, model = document.video, document.model
    start, end = document.sampling.start_seconds, document.sampling.end_seconds
    length = format_seconds(end - start)
    if end - start < video.duration_seconds:
        length = f"{format_seconds(start)} to {format_seconds(end)}"
    length, model_id = f"  {length}", f"  {printable(model.id)}"
    name = printable(video.path)
    if width is not None:
        name = shortened_name(name, max(_LEAST_NAME, width - cell_len(length + model_id)))
    text = Text(name, style="bold", overflow="ellipsis", no_wrap=True)
    text.append(length, style="not bold")
    text.append(model_id, style="not bold dim")
    return text


def shortened_name(name: str, room: int) -> str:
    """Leave out the beginning of a name that is too long: its end tells files apart."""
    if cell_len(name) <= room:
        return name
    end = name[-4 * room :]  # some characters take no room of their own
    first = next(n for n in range(len(end) + 1) if cell_len(end[n:]) < room)
    return f"…{end[first:]}"


def _settings(document: Document) -> Text:
    sampling, engine, model = document.sampling, document.engine, document.model
    parts = [
        f"{document.video.width}x{document.video.height}",
        f"{sampling.num_windows} window{'s' * (sampling.num_windows != 1)} of "
        f"{sampling.window_seconds:g} s every {sampling.stride_seconds:g} s",
        printable(f"{engine.name} {engine.precision} on {engine.device}"),
    ]
    if document.still_share is not None:
        parts.append(f"{100 * document.still_share:.0f} % still")
    if model.licence:
        parts.append(f"weights {printable(model.licence)}")
    return Text(" · ".join(parts), style="dim", overflow="ellipsis", no_wrap=True)


def _headlines(document: Document, width: int | None) -> Iterator[Text]:
    """Say what holds and how long, on as many lines as it takes; on a terminal, on a few."""
    phrases = held_phrases(document)
    if not phrases:
        yield Text(guess_phrase(document), style="dim", overflow="ellipsis")
        return
    lines: list[list[str]] = [[]]
    for phrase in phrases:
        if width is not None and cell_len(_SEPARATOR.join([*lines[-1], phrase])) > width:
            lines.append([])
        lines[-1].append(phrase)
    lines = [line for line in lines if line]
    shown = lines if width is None else lines[:_MAX_HEADLINES]
    left = sum(map(len, lines)) - sum(map(len, shown))
    if left and width is not None:
        last = shown[-1]
        while len(last) > 1 and cell_len(_SEPARATOR.join([*last, f"{left} more"])) > width:
            last.pop()
            left += 1
        last.append(f"{left} more")
    for line in shown:
        yield Text(_SEPARATOR.join(line), style="bold", overflow="ellipsis", no_wrap=True)


def _table(document: Document, width: int | None) -> Table:
    cells: list[RenderableType]
    rows = make_rows(document)
    times = [f"{format_seconds(r.start_seconds)} - {format_seconds(r.end_seconds)}" for r in rows]
    names = [_name(row) for row in rows]
    time_width = max(map(len, ("time", *times)))
    widest = max(map(cell_len, ("action", *names)))
    # Where it gets narrow, the runners-up give way, then long labels; times and scores never.
    fixed = time_width + _SCORE_CELLS + _BAR_CELLS + 4 * _GAP
    name_width = widest if width is None else max(6, min(widest, width - fixed))
    room = None if width is None else width - fixed - name_width
    table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("time", no_wrap=True, width=time_width)
    table.add_column("action", no_wrap=True, overflow="ellipsis", width=name_width)
    table.add_column("score", no_wrap=True, justify="right", width=_SCORE_CELLS)
    table.add_column("", no_wrap=True, width=_BAR_CELLS)
    has_others = any(map(_runners_up, rows)) and (room is None or room >= _LEAST_ROOM)
    if has_others:
        table.add_column("runners-up", no_wrap=True, width=room)
    for row, time, name in zip(rows, times, names, strict=True):
        if row.score is None:
            score = f"{row.others[0].score:.2f}" if row.others else ""
            is_none = bool(row.others) and is_none_of_these(row.others[0])
            style = "dim" if is_none else "dim italic"
            cells = [time, Text(name, style=style), Text(score, style="dim"), ""]
        else:
            bar = Bar(1, 0, row.score, width=_BAR_CELLS, color="cyan")
            cells = [time, Text(name, style="bold"), f"{row.score:.2f}", bar]
        if has_others:
            cells.append(Text(_listed(_runners_up(row), room), style="dim"))
        table.add_row(*cells)
    return table


def _name(row: Row) -> str:
    """Name what holds in a row, or say what it might be."""
    if row.label is not None:
        return printable(row.label)
    if not row.others:
        return NOTHING
    best = row.others[0]
    return best.label if is_none_of_these(best) else f"{NOTHING} maybe {printable(best.label)}"


def _runners_up(row: Row) -> Sequence[TagRecord]:
    """Leave out what the row's name says already."""
    return row.others[1:] if row.label is None else row.others


def _listed(others: Sequence[TagRecord], room: int | None) -> str:
    """List as many runners-up as fit, each of them whole."""
    text = ""
    for tag in others:
        longer = f"{text}, " if text else ""
        longer += f"{printable(tag.label)} {tag.score:.2f}"
        if room is not None and cell_len(longer) > room:
            break
        text = longer
    return text
