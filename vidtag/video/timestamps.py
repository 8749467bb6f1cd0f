"""Decoder timestamps made into an axis of time that never runs backwards.

Owns the repair of timestamps: missing, out of order, repeated, wrapped, discontinuous.
Works on plain numbers; knows neither FFmpeg nor pictures.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeVar

T = TypeVar("T")
Ticks = int | Fraction
"""A timestamp; a fraction where it was worked out."""

JUMP_SECONDS = 10
"""A longer gap in a stream that can be cut and joined (such as a transport stream) is a jump.

Source: FFmpeg's `-dts_delta_threshold`, 10 s by default.
"""

LONGEST_SECONDS = 3600
"""No frame is believed to stay on screen longer than this: such a gap is taken for a jump."""

COUNTER_BITS = (33, 32)
"""Sizes of the counters that overflow: MPEG (33 bits at 90 kHz), and 32-bit fields."""


@dataclass(slots=True)
class Oddities:
    """How often each repair was needed."""

    missing: int = 0
    reordered: int = 0
    repeated: int = 0
    wrapped: int = 0
    jumped: int = 0

    def any(self) -> bool:
        """Tell whether the timestamps needed any repair."""
        return bool(self.missing or self.reordered or self.repeated or self.wrapped or self.jumped)


def _plain(tick: Ticks) -> Ticks:
    """Return a whole number as such: every frame is compared with it, ten times as fast."""
    return int(tick) if tick.denominator == 1 else tick


class TimeAxis(Generic[T]):
    """Gives every frame, in decoder order, its time since the first presented frame.

    Frames keep their order. The i-th frame gets the i-th smallest timestamp, found with a
    look-ahead of a few frames. Where timestamps are right, that is the frame's own.

    Args:
        time_base: Seconds per tick.
        frame_seconds: The length of a frame where timestamps don't tell it.
        look_ahead: Frames that are held to sort their timestamps.
        is_chained: The format can be cut and joined, so that its timestamps may jump.
        origin: The first presented frame's timestamp, where it is known already.
        last_tick: The last timestamp that the header allows, where it is known.
        is_gap: Whether time went on between two timestamps that lie that far apart.
    """

    def __init__(
        self,
        *,
        time_base: Fraction,
        frame_seconds: Fraction,
        look_ahead: int,
        is_chained: bool,
        origin: Ticks | None = None,
        last_tick: Ticks | None = None,
        is_gap: Callable[[Ticks, Ticks], bool] = lambda _before, _after: False,
    ) -> None:
        self.oddities = Oddities()
        self.origin = origin
        self._time_base = time_base
        self._gap = _plain(frame_seconds / time_base)
        self._look_ahead = look_ahead
        self._jump = _plain((JUMP_SECONDS if is_chained else LONGEST_SECONDS) / time_base)
        self._longest = _plain(LONGEST_SECONDS / time_base)
        self._is_gap = is_gap
        self._short_jump = _plain(JUMP_SECONDS / time_base)
        self._believed_end: Ticks | None = None
        if last_tick is not None:
            self._believed_end = _plain(last_tick + self._short_jump)
        # Frames out of order lie a few frame lengths back at the most (16 in H.264).
        back_frames = 3 if is_chained else 16
        least = Fraction(0) if is_chained else 1 / time_base
        self._back = _plain(max(least, back_frames * self._gap))
        self._offset: Ticks = 0
        self._step: Ticks = self._gap  # the last gap between two frames
        self._num_dated = 0
        self._newest: Ticks | None = None  # the largest tick that came in
        self._latest: Ticks | None = None  # the tick that came in last
        self._num_in = 0
        self._num_out = 0
        self._heap: list[tuple[Ticks, int]] = []
        self._waiting: deque[T] = deque()
        self._last: Ticks | None = None  # the tick that went out last
        self._last_own: Ticks | None = None  # the same, before it was spread
        self._in_run = False
        self._restarts = False

    def push(self, frame: T, pts: Ticks | None) -> Iterator[tuple[T, Fraction]]:
        """Take the decoder's next frame; yield those whose time is now known."""
        tick = self._continued(pts)
        if self._latest is not None and tick > self._latest:
            self._step = tick - self._latest
        if self._newest is None or tick > self._newest:
            self._newest = tick
        self._latest = tick
        heapq.heappush(self._heap, (tick, self._num_in))
        self._waiting.append(frame)
        self._num_in += 1
        while len(self._waiting) > self._look_ahead:
            yield self._pop()

    def expect_restart(self) -> None:
        """Take the next frame for the first of another video, which comes after those before."""
        self._restarts = True

    def flush(self) -> Iterator[tuple[T, Fraction]]:
        """Yield the frames that are still held; the stream has ended."""
        while self._waiting:
            yield self._pop()

    def _continued(self, pts: Ticks | None) -> Ticks:
        """Join a timestamp to those before it: fill gaps, undo wraps and jumps."""
        if pts is None:
            self.oddities.missing += 1
            return 0 if self._latest is None else self._latest + self._gap
        self._num_dated += 1
        if self._newest is None or self._latest is None:
            return pts
        if self._num_dated == 1:  # the first frames had none
            self._offset = self._latest + self._gap - pts
        ahead = pts + self._offset - self._newest
        restarts, self._restarts = self._restarts, False
        is_beyond = self._believed_end is not None and pts + self._offset > self._believed_end
        if (
            (1 if restarts else -self._back)
            <= ahead
            <= (self._short_jump if is_beyond else self._jump)
        ):
            return pts + self._offset
        if 0 < ahead <= self._longest and self._is_gap(self._newest - self._offset, pts):
            return pts + self._offset
        for bits in COUNTER_BITS:
            if abs(Fraction(ahead + (1 << bits))) < self._short_jump < 1 << (bits - 2):
                self._offset += 1 << bits
                self.oddities.wrapped += 1
                return pts + self._offset
        self._offset += self._step - ahead
        self.oddities.jumped += 1
        return pts + self._offset

    def _pop(self) -> tuple[T, Fraction]:
        tick, index = heapq.heappop(self._heap)
        is_late = self._last_own is not None and tick < self._last_own
        self._last_own = tick
        self.oddities.reordered += is_late or index != self._num_out
        if self._last is not None and tick <= self._last:
            tick = self._spread(self._last)
        else:
            self._in_run = False
        self._last = tick
        self._num_out += 1
        if self.origin is None:
            self.origin = tick
        return self._waiting.popleft(), (tick - self.origin) * self._time_base

    def _spread(self, last: Ticks) -> Ticks:
        """Place a frame whose timestamp does not come after the one before it.

        A single repeat stays where it is: the later frame wins. In a run of repeats the
        frames share the time up to the next timestamp, or follow at the frame rate.
        """
        num_stuck = sum(1 for tick, _ in self._heap if tick <= last)
        is_all = not self._heap and self._num_out == 1
        if not (num_stuck or self._in_run or is_all):
            return last
        self._in_run = True
        self.oddities.repeated += 1
        later = min((tick for tick, _ in self._heap if tick > last), default=None)
        if later is None:
            return last + self._gap
        return last + min(self._gap, Fraction(later - last) / (num_stuck + 2))


class RateMeter:
    """Mean frame rate and its evenness, from the times of the frames."""

    def __init__(self, time_base: Fraction) -> None:
        self._tick = time_base
        self._first: Fraction | None = None
        self._last: Fraction | None = None
        self._num_frames = 0
        self._shortest: Fraction | None = None
        self._longest: Fraction | None = None
        self.last_gap: Fraction | None = None
        """The last gap between two frames, in seconds, where it is not zero."""

    def add(self, seconds: Fraction) -> None:
        """Note the time of the next frame."""
        if self._last is None:
            self._first = seconds
        else:
            gap = seconds - self._last
            if gap != self.last_gap:  # else it is counted already
                self._shortest = gap if self._shortest is None else min(self._shortest, gap)
                self._longest = gap if self._longest is None else max(self._longest, gap)
                if gap > 0:
                    self.last_gap = gap
        self._last = seconds
        self._num_frames += 1

    @property
    def frame_rate(self) -> float | None:
        """Mean frames per second; `None` where no time passes."""
        if self._first is None or self._last is None or self._last == self._first:
            return None
        return float((self._num_frames - 1) / (self._last - self._first))

    @property
    def is_variable(self) -> bool:
        """Whether gaps differ by more than rounding and a capturing clock's jitter explain."""
        if self._shortest is None or self._longest is None or self._first == self._last:
            return False
        assert self._first is not None
        assert self._last is not None
        mean = (self._last - self._first) / (self._num_frames - 1)
        rounding = max(
            min(2 * self._tick, mean * Fraction(3, 4)),
            min(Fraction(2, 1000), mean / 4),
            mean / 5,
        )
        return self._longest - self._shortest > rounding
