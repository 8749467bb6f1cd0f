"""The list of models, for a person: what one chooses by first, the rest with -v."""

import io
import sys
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vidtag.aliases import CLIP_CAVEAT, WORDS_MODEL
from vidtag.models.describe import ModelDescription
from vidtag.models.weights import format_bytes
from vidtag.terminal import printing
from vidtag.text import printable

_UNBOUNDED = 200
"""Columns of the list off a terminal: it is never wrapped there."""

_LESS_NEEDED = ("window", "labels", "top-1", "speed")
"""Columns that a narrow terminal does without, the first of them first. The licence always
stands."""

_GAP = "  "
"""Between two columns."""


def models_text(
    descriptions: Sequence[ModelDescription], *, width: int | None = None, verbose: bool = False
) -> str:
    """Write the list, and below it what each model is.

    Args:
        descriptions: What to list.
        width: Columns of the terminal; `None` for a file or pipe.
        verbose: Whether to say where each comes from, what it computes and who measured it.
    """
    console = Console(
        file=io.StringIO(),
        width=width or _UNBOUNDED,
        force_terminal=width is not None,
        highlight=False,
    )
    names, terms = _pairs(), _pairs()
    for one in descriptions:
        about = Text(printable(one.note))
        for line in _details(one) if verbose else ():
            about.append(f"\n{printable(line)}", style="dim")
        names.add_row(printable(one.name), about)
    for term, meaning in _legend(descriptions):
        terms.add_row(term, Text(meaning, style="dim"))
    with console.capture() as capture:
        console.print(_fitting(descriptions, console.width))
        console.print()
        console.print(names)
        console.print()
        console.print(terms)
        if not verbose:
            console.print("\nvidtag models -v says more, with sources.")
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


def _fitting(descriptions: Sequence[ModelDescription], width: int) -> Table:
    """Make the table with as many columns as there is room for."""
    rows = [_cells(one) for one in descriptions]
    shown = [name for name in rows[0] if name != "speed" or any(one.speeds for one in descriptions)]
    takes = {name: max(len(name), *(len(cells[name]) for cells in rows)) for name in shown}
    for name in _LESS_NEEDED:
        if sum(takes[name] for name in shown) + len(_GAP) * (len(shown) - 1) <= width:
            break
        shown = [other for other in shown if other != name]
    table = Table(box=None, header_style="dim", padding=(0, len(_GAP), 0, 0), pad_edge=False)
    for name in shown:
        is_number = name in ("download", "labels", "top-1", "window", "speed")
        table.add_column(name, no_wrap=True, justify="right" if is_number else "left")
    for cells in rows:
        table.add_row(*(cells[name] for name in shown))
    return table


def _cells(one: ModelDescription) -> dict[str, Text]:
    """Give the cells of a model, by their columns."""
    size = "" if one.weights_bytes is None else format_bytes(one.weights_bytes)
    factor = one.realtime_factor
    licence = printable(one.licence or "unknown")
    return {
        "alias": Text(printable(one.name), style="bold"),
        "download": Text("in vidtag" if one.is_packaged else size),
        "cached": Text("yes", style="green") if one.is_cached else Text("no", style="dim"),
        "labels": Text(f"{one.num_labels}{'+' if one.reads_text else ''}"),
        "top-1": Text((one.accuracy or "").partition(" of ")[0]),
        "window": Text(f"{one.window_seconds:.2g}/{one.stride_seconds:.2g} s"),
        "speed": Text(
            "" if factor is None else f"{factor:.2g}x" if factor < 10 else f"{factor:.0f}x"
        ),
        "licence": Text(licence, style="yellow" if _is_limited(one) else ""),
    }


def _is_limited(one: ModelDescription) -> bool:
    """Tell whether the licence, as the hub names it, excludes commercial use."""
    return "-nc" in (one.licence or "").lower()


def _details(one: ModelDescription) -> Iterator[str]:
    """Say where a model comes from, what it computes, who measured it, and how fast it was."""
    if not one.is_packaged:
        yield one.model_id
    parameters = "" if one.parameters is None else f"{one.parameters / 1e6:.1f} M parameters"
    clip = f"{one.num_frames} frames of {one.image_size}x{one.image_size}"
    work = "" if one.gflops is None else f"{one.tokens} tokens, {one.gflops:.4g} GFLOPs"
    yield f"{', '.join(part for part in (parameters, clip, work) if part)} a window"
    if one.accuracy:
        yield f"top-1 {one.accuracy}"
    if one.name == WORDS_MODEL:
        yield CLIP_CAVEAT
    for speed in one.speeds:
        yield (
            f"{speed.windows_per_second:.3g} windows/s here ({speed.engine}, {speed.device}, "
            f"{speed.precision}; {speed.num_windows} windows)"
        )


def _legend(descriptions: Sequence[ModelDescription]) -> Iterator[tuple[str, str]]:
    """Say what the columns mean that don't say it themselves."""
    if any(_is_limited(one) for one in descriptions):
        yield "cc-by-nc", "the weights are for non-commercial use alone"
    yield "download", "about; of a cached model, what its weights take on disk"
    if any(one.reads_text for one in descriptions):
        yield "400+", "takes your own words, too: vidtag VIDEO -m xclip --label TEXT"
    yield "top-1", "as published: Kinetics-400, or Something-Something v2 (174 labels)"
    yield "window", "its length and the stride, where none are asked for"
    if any(one.speeds for one in descriptions):
        yield "speed", "of the model when it last ran on this machine, times real time"


def _pairs() -> Table:
    """Make a table of names and what there is to say of each."""
    table = Table(box=None, show_header=False, padding=(0, len(_GAP), 0, 0), pad_edge=False)
    table.add_column(style="bold", no_wrap=True, min_width=11)
    table.add_column()
    return table


def print_models(descriptions: Sequence[ModelDescription], *, verbose: bool = False) -> None:
    """Print the list on stdout."""
    width = Console().width if sys.stdout.isatty() else None
    with printing():
        sys.stdout.write(models_text(descriptions, width=width, verbose=verbose))
