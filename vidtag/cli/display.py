"""What stderr shows while videos are tagged: a live view on a terminal, plain lines off one.

Owns the drawing alone; what is tagged, and whether it failed, is told to it.
"""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Literal

from rich.cells import set_cell_size
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from vidtag.cli.notices import Notices
from vidtag.cli.waiting import Waiting, spinner_name
from vidtag.documents.headline import NONE_OF_THESE, NOTHING, guess_phrase, held_phrases
from vidtag.documents.records import Document
from vidtag.formats.table_drawing import shortened_name
from vidtag.seconds import format_seconds
from vidtag.tagging.step_tags import StepTags
from vidtag.terminal import is_live, stderr_console
from vidtag.text import printable

Talking = Literal["quiet", "usual", "verbose"]
"""Errors alone; what a person wants to know; and each warning of each video."""

_NUM_LABELS_TOLD = 3
"""Labels in the line of a finished video."""

_NUM_STEPS_SHOWN = 6
"""Finished steps in the live view: enough to see a change, few enough for a small terminal."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """What became of the inputs so far."""

    tagged: int = 0
    skipped: int = 0
    failed: int = 0
    other_files: int = 0
    """Files in folders that are no videos by their names."""

    def sentence(self, seconds: float, where: str = "") -> str:
        """Say it in one line.

        Args:
            seconds: How long it took.
            where: Where results went, where they went into files.

        >>> Tally(tagged=398, failed=2).sentence(754, "tags/ (796 files)")
        '398 tagged, 2 failed in 12:34 → tags/ (796 files)'
        """
        line = f"{self.tagged} tagged"
        for number, what in ((self.skipped, "skipped"), (self.failed, "failed")):
            line += f", {number} {what}" if number else ""
        line += f" in {format_seconds(max(round(seconds), 1))}"
        line += f" → {where}" if where else ""
        if self.other_files:
            line += f"; {self.other_files} other file{'s' * (self.other_files > 1)} left alone"
        return line


class Display:
    """Progress on stderr; a context manager.

    Args:
        num_videos: Inputs to come.
        talk: How much is said: errors alone, or each warning of each video.
        is_batch: Whether finished files are listed and the outcome is summed up.
        min_score: What scores less is shown as a guess.
    """

    def __init__(
        self, *, num_videos: int, talk: Talking, is_batch: bool, min_score: float = 0.0
    ) -> None:
        self.console: Console = stderr_console()
        self.tally = Tally()
        self._num_videos = num_videos
        self._quiet = talk == "quiet"
        self._is_batch = is_batch
        self._min_score = min_score
        self._notices = Notices(folds=is_batch and talk != "verbose")
        self.is_live = is_live() and not self._quiet
        """Whether steps are shown."""
        self._waiting = Waiting(self.console, shows=self.is_live)
        self._num_rows = max(1, min(_NUM_STEPS_SHOWN, self.console.height - 5))
        self._recent: deque[StepTags] = deque(maxlen=self._num_rows)
        self._began = time.monotonic()
        self._video_seconds = 0.0
        # What changes its width comes last, and what a narrow terminal lacks room for goes.
        room = self.console.width
        self._name_width = max(8, min(40, room - 54))
        columns: list[str | ProgressColumn] = [
            SpinnerColumn(spinner_name(self.console)),  # a window of a large model takes seconds
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24 if room >= 76 else 8),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(compact=True),
        ]
        if room >= 60:
            columns.append(TextColumn("{task.fields[speed]}", markup=False))
        self._progress = Progress(*columns, console=self.console)
        self._task: TaskID | None = None
        self._overall: TaskID | None = None
        self._live: Live | None = None

    def __enter__(self) -> "Display":
        self._waiting.begin("loading the model")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._hide()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Clear the live view away while something is printed on stdout."""
        was_shown = self._live is not None
        self._hide()
        yield
        if was_shown:
            self._show()

    def _show(self) -> None:
        # stdout is not redirected: it is the result, and may be a pipe.
        self._live = Live(
            get_renderable=self._render,
            console=self.console,
            transient=True,
            refresh_per_second=8,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def _hide(self) -> None:
        self._waiting.end()
        if self._live is not None:
            self._live.stop()
            self._live = None

    def start(self, source: str) -> None:
        """Begin with a video."""
        self._recent.clear()
        if not self.is_live:
            return
        self._waiting.end()
        if self._is_batch and self._overall is None:
            self._overall = self._progress.add_task(
                self._named("all videos"), total=self._num_videos, speed="", completed=self._done()
            )
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(self._named(source), total=None, speed="")
        if self._live is None:
            self._show()

    def _named(self, text: str) -> str:
        """Give a name the same width as the others, so that nothing beside it moves."""
        room = self._name_width
        return set_cell_size(shortened_name(printable(text), room), room)

    def _done(self) -> int:
        return self.tally.tagged + self.tally.skipped + self.tally.failed

    def work(self, doing: str, done: int, total: int) -> None:
        """Show what is done with a video that is tagged, and how far that is."""
        if self.is_live and self._task is not None:
            self._progress.update(self._task, completed=done, total=total, speed=doing)

    def step(self, step: StepTags, expected: Fraction | None, start: Fraction) -> None:
        """Show a finished step."""
        if not self.is_live or self._task is None:
            return
        self._recent.append(step)
        done = float(step.end_seconds - start)
        total = None if expected is None else max(float(expected), done)
        elapsed = max(time.monotonic() - self._began, 1e-3)
        speed = f"{(self._video_seconds + done) / elapsed:.1f}x real time"
        self._progress.update(self._task, completed=done, total=total, speed=speed)

    def finish(self, source: str, document: Document) -> None:
        """Count a tagged video; its warnings are shown, or kept for the end."""
        self.tally.tagged += 1
        length = document.sampling.end_seconds - document.sampling.start_seconds
        self._video_seconds += length
        self._count()
        if self._quiet:
            return
        if self._is_batch and not self.is_live:
            timing = document.timing
            self.say(
                f"{source}: {_outcome(document)} "
                f"({format_seconds(length)} in {timing.total_seconds:.1f} s)"
            )
        for line in self._notices.add(document):
            self.say(line, style="yellow")

    def skip(self) -> None:
        """Count a video that has its result already."""
        self.tally.skipped += 1
        self._count()

    def fail(self, message: str) -> None:
        """Count an input that failed, and say why."""
        self.tally.failed += 1
        self._count()
        self.say(f"error: {message}", style="red")

    def warn(self, message: str) -> None:
        """Say what a video's output had to go without."""
        if not self._quiet:
            self.say(f"warning: {message}", style="yellow")

    def _count(self) -> None:
        if self._overall is not None:
            self._progress.update(self._overall, completed=self._done())

    def note(self, line: str) -> None:
        """Say why no video is tagged yet, to whoever sits and waits."""
        if self.is_live:
            self._waiting.tell(line)

    def advance(self, done: int, total: int) -> None:
        """Show how much of a download is there, in bytes."""
        self._waiting.advance(done, total)

    def summarise(self, where: str = "") -> None:
        """Say what was kept for the end, and close a batch, or what went into files, with a line.

        Args:
            where: Where results went, where they went into files.
        """
        self.tell_kept()
        if not self._quiet and (self._is_batch or (where and self.tally.tagged)):
            self.say(self.tally.sentence(time.monotonic() - self._began, where))

    def tell_kept(self) -> None:
        """Say what was kept for the end."""
        if not self._quiet:
            for line in self._notices.close():
                self.say(line, style="yellow")

    def say(self, line: str, style: str = "") -> None:
        """Print one line on stderr, above the live view; safe for any text."""
        self.console.print(Text(printable(line), style=style))

    def _render(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        for step in self._recent:
            best = step.tags[0]
            name, score, style = printable(best.label), best.score, ""
            if score < self._min_score:
                name, style = f"{NOTHING} maybe {name}", "dim"
                if step.background_score is not None and step.background_score >= score:
                    name, score = NONE_OF_THESE, step.background_score
            table.add_row(
                Text(format_seconds(step.start_seconds), style="dim"),
                Text(name, style=style, overflow="ellipsis", no_wrap=True),
                Text(f"{score:.2f}", style=style),
            )
        for _ in range(self._num_rows - len(self._recent)):  # the height stays
            table.add_row("", "", "")
        return Group(self._progress, table)


def _outcome(document: Document) -> str:
    """Say in a few words what holds in a video."""
    phrases = held_phrases(document)
    left = len(phrases) - _NUM_LABELS_TOLD
    more = [f"{left} more"] if left > 0 else []
    return " · ".join([*phrases[:_NUM_LABELS_TOLD], *more]) or guess_phrase(document)
