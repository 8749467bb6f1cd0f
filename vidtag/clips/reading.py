"""A part of a video → its windows, where it ends, and what was noticed on the way."""

import time
from collections.abc import Iterator
from fractions import Fraction
from types import TracebackType
from typing import TYPE_CHECKING, Self

from vidtag.clips.grid import Grid
from vidtag.clips.windows import Prepare, Window, slide
from vidtag.video.frames import Notice, VideoInfo
from vidtag.video.given import Pictures, PicturesReader, Source
from vidtag.video.options import Part

if TYPE_CHECKING:
    from vidtag.video import Video


class PartReading:
    """One reading of a part of a video: iterate over its windows, then ask how it went.

    A context manager. Times count from the start of the video.

    Args:
        source: The video.
        part: Which part of it, and within which limits.
        grid: Where windows start and where their samples lie.
        prepare: `(H, W, 3)` uint8 RGB → what the model takes.

    Raises:
        VideoError: It can't be opened, or while iterating, not be read.
    """

    def __init__(self, source: Source, part: Part, grid: Grid, prepare: Prepare) -> None:
        began = time.perf_counter()
        self._part = part
        self._grid = grid
        self._prepare = prepare
        self._video = _open(source, part)
        self.decode_seconds = time.perf_counter() - began
        """Spent in opening, reading, decoding and preparing so far."""

    def __enter__(self) -> Self:
        self._video.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._video.__exit__(kind, error, traceback)

    def __iter__(self) -> Iterator[Window]:
        windows = slide(
            self._video.frames,
            self._grid,
            self._prepare,
            end=lambda: self.end_seconds,
            can_reread=self._video.can_reread,
        )
        while True:
            began = time.perf_counter()
            window = next(windows, None)
            self.decode_seconds += time.perf_counter() - began
            if window is None:
                return
            yield window

    @property
    def declared_seconds(self) -> Fraction | None:
        """How long the video's header says that it is."""
        return self._video.declared_duration_seconds

    @property
    def end_seconds(self) -> Fraction:
        """Where the part that was read ends; the windows must have been taken."""
        duration = self._video.info().duration_seconds
        if self._part.end is None:
            return duration
        return min(self._part.end, duration) if self._video.reached_end else self._part.end

    def info(self) -> VideoInfo:
        """Return what is known of the video by now."""
        return self._video.info()

    def notices(self, *, is_over: bool = True) -> tuple[Notice, ...]:
        """Return what was noticed: of a reading that is over, or so far."""
        return tuple(self._video.notices() if is_over else self._video.notices_so_far())


def open_part(source: Source, part: Part, grid: Grid, prepare: Prepare) -> PartReading:
    """Open a part of a video, to be read into windows.

    >>> with open_part("clip.mp4", part, grid, prepare) as reading:  # doctest: +SKIP
    ...     windows = list(reading)
    ...     print(reading.end_seconds, reading.notices())
    """
    return PartReading(source, part, grid, prepare)


def _open(source: Source, part: Part) -> "Video | PicturesReader":
    if isinstance(source, Pictures):
        return PicturesReader(source, part)
    from vidtag.video import Video  # PyAV is not needed where stored scores answer

    return Video(source, part)
