"""Run an iterator in a thread, a bounded number of items ahead of its consumer.

Decoding releases the interpreter's lock, and so do the engines, so one thread that reads
while another scores uses the machine. The shutdown order is PySceneDetect's: stop event,
drain, join, re-raise.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Generic, TypeVar

Item = TypeVar("Item")

_JOIN_SECONDS = 2.0
"""How long a stop waits for the thread; longer only where a read is blocked in the kernel, and
then the thread is a daemon that does not hold up the exit."""

_POLL_SECONDS = 0.2
"""How often who waits for an item looks up, to see whether it still wants one."""


class _End:
    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class ReadAhead(Generic[Item]):
    """Iterate over a generator that runs in its own thread.

    The generator is closed in its thread, also when the consumer stops early; what it raises
    is raised in the consumer, after the items before it.

    >>> with ReadAhead(iter([1, 2, 3]), size=2) as ahead:
    ...     list(ahead)
    [1, 2, 3]

    Args:
        items: The generator.
        size: Items that may wait for the consumer.
        lead: Items that are made at first, until the consumer wants the one after them: where
            both use the same cores, the first result should not have to share them.
    """

    def __init__(self, items: Iterator[Item], *, size: int, lead: int | None = None) -> None:
        self._items = items
        self._queue: queue.Queue[Item | _End] = queue.Queue(maxsize=size)
        self._lead = lead
        self._num_taken = 0
        self._is_wanted = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vidtag-read-ahead", daemon=True)
        self._thread.start()

    def __enter__(self) -> "ReadAhead[Item]":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Who gives up waits for nothing: the thread may be blocked in a read.
        self.close(wait=kind is not KeyboardInterrupt)

    def __iter__(self) -> Iterator[Item]:
        return self.until(lambda: False)

    def until(self, is_over: Callable[[], bool]) -> Iterator[Item]:
        """Iterate, but no longer than until `is_over`, also while nothing comes.

        What was not taken stays for a later iteration. After `close` nothing comes any more.
        """
        while not is_over():
            if self._num_taken == (self._lead or 0):
                self._is_wanted.set()
            try:
                item = self._queue.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                if self._stop.is_set():
                    return
                continue
            self._num_taken += 1
            if isinstance(item, _End):
                self._queue.put(item)  # a second iteration ends at once, too
                if item.error is not None:
                    raise item.error
                return
            yield item

    def close(self, *, wait: bool = True) -> None:
        """Stop the thread, whatever it is doing, and perhaps wait for its end."""
        self._stop.set()
        self._is_wanted.set()
        while True:  # it may be waiting for room
            try:
                self._queue.get_nowait()
            except queue.Empty:
                break
        if wait:
            self._thread.join(timeout=_JOIN_SECONDS)

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            for number, item in enumerate(self._items, 1):
                if not self._put(item):
                    break
                if number == self._lead:
                    self._is_wanted.wait()
        except BaseException as exc:  # noqa: BLE001 - it is raised again in the consumer
            error = exc
        finally:
            close = getattr(self._items, "close", None)
            if close is not None:
                close()
            self._put(_End(error))

    def _put(self, item: Item | _End) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False
