"""What a command that makes a model does besides: it keeps the time, and renders with progress."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import track

from figures.dataset import Maker, render_pool

Split = tuple[str, Maker, int]
"""Name of a split, who makes its clips, and how many."""


@contextmanager
def stopwatch(work: Path) -> Iterator[Callable[[], float]]:
    """Give the minutes spent so far, those of earlier, interrupted runs included."""
    begun, path = time.monotonic(), work / "seconds.txt"
    earlier = float(path.read_text(encoding="utf-8")) if path.exists() else 0.0
    try:
        yield lambda: (earlier + time.monotonic() - begun) / 60
    finally:
        path.write_text(f"{earlier + time.monotonic() - begun:.0f}", encoding="utf-8")


def render_splits(work: Path, splits: tuple[Split, ...], seed: int, console: Console) -> None:
    """Render each split into a folder of its name, unless it is there."""
    for name, maker, count in splits:
        rendered = render_pool(work / name, maker, count, seed)
        for _ in track(rendered, f"{name} clips", total=count, console=console):
            pass
