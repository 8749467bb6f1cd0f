"""Waiting for blocking reads in a way that Ctrl-C can interrupt.

While FFmpeg waits for a server or a pipe, Python's signal handlers don't run. So the wait is
left to another thread, which is abandoned when the user gives up.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.2
"""How often the waiting thread looks up; some systems can't interrupt a wait without end."""


ABORT_SECONDS = 1.0
"""How long late work gets to end by itself."""


class _Job(Generic[T]):
    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._done: SimpleQueue[tuple[T] | BaseException] = SimpleQueue()
        self.is_done = False

    def do(self) -> None:
        try:
            self._done.put((self._work(),))
        except BaseException as exc:  # noqa: BLE001 - handed to the thread that waits
            self._done.put(exc)

    def wait(self, is_late: Callable[[float], bool]) -> T:
        while True:
            began = time.monotonic()
            try:
                result = self._done.get(timeout=POLL_SECONDS)
            except Empty:
                if not is_late(time.monotonic() - began):
                    continue
                with suppress(Empty):  # perhaps what was done about it ends the work, too
                    self._done.get(timeout=ABORT_SECONDS)
                    self.is_done = True
                raise TimeoutError from None
            is_late(time.monotonic() - began)
            self.is_done = True
            if isinstance(result, BaseException):
                raise result
            return result[0]


class Stall:
    """Decides when a server has sent too little for too long.

    Only waiting counts, not what the reader does meanwhile. A server that sends a byte a second
    is never silent, and never done.

    Args:
        seconds: After this long with less than `num_bytes`, it is late.
        num_bytes: What is enough to go on.
    """

    def __init__(self, seconds: float, num_bytes: int) -> None:
        self._seconds = seconds
        self._num_bytes = num_bytes
        self._waited = 0.0
        self._received = 0

    def is_late(self, waited: float, num_received: int) -> bool:
        """Add a time of waiting; tell whether it is enough, with so many bytes all in all."""
        if num_received - self._received >= self._num_bytes:
            self._received = num_received
            self._waited = 0.0
        self._waited += waited
        return self._waited > self._seconds


class Worker:
    """One daemon thread that does one piece of work at a time, while the caller waits."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[_Job[object] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self.is_busy = False
        self.waited_seconds = 0.0
        """For how long its work was waited for, all in all."""

    def run(self, work: Callable[[], T], is_late: Callable[[float], bool] = lambda _: False) -> T:
        """Do the work in the thread; an interrupt or time-out ends the wait, not the work.

        Args:
            work: What to do.
            is_late: Told how long each turn of waiting took; whether to wait no more.

        Raises:
            TimeoutError: It is late, or earlier work was given up and still goes on.
        """
        if self.is_busy:
            raise TimeoutError
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name="vidtag-read", daemon=True)
            self._thread.start()
        job = _Job(work)
        self.is_busy = True
        began = time.monotonic()
        self._jobs.put(job)  # type: ignore[arg-type]
        try:
            return job.wait(is_late)
        finally:
            self.is_busy = not job.is_done
            self.waited_seconds += time.monotonic() - began

    def close(self, release: Callable[[], None]) -> None:
        """End the thread once it is idle, and release what it used: then or now."""
        if self.is_busy:
            self._jobs.put(_Job(release))
        else:
            release()
        self._jobs.put(None)

    def _loop(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.do()
