"""Pieces of videos encoded again: exactly their frames, at their times, with their sound.

Owns that pictures look as they did, and that sound stays with them.
"""

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer, OutputContainer

from vidtag.video.containers import AV_ERRORS
from vidtag.video.copying import clip_failed
from vidtag.video.cutting import CutSource, Made, Piece
from vidtag.video.pictures import Shape, Turn, TurnReader, to_rgb
from vidtag.video.sound_track import SoundTrack

TICK = Fraction(1, 90_000)
"""Of times in exact pieces: MPEG's, in which the frames of usual rates last whole ticks."""

SOUND_GAP_SECONDS = 0.01
"""A longer hole between two pieces of sound is filled with silence, so that what follows stays
with its pictures; a shorter one is rounding."""

SOUND_LEAD_SECONDS = Fraction(1, 2)
"""Sound is read from so long before a piece: decoders need some packets to get going."""

_SOUND_RATES = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000}
"""Samples per second that AAC knows. Source: ISO/IEC 14496-3, table 1.18."""

_USUAL_SOUND_RATE = 48000

MAX_CHANNELS = 7
"""Sound of more is mixed down: PyAV 18 reads past the end of planar frames of eight channels."""

_QUALITY = {"crf": "18", "preset": "fast"}
"""Encoding that is hard to tell from its source, in about the time that decoding takes."""

_BT709 = 1
"""Of AVColorSpace, and of swscale's names for it."""

_DEEP = ("10", "12", "p010", "p016")
"""In the names of pixel formats of more than eight bits."""


class ExactWriter:
    """Encodes pieces, one behind the other, into a file; `close` completes it.

    Args:
        path: Where to, an MP4.
        source: The first of the videos: of its size all are.
        sounding: The first of them that has sound, whose kind of sound is taken; a piece without
            any is silent. `None` makes no sound track.
        is_mixed: Whether others are shown in another way than the first; then all are drawn upright
            into pictures of its size, with black bars where they don't fit.

    Raises:
        OutputError: It can't be written.
    """

    def __init__(
        self,
        path: str,
        source: CutSource,
        sounding: CutSource | None = None,
        *,
        is_mixed: bool = False,
    ) -> None:
        self._path = path
        self._canvas: tuple[int, int] | None = None
        if source.shape is not None and (is_mixed or source.shape.crop is not None):
            width, height = source.shape.width, source.shape.height
            self._canvas = width + width % 2, height + height % 2
        self._with_sound = sounding is not None
        self._sound_rate = _USUAL_SOUND_RATE
        self._layout = "stereo"
        if sounding is not None:
            with sounding.open() as container:
                context: Any = container.streams[sounding.sound_index].codec_context
                self._layout = context.layout.name
                if context.channels > MAX_CHANNELS:
                    self._layout = "5.1"
                if context.sample_rate in _SOUND_RATES:
                    self._sound_rate = context.sample_rate
        self._video: Any = None
        self._audio: Any = None
        self._track: SoundTrack | None = None
        self._seconds = Fraction(0)
        self._last_tick = -1
        try:
            self._output: OutputContainer = av.open(
                path, "w", format="mp4", options={"movflags": "+faststart"}
            )
        except AV_ERRORS as exc:
            raise clip_failed(path, exc) from exc

    def add(self, source: CutSource, piece: Piece) -> Made | None:
        """Append a piece; `None` where no frame comes on screen within it.

        Raises:
            VideoError: It can't be read.
            OutputError: It can't be written.
        """
        first: Fraction | None = None
        last, gap, count = piece.start, 1 / source.rate, 0
        turns = TurnReader()
        for frame, seconds in source.frames(piece):
            if first is None:
                first = seconds
                self._begin(frame, source, turns.read(frame))
            elif seconds > last:
                gap = seconds - last
            last = seconds
            count += 1
            if self._canvas is not None:
                frame = _drawn(frame, source.shape_of(frame, turns), self._canvas)
            self._put_picture(frame, self._seconds + seconds - first)
        if first is None:
            return None
        end = min(max(piece.end, last), last + gap) if count else piece.end
        if self._track is not None:
            self._put_sound(self._track, source, first, end)
        self._seconds += end - first
        return Made(
            start_seconds=first,
            end_seconds=end,
            num_frames=count,
            has_sound=self._audio is not None and source.has_sound,
        )

    def close(self) -> None:
        """Complete the file.

        Raises:
            OutputError: It can't be written.
        """
        try:
            if self._track is not None:
                self._track.finish()
            for stream in (self._video, self._audio):
                if stream is not None:
                    self._output.mux(stream.encode(None))
            self._output.close()
        except AV_ERRORS as exc:
            raise clip_failed(self._path, exc) from exc

    def drop(self) -> None:
        """Give it up."""
        with suppress(*AV_ERRORS):
            self._output.close()

    def _begin(self, frame: av.VideoFrame, source: CutSource, turn: Turn) -> None:
        """Begin the streams with the first picture of all."""
        if self._video is not None:
            return
        canvas = self._canvas
        is_deep = canvas is None and any(sign in frame.format.name for sign in _DEEP)
        options = dict(_QUALITY)
        if is_deep:
            options["x265-params"] = "log-level=error"
        if frame.interlaced_frame and canvas is None:
            options["flags"] = "+ilme+ildct"
        try:
            video: Any = self._output.add_stream(
                "libx265" if is_deep else "libx264", rate=source.rate, options=options
            )
            video.width, video.height = (
                frame.width + frame.width % 2,
                frame.height + frame.height % 2,
            )
            video.pix_fmt = "yuv420p10le" if is_deep else "yuv420p"
            video.time_base = video.codec_context.time_base = TICK
            if canvas is not None:
                video.width, video.height = canvas
                video.codec_context.colorspace = _BT709
                self._video = video
                self._begin_sound()
                return
            if source.aspect is not None and source.aspect > 0:
                video.codec_context.sample_aspect_ratio = source.aspect
            for name in ("colorspace", "color_range", "color_trc", "color_primaries"):
                value = getattr(frame, name, None)
                if value is not None and not frame.format.is_rgb:
                    with suppress(*AV_ERRORS):
                        setattr(video.codec_context, name, int(value))
            if turn != Turn():
                video.set_display_matrix(_matrix(turn))
            self._video = video
            self._begin_sound()
        except AV_ERRORS as exc:
            raise clip_failed(self._path, exc) from exc

    def _begin_sound(self) -> None:
        if self._with_sound:
            self._audio = self._output.add_stream("aac", rate=self._sound_rate, layout=self._layout)
            self._track = SoundTrack(self._output, self._audio, self._layout)

    def _put_picture(self, frame: av.VideoFrame, seconds: Fraction) -> None:
        tick = max(self._last_tick + 1, round(seconds / TICK))
        self._last_tick = tick
        video = self._video
        try:
            if (frame.width, frame.height, frame.format.name) != (
                video.width,
                video.height,
                video.pix_fmt,
            ):
                frame = frame.reformat(video.width, video.height, video.pix_fmt)
            frame.pts, frame.time_base = tick, TICK
            frame.pict_type = av.video.frame.PictureType.NONE  # the encoder chooses its own
            self._output.mux(video.encode(frame))
        except AV_ERRORS as exc:
            raise clip_failed(self._path, exc) from exc

    def _put_sound(
        self, track: SoundTrack, source: CutSource, start: Fraction, end: Fraction
    ) -> None:
        """Append the sound of a piece; silence where there is none."""
        begin = round(self._seconds * self._sound_rate)
        until = round((self._seconds + end - start) * self._sound_rate)
        try:
            if source.has_sound:
                for at, samples in self._samples(source, start, end):
                    track.put(begin + at, samples, until)
            track.fill(until)
        except AV_ERRORS as exc:
            raise clip_failed(self._path, exc) from exc

    def _samples(
        self, source: CutSource, start: Fraction, end: Fraction
    ) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
        """Yield sound, `(channels, n)`, with its place in samples since the start."""
        resampler = av.AudioResampler(format="fltp", layout=self._layout, rate=self._sound_rate)
        with source.open() as container:
            stream: Any = container.streams[source.sound_index]
            time_base = stream.time_base or Fraction(1, self._sound_rate)
            aim = source.origin + start - SOUND_LEAD_SECONDS
            if start > SOUND_LEAD_SECONDS:
                with suppress(*AV_ERRORS):
                    container.seek(int(aim / time_base), stream=stream)
            at: int | None = None
            for frame in _decoded(container, stream):
                if frame.pts is None:
                    continue
                seconds = frame.pts * (frame.time_base or time_base) - source.origin - start
                if seconds > end - start:
                    break
                place = round(seconds * self._sound_rate)
                if at is None or abs(place - at) > SOUND_GAP_SECONDS * self._sound_rate:
                    at = place
                frame.pts = None  # the resampler would fill or drop by itself
                for part in resampler.resample(frame):
                    samples = part.to_ndarray().astype(np.float32, copy=False)
                    yield at, samples
                    at += samples.shape[1]


def _decoded(container: InputContainer, stream: Any) -> Iterator[av.AudioFrame]:
    """Decode a sound track, past whatever is damaged."""
    for packet in container.demux(stream):
        with suppress(*AV_ERRORS):
            yield from packet.decode()


def _drawn(frame: av.VideoFrame, shape: Shape, canvas: tuple[int, int]) -> av.VideoFrame:
    """Draw a frame as a viewer sees it into a picture of another size, with black bars."""
    pixels = to_rgb(frame, shape, None, None)
    height, width = pixels.shape[:2]
    share = min(Fraction(canvas[0], width), Fraction(canvas[1], height))
    if share != 1:
        width, height = max(1, round(width * share)), max(1, round(height * share))
        scaled = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(width, height)
        pixels = scaled.to_ndarray().astype(np.uint8, copy=False)
    left, top = (canvas[0] - width) // 2, (canvas[1] - height) // 2
    whole = np.zeros((canvas[1], canvas[0], 3), np.uint8)
    whole[top : top + height, left : left + width] = pixels
    picture = av.VideoFrame.from_ndarray(whole, format="rgb24")
    return picture.reformat(format="yuv420p", dst_colorspace=_BT709)


def _matrix(turn: Turn) -> list[int]:
    """Make the display matrix of a turn, the inverse of `turn_of_matrix`."""
    x, y = -1 if turn.flip_x else 1, -1 if turn.flip_y else 1
    one = 1 << 16
    if turn.transpose:
        return [0, y * one, 0, x * one, 0, 0, 0, 0, 1 << 30]
    return [x * one, 0, 0, 0, y * one, 0, 0, 0, 1 << 30]
