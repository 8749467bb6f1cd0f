"""`Video`: a source in, upright frames with exact times out.

Owns the life of an opened video and what is known of it. Knows nothing of models and windows.
"""

import os
from collections.abc import Iterator
from fractions import Fraction
from types import TracebackType
from typing import Self

import av
from av.container import InputContainer

from vidtag.errors import VideoDecodeError
from vidtag.video.containers import AV_ERRORS
from vidtag.video.decoding import OnPacket
from vidtag.video.findings import Findings, no_frames, too_many_pixels
from vidtag.video.frames import Frame, Image, Notice, VideoInfo
from vidtag.video.given import GivenFile
from vidtag.video.opening import open_source
from vidtag.video.options import Part
from vidtag.video.passes import CHAINED, RAW, Pass
from vidtag.video.pictures import Shape, TurnReader, shape_of, to_rgb
from vidtag.video.sources import Source
from vidtag.video.streams import open_video
from vidtag.video.timestamps import LONGEST_SECONDS, RateMeter

LONG_LAST_SECONDS = 1
"""A last frame longer than this is not believed to outlast the declared duration."""

_DEFAULTS = Part()


class Video:
    """A video, opened for reading; a context manager.

    Args:
        source: A path, `-` for standard input, or an http(s) or rtsp URL; any other text is a
            file name, whatever it looks like. Or a video's bytes, or a file object; or a source
            that was chosen already, which is closed with the video.
        options: Which part to read, and the limits.
        on_packet: Is shown each packet that is read, of any stream.

    Raises:
        VideoOpenError: It is missing, unreachable, or no video.
        NoVideoStreamError: There is no video in it.
        VideoDecodeError: Its pictures are larger than the limit.
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | bytes | GivenFile | Source,
        options: Part = _DEFAULTS,
        *,
        on_packet: OnPacket | None = None,
    ) -> None:
        self._options = options
        self._on_packet = on_packet
        if isinstance(source, str | os.PathLike | bytes | GivenFile):
            source = open_source(source, options)
        self._source: Source = source
        self.path = self._source.path
        """The input as named, without credentials."""
        self._is_closed = False
        self._is_fresh = True
        try:
            self._pass = self._open()
        except BaseException:
            self._source.close()
            raise
        try:
            self._check_pixels(self._pass.opened.size)
        except BaseException:
            self.close()
            raise
        self._start_over()

    @property
    def can_reread(self) -> bool:
        """Whether `frames` may be called again: not for a pipe or a live stream."""
        return self._source.can_reread

    @property
    def declared_duration_seconds(self) -> Fraction | None:
        """How long the video is by its header; `None` where that does not say."""
        return self._pass.opened.declared_seconds

    def decode_key_frames_alone(self, alone: bool) -> None:
        """Pass over all frames but key frames, where decoding them all takes too long; or not."""
        self._pass.opened.stream.codec_context.skip_frame = "NONKEY" if alone else "DEFAULT"

    @property
    def num_jumps(self) -> int:
        """How often timestamps jumped, or a counter of them began anew."""
        return self._pass.oddities.jumped + self._pass.oddities.wrapped

    @property
    def container(self) -> InputContainer:
        """What is read, for what copies its packets."""
        return self._pass.opened.container

    @property
    def is_dated_by_arrival(self) -> bool:
        """Whether its frames have no time but that at which they came."""
        return self._pass.opened.clock == "arrival"

    @property
    def stream_index(self) -> int:
        """The place of the video stream in its container."""
        return self._pass.opened.stream.index

    @property
    def reached_end(self) -> bool:
        """Whether the last reading went to the end of the video, not only to `Part.end`."""
        return not self._is_cut

    def frames(self) -> Iterator[Frame]:
        """Yield upright frames in decoder order; their times never run backwards.

        With `Part.start`, the frame that is on screen at that time comes first. With
        `Part.end`, reading stops at the first frame that comes on screen then or later.
        Called again, it reads from the beginning.

        Raises:
            VideoDecodeError: Packets were there, but no frame came out of them.
            EmptyVideoError: There is no frame in the part that was asked for.
            ValueError: It is called again, but `can_reread` is false, or the video is closed.
        """
        self._rewind()
        before: av.VideoFrame | None = None
        held: tuple[av.VideoFrame, Fraction, Shape] | None = None
        end = self._options.end
        for picture, seconds in self._pass.frames():
            # A frame is held until the next one is there, which deinterlacing needs.
            if held is not None:
                yield self._frame(before, held, picture)
                before = held[0]
                held = None
            if end is not None and seconds >= end:
                self._is_cut = True
                break
            held = picture, seconds, self._shape(picture)
            if self._source.is_live and not picture.interlaced_frame:
                yield self._frame(before, held, None)
                before, held = picture, None
        if held is not None:
            yield self._frame(before, held, None)
        self._conclude()

    def info(self) -> VideoInfo:
        """Return what is known; complete once `frames` is exhausted."""
        opened, counts, shape = self._pass.opened, self._pass.counts, self._first_shape
        return VideoInfo(
            path=self.path,
            size_bytes=self._source.size_bytes,
            container=opened.format,
            codec=opened.codec,
            width=shape.width if shape else opened.size[0],
            height=shape.height if shape else opened.size[1],
            rotation_degrees=shape.turn.degrees if shape else 0,
            frame_rate=self._meter.frame_rate,
            is_variable_frame_rate=self._meter.is_variable,
            duration_seconds=self._duration(),
            num_frames=counts.frames,
            num_failed_packets=counts.failed_packets,
            timecode=opened.timecode,
            sound_rate=None if opened.sound is None else opened.sound[0],
            sound_channels=None if opened.sound is None else opened.sound[1],
        )

    def notices(self) -> tuple[Notice, ...]:
        """Return what was odd, each code once, in the order of `VIDEO_WARNING_CODES`."""
        return self._findings.notices()

    def notices_so_far(self) -> tuple[Notice, ...]:
        """Return what was odd by now, should the video be read no further."""
        findings = self._findings.copy()
        if self._last is not None:
            opened, counts = self._pass.opened, self._pass.counts
            findings.note_damage(counts, self._duration(), broke_off=False)
            findings.note_times(self._pass.oddities, opened, counts)
        return findings.notices()

    def close(self) -> None:
        """Release the file and the decoder. Frames must not be converted afterwards."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._source.is_idle:  # else a read was interrupted, and goes on in its thread
            self._pass.opened.close()
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self) -> Pass:
        return Pass(self._source, open_video(self._source), self._options, self._on_packet)

    def _rewind(self) -> None:
        if self._is_closed:
            raise ValueError(f"'{self.path}' is closed")
        if not self._is_fresh:
            if not self.can_reread:
                raise ValueError(f"'{self.path}' can be read only once")
            self._pass.opened.close()
            self._pass = self._open()
        self._is_fresh = False
        self._start_over()

    def _start_over(self) -> None:
        self._findings = Findings(self.path)
        self._findings.note_stream(self._pass.opened)
        self._meter = RateMeter(self._pass.opened.time_base)
        self._turns = TurnReader()
        self._first_shape: Shape | None = None
        self._last: tuple[Fraction, Fraction | None] | None = None
        self._held_until = Fraction(0)
        self._is_cut = False

    def _shape(self, picture: av.VideoFrame) -> Shape:
        self._check_pixels((picture.width, picture.height))
        opened = self._pass.opened
        turn = opened.grid.turn if opened.grid else self._turns.read(picture)
        crop = opened.crop_of((picture.width, picture.height))
        shape = shape_of(picture, opened.sample_aspect, turn, crop)
        self._check_pixels((shape.width, shape.height))
        self._findings.note_picture(picture, shape)
        if self._first_shape is None:
            self._first_shape = shape
        return shape

    def _check_pixels(self, size: tuple[int, int]) -> None:
        if size[0] * size[1] > self._options.max_pixels:
            raise too_many_pixels(self.path, size, self._options.max_pixels)

    def _frame(
        self,
        before: av.VideoFrame | None,
        held: tuple[av.VideoFrame, Fraction, Shape],
        after: av.VideoFrame | None,
    ) -> Frame:
        picture, seconds, shape = held
        if not picture.interlaced_frame:
            before = after = None
        length = self._length(picture)
        self._last = seconds, length
        self._meter.add(seconds)
        path = self.path

        def convert() -> Image:
            try:
                return to_rgb(picture, shape, before, after)
            except AV_ERRORS as exc:
                raise VideoDecodeError(
                    path,
                    "unsupported_pixels",
                    f"The pixels of '{path}' (format {picture.format.name}) can't be converted; "
                    "convert it to H.264.",
                    seconds=float(seconds),
                ) from exc

        return Frame(seconds=seconds, duration_seconds=length, to_rgb=convert)

    def _length(self, picture: av.VideoFrame) -> Fraction | None:
        has_length = picture.pts is not None and picture.duration > 0
        if not has_length or self._pass.opened.clock != "timestamps":
            return None
        seconds = picture.duration * self._pass.opened.time_base
        if self._pass.opened.format in CHAINED | RAW and seconds < self._usual_gap / 2:
            return None  # such formats store no lengths; this one is a wrong guess
        return seconds if seconds <= LONGEST_SECONDS else None

    def _duration(self) -> Fraction:
        declared = self.declared_duration_seconds
        if self._last is None:
            return declared or Fraction(0)
        seconds, length = self._last
        if self._is_cut and declared is not None:
            return max(declared, seconds)
        length = length or self._usual_gap
        if (
            length > LONG_LAST_SECONDS
            and declared is not None
            and seconds + length > declared
            and not self._is_alone
        ):
            length = max(declared - seconds, 1 / self._pass.opened.rate)
        return max(seconds + length, self._held_until)

    @property
    def _is_alone(self) -> bool:
        """Whether nothing but the pictures tells of an end: no header, and no sound."""
        opened = self._pass.opened
        return opened.format in CHAINED and self._pass.counts.last_seconds.keys() <= {
            opened.stream.index
        }

    @property
    def _usual_gap(self) -> Fraction:
        return self._meter.last_gap or 1 / self._pass.opened.rate

    def _conclude(self) -> None:
        opened, counts, findings = self._pass.opened, self._pass.counts, self._findings
        failure = None if self._is_cut else self._source.failure(counts.last_position)
        if failure is not None and self._source.must_be_whole:
            raise failure
        if self._last is None:
            raise failure or no_frames(self._source, opened, counts, self._options)
        if counts.too_large_size is not None:
            raise too_many_pixels(self.path, counts.too_large_size, self._options.max_pixels)
        if not self._is_cut:
            self._held_until = self._pass.end_of_empty_packets(self._duration())
        duration = self._duration()
        if counts.frames == 1 and not self._is_cut:
            findings.note("still_picture", "has one frame; it was tagged as a still picture.")
        findings.note_damage(counts, duration, broke_off=failure is not None)
        findings.note_encryption(self._source, opened, counts)
        findings.note_times(self._pass.oddities, opened, counts)
        if self._is_cut:
            findings.note_cut(opened.declared_seconds)
        else:
            findings.note_missing_end(opened, counts, duration, self._usual_gap)
