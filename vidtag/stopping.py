"""Ctrl-C, SIGTERM and SIGHUP: how a run ends before its time.

The first signal unwinds the run by a `KeyboardInterrupt`, so that temporary files go and what is
known is kept; a block that must not be torn (`held`) puts that off to its end. A second one ends
the process at once. A signal that was ignored when the program started stays ignored: `nohup`, and
a shell's background jobs, want it so.

Only the command listens. To a program that imports vidtag its signals are its own.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]

ECHO_SECONDS = 0.2
"""Within this time a second signal is an echo of the first. `timeout` sends each one twice, to the
process and to its group, and so do wrappers that pass on what the terminal sends to all; nobody
presses Ctrl-C twice so fast."""

_WATCHES = os.name == "posix"
"""Whether signals can be watched through a pipe; Windows wants a socket, and has only Ctrl-C."""


class _State:
    """What came, and who wants it put off; signals belong to the whole process."""

    def __init__(self) -> None:
        self.number: int | None = None
        self.num_holding = 0
        self.is_due = False
        self.tell: Callable[[], None] | None = None


_state = _State()


def listen() -> None:
    """Take over the signals; to be called from the main thread, once."""
    listening = [one for one in SIGNALS if signal.getsignal(one) != signal.SIG_IGN]
    for one in listening:
        signal.signal(one, _handle)
    if not _WATCHES:
        return
    # Python's handlers run in the main thread, which may be within a long call; a second
    # Ctrl-C does not wait for it.
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    threading.Thread(
        target=_watch, args=(read, listening), name="vidtag-signals", daemon=True
    ).start()


def exit_code() -> int | None:
    """Return what a shell gives for the signal that came; `None` where none did."""
    return None if _state.number is None else 128 + _state.number


@contextmanager
def held(tell: Callable[[], None] | None = None) -> Iterator[None]:
    """Put a signal off to the end of the block.

    Args:
        tell: Called when one comes, within whatever the main thread does just then.

    Raises:
        KeyboardInterrupt: One came.
    """
    outer = _state.tell
    _state.num_holding += 1
    _state.tell = tell or outer
    try:
        yield
    finally:
        _state.tell = outer
        _state.num_holding -= 1
        if _state.is_due and not _state.num_holding:
            _state.is_due = False
            raise KeyboardInterrupt


def check() -> None:
    """End the run if a signal came that some library has swallowed.

    Raises:
        KeyboardInterrupt: One came.
    """
    if _state.number is not None and not _state.num_holding:
        raise KeyboardInterrupt


def _handle(number: int, frame: FrameType | None) -> None:
    if _state.number is not None:
        if not _WATCHES:
            _end_at_once(number)
        return  # the watching thread decides whether that ends the process
    _state.number = number
    if not _state.num_holding:
        if _is_importing(frame):
            _end_at_once(number)
        raise KeyboardInterrupt
    _state.is_due = True
    if _state.tell is not None:
        _state.tell()


def _is_importing(frame: FrameType | None) -> bool:
    """Tell whether a module is just being imported.

    Python's import swallows what is raised in its callbacks, and extension modules make something
    else of it. Outside of held blocks nothing is written meanwhile that would have to be cleared
    away.
    """
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _watch(read: int, listening: list[signal.Signals]) -> None:
    first: float | None = None
    while data := os.read(read, 1):
        number = data[0]
        if number not in listening:
            continue
        if first is None:
            first = time.monotonic()
        elif number != getattr(signal, "SIGHUP", None) and (
            # A terminal that goes while a run is ending hurries nobody.
            time.monotonic() - first > ECHO_SECONDS
        ):
            _end_at_once(number)


def _end_at_once(number: int) -> None:
    with suppress(OSError, ValueError, AttributeError):
        if sys.stderr.isatty():
            os.write(sys.stderr.fileno(), b"\x1b[?25h")  # the live view had hidden the cursor
    os._exit(128 + number)
