"""The time of a stream, in that of this machine: when was it that a second of it came?"""

import time
from collections import deque
from datetime import UTC, datetime

MEMORY_SECONDS = 30
"""For so long it is remembered how early pictures came: longer than what a segment of HLS holds."""


class ArrivalClock:
    """Maps the seconds of a stream to this machine's clocks, by when pictures arrive.

    Pictures come late by more or less, never early: the one that came earliest, of the last
    half minute, tells best when its time was. So a stream's clock that runs away is followed.
    Moments are those of `time.monotonic`, which nobody sets; UTC is looked up when it is asked
    for, so that a clock of this machine that is set back moves no lag.

    >>> clock = ArrivalClock()
    >>> for seconds, moment in ((0, 100.5), (1, 101.1), (2, 102.4)): clock.note(seconds, moment)
    >>> round(clock.moment(2), 3), round(clock.lag(2, 103.0), 3)
    (102.1, 0.9)
    """

    def __init__(self) -> None:
        self._earliest: deque[tuple[int, float]] = deque()
        self._offset: float | None = None
        self._told: float | None = None

    def note(self, seconds: float, moment: float) -> None:
        """Note that a picture of a time came at a moment."""
        offset, turn = moment - seconds, int(moment)
        earliest = self._earliest
        if not earliest or earliest[-1][0] != turn:
            earliest.append((turn, offset))
            while turn - earliest[0][0] > MEMORY_SECONDS:
                earliest.popleft()
        elif offset < earliest[-1][1]:
            earliest[-1] = turn, offset
        # One assignment, so that another thread can read it.
        self._offset = min(one for _, one in earliest)
        if self._told is None:
            self._told = self._offset

    def restart(self) -> None:
        """Forget: the stream's timestamps jumped."""
        self._earliest.clear()
        self._told = None

    def drift(self, least: float) -> float | None:
        """Tell by how much the stream's clock fell behind this machine's since it was last told.

        Args:
            least: What is worth telling, in seconds.

        Returns:
            Seconds, negative where it ran ahead; `None` where that is not worth telling.
        """
        if self._offset is None or self._told is None or abs(self._offset - self._told) < least:
            return None
        drift = self._offset - self._told
        self._told = self._offset
        return drift

    def moment(self, seconds: float) -> float:
        """Return the moment at which a second of the stream was."""
        return seconds + (time.monotonic() if self._offset is None else self._offset)

    def lag(self, seconds: float, now: float | None = None) -> float:
        """Return for how long a second of the stream is past."""
        return max(0.0, (time.monotonic() if now is None else now) - self.moment(seconds))

    def utc(self, seconds: float) -> str:
        """Return when a second of the stream was, by this machine's clock."""
        return to_utc(time.time() - (time.monotonic() - self.moment(seconds)))


def to_utc(unix_seconds: float) -> str:
    """Write a time as ISO 8601 in UTC, with milliseconds.

    >>> to_utc(0.25)
    '1970-01-01T00:00:00.250Z'
    """
    text = datetime.fromtimestamp(unix_seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
