"""Between the thread that reads and the one that scores: the newest window, and what happened.

Where the model is late, a window that waits gives way to a newer one, and is counted. What
happened (the source was lost, is back) is never dropped, and stays in its place.
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from vidtag.clips.windows import Window
from vidtag.live.clock import ArrivalClock
from vidtag.video.frames import Notice, VideoInfo

POLL_SECONDS = 0.1
"""How often both sides look up: a signal's handler may only set a mark."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Begun:
    """Pictures come: the first time, or again."""

    start_seconds: Fraction
    """Where they begin in the time of the watch, on its grid."""

    info: VideoInfo
    clock: ArrivalClock
    """Their time in this machine's."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ready:
    """A window whose frames are all there."""

    window: Window
    next_start: Fraction | None
    """No later window starts before; `None` for the last one of a stretch."""

    info: VideoInfo
    """What was known of the source by then."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ended:
    """No more pictures come for now: the source was lost, or is over."""

    end_seconds: Fraction
    info: VideoInfo
    notices: tuple[Notice, ...]
    is_lost: bool
    """Whether it is tried again; else that was all."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Odd:
    """Something that a person should know; once each."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Failed:
    """It can't be watched at all."""

    error: BaseException


Item = Begun | Ready | Ended | Odd | Failed


class Mailbox:
    """What the reader found and the scorer has not taken yet.

    Args:
        room: Windows that may wait; `None` where a newer one takes the place of one that waits.
    """

    def __init__(self, room: int | None) -> None:
        self.num_skipped = 0
        """Windows that gave way to newer ones."""
        self._room = room
        self._items: deque[Item] = deque()
        self._changed = threading.Condition()

    def put(self, item: Item, is_over: Callable[[], bool]) -> None:
        """Leave something; waits while there is no room for a window.

        Args:
            item: What.
            is_over: Asked while it waits: whether nobody takes anything any more.
        """
        with self._changed:
            if isinstance(item, Ready) and self._room is None:
                if self._items and isinstance(self._items[-1], Ready):
                    self._items.pop()
                    self.num_skipped += 1
            elif isinstance(item, Ready):
                while len(self._items) >= (self._room or 0) and not is_over():
                    self._changed.wait(POLL_SECONDS)
            self._items.append(item)
            self._changed.notify_all()

    def take(self, is_over: Callable[[], bool]) -> Item | None:
        """Wait for the next thing and take it; `None` once nobody wants more."""
        with self._changed:
            while not self._items:
                if is_over():
                    return None
                self._changed.wait(POLL_SECONDS)
            if is_over():
                return None
            item = self._items.popleft()
            self._changed.notify_all()
            return item
