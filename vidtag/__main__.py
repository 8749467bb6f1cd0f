"""The command `vidtag`, also as `python -m vidtag`.

Owns the process: its standard streams, its signals and its end. Imports nothing before it can be
interrupted.
"""

import io
import os
import sys
from contextlib import suppress

from vidtag import stopping

INTERRUPTED = 130
"""What a shell gives for Ctrl-C: 128 and the signal's number."""

_NOWHERE = "/proc/self/task"
"""A folder in which nothing has a video's name, and in which nothing can be made."""


class _Forgiving(io.TextIOWrapper):
    """Stderr, which may be gone (a closed terminal, a full disk): the result is what counts."""

    def write(self, text: str) -> int:
        with suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            super().flush()


def main() -> None:
    """Run the command line and exit; what had to be closed was closed by then."""
    try:
        _mend_streams()
        _mend_folder()
        stopping.listen()
        from vidtag.cli.app import run

        code = run()
    except KeyboardInterrupt:
        code = INTERRUPTED  # it came before anybody listened
    # Python's own exit would take the model apart piece by piece (0.1 s), wait for threads that
    # load one or are blocked in a read, and end by the signal after an interrupt in `exec()`.
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, KeyboardInterrupt):
            stream.flush()
    os._exit(stopping.exit_code() or code)


def _mend_streams() -> None:
    """Give standard streams that are closed a place, so that no file which is opened takes it.

    A stdout that was closed is not writable then, and what is said on a stderr that was closed is
    lost; such a stdin has no file object, by which its readers know it.
    """
    for descriptor, mode in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, mode)  # takes the lowest number that is free
    if sys.stdout is None:
        sys.stdout = open(1, encoding="utf-8", closefd=False)  # noqa: SIM115 - stays open
    encoding = "utf-8" if sys.stderr is None else sys.stderr.encoding
    if sys.stderr is not None:
        sys.stderr.flush()
    raw = open(2, "wb", closefd=False)  # noqa: SIM115 - stays open
    sys.stderr = _Forgiving(raw, encoding=encoding, errors="backslashreplace", line_buffering=True)


def _mend_folder() -> None:
    """Leave a working folder that was deleted.

    Relative names mean nothing there, and go on meaning nothing; but MKL, which torch uses, ends
    the process where there is no working folder.
    """
    try:
        os.getcwd()
    except OSError:
        try:
            os.chdir(_NOWHERE)
        except OSError:
            sys.stderr.write("vidtag: The working folder is gone; change into another one.\n")
            os._exit(1)


if __name__ == "__main__":
    main()
