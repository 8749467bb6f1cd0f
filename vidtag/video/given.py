"""A video that a program holds itself: bytes, an open file, or pictures in an array.

Owns what is taken for one, and the sentences for what is not. Loads no FFmpeg.
"""

import errno
import inspect
import io
import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import BinaryIO, Self, cast

import numpy as np
import numpy.typing as npt

from vidtag.arguments import exact, wrong_type
from vidtag.errors import EmptyVideoError
from vidtag.seconds import format_seconds
from vidtag.urls import without_credentials
from vidtag.video.frames import Frame, Image, Notice, VideoInfo
from vidtag.video.options import Part
from vidtag.video.timestamps import RateMeter

VideoSource = (
    str
    | os.PathLike[str]
    | bytes
    | bytearray
    | memoryview
    | BinaryIO
    | io.IOBase
    | npt.NDArray[np.uint8]
)
"""What can be tagged: a path, `-` or a URL; a video's bytes; a binary file object; pictures."""

_FINEST = 1_000_000
"""Times and rates in floats mean the nearest fraction with a denominator up to this: 1/30 and
30000/1001 come back exactly, and the clocks of containers (90 kHz) too."""

_USUAL_SECONDS = Fraction(1, 25)
"""Length of a single picture of which only the time is given, as for videos without a rate."""


class GivenFile:
    """A binary file object of somebody else, who closes it; its errors are told as ours."""

    def __init__(self, file: BinaryIO) -> None:
        self.name = _name_of(file)
        self.error: OSError | None = None
        """The first failure to read."""
        self._file = file

    @property
    def can_seek(self) -> bool:
        """Whether it can be read from any place."""
        try:
            return self._file.seekable()
        except (AttributeError, OSError, ValueError):
            return False

    def read(self, size: int, /) -> bytes:
        """Read up to `size` bytes.

        Raises:
            OSError: It failed, in whatever way.
        """
        try:
            data = self._file.read(size)
            if data is None:  # it does not block, and there is nothing yet
                raise BlockingIOError(errno.EAGAIN, "it gives nothing while it has nothing")
            return bytes(data)
        # Other people's objects: clients of the network have errors of their own.
        except Exception as exc:
            error = exc if isinstance(exc, OSError) else None
            if error is None or error.strerror is None:
                error = OSError(errno.EIO, f"{type(exc).__name__}: {exc}")
            self.error = self.error or error
            raise error from exc

    def seek(self, position: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a place."""
        return int(self._file.seek(position, whence))

    def tell(self) -> int:
        """Tell the place."""
        return int(self._file.tell())

    def close(self) -> None:
        """Leave it open: it belongs to whoever opened it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pictures:
    """Pictures with their times."""

    array: npt.NDArray[np.uint8]
    """`(T, H, W, 3)` uint8 RGB, upright, with square pixels."""

    times: tuple[Fraction, ...]
    """Seconds since the first picture, one for each."""

    last_seconds: Fraction
    """How long the last one stays."""

    name: str = "<array>"

    def __repr__(self) -> str:
        return f"Pictures({self.array.shape} over {format_seconds(self.duration_seconds)})"

    @property
    def duration_seconds(self) -> Fraction:
        """Until when the last one stays."""
        return self.times[-1] + self.last_seconds


Source = str | bytes | GivenFile | Pictures
"""The same, checked; text is a path, `-` or a URL."""


def take_source(source: object, *, fps: object = None, times: object = None) -> Source:
    """Check what a program gives as a video.

    Args:
        source: One of `VideoSource`.
        fps: Pictures per second, where it is an array.
        times: Seconds of each picture, instead of `fps`; they count from the first one.

    Raises:
        TypeError: It is something else.
        ValueError: It makes no sense: pictures of a wrong shape, a file that was closed.
    """
    if isinstance(source, np.ndarray):
        return _take_pictures(source, fps, times)
    if fps is not None or times is not None:
        raise TypeError("fps and times go with an array of pictures; a video brings its own")
    if isinstance(source, str):
        return source
    if isinstance(source, os.PathLike):
        return os.fsdecode(source)
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    if isinstance(source, GivenFile | Pictures):
        return source
    if isinstance(source, io.TextIOBase):
        raise TypeError(f"a file opened as text ({source!r}) holds no video; open it with 'rb'")
    read = getattr(source, "read", None)
    if not callable(read) or inspect.iscoroutinefunction(read):
        kinds = "a path, a URL, bytes, a binary file object or an array of pictures"
        raise wrong_type("a video", kinds, source)
    if getattr(source, "closed", False) is True:
        raise ValueError(f"the file {_name_of(source)!r} is closed")
    if isinstance(source, io.IOBase) and not source.readable():
        raise ValueError(f"the file {_name_of(source)!r} is not open for reading")
    return GivenFile(cast(BinaryIO, source))  # it can be read; the rest is tried


def shown_name(source: Source) -> str:
    """Name a source in results and messages, without a password."""
    if isinstance(source, bytes):
        return "<bytes>"
    return without_credentials(source if isinstance(source, str) else source.name)


def _name_of(file: object) -> str:
    name = getattr(file, "name", None)
    return name if isinstance(name, str) and name else "<file>"


def _take_pictures(array: npt.NDArray[np.generic], fps: object, times: object) -> Pictures:
    if array.dtype != np.uint8:
        raise TypeError(f"an array of pictures must be uint8, not {array.dtype}")
    if array.ndim != 4 or array.shape[3] != 3 or 0 in array.shape:
        raise ValueError(f"an array of pictures must be (T, H, W, 3), not {array.shape}")
    if (fps is None) == (times is None):
        raise TypeError("an array of pictures needs fps or times, and not both")
    count = len(array)
    pictures = np.asarray(array, np.uint8)
    if times is None:
        rate = _nearest("fps", fps)
        if rate <= 0:
            raise ValueError(f"fps must be more than 0, not {fps}")
        seconds = tuple(index / rate for index in range(count))
        return Pictures(array=pictures, times=seconds, last_seconds=1 / rate)
    if not isinstance(times, Sequence | np.ndarray) or isinstance(times, str | bytes):
        raise wrong_type("times", "a sequence of seconds", times)
    if len(times) != count:
        raise ValueError(f"times must be one for each picture: {count}, not {len(times)}")
    given = [_nearest("times", one) for one in times]
    if any(late <= early for early, late in itertools.pairwise(given)):
        raise ValueError("times must increase from picture to picture")
    gap = given[-1] - given[-2] if count > 1 else _USUAL_SECONDS
    seconds = tuple(one - given[0] for one in given)
    return Pictures(array=pictures, times=seconds, last_seconds=gap)


def _nearest(name: str, value: object) -> Fraction:
    number = exact(name, value)
    return number.limit_denominator(_FINEST) if isinstance(value, float | np.floating) else number


class PicturesReader:
    """Reads pictures as `Video` reads a file: the same frames for the same times."""

    can_reread = True

    def __init__(self, pictures: Pictures, part: Part) -> None:
        self.path = pictures.name
        self._pictures = pictures
        self._part = part
        self._meter = RateMeter(Fraction(1, _FINEST))
        self._num_read = 0
        self._is_cut = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing is open."""

    @property
    def declared_duration_seconds(self) -> Fraction | None:
        """How long the pictures are shown."""
        return self._pictures.duration_seconds

    @property
    def reached_end(self) -> bool:
        """Whether the last reading went to the last picture."""
        return not self._is_cut

    def frames(self) -> Iterator[Frame]:
        """Yield the pictures of the part, from the one that is on screen at its start.

        Raises:
            EmptyVideoError: The part begins after the last one.
        """
        times, part = self._pictures.times, self._part
        if part.start >= self._pictures.duration_seconds:
            raise EmptyVideoError(
                self.path,
                "start_past_end",
                f"'{self.path}' ends before {format_seconds(part.start)}, where tagging was to "
                "start; choose an earlier start.",
            )
        self._meter = RateMeter(Fraction(1, _FINEST))
        self._num_read = 0
        self._is_cut = False
        first = max(index for index, seconds in enumerate(times) if seconds <= part.start)
        for index in range(first, len(times)):
            if part.end is not None and times[index] >= part.end:
                self._is_cut = True
                return
            self._meter.add(times[index])
            self._num_read += 1
            yield self._frame(index)

    def _frame(self, index: int) -> Frame:
        array = self._pictures.array

        def to_rgb() -> Image:
            return np.ascontiguousarray(array[index])

        times = self._pictures.times
        length = times[index + 1] - times[index] if index + 1 < len(times) else None
        return Frame(
            seconds=times[index],
            duration_seconds=length or self._pictures.last_seconds,
            to_rgb=to_rgb,
        )

    def info(self) -> VideoInfo:
        """Return what is known of them."""
        _, height, width, _ = self._pictures.array.shape
        return VideoInfo(
            path=self.path,
            size_bytes=None,
            container="array",
            codec="rawvideo",
            width=width,
            height=height,
            rotation_degrees=0,
            frame_rate=self._meter.frame_rate,
            is_variable_frame_rate=self._meter.is_variable,
            duration_seconds=self._pictures.duration_seconds,
            num_frames=self._num_read,
            num_failed_packets=0,
            timecode=None,
            sound_rate=None,
            sound_channels=None,
        )

    def notices_so_far(self) -> tuple[Notice, ...]:
        """Return what was odd."""
        return self.notices()

    def notices(self) -> tuple[Notice, ...]:
        """Return what was odd."""
        if len(self._pictures.times) > 1:
            return ()
        message = f"'{self.path}' has one frame; it was tagged as a still picture."
        return (Notice(code="still_picture", message=message),)
