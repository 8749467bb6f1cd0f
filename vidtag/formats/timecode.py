"""Frames and timecode: how editors count time, in exact numbers.

Editors count whole frames at a constant rate. The rate is that of the video, taken as 24,
30000/1001 and the like where it is within their rounding; a slower one is counted at the lowest
of these rates that is a multiple of it (15 at 30), since no editor has a timeline of its own rate.
A variable one is taken as the nearest of them, as an editor would conform it.

Timecode names a frame by hours, minutes, seconds and frames. At 30000/1001 and its multiples a
count of whole frames falls behind the clock; drop-frame timecode leaves two numbers of each 30 out
at every minute but the tenth ones. After 24 hours it starts anew.
Source: SMPTE ST 12-1, sections 5 and 8; ST 12-3 for more than 30 frames per second
"""

import math
import re
from dataclasses import dataclass
from fractions import Fraction

from vidtag.documents.records import VideoRecord
from vidtag.seconds import milliseconds

# Rates that editors know. Source: SMPTE ST 12-1, and
# https://github.com/AcademySoftwareFoundation/OpenTimelineIO src/opentime/rationalTime.cpp
_EDIT_RATES = (
    Fraction(24000, 1001),
    Fraction(24),
    Fraction(25),
    Fraction(30000, 1001),
    Fraction(30),
    Fraction(48000, 1001),
    Fraction(48),
    Fraction(50),
    Fraction(60000, 1001),
    Fraction(60),
    Fraction(120000, 1001),
    Fraction(120),
)
_RATE_NOISE = 4e-4
"""Neighbours such as 29.97 and 30 differ by 1e-3; timestamps in milliseconds blur a mean less."""

_UNKNOWN_RATE = Fraction(25)
"""Of a single frame: the rate that is taken where a video declares none."""

_TIMECODE = re.compile(r"([01]\d|2[0-3]):([0-5]\d):([0-5]\d)([:;])(\d{2,3})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """How the frames of a video are counted."""

    rate: Fraction
    """Frames per second."""

    first: int
    """Number of the video's first frame; 00:00:00:00 is 0."""

    is_drop: bool
    """Whether timecode leaves numbers out."""

    has_timecode: bool
    """Whether the file itself tells the number of its first frame."""

    @property
    def nominal_rate(self) -> int:
        """Numbers in a second of timecode: 30 at 30000/1001."""
        return math.ceil(self.rate)

    @property
    def is_ntsc(self) -> bool:
        """Whether the rate is 1000/1001 of its nominal one."""
        return self.rate.denominator == 1001

    def span(self, start: float, end: float) -> tuple[int, int]:
        """Find the frame nearest to a time, and how many there are to another; one at least.

        Args:
            start: Seconds since the video's first frame.
            end: Seconds since the video's first frame.

        >>> Counting(rate=Fraction(25), first=0, is_drop=False, has_timecode=False).span(1, 1.5)
        (25, 13)
        """
        first = self._frame(start)
        return first, max(1, self._frame(end) - first)

    def seconds(self, frames: int) -> Fraction:
        """Tell how long frames last."""
        return frames / self.rate

    def timecode(self, frame: int) -> str:
        """Write the timecode of a frame of the video, whose first one is 0.

        >>> ntsc = Counting(
        ...     rate=Fraction(30000, 1001), first=107892, is_drop=True, has_timecode=True
        ... )
        >>> ntsc.timecode(0), ntsc.timecode(1799), ntsc.timecode(1800)
        ('01:00:00;00', '01:00:59;29', '01:01:00;02')
        """
        return write_timecode(self.first + frame, self.rate, is_drop=self.is_drop)

    def _frame(self, seconds: float) -> int:
        # Of two as near, the later one, as editors round; round() would take the even one.
        return math.floor(Fraction(milliseconds(seconds), 1000) * self.rate + Fraction(1, 2))


def count_frames(video: VideoRecord, *, start: str = "00:00:00:00") -> Counting:
    """Decide how the frames of a video are counted.

    Args:
        video: What was read of it. A timecode that its rate can't count is taken as none: frame 29
            at 25 frames per second, say.
        start: Timecode of the first frame where the file tells none.
    """
    rate = edit_rate(video.frame_rate, is_variable=video.is_variable_frame_rate)
    own = None if video.timecode is None else read_timecode(video.timecode, rate)
    first = read_timecode(start, rate) if own is None else own
    return Counting(
        rate=rate,
        first=first or 0,
        is_drop=own is not None and ";" in (video.timecode or "") and _dropped(rate) > 0,
        has_timecode=own is not None,
    )


def edit_rate(frame_rate: float | None, *, is_variable: bool) -> Fraction:
    """Choose the constant rate of a timeline, in frames per second.

    >>> edit_rate(29.9702, is_variable=False), edit_rate(23.5, is_variable=True)
    (Fraction(30000, 1001), Fraction(24000, 1001))
    >>> edit_rate(15.0, is_variable=False), edit_rate(12.5, is_variable=False)
    (Fraction(30, 1), Fraction(25, 1))
    """
    if not frame_rate:
        return _UNKNOWN_RATE
    if not is_variable:
        for rate in _EDIT_RATES:
            times = rate / Fraction(frame_rate)
            if round(times) and abs(times / round(times) - 1) < _RATE_NOISE:
                return rate
    return min(_EDIT_RATES, key=lambda rate: abs(rate / Fraction(frame_rate) - 1))


def read_timecode(text: str, rate: Fraction) -> int | None:
    """Count the frames from 00:00:00:00 to a timecode; `None` for what is none at this rate.

    >>> read_timecode("10:00:00:00", Fraction(25)), read_timecode("00:00:00:25", Fraction(25))
    (900000, None)
    >>> read_timecode("00:01:00;02", Fraction(30000, 1001))
    1800
    """
    match = _TIMECODE.fullmatch(text)
    if match is None:
        return None
    nominal, dropped = math.ceil(rate), _dropped(rate) if match[4] == ";" else 0
    hours, minutes, seconds, frames = (int(match[group]) for group in (1, 2, 3, 5))
    if frames >= nominal:
        return None
    minutes += hours * 60
    if minutes % 10 and not seconds:
        frames = max(frames, dropped)  # those before have no frame of their own
    return (minutes * 60 + seconds) * nominal + frames - dropped * (minutes - minutes // 10)


def write_timecode(frame: int, rate: Fraction, *, is_drop: bool) -> str:
    """Write the timecode of a frame, counted from 00:00:00:00.

    >>> write_timecode(24 * 3600 * 25 - 1, Fraction(25), is_drop=False)
    '23:59:59:24'
    >>> write_timecode(24 * 3600 * 25, Fraction(25), is_drop=False)
    '00:00:00:00'
    >>> write_timecode(17982, Fraction(30000, 1001), is_drop=True)
    '00:10:00;00'
    """
    nominal, dropped = math.ceil(rate), _dropped(rate) if is_drop else 0
    frame %= 24 * 6 * (600 * nominal - 9 * dropped)
    tens, rest = divmod(frame, 600 * nominal - 9 * dropped)
    # Of ten minutes, the first is whole.
    minutes = max(0, (rest - dropped) // (60 * nominal - dropped))
    frame += dropped * (9 * tens + minutes)
    seconds, frames = divmod(frame, nominal)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    point = ";" if dropped else ":"
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{point}{frames:02d}"


def _dropped(rate: Fraction) -> int:
    """Tell how many numbers drop-frame timecode leaves out at a minute; 0 where there is none."""
    nominal = math.ceil(rate)
    return nominal // 15 if rate.denominator == 1001 and nominal % 30 == 0 else 0
