"""Lines on stdout and stderr: safe for any text, and without passwords."""

import os
import sys
from typing import TYPE_CHECKING

from vidtag import stopping
from vidtag.terminal import plain_text, printing, stderr_console
from vidtag.text import printable
from vidtag.urls import hide_credentials

if TYPE_CHECKING:
    from rich.console import RenderableType


def print_line(line: str) -> None:
    """Print a line of a command's result on stdout."""
    with printing():
        print(line)  # noqa: T201 - the result of a command


def print_drawing(drawing: "RenderableType") -> None:
    """Print a command's result on stdout; plain and unwrapped where that is no terminal."""
    from rich.console import Console  # late: most commands' start needs no rich

    with printing():
        console = Console(highlight=False)
        if console.is_terminal:
            console.print(drawing)
        else:
            console.file.write(plain_text(drawing))


def complain(message: str) -> None:
    """Say on stderr what is wrong, unless the run is being stopped."""
    if stopping.exit_code() is not None:
        return  # what fails while a signal unwinds the run is not worth a word
    say(message)


def say(message: str) -> None:
    """Print a line on stderr."""
    line = f"vidtag: {printable(hide_credentials(message, sys.argv[1:]))}"
    try:
        stderr_console().print(line)
    except MemoryError:  # rich is imported late, perhaps when memory is what ran out
        os.write(2, f"{line}\n".encode(errors="replace"))
