"""Waiting for blocking reads in a way that Ctrl-C can interrupt.

While FFmpeg waits for a server or a pipe, Python's signal handlers don't run. So the wait is
left to another thread, which is abandoned when the user gives up.
"""

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.2
"""How often the waiting thread looks up; some systems can't interrupt a wait without end."""


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

    def wait(self, timeout_seconds: float | None) -> T:
        end = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while True:
            try:
                result = self._done.get(timeout=POLL_SECONDS)
            except Empty:
                if end is not None and time.monotonic() > end:
                    raise TimeoutError from None
                continue
            self.is_done = True
            if isinstance(result, BaseException):
                raise result
            return result[0]


class Worker:
    """One daemon thread that does one piece of work at a time, while the caller waits."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[_Job[object] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self.is_busy = False

    def run(self, work: Callable[[], T], timeout_seconds: float | None = None) -> T:
        """Do the work in the thread; an interrupt or time-out ends the wait, not the work."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name="vidtag-read", daemon=True)
            self._thread.start()
        job = _Job(work)
        self.is_busy = True
        self._jobs.put(job)  # type: ignore[arg-type]
        try:
            return job.wait(timeout_seconds)
        finally:
            self.is_busy = not job.is_done

    def close(self) -> bool:
        """End the thread once it is idle; tell whether what it used may be closed."""
        self._jobs.put(None)
        return not self.is_busy

    def _loop(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.do()
