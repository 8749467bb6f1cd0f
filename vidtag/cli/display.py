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

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from vidtag.documents.headline import NONE_OF_THESE, NOTHING, guess_phrase, held_phrases
from vidtag.documents.records import Document
from vidtag.seconds import format_seconds
from vidtag.tagging.scoring import StepTags
from vidtag.terminal import is_live, stderr_console
from vidtag.text import printable

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

    def sentence(self) -> str:
        """Say it in one line.

        >>> Tally(tagged=398, failed=2).sentence()
        '398 tagged, 0 skipped, 2 failed'
        """
        line = f"{self.tagged} tagged, {self.skipped} skipped, {self.failed} failed"
        if self.other_files:
            line += f", {self.other_files} other files left alone"
        return line


class Display:
    """Progress on stderr; a context manager.

    Args:
        num_videos: Inputs to come.
        quiet: Show errors alone.
        is_batch: Whether finished files are listed and the outcome is summed up.
        min_score: What scores less is shown as a guess.
    """

    def __init__(
        self, *, num_videos: int, quiet: bool, is_batch: bool, min_score: float = 0.0
    ) -> None:
        self.console: Console = stderr_console()
        self.tally = Tally()
        self._num_videos = num_videos
        self._quiet = quiet
        self._is_batch = is_batch
        self._min_score = min_score
        self._warned: set[str] = set()
        self.is_live = is_live() and not quiet
        """Whether steps are shown."""
        self._recent: deque[StepTags] = deque(maxlen=_NUM_STEPS_SHOWN)
        self._began = time.monotonic()
        self._video_seconds = 0.0
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[speed]}", markup=False),
            console=self.console,
        )
        self._task: TaskID | None = None
        self._overall: TaskID | None = None
        self._live: Live | None = None

    def __enter__(self) -> "Display":
        if self.is_live:
            if self._is_batch:
                self._overall = self._progress.add_task(
                    "all videos", total=self._num_videos, speed=""
                )
            self._show()
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
        self._hide()
        yield
        if self.is_live:
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
        if self._live is not None:
            self._live.stop()
            self._live = None

    def start(self, source: str) -> None:
        """Begin with a video."""
        self._recent.clear()
        if self.is_live:
            if self._task is not None:
                self._progress.remove_task(self._task)
            name = printable(source)
            name = name if len(name) <= 40 else "…" + name[-39:]
            self._task = self._progress.add_task(name, total=None, speed="")

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
        """Count a tagged video; its warnings are shown."""
        self.tally.tagged += 1
        length = document.sampling.end_seconds - document.sampling.start_seconds
        self._video_seconds += length
        if self._overall is not None:
            self._progress.advance(self._overall)
        if self._quiet:
            return
        if self._is_batch and not self.is_live:
            timing = document.timing
            self.say(
                f"{source}: {_outcome(document)} "
                f"({format_seconds(length)} in {timing.total_seconds:.1f} s)"
            )
        for warning in document.warnings:
            # Those of the settings fit every video; where it was stopped is said at the end.
            if warning.message not in self._warned and warning.code != "stopped":
                self._warned.add(warning.message)
                self.say(f"warning: {warning.message}", style="yellow")

    def skip(self) -> None:
        """Count a video that has its result already."""
        self.tally.skipped += 1
        if self._overall is not None:
            self._progress.advance(self._overall)

    def fail(self, message: str) -> None:
        """Count an input that failed, and say why."""
        self.tally.failed += 1
        if self._overall is not None:
            self._progress.advance(self._overall)
        self.say(f"error: {message}", style="red")

    def warn(self, message: str) -> None:
        """Say what a video's output had to go without."""
        if not self._quiet:
            self.say(f"warning: {message}", style="yellow")

    def note(self, line: str) -> None:
        """Say why nothing moves, to whoever sits and waits."""
        if self.is_live:
            self.say(line, style="dim")

    def summarise(self) -> None:
        """Close a batch with one line."""
        if self._is_batch and not self._quiet:
            self.say(self.tally.sentence())

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
                Text(name, style=style),
                Text(f"{score:.2f}", style=style),
            )
        return Group(table, self._progress)


def _outcome(document: Document) -> str:
    """Say in a few words what holds in a video."""
    phrases = held_phrases(document)
    left = len(phrases) - _NUM_LABELS_TOLD
    more = [f"{left} more"] if left > 0 else []
    return " · ".join([*phrases[:_NUM_LABELS_TOLD], *more]) or guess_phrase(document)
