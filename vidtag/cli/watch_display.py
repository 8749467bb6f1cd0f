"""The live table of `vidtag watch` on a terminal: now, what was, how late it is."""

import time
from collections import deque
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from vidtag.documents.headline import NONE_OF_THESE, NOTHING
from vidtag.documents.live import LiveEvent
from vidtag.formats.table_drawing import shortened_name
from vidtag.live.watcher import Watcher
from vidtag.seconds import format_seconds
from vidtag.text import printable
from vidtag.urls import without_credentials

_NUM_SEGMENTS = 8
"""Segments that are shown: enough for some minutes, few enough for a small terminal."""

_NUM_TAGS = 3
"""Labels of the moment."""

_BAR = 20
"""Columns of a score's bar."""


class WatchDisplay:
    """A live table on stdout, where that is a terminal; a context manager.

    Args:
        watcher: What is watched.
        source: Its name.
    """

    def __init__(self, watcher: Watcher, source: str) -> None:
        self._watcher = watcher
        self._name = printable(without_credentials(source))
        self._open: dict[tuple[str, float], LiveEvent] = {}
        self._closed: deque[LiveEvent] = deque(maxlen=_NUM_SEGMENTS)
        self._is_lost = False
        self._began: float | None = None
        self.console = Console(highlight=False, markup=False)
        """What is printed here stands above the table."""
        self._live = Live(
            get_renderable=self._render,
            console=self.console,
            refresh_per_second=4,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )

    def __enter__(self) -> "WatchDisplay":
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, event: LiveEvent) -> None:
        """Take an event into the table."""
        key = event.label or "", event.start_seconds or 0.0
        if event.event == "started":
            self._began = time.monotonic()
        elif event.event == "segment_open":
            self._open[key] = event
        elif event.event == "segment_close":
            self._open.pop(key, None)
            self._closed.append(event)
        elif event.event in ("source_lost", "source_back"):
            self._is_lost = event.event == "source_lost"

    def _render(self) -> RenderableType:
        return Group(self._head(), Text(), self._now(), Text(), self._segments())

    def _head(self) -> Text:
        watcher = self._watcher
        room = max(12, self.console.width - 46)
        text = Text(shortened_name(self._name, room), style="bold", no_wrap=True)
        if self._began is None:
            return text.append("  connecting", style="dim")
        text.append(f"  {format_seconds(int(time.monotonic() - self._began))}", style="dim")
        if self._is_lost:
            return text.append("  lost; tried again", style="bold red")
        if watcher.lag_seconds is not None:
            text.append(f"  lag {watcher.lag_seconds:.1f} s", style="dim")
        skipped = watcher.skipped_windows
        style = "yellow" if skipped else "dim"
        return text.append(f"  {skipped} windows skipped", style=style)

    def _now(self) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True, overflow="ellipsis", min_width=24)
        table.add_column(width=_BAR)
        table.add_column(justify="right")
        latest = self._watcher.latest
        rows = [] if latest is None else [(tag.label, tag.score) for tag in latest.tags[:_NUM_TAGS]]
        if latest is not None and latest.background_score is not None:
            rows = sorted([*rows, (NONE_OF_THESE, latest.background_score)], key=lambda r: -r[1])
        held = {label for label, _ in self._open}
        for label, score in rows[:_NUM_TAGS]:
            style = "bold green" if label in held else "dim"
            bar = "█" * round(score * _BAR)
            table.add_row(
                Text(printable(label), style=style),
                Text(bar, style=style),
                Text(f"{score:.2f}", style=style),
            )
        for _ in range(_NUM_TAGS - len(rows)):  # the height stays
            table.add_row(Text(NOTHING, style="dim"), "", "")
        return table

    def _segments(self) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=True, header_style="dim")
        table.add_column("from")
        table.add_column("to")
        table.add_column("label", no_wrap=True, overflow="ellipsis", min_width=20)
        table.add_column("score", justify="right")
        num_rows = max(1, min(_NUM_SEGMENTS, self.console.height - _NUM_TAGS - 6))
        shown = [*self._closed, *self._open.values()][-num_rows:]
        for event in shown:
            is_open = event.event == "segment_open"
            end = "now" if event.end_seconds is None else format_seconds(event.end_seconds)
            style = "bold green" if is_open else ""
            table.add_row(
                Text(format_seconds(event.start_seconds or 0), style=style),
                Text(end, style=style),
                Text(printable(event.label or ""), style=style),
                Text(f"{event.score or 0:.2f}", style=style),
            )
        for _ in range(num_rows - len(shown)):
            table.add_row("", "", "", "")
        return table
