"""The sampling grid: frames in, windows of evenly spaced frames out, in one pass.

```
time        0         1         2         3 s        window 2 s, stride 1 s, 16 frames
samples     ········  ········  ········              one every 2 s / 16 = 125 ms, each in the
window 0    [··················)                      middle of its interval
window 1              [··················)
```

Owns every off-by-one of the grid. Knows neither videos nor models: frames are anything
with a time, and `prepare` turns a picture into what the model takes.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from vidtag.video.frames import Frame, Image

Prepare = Callable[[Image], npt.NDArray[np.uint8]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Where windows start and where their samples lie; indices count samples of the grid.

    >>> grid = Grid.from_seconds(window=Fraction(2), stride=Fraction(1), num_frames=16)
    >>> grid.interval_seconds, grid.stride_samples
    (Fraction(1, 8), 8)
    >>> grid.starts(Fraction(3)), grid.starts(Fraction(31, 10))
    ([0, 8], [0, 8, 9])
    """

    num_frames: int
    """Samples per window."""

    window_seconds: Fraction
    """Length of a window."""

    stride_samples: int
    """Sampling intervals between the starts of consecutive windows."""

    start_seconds: Fraction = Fraction(0)
    """Where the grid begins, in the time of the video."""

    def __post_init__(self) -> None:
        if self.num_frames < 1:
            raise ValueError(f"num_frames must be at least 1, not {self.num_frames}")
        if self.window_seconds <= 0:
            raise ValueError(f"the window must be longer than 0 s, not {self.window_seconds}")
        if self.stride_samples < 1:
            raise ValueError(f"the stride must be at least one sample, not {self.stride_samples}")

    @classmethod
    def from_seconds(
        cls,
        *,
        window: Fraction,
        stride: Fraction,
        num_frames: int,
        start: Fraction = Fraction(0),
    ) -> "Grid":
        """Round a stride to whole sampling intervals, halves up, at least one.

        With a whole stride, overlapping windows share their frames.
        """
        if stride <= 0:
            raise ValueError(f"the stride must be longer than 0 s, not {stride}")
        samples = math.floor(stride * num_frames / window + Fraction(1, 2))
        return cls(
            num_frames=num_frames,
            window_seconds=window,
            stride_samples=max(1, samples),
            start_seconds=start,
        )

    @property
    def interval_seconds(self) -> Fraction:
        """Time between two samples."""
        return self.window_seconds / self.num_frames

    @property
    def stride_seconds(self) -> Fraction:
        """Time between the starts of two windows, as used."""
        return self.interval_seconds * self.stride_samples

    def sample_seconds(self, index: int) -> Fraction:
        """Return the time of a sample, in the time of the video: the middle of its interval."""
        return self.start_seconds + (index + Fraction(1, 2)) * self.interval_seconds

    def is_sampled(self, index: int) -> bool:
        """Whether a sample belongs to a regular window; between sparse windows it does not."""
        return index % self.stride_samples < self.num_frames

    def tail_start(self, duration: Fraction) -> int:
        """Return the first sample of the window that reaches the end, for a long enough video."""
        return math.ceil((duration - self.window_seconds) / self.interval_seconds)

    def starts(self, duration: Fraction) -> list[int]:
        """List the first sample of every window of a video.

        Windows start every stride while they end at or before the duration; if the last one
        ends before it, one more ends there or less than a sampling interval past it.
        """
        if duration < self.window_seconds:
            return [0]
        last = math.floor((duration - self.window_seconds) / self.stride_seconds)
        starts = [k * self.stride_samples for k in range(last + 1)]
        tail = self.tail_start(duration)
        return [*starts, tail] if tail > starts[-1] else starts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Window:
    """One clip with the interval that it was sampled from."""

    start_seconds: Fraction
    """Start of the half-open interval, in the time of the video."""

    end_seconds: Fraction
    """End of the half-open interval; the last window may reach past the video."""

    frame_seconds: tuple[Fraction, ...]
    """Times of the frames that were taken, one per sample."""

    clip: tuple[npt.NDArray[np.uint8], ...]
    """The prepared frames, `num_frames` of `(H, W, 3)` uint8 RGB, shared between windows."""

    def __post_init__(self) -> None:
        if len(self.clip) != len(self.frame_seconds):
            raise ValueError(f"{len(self.clip)} frames with {len(self.frame_seconds)} times")


class _Picture:
    """A frame that is converted and prepared once, when first needed."""

    __slots__ = ("_frame", "_pixels", "_prepare", "seconds")

    def __init__(self, frame: Frame, prepare: Prepare) -> None:
        self.seconds = frame.seconds
        self._frame: Frame | None = frame
        self._prepare = prepare
        self._pixels: npt.NDArray[np.uint8] | None = None

    def pixels(self) -> npt.NDArray[np.uint8]:
        if self._pixels is None:
            assert self._frame is not None
            self._pixels = self._prepare(self._frame.to_rgb())
            self._frame = None  # the decoder's memory is free again
        return self._pixels


def _window(pictures: Iterable[_Picture], start: Fraction, end: Fraction) -> Window:
    taken = list(pictures)
    return Window(
        start_seconds=start,
        end_seconds=end,
        frame_seconds=tuple(picture.seconds for picture in taken),
        clip=tuple(picture.pixels() for picture in taken),
    )


def slide(
    frames: Callable[[], Iterable[Frame]],
    grid: Grid,
    prepare: Prepare,
    *,
    end: Callable[[], Fraction],
    can_reread: bool,
) -> Iterator[Window]:
    """Cut a video into windows, reading it once.

    The frame of a sample is the one on screen at that time: the last one whose time is not
    later. Each sampled frame is prepared once, others never. Memory is bounded by one window.

    A video shorter than a window becomes one window, sampled evenly across its length. Its
    length is known only at its end, so it is read again, or, where that can't be done, the
    frames of the first window are kept until it is full.

    Args:
        frames: Starts reading; the frames come with times that never decrease.
        grid: The sampling grid.
        prepare: `(H, W, 3)` uint8 RGB → what the model takes.
        end: Called after the last frame: where the video, or the wanted part of it, ends.
        can_reread: Whether `frames` may be called a second time.

    Yields:
        Windows in the order of their starts; none if there was no frame.
    """
    recent: deque[_Picture] = deque(maxlen=grid.num_frames)
    opening: list[_Picture] | None = None if can_reread else []
    first: Window | None = None  # held back until the video is known to be that long
    is_long = False
    current: _Picture | None = None
    index = 0  # of the next sample

    def take(picture: _Picture) -> Window | None:
        nonlocal index
        recent.append(picture)
        if grid.is_sampled(index):
            picture.pixels()
        index += 1
        begin = index - grid.num_frames
        if begin < 0 or begin % grid.stride_samples:
            return None
        at = grid.start_seconds + begin * grid.interval_seconds
        return _window(recent, at, at + grid.window_seconds)

    for frame in frames():
        if not is_long and frame.seconds - grid.start_seconds >= grid.window_seconds:
            is_long = True
            opening = None
            if first is not None:
                yield first
                first = None
        while current is not None and grid.sample_seconds(index) < frame.seconds:
            window = take(current)
            if window is not None and is_long:
                yield window
            elif window is not None:
                first = window
        current = _Picture(frame, prepare)
        if opening is not None:
            current.pixels()
            opening.append(current)
    if current is None:
        return

    until = end()
    duration = until - grid.start_seconds
    if duration < grid.window_seconds:
        times = [grid.start_seconds + (i + Fraction(1, 2)) * duration / grid.num_frames
                 for i in range(grid.num_frames)]  # fmt: skip
        kept_or_read = opening or (_Picture(frame, prepare) for frame in frames())
        yield _window(_on_screen(kept_or_read, times), grid.start_seconds, until)
        return
    if first is not None:
        yield first
    while grid.sample_seconds(index) < until:
        window = take(current)
        if window is not None:
            yield window
    # Regular windows are yielded as soon as all their samples are known. Where the last of them
    # ends within half an interval past the duration, it is the tail: same start, same samples.
    last_start = (index - grid.num_frames) // grid.stride_samples * grid.stride_samples
    tail = grid.tail_start(duration)
    if tail > last_start:
        kept = list(recent)[tail - (index - grid.num_frames) :]
        held = [current] * (grid.num_frames - len(kept))
        at = grid.start_seconds + tail * grid.interval_seconds
        yield _window([*kept, *held], at, at + grid.window_seconds)


def _on_screen(pictures: Iterable[_Picture], times: list[Fraction]) -> list[_Picture]:
    """Return the picture on screen at each of the rising times."""
    taken: list[_Picture] = []
    current: _Picture | None = None
    for picture in pictures:
        if current is not None:
            while len(taken) < len(times) and times[len(taken)] < picture.seconds:
                taken.append(current)
                current.pixels()
        current = picture
    assert current is not None  # the first reading had a frame
    return taken + [current] * (len(times) - len(taken))
