"""Windows of evenly spaced frames, cut from a stream of frames in one pass.

Knows neither videos nor models: frames are anything with a time, and `prepare` turns a picture
into what the model takes.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from vidtag.clips.grid import Grid
from vidtag.video.frames import Frame, Image

Prepare = Callable[[Image], npt.NDArray[np.uint8]]


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
    due = grid.sample_seconds(index)

    def take(picture: _Picture) -> Window | None:
        nonlocal index, due
        recent.append(picture)
        if grid.is_sampled(index):
            picture.pixels()
        index += 1
        due = grid.sample_seconds(index)
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
        while current is not None and due < frame.seconds:
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
    while due < until:
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
