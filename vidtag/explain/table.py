"""Explanations for a person: per window what was explained, and how far to trust it."""

import sys

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from vidtag.explain.run import VideoExplanation
from vidtag.seconds import format_seconds
from vidtag.terminal import plain_text, printing
from vidtag.text import printable


def render(result: VideoExplanation) -> Group:
    """Make what rich prints."""
    parts: list[RenderableType] = [
        Text(f"{printable(result.path)}  {printable(result.classifier.info.model_id)}", "bold")
    ]
    for window in result.windows:
        about = window.explanation
        span = f"{format_seconds(about.start_seconds)} - {format_seconds(about.end_seconds)}"
        title = Text(f"\n{span}  ")
        title.append(printable(about.label), style="bold")
        title.append(f"  {about.score:.2f}  by {about.method}", style="dim")
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, justify="right")
        table.add_column(style="dim")
        for row in window.rows:
            table.add_row(row.name, row.value, row.reading)
        parts += [title, table]
    return Group(*parts)


def print_explanation(result: VideoExplanation) -> None:
    """Print the numbers on stdout; plain and unwrapped where that is no terminal."""
    with printing():
        if sys.stdout.isatty():
            Console(highlight=False).print(render(result))
        else:
            sys.stdout.write(plain_text(render(result)))
