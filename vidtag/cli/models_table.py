"""The list of models, for a person."""

import io
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vidtag.aliases import CLIP_CAVEAT
from vidtag.models.describe import ModelDescription
from vidtag.terminal import printing
from vidtag.text import printable

_UNBOUNDED = 200
"""Columns of the list off a terminal: it is never wrapped there."""


def models_text(descriptions: Sequence[ModelDescription], *, width: int | None = None) -> str:
    """Write what each model costs, and below it where it comes from.

    Args:
        descriptions: What to list.
        width: Columns of the terminal; `None` for a file or pipe.
    """
    console = Console(
        file=io.StringIO(),
        width=width or _UNBOUNDED,
        force_terminal=width is not None,
        highlight=False,
    )
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("alias", style="bold", no_wrap=True)
    for name in ("clip", "labels", "parameters", "tokens", "GFLOPs"):
        table.add_column(name, no_wrap=True, justify="right")
    table.add_column("licence", no_wrap=True)
    table.add_column("cached", no_wrap=True)
    for one in descriptions:
        table.add_row(
            printable(one.name),
            f"{one.num_frames}x{one.image_size}",
            f"{one.num_labels}{'+' if one.reads_text else ''}",
            "" if one.parameters is None else f"{one.parameters / 1e6:.1f} M",
            "" if one.tokens is None else str(one.tokens),
            "" if one.gflops is None else f"{one.gflops:.4g}",
            printable(one.licence or "unknown"),
            Text("yes", style="green") if one.is_cached else Text("no", style="dim"),
        )
    names = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    names.add_column(style="bold", no_wrap=True)
    names.add_column()
    for one in descriptions:
        about = Text(printable(one.model_id))
        for line in (one.note, f"top-1 {one.accuracy}" if one.accuracy else ""):
            if line:
                about.append(f"\n{printable(line)}", style="dim")
        names.add_row(printable(one.name), about)
    with console.capture() as capture:
        console.print(table)
        console.print()
        console.print(names)
        if any(one.reads_text for one in descriptions):
            console.print()
            console.print("+ takes your own words, too: vidtag VIDEO -m xclip --label TEXT")
            console.print(CLIP_CAVEAT)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


def print_models(descriptions: Sequence[ModelDescription]) -> None:
    """Print the list on stdout."""
    width = Console().width if sys.stdout.isatty() else None
    with printing():
        sys.stdout.write(models_text(descriptions, width=width))
