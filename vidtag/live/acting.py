"""A command that is run for each event: the event on its stdin, bounded in time and number."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from vidtag.errors import UsageError

LIMIT_SECONDS = 10.0
"""A command that takes longer is ended."""

MAX_WAITING = 100
"""Events that may wait for their turn; the oldest give way."""

CLOSE_SECONDS = 15.0
"""How long the last events get, once the watch is over."""


def parse_command(text: str) -> list[str]:
    """Take a command apart as a shell does, without running one.

    Raises:
        UsageError: It is none, or there is no such program.
    """
    try:
        words = shlex.split(text)
    except ValueError as exc:
        raise UsageError(f"--exec {text}: that is no command ({exc}).") from exc
    if not words:
        raise UsageError("--exec: a command is missing.")
    if shutil.which(words[0]) is None:
        raise UsageError(f"--exec {text}: there is no program '{words[0]}'.")
    return words


class Actor:
    """Runs a command for one event after the other, in their order; a context manager.

    Args:
        command: The program and its arguments; no shell reads them.
        tell: Told in a line what goes wrong; the same thing the 1st, 2nd, 4th, 8th … time.
        limit_seconds: A command that takes longer is ended.
    """

    def __init__(
        self,
        command: list[str],
        tell: Callable[[str], None],
        limit_seconds: float = LIMIT_SECONDS,
    ) -> None:
        self._command = command
        self._tell = tell
        self._limit_seconds = limit_seconds
        self._lines: deque[str] = deque()
        self._changed = threading.Condition()
        self._is_over = False
        self._counts: dict[str, int] = {}
        self.num_dropped = 0
        """Events that gave way, since the command was too slow."""
        self._thread = threading.Thread(target=self._run, name="vidtag-exec", daemon=True)
        self._thread.start()

    def __enter__(self) -> "Actor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, line: str) -> None:
        """Have it run for an event; does not wait."""
        with self._changed:
            if len(self._lines) >= MAX_WAITING:
                self._lines.popleft()
                self.num_dropped += 1
                self._count("is too slow; events were left out")
            self._lines.append(line)
            self._changed.notify_all()

    def close(self) -> None:
        """Run it for what waits, within bounds."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
        self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._lines:
                    if self._is_over:
                        return
                    self._changed.wait()
                line = self._lines.popleft()
            self._run_once(line)

    def _run_once(self, line: str) -> None:
        try:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=sys.stderr.fileno(),  # our stdout carries events alone
                start_new_session=True,  # Ctrl-C is for us, and what it starts ends with it
            )
        except OSError as exc:
            self._count(f"could not be started ({exc.strerror or exc})")
            return
        try:
            process.communicate(line.encode("utf-8", "surrogatepass") + b"\n", self._limit_seconds)
        except subprocess.TimeoutExpired:
            self._kill(process)
            self._count(f"took more than {self._limit_seconds:g} s and was ended")
            return
        except OSError:
            process.wait()
        if process.returncode:
            self._count(f"ended with {process.returncode}")

    def _kill(self, process: "subprocess.Popen[bytes]") -> None:
        with suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        process.wait()
        with suppress(OSError):
            assert process.stdin is not None
            process.stdin.close()

    def _count(self, what: str) -> None:
        count = self._counts[what] = self._counts.get(what, 0) + 1
        if count & (count - 1) == 0:
            often = f" ({count} times by now)" if count > 1 else ""
            self._tell(f"--exec {shlex.join(self._command)} {what}{often}.")
