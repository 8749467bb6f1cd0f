"""The table for a person: a title, one row per segment, and what holds how long.

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
    LEAST_SHOWN_SCORE,
    NOTHING,
    guess_phrase,
    held_phrases,
    is_none_of_these,
    percent,
    words_phrase,
    worth_showing,
)
from vidtag.documents.records import Document, TagRecord
from vidtag.documents.stretches import list_gaps
from vidtag.formats.table import PLAIN_VIEW, TableView
from vidtag.seconds import format_seconds
from vidtag.terminal import plain_text
from vidtag.text import printable

_BAR_CELLS = 10
_SCORE_CELLS = 5
_GAP = 2
_LEAST_NAME = 18
"""Columns that a label gets before the bar may take its own."""
_LEAST_OTHERS = 18
"""Columns without which runners-up get no column; where all are wanted, each gets a line."""
_MAX_SUMMARY = 3
"""Lines of a terminal that say what holds: more would hide the table."""
_MANY_ROWS = 24
"""Rows beyond which the table begins with the totals of the labels: what fits on a screen."""
_MAX_TOTALS = 12
"""Labels in those totals on a terminal; the summary counts the others."""
_LEAST_WIDE = 60
"""Columns from which totals say in how many segments a label holds."""
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


def make_rows(document: Document, *, all_tags: bool = False) -> tuple[Row, ...]:
    """Make a row of each segment and of each stretch without any, in the order of their starts.

    Args:
        document: The result.
        all_tags: Whether rows have also labels that say next to nothing.
    """
    least = 0.0 if all_tags else LEAST_SHOWN_SCORE
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
        most = document.settings.top_k - (all_tags and index is not None)
        return worth_showing(ranked, background, least)[:most]

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


def render(document: Document, view: TableView = PLAIN_VIEW, *, width: int | None = None) -> Group:
    """Make what rich prints.

    Args:
        document: The result.
        view: How much of it is shown.
        width: Columns of the terminal; `None` for a file or pipe.
    """
    rows = make_rows(document, all_tags=view.all_tags)
    parts: list[RenderableType] = [_title(document, width)]
    if view.details:
        parts += [_line(text, style="dim") for text in _details(document)]
    words = words_phrase(document.model)
    if words is not None:
        parts.append(_line(words, style="dim"))
    only = document.settings.only
    if only is not None:
        patterns = " or ".join(f"'{printable(text)}'" for text in only)
        parts.append(_line(f"only labels that match {patterns}", style="dim"))
    name = document.model.id
    if name in PACKAGED_MODELS:  # its tags mean nothing on real footage
        parts.append(_line(f"{name}: {ALIASES[name].note}", style="dim"))
    parts.append(Text())
    if len(rows) > _MANY_ROWS and document.summary:
        parts += [_totals(document, width), Text()]
    parts.append(_table(rows, view, width))
    return Group(*parts, Text(), *_summary(document, width))


def print_table(document: Document, view: TableView) -> None:
    """Print the table on the terminal that stdout is."""
    console = Console(highlight=False)
    console.print(render(document, view, width=console.width))


def to_text(document: Document, view: TableView = PLAIN_VIEW) -> str:
    """Write the table plain, unwrapped and untruncated, for a file or a pipe."""
    return plain_text(render(document, view))


def _line(text: str, style: str = "") -> Text:
    return Text(text, style=style, overflow="ellipsis", no_wrap=True)


def _title(document: Document, width: int | None) -> Text:
    start, end = document.sampling.start_seconds, document.sampling.end_seconds
    length = format_seconds(end - start)
    if end - start < document.video.duration_seconds:
        length = f"{format_seconds(start)} to {format_seconds(end)}"
    name = printable(document.video.path)
    if width is not None:
        name = shortened_name(name, max(_LEAST_NAME, width - _GAP - cell_len(length)))
    text = _line(name, style="bold")
    text.append(f"{' ' * _GAP}{length}", style="not bold dim")
    return text


def shortened_name(name: str, room: int) -> str:
    """Leave out the beginning of a name that is too long: its end tells files apart."""
    if cell_len(name) <= room:
        return name
    end = name[-4 * room :]  # some characters take no room of their own
    first = next(n for n in range(len(end) + 1) if cell_len(end[n:]) < room)
    return f"…{end[first:]}"


def _details(document: Document) -> Iterator[str]:
    """Say how the result was made, and the terms of what made it."""
    video, model, sampling, engine = (
        document.video, document.model, document.sampling, document.engine
    )  # fmt: skip
    licence = printable(model.licence or "of unknown licence")
    yield f"model {printable(model.id)} · weights {licence}"
    yield (
        f"{video.width}x{video.height} · {sampling.num_windows} "
        f"window{'s' * (sampling.num_windows != 1)} of {sampling.window_seconds:g} s every "
        f"{sampling.stride_seconds:g} s"
    )
    ran = printable(f"{engine.name} {engine.precision} on {engine.device}")
    if document.still_share is not None:
        ran += f" · {100 * document.still_share:.0f} % still"
    yield ran


def _totals(document: Document, width: int | None) -> Table:
    """Say of each label how long it holds, how often, and where it is at its best."""
    shown = document.summary if width is None else document.summary[:_MAX_TOTALS]
    table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("action", no_wrap=True, overflow="ellipsis", style="bold")
    names = ["time", "share", "segments", "best", "at"]
    if width is not None and width < _LEAST_WIDE:
        names.remove("segments")
    for name in names:
        table.add_column(name, no_wrap=True, justify="right")
    for one in shown:
        cells = {
            "time": format_seconds(round(one.seconds, 1)),
            "share": percent(one.share),
            "segments": str(one.num_segments),
            "best": f"{one.peak_score:.2f}",
            "at": format_seconds(round(one.peak_seconds, 1)),
        }
        table.add_row(Text(printable(one.label)), *(cells[name] for name in names))
    return table


def _summary(document: Document, width: int | None) -> Iterator[Text]:
    """Say what holds and how long, on as many lines as it takes; on a terminal, on a few."""
    phrases = held_phrases(document)
    if not phrases:
        yield Text(guess_phrase(document), style="dim", overflow="ellipsis")
        return
    for line in packed(phrases, width, _MAX_SUMMARY):
        yield _line(line, style="bold")


def packed(phrases: Sequence[str], width: int | None, max_lines: int) -> list[str]:
    """Put phrases on lines of a width, and count those beyond the last line.

    >>> packed(["squat 0:06", "push up 0:06", "pull ups 0:06"], 26, 1)
    ['squat 0:06 · 2 more']
    """
    if width is None:
        return [_SEPARATOR.join(phrases)]
    lines: list[list[str]] = [[]]
    for phrase in phrases:
        if lines[-1] and cell_len(_SEPARATOR.join([*lines[-1], phrase])) > width:
            lines.append([])
        lines[-1].append(phrase)
    shown = lines[:max_lines]
    left = len(phrases) - sum(map(len, shown))
    if left:
        last = shown[-1]
        while len(last) > 1 and cell_len(_SEPARATOR.join([*last, f"{left} more"])) > width:
            last.pop()
            left += 1
        last.append(f"{left} more")
    return [_SEPARATOR.join(line) for line in shown]


def _table(rows: Sequence[Row], view: TableView, width: int | None) -> Table:
    times = [f"{format_seconds(r.start_seconds)} - {format_seconds(r.end_seconds)}" for r in rows]
    names = [_name(row) for row in rows]
    time_width = max(map(len, ("time", *times)))
    widest = max(map(cell_len, ("action", *names)))
    others = [printable(tag.label) for row in rows for tag in _runners_up(row)]
    # Where it gets narrow, the runners-up give way, then the bar, then long labels; times and
    # scores never.
    fixed = time_width + _SCORE_CELLS + 2 * _GAP
    with_bar = fixed + _GAP + _BAR_CELLS
    has_bar = width is None or width - with_bar >= min(widest, _LEAST_NAME)
    fixed = with_bar if has_bar else fixed
    name_width = widest if width is None else max(6, min(widest, width - fixed))
    room = None if width is None else width - fixed - name_width - _GAP
    has_column = bool(others) and has_bar and (room is None or room >= _LEAST_OTHERS)
    if view.all_tags and not has_column and width is not None:  # they stand below the label
        name_width = min(max(widest, *map(cell_len, ("", *others))), max(6, width - fixed))
    table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("time", no_wrap=True, width=time_width)
    table.add_column("action", no_wrap=True, overflow="ellipsis", width=name_width)
    table.add_column("score", no_wrap=True, justify="right", width=_SCORE_CELLS)
    if has_bar:
        table.add_column("", no_wrap=True, width=_BAR_CELLS)
    if has_column:
        table.add_column("runners-up", no_wrap=True, width=room)
    for row, time, name in zip(rows, times, names, strict=True):
        cells = _cells(row, time, name, has_bar=has_bar)
        if has_column:
            cells.append(_listed(_runners_up(row), room, are_all_wanted=view.all_tags))
        table.add_row(*cells)
        if view.all_tags and not has_column:
            for tag in _runners_up(row):
                name = printable(tag.label)
                table.add_row("", Text(name, _style(tag)), Text(f"{tag.score:.2f}", _style(tag)))
    return table


def _cells(row: Row, time: str, name: str, *, has_bar: bool) -> list[RenderableType]:
    if row.score is not None:
        bar = Bar(1, 0, row.score, width=_BAR_CELLS, color="cyan")
        return [time, Text(name, style="bold"), f"{row.score:.2f}", *([bar] if has_bar else [])]
    score = f"{row.others[0].score:.2f}" if row.others else ""
    is_none = bool(row.others) and is_none_of_these(row.others[0])
    style = "dim" if is_none else "dim italic"
    return [time, Text(name, style=style), Text(score, style="dim"), *([""] if has_bar else [])]


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


def _style(tag: TagRecord) -> str:
    """Let what says next to nothing step back."""
    return "" if tag.score >= LEAST_SHOWN_SCORE else "dim"


def _listed(others: Sequence[TagRecord], room: int | None, *, are_all_wanted: bool) -> Text:
    """List runners-up, each of them whole: as many as fit, or all of them on several lines."""
    text, length = Text(), 0
    for number, tag in enumerate(others):
        said = f"{printable(tag.label)} {tag.score:.2f}"
        is_too_long = room is not None and length + 2 + cell_len(said) > room
        if number and is_too_long:
            if not are_all_wanted:
                break
            text.append(",\n", style="dim")
            length = 0
        elif number:
            text.append(", ", style="dim")
            length += 2
        elif room is not None and cell_len(said) > room and not are_all_wanted:
            break
        text.append(said, style=_style(tag) if are_all_wanted else "dim")
        length += cell_len(said)
    return text
