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


def mend_signs(stream: io.TextIOWrapper, *, keeps: bool) -> None:
    """Draw with `#` and `-` on a stream whose terminal lacks our signs: bars, dashes, dots.

    For what a person reads; where a program reads, nothing may be replaced.

    Args:
        stream: What a person reads.
        keeps: Whether other characters that it lacks are spelt out, as on stderr; else they are
            `?`.
    """
    handlers = {"vidtag.replace": _replace, "vidtag.escape": _escape, "vidtag.keep": _keep}
    for name, handler in handlers.items():
        codecs.register_error(name, handler)
    if is_c_locale():
        # Python writes UTF-8 there all the same, so names stay what they are.
        stream.reconfigure(encoding="ascii", errors="vidtag.keep")
    else:
        stream.reconfigure(errors="vidtag.escape" if keeps else "vidtag.replace")


def is_c_locale() -> bool:
    """Tell whether the user asked for a locale without any character but ASCII's."""
    chosen = (os.environ.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    return next(filter(None, chosen), "") in ("C", "POSIX")


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    lost, end = _lost(error)
    return _SIGNS.get(lost, "?"), end


def _escape(error: UnicodeError) -> tuple[str | bytes, int]:
    lost, end = _lost(error)
    return _SIGNS.get(lost, lost.encode("ascii", "backslashreplace").decode("ascii")), end


def _keep(error: UnicodeError) -> tuple[str | bytes, int]:
    lost, end = _lost(error)
    return _SIGNS.get(lost, lost.encode("utf-8", "surrogateescape")), end


def _lost(error: UnicodeError) -> tuple[str, int]:
    """Return the first character that can't be encoded, and the place after it."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return error.object[error.start], error.start + 1


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
