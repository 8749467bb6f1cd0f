"""What a terminal shows while something takes long that is no video: motion, and how long yet."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from vidtag.seconds import format_seconds
from vidtag.terminal import is_live, stderr_console
from vidtag.text import printable

_LEAST_SECONDS = 1
"""Below which nobody asks how long it took so far."""

_PER_SECOND = 8
"""How often what is shown is drawn anew."""

Item = TypeVar("Item")


def spinner_name(console: Console) -> str:
    """Name the spinner whose signs a terminal has."""
    return "dots" if console.encoding.startswith("utf") else "line"


class Waiting:
    """One line on stderr that moves while a run waits for something else than a video.

    Nothing is drawn where stderr is no terminal; lines that are told are printed all the same.

    Args:
        console: Where to draw.
        shows: Whether to draw.
    """

    def __init__(self, console: Console, *, shows: bool) -> None:
        self._console = console
        self._shows = shows
        self._live: Live | None = None
        self._doing = ""
        self._began = 0.0
        self._spinner: Spinner | None = None
        self._bar: Progress | None = None

    def begin(self, doing: str) -> None:
        """Show what is waited for, until `end`."""
        self.end()
        if not self._shows:
            return
        self._doing, self._began = doing, time.monotonic()
        self._spinner = Spinner(spinner_name(self._console))
        self._live = Live(
            get_renderable=self._render,
            console=self._console,
            transient=True,
            refresh_per_second=_PER_SECOND,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def tell(self, line: str) -> None:
        """Print a line that says what takes long, and show below it that it goes on."""
        self.end()
        self._console.print(Text(printable(line), style="dim" if self._shows else ""))
        self.begin(line.partition(" ")[0])

    def advance(self, done: int, total: int) -> None:
        """Show how much of a download is there, in bytes."""
        if self._live is None:
            return
        if self._bar is None:
            self._bar = Progress(
                SpinnerColumn(spinner_name(self._console)),
                BarColumn(bar_width=max(8, min(24, self._console.width - 44))),
                TextColumn("{task.percentage:>3.0f} %"),
                TextColumn("{task.fields[size]}", markup=False),
                TimeRemainingColumn(compact=True),
                console=self._console,
            )
            self._bar.add_task("", total=total, completed=done, size="")
        [task] = self._bar.tasks
        size = f"{done / 1e6:.0f} of {total / 1e6:.0f} MB"
        self._bar.update(task.id, completed=min(done, total), total=total, size=size)

    def end(self) -> None:
        """Clear the line away."""
        if self._live is not None:
            self._live.stop()
        self._live = self._bar = None

    def _render(self) -> RenderableType:
        if self._bar is not None:
            return self._bar
        line = Table.grid(padding=(0, 1))
        seconds = int(time.monotonic() - self._began)
        took = format_seconds(seconds) if seconds >= _LEAST_SECONDS else ""
        line.add_row(self._spinner, Text(self._doing), Text(took, style="dim"))
        return line


@contextmanager
def waiting(doing: str, *, quiet: bool) -> Iterator[Waiting]:
    """Show what is waited for, on a terminal.

    Args:
        doing: What that is.
        quiet: Show nothing.
    """
    shown = Waiting(stderr_console(), shows=is_live() and not quiet)
    shown.begin(doing)
    try:
        yield shown
    finally:
        shown.end()


class Count:
    """What counts: told how many are done, and how many there are.

    Args:
        console: Where lines are told.
        show: Draws the numbers.
    """

    def __init__(self, console: Console, show: Callable[[int, int], None] | None) -> None:
        self._console = console
        self._show = show

    def __call__(self, done: int, total: int) -> None:
        """Show how many are done."""
        if self._show is not None:
            self._show(done, total)

    def tell(self, line: str) -> None:
        """Print a line, above what is drawn."""
        self._console.print(Text(printable(line), style="dim" if self._show else ""))


@contextmanager
def counting(doing: str, *, quiet: bool) -> Iterator[Count]:
    """Show how many of a known number are done, on a terminal, with the time that is left.

    Args:
        doing: What is done.
        quiet: Show nothing.
    """
    console = stderr_console()
    if quiet or not is_live():
        yield Count(console, None)
        return
    bar = Progress(
        SpinnerColumn(spinner_name(console)),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=max(8, min(24, console.width - 44))),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        console=console,
        transient=True,
    )
    task = bar.add_task(doing, total=None)
    with bar:
        yield Count(console, lambda done, total: bar.update(task, completed=done, total=total))


def counted(items: Iterable[Item], doing: str, *, total: int, quiet: bool) -> Iterator[Item]:
    """Loop over items and show how many are done, on a terminal."""
    with counting(doing, quiet=quiet) as count:
        count(0, total)
        for number, item in enumerate(items, 1):
            yield item
            count(number, total)
