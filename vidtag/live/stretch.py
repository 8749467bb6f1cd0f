"""What is known of the pictures of one connection: their steps, their segments, their time."""

import time
from fractions import Fraction

from vidtag.live.clock import ArrivalClock, to_utc
from vidtag.live.mailbox import Begun
from vidtag.tagging.scoring import Equipment
from vidtag.timeline.segments import SegmentTracker
from vidtag.timeline.steps import TimelineBuilder


class Stretch:
    """Steps and segments of the pictures of one connection.

    Args:
        equipment: What scores them.
        begun: Where they begin.
        is_timeless: Whether they are read as fast as possible, so that no lag means anything.
    """

    def __init__(self, equipment: Equipment, begun: Begun, *, is_timeless: bool) -> None:
        grid, settings = equipment.grid, equipment.settings
        self._is_timeless = is_timeless
        self.clock: ArrivalClock = begun.clock
        self.last_end: Fraction | None = None
        """The end of the window that was scored last."""
        self.builder = TimelineBuilder(
            stride_seconds=grid.stride_seconds,
            window_seconds=grid.window_seconds,
            average=settings.average,
            start_seconds=begun.start_seconds,
            num_background=equipment.classifier.info.num_background,
            may_miss=True,
        )
        self.tracker = SegmentTracker(settings.rule)

    def lag(self, told_by: Fraction) -> float | None:
        """Return for how long the window is past that told something."""
        return None if self._is_timeless else round(self.clock.lag(float(told_by)), 3)

    def utc(self, seconds: Fraction) -> str:
        """Return when a second of the stream was; now where it is read as fast as possible."""
        return to_utc(time.time()) if self._is_timeless else self.clock.utc(float(seconds))
