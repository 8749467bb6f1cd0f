"""stdout and stderr as they are: terminals, files, pipes, or gone.

What of a stranger's text is safe to print there stands in `vidtag.text`.
"""

import codecs
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vidtag.errors import OutputError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_UNBOUNDED = 100_000
"""Columns of a console that never wraps."""


def stderr_console() -> "Console":
    """Return a console on stderr: a terminal's lines break between words, a file's nowhere."""
    from rich.console import Console

    is_file = not sys.stderr.isatty()
    return Console(stderr=True, highlight=False, markup=False, soft_wrap=is_file)


_SIGNS = {
    "\N{EN DASH}": "-",
    "\N{MIDDLE DOT}": "|",
    "\N{HORIZONTAL ELLIPSIS}": "~",
    "\N{RIGHTWARDS ARROW}": ">",
    **dict.fromkeys("▌▋▊▉█", "#"),
    **dict.fromkeys("▏▎▍", " "),
}
"""What stands for a sign of ours where the terminal has no such character; of the same width."""


def replace_signs() -> str:
    """Name the error handler of an encoding that lacks characters: bars of `#`, dashes, or `?`.

    For what a person reads; where a program reads, nothing may be replaced.
    """
    codecs.register_error("vidtag.signs", _replace_signs)
    return "vidtag.signs"


def _replace_signs(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(_SIGNS.get(character, "?") for character in lost), error.end


def escape_signs() -> str:
    """Name the like for stderr, where other characters that are lost are spelt out."""
    codecs.register_error("vidtag.escape", _escape_signs)
    return "vidtag.escape"


def _escape_signs(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character = error.object[error.start]
    escaped = character.encode("ascii", "backslashreplace").decode("ascii")
    return _SIGNS.get(character, escaped), error.start + 1


def plain_text(renderable: "RenderableType") -> str:
    """Render for a file or a pipe: plain, unwrapped and untruncated."""
    from rich.console import Console

    console = Console(file=io.StringIO(), width=_UNBOUNDED, color_system=None, highlight=False)
    with console.capture() as capture:
        console.print(renderable)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


@contextmanager
def printing() -> Iterator[None]:
    """Say what is wrong where stdout takes no more; a reader that is gone is not wrong.

    Raises:
        OutputError: The disk is full, or something else that no reader wanted.
        BrokenPipeError: The reader is gone.
    """
    check_stdout()
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as exc:
        # What waits in its buffer would fail once more when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OutputError("-", f"Can't write to standard output: {exc.strerror or exc}.") from exc


def check_stdout() -> None:
    """Refuse a stdout that was closed from the start (`>&-`), before work is done for it.

    Raises:
        OutputError: It was.
    """
    if not sys.stdout.writable():
        raise OutputError("-", "Can't write to standard output: it is closed.")


def is_live() -> bool:
    """Whether stderr can show progress: a terminal that understands cursor movement."""
    return sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")
