"""A container opened: its video, and what the header says of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Literal, cast

from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from vidtag.errors import VideoError
from vidtag.urls import is_url
from vidtag.video.asf import seconds_before_cut
from vidtag.video.choice import choose_stream
from vidtag.video.containers import AV_ERRORS, HEAD_BYTES
from vidtag.video.heif import Grid
from vidtag.video.pictures import SQUARE_TOLERANCE
from vidtag.video.side_data import Crop, SideData, side_data
from vidtag.video.sources import Source
from vidtag.video.transport import first_video

USUAL_RATE = Fraction(25)
"""Frames per second where nothing declares any. Source: FFmpeg's raw demuxers."""

LONGEST_SECONDS = 10 * 365 * 86400
"""A longer declared duration is damage, not a video."""

TIMECODE = re.compile(r"\d{2}:\d{2}:\d{2}[:;]\d{2,3}")
"""Hours, minutes, seconds and frames; a semicolon where frames are dropped from the count.
Source: SMPTE ST 12-1."""

Clock = Literal["timestamps", "rate", "arrival"]
"""What times come from: the file, the frame rate alone, or when each picture came."""

CLOCKLESS = {
    *("av1", "dnxhd", "h261", "h263", "mjpeg", "mjpeg_2000", "mpjpeg", "obu"),
    *("bmp", "j2k", "jpeg", "jpegls", "jpegxl", "pam", "pbm", "pgm", "png", "ppm", "qoi", "webp"),
}
"""Formats without times, for which FFmpeg counts 25 frames a second, where the codec declares no
rate either. Those of H.264 and HEVC have no times either, but there FFmpeg makes up none."""

DATELESS = {"h264", "hevc", "m4v", "vvc"}
"""Formats without times for which FFmpeg makes up none; the declared rate dates their frames, or
where they come as they happen, their arrival."""

LATE_BYTES = 64 << 20
"""So much of a transport stream that begins with sound alone is searched for a video."""

_RATES = (Fraction(1, 100), Fraction(2000))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Opened:
    """A container and its video stream, with what the header declares."""

    container: InputContainer
    stream: VideoStream
    num_videos: int
    """Video streams there were to choose from; cover art is none."""

    format: str
    """FFmpeg's short name of the container format."""

    codec: str
    """FFmpeg's name of the codec."""

    size: tuple[int, int]
    """Width and height as stored, by the header."""

    time_base: Fraction
    """Seconds per tick of the timestamps."""

    rate: Fraction
    """Frames per second by the header, or the usual ones."""

    clock: Clock
    """What the times of the frames come from."""

    declared_seconds: Fraction | None
    """How long the video is by the header."""

    is_declared_for_stream: bool
    """Whether that is the video stream's own length, not the file's with its sound."""

    aspect: Fraction | None
    """The container's sample aspect ratio, where it overrides the codec's."""

    side_data: SideData
    """What the container says of the pictures beside the codec's header."""

    grid: Grid | None
    """How the picture is put together, where the stream is one of its tiles."""

    timecode: str | None
    """The file's own time of its first picture; `None` where it tells none."""

    sound: tuple[int, int] | None
    """Samples per second and channels of the first sound track."""

    read: Sequence[Packet[Stream]] = ()
    """Packets that were taken from the container already, and come before its next ones."""

    begin: int = 0
    """Where in the source the container begins."""

    @property
    def sample_aspect(self) -> Fraction | None:
        """The sample aspect ratio of the frame that was decoded last."""
        return self.aspect or self.stream.codec_context.sample_aspect_ratio

    def crop_of(self, size: tuple[int, int]) -> Crop | None:
        """Tell how the container crops pictures of a size: those of the size in its header."""
        return self.side_data.crop if size == self.size else None

    def close(self) -> None:
        """Close the container, once the decoder's threads are idle."""
        self._calm()
        self.container.close()

    def __del__(self) -> None:
        """Let the decoder be freed, also where nobody closed it."""
        self._calm()

    def _calm(self) -> None:
        """Wait for the decoder's threads, without the interpreter's lock.

        PyAV frees a decoder with that lock held, which waits for its threads; one that just then
        has something to log waits for the lock, in a program that has FFmpeg's log sent to Python.
        """
        with suppress(*AV_ERRORS):
            self.stream.codec_context.flush_buffers()


def open_video(source: Source) -> Opened:
    """Open a source and choose its video stream.

    Raises:
        VideoOpenError: It cannot be opened.
        NoVideoStreamError: There is no video in it.
    """
    container = source.open()
    if not container.streams.video and container.format.name == "mpegts":
        late = _late_video(source, container)
        if late is not None:
            return late
    return _chosen(source, container)


def open_rest(source: Source, begin: int) -> Opened | None:
    """Open what comes from a position on; `None` where there is no video in it."""
    container = source.open_rest(begin)
    if container is None:
        return None
    try:
        return _chosen(source, container, begin=begin)
    except VideoError:
        return None


def _late_video(source: Source, container: InputContainer) -> Opened | None:
    """Open a transport stream where its tables first list a video; `None` where none does."""
    read = partial(next, container.demux(), None)
    begin = 0
    with suppress(*AV_ERRORS):
        while (packet := source.run(read)) is not None and begin < LATE_BYTES:
            is_last = not packet.size
            end = begin + LATE_BYTES if is_last else packet.pos or 0
            if end < begin + (64 << 10) and not is_last:
                continue
            data = source.passage(begin, end)
            place = first_video(data)
            if place is not None:
                late = open_rest(source, begin + place)
                if late is not None:
                    container.close()
                return late
            begin = max(begin, end - 188)
    return None


def _chosen(source: Source, container: InputContainer, *, begin: int = 0) -> Opened:
    try:
        choice = choose_stream(container, source)
        stream, read = choice.stream, choice.read
        if read and source.is_file and not begin:
            index = stream.index  # not to be asked once its container is closed
            container.close()
            container = source.open()
            stream, read = cast(VideoStream, container.streams[index]), ()
        context = stream.codec_context
        seconds, is_own = declared_seconds(container, stream)
        if seconds is None and container.format.name == "asf" and container.size > 0:
            seconds = seconds_before_cut(source.edges(HEAD_BYTES), container.size)
        more = side_data(stream)
        aspect = container_aspect(stream, more.crop)
        return Opened(
            container=container,
            stream=stream,
            num_videos=choice.num_videos,
            format=_short_name(container.format.name),
            codec=context.codec.canonical_name,
            size=choice.grid.size if choice.grid else (context.width, context.height),
            time_base=stream.time_base or Fraction(1, 1_000_000),
            rate=declared_rate(stream) or USUAL_RATE,
            clock=_clock(container, stream, source),
            declared_seconds=seconds,
            is_declared_for_stream=is_own,
            aspect=aspect if aspect != context.sample_aspect_ratio else None,
            side_data=SideData(crop=choice.grid.crop) if choice.grid else more,
            grid=choice.grid,
            timecode=timecode(container, stream),
            sound=_sound(container),
            read=read,
            begin=begin,
        )
    except BaseException:
        container.close()
        raise


def timecode(container: InputContainer, stream: VideoStream) -> str | None:
    """Return the file's own time of its first picture: of the video, its timecode track, or all.

    >>> TIMECODE.fullmatch("10:00:00;02") is not None, TIMECODE.fullmatch("yesterday") is not None
    (True, False)
    """
    others = [one for one in container.streams if one.type == "data"]
    for metadata in (*(one.metadata for one in (stream, *others)), container.metadata):
        text = metadata.get("timecode", "").strip().replace(".", ";")
        if TIMECODE.fullmatch(text):
            return text
    return None


def _sound(container: InputContainer) -> tuple[int, int] | None:
    for stream in container.streams.audio:
        context = stream.codec_context
        if context is not None and context.sample_rate > 0 and context.channels > 0:
            return context.sample_rate, context.channels
    return None


def container_aspect(stream: VideoStream, crop: Crop | None) -> Fraction | None:
    """Return the sample aspect ratio by the container.

    Where an MP4 has no pixel aspect ratio, FFmpeg works it out from the track's size on screen and
    the stored size; but a track's size is that of the cropped picture. And where a Matroska file
    was cropped afterwards, its size on screen often stayed that of the stored picture (mkvmerge
    and mkvpropedit leave it), which would stretch what is left.
    """
    aspect = stream.sample_aspect_ratio
    width, height = stream.codec_context.width, stream.codec_context.height
    if aspect is None or crop is None or not width or not height:
        return aspect
    shown = Fraction(width - crop.left - crop.right, width)
    shown /= Fraction(height - crop.top - crop.bottom, height)
    is_of_crop = any(abs(aspect / ratio - 1) < SQUARE_TOLERANCE for ratio in (shown, 1 / shown))
    return Fraction(1) if is_of_crop else aspect


def declared_seconds(
    container: InputContainer, stream: VideoStream
) -> tuple[Fraction | None, bool]:
    """Return how long the header says that the video is.

    Returns:
        Seconds (`None` where the header does not say), and whether they are the video
        stream's own, else the whole file's with its sound.
    """
    if stream.duration and stream.duration > 0 and stream.time_base:
        seconds = stream.duration * stream.time_base
        whole = Fraction(container.duration or 0, 1_000_000)
        # In ASF, each stream is given the length of the whole file.
        is_own = container.format.name != "asf"
        if seconds <= LONGEST_SECONDS and not 0 < whole < seconds - 1:
            return max(seconds, _promised_seconds(container, stream)), is_own
    start = (stream.start_time or 0) * (stream.time_base or Fraction(0))
    tagged = _tagged_seconds(stream.metadata.get("DURATION", ""))
    if tagged is not None and tagged > start:  # Matroska's tag is the time of the end
        return tagged - start, True
    end = declared_end(container)
    if end is not None and end > start:
        return end - start, False
    return None, False


def declared_end(container: InputContainer) -> Fraction | None:
    """Return when the whole file ends by its header, in the time of its timestamps."""
    if not container.duration or not 0 < container.duration <= LONGEST_SECONDS * 1_000_000:
        return None
    return Fraction((container.start_time or 0) + container.duration, 1_000_000)


def declared_rate(stream: VideoStream) -> Fraction | None:
    """Return the frame rate that the header declares, where it is a sensible one."""
    rates = [stream.average_rate, stream.guessed_rate, stream.base_rate]
    if stream.start_time is None and stream.duration is None:
        # A raw stream: the average is the demuxer's guess, the codec's own comes first.
        rates.insert(0, stream.codec_context.framerate)
    for rate in rates:
        if rate is not None and _RATES[0] <= rate <= _RATES[1]:
            return Fraction(rate)
    return None


def _clock(container: InputContainer, stream: VideoStream, source: Source) -> Clock:
    """Tell what the times of the frames are worth."""
    name = _short_name(container.format.name)
    if source.is_live and name in DATELESS:
        return "arrival"
    if name not in CLOCKLESS or (name in {"av1", "obu"} and stream.codec_context.framerate):
        return "timestamps"
    # A server that pushes one picture after the other, without end: a camera.
    is_endless = container.size <= 0 and not source.must_be_whole
    if source.is_live and is_endless:
        return "arrival"
    if name == "mpjpeg" and is_url(source.path) and is_endless:
        return "arrival"
    return "rate"


def _short_name(name: str) -> str:
    """Shorten FFmpeg's list of a format's names to the usual one."""
    names = name.split(",")
    return "mp4" if "mp4" in names else names[0].removesuffix("_pipe")


def _promised_seconds(container: InputContainer, stream: VideoStream) -> Fraction:
    """Return the length of all the frames that an AVI's header counts; 0 elsewhere.

    For a truncated AVI, FFmpeg gives the length of what is there.
    """
    if container.format.name != "avi" or not stream.average_rate:
        return Fraction(0)
    seconds = stream.frames / stream.average_rate
    return seconds if seconds <= 86400 else Fraction(0)


def _tagged_seconds(text: str) -> Fraction | None:
    """Read a Matroska track's DURATION tag, such as `00:00:01.200000000`."""
    try:
        hours, minutes, seconds = text.strip().split(":")
        total = int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
    except (ValueError, ZeroDivisionError):
        return None
    return total if 0 < total <= LONGEST_SECONDS else None
