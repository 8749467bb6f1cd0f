"""Several videos on a terminal: a row of each, as soon as it is known.

Rows come one by one, so that columns follow from the names of all inputs and from the terminal.
"""

import os
from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from vidtag.documents.headline import guess_phrase, held_phrases
from vidtag.documents.records import Document
from vidtag.formats.table_drawing import packed, shortened_name
from vidtag.seconds import format_seconds
from vidtag.text import printable
from vidtag.urls import is_url, without_credentials

_LENGTH_CELLS = 7
"""Room for `1:23:45`."""
_GAP = 2
_LEAST_NAME = 12
"""Columns that a name gets, however narrow the terminal is."""


def print_row(document: Document, names: Sequence[str], *, is_first: bool) -> None:
    """Print a video's row on the terminal that stdout is; above the first, what columns hold."""
    console = Console(highlight=False)
    if is_first:
        for line in _head(names, console.width):
            console.print(line, no_wrap=True, overflow="ellipsis")
    console.print(make_row(document, names, console.width), no_wrap=True, overflow="ellipsis")


def make_row(document: Document, names: Sequence[str], width: int) -> Text:
    """Make the row of a video: its name, its length, and what holds the longest.

    Args:
        document: What was found in it.
        names: All inputs, as the user named them.
        width: Columns of the terminal.
    """
    seconds = document.sampling.end_seconds - document.sampling.start_seconds
    length = format_seconds(round(seconds) or round(seconds, 1))
    name = document.video.path.removeprefix(_shared_folder(names))
    row = _begin(name, length, names, width)
    room = max(width - row.cell_len, 8)
    phrases = held_phrases(document)
    if phrases:
        row.append(packed(phrases, room, 1)[0])
    else:
        row.append(guess_phrase(document), style="dim")
    return row


def _head(names: Sequence[str], width: int) -> Iterator[Text]:
    """Say what the columns hold, and in which folder all videos lie."""
    folder = printable(_shared_folder(names))
    if folder:
        yield Text(f"in {shortened_name(folder, width - 3)}", style="dim")
    row = _begin("video", "length", names, width)
    row.append("what holds, and how long")
    row.stylize("dim")
    yield row


def _shared_folder(names: Sequence[str]) -> str:
    """Name the folder that all videos lie in, with a / at its end; a row need not repeat it.

    >>> _shared_folder(["clips/a/one.mp4", "clips/b/two.mp4"])
    'clips/'
    """
    folders = [os.path.dirname(without_credentials(name)) for name in names]
    if not all(folders) or any(map(is_url, names)):
        return ""
    try:
        shared = f"{os.path.commonpath(folders)}/"
    except ValueError:  # relative and absolute ones
        return ""
    return shared if all(name.startswith(shared) for name in names) else ""


def _begin(name: str, length: str, names: Sequence[str], width: int) -> Text:
    """Begin a row with the columns that are the same in all of them."""
    folder = len(_shared_folder(names))
    shown = [printable(without_credentials(one)[folder:]) for one in names]
    longest = max(map(cell_len, shown), default=0)
    room = min(max(longest, len("video")), max(_LEAST_NAME, (width - _LENGTH_CELLS) * 2 // 5))
    row = Text(overflow="ellipsis", no_wrap=True)
    row.append(set_cell_size(shortened_name(printable(name), room), room), style="bold")
    row.append(f"{' ' * _GAP}{length:>{_LENGTH_CELLS}}{' ' * _GAP}", style="not bold dim")
    return row
