"""Pieces of a video made into files: packets copied from key frames on, or frames encoded again.

Owns where packets are cut, and that sound stays with its pictures. Knows nothing of labels.

Times are those of `Video`: seconds since the first presented frame. Each piece is reached by
seeking, so that many pieces of a long video cost no reading of what lies between.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer, OutputContainer

from vidtag.errors import OutputError, VideoDecodeError, VideoError
from vidtag.video.containers import AV_ERRORS
from vidtag.video.copying import IN_MP4
from vidtag.video.opening import open_source
from vidtag.video.options import Part
from vidtag.video.passes import BACK_OFF_SECONDS, Pass
from vidtag.video.pictures import Shape, Turn, TurnReader, shape_of, to_rgb
from vidtag.video.sources import Source
from vidtag.video.streams import open_video

Way = Literal["copy", "exact"]
"""How a piece is made: its packets as they are, or its frames encoded again."""

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

_QUALITY = {"crf": "18", "preset": "fast"}
"""Encoding that is hard to tell from its source, in about the time that decoding takes."""

_BT709 = 1
"""Of AVColorSpace, and of swscale's names for it."""

_DEEP = ("10", "12", "p010", "p016")
"""In the names of pixel formats of more than eight bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of a video."""

    start: Fraction
    """In seconds since the first presented frame."""

    end: Fraction
    """Exclusive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a piece has become."""

    start_seconds: Fraction
    """When its first picture is shown in the video."""

    end_seconds: Fraction
    """When its last one ends."""

    num_frames: int
    """Its pictures."""

    has_sound: bool


class CutSource:
    """A video that pieces are cut out of; a context manager.

    Args:
        path: A file.
        options: The limits.

    Raises:
        VideoError: It can't be read, or pieces can't be cut out of it.
    """

    def __init__(self, path: str, options: Part | None = None) -> None:
        self._options = options or Part()
        self._source: Source = open_source(path, self._options)
        self.path = self._source.path
        """The video as named, without credentials."""
        try:
            if not self._source.is_file:
                message = f"'{self.path}' is no file, so pieces can't be cut out of it; save it."
                raise VideoError(self.path, "not_a_file", message)
            first = Pass(self._source, open_video(self._source), self._options)
            try:
                frame = next((frame for frame, _ in first.frames()), None)
                origin = first.origin_seconds
                opened = first.opened
                self.suffix = _suffix(opened.container)
                """What a copy of it ends in."""
                self.video_index = opened.stream.index
                """The place of the video stream among all, as tagging chooses it."""
                self.aspect = opened.sample_aspect
                """How wide its pixels are, compared with their height."""
                self._is_dated = opened.clock == "timestamps" and not first.oddities.any()
                self.has_sound = bool(opened.container.streams.audio) and self._is_dated
                """Whether it has sound, of which is known when it belongs to which picture."""
                self.rate = opened.rate
                """Frames per second by the header, or the usual ones."""
                self._crop_of = opened.crop_of
                self.shape = None if frame is None else self.shape_of(frame, TurnReader())
                """How its first frame is shown."""
            finally:
                first.opened.close()
        except BaseException:
            self._source.close()
            raise
        if origin is None:
            self._source.close()
            raise VideoDecodeError(path, "no_frames", f"No frame of '{path}' could be decoded.")
        self.origin = origin
        """When the first presented frame is, in the file's own time."""

    def __enter__(self) -> "CutSource":
        return self

    def __exit__(self, *_: object) -> None:
        self._source.close()

    def shape_of(self, frame: av.VideoFrame, turns: TurnReader) -> Shape:
        """Tell how a frame is shown: cropped, with square pixels, upright."""
        crop = self._crop_of((frame.width, frame.height))
        return shape_of(frame, self.aspect, turns.read(frame), crop)

    def check_copy(self) -> None:
        """Refuse to copy packets that can't be dated.

        Raises:
            VideoError: The file's timestamps had to be repaired.
        """
        if not self._is_dated:
            message = f"The timestamps of '{self.path}' are missing or broken, so its packets "
            message += "can't be cut; add --exact."
            raise VideoError(self.path, "not_a_file", message)

    def frames(self, piece: Piece) -> Iterator[tuple[av.VideoFrame, Fraction]]:
        """Yield the frames that come on screen within a piece, as stored, with their times.

        Raises:
            VideoError: There is none.
        """
        part = Part(start=piece.start, end=piece.end, max_pixels=self._options.max_pixels)
        reading = Pass(self._source, open_video(self._source), part)
        try:
            for frame, seconds in reading.frames():
                if seconds >= piece.end:
                    return
                if seconds >= piece.start:
                    yield frame, seconds
        finally:
            reading.opened.close()

    def open(self) -> InputContainer:
        """Open it once more, as FFmpeg gives it."""
        return self._source.open()


def _suffix(container: InputContainer) -> str:
    codecs = {
        stream.codec_context.codec.canonical_name
        for stream in container.streams
        if stream.type in ("video", "audio") and stream.codec_context is not None
    }
    is_matroska = "matroska" in container.format.name
    return ".mp4" if codecs <= IN_MP4 and not is_matroska else ".mkv"


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
                context = container.streams.audio[0].codec_context
                self._layout = context.layout.name
                if context.sample_rate in _SOUND_RATES:
                    self._sound_rate = context.sample_rate
        self._video: Any = None
        self._audio: Any = None
        self._track: _SoundTrack | None = None
        self._seconds = Fraction(0)
        self._last_tick = -1
        try:
            self._output: OutputContainer = av.open(
                path, "w", format="mp4", options={"movflags": "+faststart"}
            )
        except AV_ERRORS as exc:
            raise cut_failed(path, exc) from exc

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
            raise cut_failed(self._path, exc) from exc

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
                if value is not None:
                    with suppress(*AV_ERRORS):
                        setattr(video.codec_context, name, int(value))
            if turn != Turn():
                video.set_display_matrix(_matrix(turn))
            self._video = video
            self._begin_sound()
        except AV_ERRORS as exc:
            raise cut_failed(self._path, exc) from exc

    def _begin_sound(self) -> None:
        if self._with_sound:
            self._audio = self._output.add_stream("aac", rate=self._sound_rate, layout=self._layout)
            self._track = _SoundTrack(self._output, self._audio, self._layout)

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
            raise cut_failed(self._path, exc) from exc

    def _put_sound(
        self, track: "_SoundTrack", source: CutSource, start: Fraction, end: Fraction
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
            raise cut_failed(self._path, exc) from exc

    def _samples(
        self, source: CutSource, start: Fraction, end: Fraction
    ) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
        """Yield sound, `(channels, n)`, with its place in samples since the start."""
        resampler = av.AudioResampler(format="fltp", layout=self._layout, rate=self._sound_rate)
        with source.open() as container:
            stream = container.streams.audio[0]
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


class _SoundTrack:
    """A sound track being encoded: samples at their places, silence between them."""

    def __init__(self, output: OutputContainer, stream: Any, layout: str) -> None:
        self._output = output
        self._stream = stream
        self._layout = layout
        self._num_channels = stream.codec_context.channels
        self._position = 0  # of what comes next
        self._num_encoded = 0
        self._waiting: list[npt.NDArray[np.float32]] = []
        self._num_waiting = 0

    def put(self, at: int, samples: npt.NDArray[np.float32], until: int) -> None:
        """Put samples at a place; what lies before what is there already, or behind, is cut."""
        samples = samples[:, max(0, self._position - at) : max(0, until - at)]
        if samples.shape[1] == 0:
            return
        self.fill(min(max(at, self._position), until))
        self._push(samples)

    def fill(self, until: int) -> None:
        """Be silent up to a place."""
        while self._position < until:
            count = min(until - self._position, 4096)
            self._push(np.zeros((self._num_channels, count), np.float32))

    def _push(self, samples: npt.NDArray[np.float32]) -> None:
        self._position += samples.shape[1]
        self._waiting.append(samples)
        self._num_waiting += samples.shape[1]
        size = self._stream.codec_context.frame_size or 1024
        while self._num_waiting >= size:
            whole = np.concatenate(self._waiting, axis=1)
            self._encode(whole[:, :size])
            self._waiting = [whole[:, size:]]
            self._num_waiting = self._waiting[0].shape[1]

    def finish(self) -> None:
        """Encode what is left."""
        if self._num_waiting:
            self._encode(np.concatenate(self._waiting, axis=1))
            self._waiting, self._num_waiting = [], 0

    def _encode(self, samples: npt.NDArray[np.float32]) -> None:
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples), format="fltp", layout=self._layout
        )
        frame.sample_rate = self._stream.codec_context.sample_rate
        frame.time_base = Fraction(1, frame.sample_rate)
        frame.pts = self._num_encoded
        self._num_encoded += samples.shape[1]
        self._output.mux(self._stream.encode(frame))


class PacketWriter:
    """Copies pieces, one behind the other, into a file; `close` completes it.

    Args:
        path: Where to; `.mp4` is one, anything else Matroska.
        source: The first of the videos: the others must be encoded alike.

    Raises:
        OutputError: It can't be written.
    """

    def __init__(self, path: str, source: CutSource, *, kind: str) -> None:
        self._path = path
        self._seconds = Fraction(0)
        self._last: dict[int, int] = {}
        self._streams: list[Any] = []
        self._form: tuple[object, ...] | None = None
        try:
            self._output: OutputContainer = av.open(path, "w", format=kind)
        except AV_ERRORS as exc:
            raise cut_failed(path, exc) from exc

    def add(self, source: CutSource, piece: Piece) -> Made | None:
        """Append a piece, from the key frame that its first picture needs.

        Raises:
            VideoError: It can't be read, or is encoded otherwise than what is there.
            OutputError: It can't be written.
        """
        source.check_copy()
        with source.open() as container:
            video: Any = container.streams[source.video_index]
            kept = [video, *container.streams.audio]
            form = (*(_form(stream) for stream in kept), source.shape)
            if self._form is None:
                self._form = form
                try:
                    self._streams = [self._output.add_stream_from_template(one) for one in kept]
                except AV_ERRORS as exc:
                    raise cut_failed(self._path, exc) from exc
            elif form != self._form:
                message = f"'{source.path}' is encoded otherwise than what stands before it in the "
                message += "reel; add --exact, or cut clips."
                raise VideoError(source.path, "unsupported_codec", message)
            place_of = {stream.index: place for place, stream in enumerate(kept)}
            packets = _packets_of(container, video, source, piece)
            return self._copy(packets, video, place_of, source)

    def close(self) -> None:
        """Complete the file.

        Raises:
            OutputError: It can't be written.
        """
        try:
            self._output.close()
        except AV_ERRORS as exc:
            raise cut_failed(self._path, exc) from exc

    def drop(self) -> None:
        """Give it up."""
        with suppress(*AV_ERRORS):
            self._output.close()

    def _copy(
        self, packets: Iterator[Any], video: Any, place_of: dict[int, int], source: CutSource
    ) -> Made | None:
        begin: Fraction | None = None
        first_shown: Fraction | None = None
        end, count = Fraction(0), 0
        held: list[Any] = []
        try:
            for packet in packets:
                is_video = packet.stream.index == video.index
                stamp = packet.dts if packet.dts is not None else packet.pts
                if stamp is None or packet.stream.index not in place_of:
                    continue
                if begin is None:
                    if not is_video:
                        held.append(packet)
                        continue
                    begin = stamp * packet.time_base
                    first_shown = packet.pts * packet.time_base
                    for sound in held:
                        self._put(sound, place_of, begin)
                if is_video:
                    count += 1
                    shown = packet.pts if packet.pts is not None else stamp
                    length = (packet.duration or 0) * packet.time_base or 1 / source.rate
                    end = max(end, shown * packet.time_base + length)
                self._put(packet, place_of, begin)
        except AV_ERRORS as exc:
            raise cut_failed(self._path, exc) from exc
        if begin is None or first_shown is None:
            return None
        self._seconds += end - begin
        return Made(
            start_seconds=first_shown - source.origin,
            end_seconds=end - source.origin,
            num_frames=count,
            has_sound=len(place_of) > 1,
        )

    def _put(self, packet: Any, place_of: dict[int, int], begin: Fraction) -> None:
        place = place_of[packet.stream.index]
        shift = round((self._seconds - begin) / packet.time_base)
        stamp = packet.dts if packet.dts is not None else packet.pts
        dts = max(stamp + shift, self._last.get(place, stamp + shift - 1) + 1)
        pts = max(dts, (packet.pts if packet.pts is not None else stamp) + shift)
        if dts < 0:
            return  # sound from before the first picture
        self._last[place] = dts
        packet.stream = self._streams[place]
        packet.dts, packet.pts = dts, pts
        self._output.mux(packet)


def _form(stream: Any) -> tuple[object, ...]:
    """Tell how a stream is encoded: what packets behind one another must have in common."""
    context = stream.codec_context
    return (
        context.codec.canonical_name,
        bytes(context.extradata or b""),
        stream.time_base,
        getattr(context, "width", None),
        getattr(context, "height", None),
        getattr(context, "sample_rate", None),
    )


def _packets_of(
    container: InputContainer, video: Any, source: CutSource, piece: Piece
) -> Iterator[Any]:
    """Yield the packets of a piece, from the last key frame at or before its start."""
    start = source.origin + piece.start
    end = source.origin + piece.end
    for back in (*(one for one in BACK_OFF_SECONDS if one <= piece.start), None):
        if back is None:
            container.seek(0)
        else:
            with suppress(*AV_ERRORS):
                container.seek(int((start - back) / video.time_base), stream=video)
        found = _from_key(container, video, start, end)
        first = next(found, None)
        if first is not None:
            yield first
            yield from found
            return


def _from_key(
    container: InputContainer, video: Any, start: Fraction, end: Fraction
) -> Iterator[Any]:
    """Yield packets up to the end, from the last key frame at or before the start on.

    None where reading begins behind that. A picture that is shown behind the end, but decoded
    before it, is kept, since those that are shown before it may need it; and so is what is shown
    before that one, so that no picture is missing.
    """
    held: list[Any] = []  # since the last key frame so far
    has_key, is_certain = False, False
    over: set[bool] = set()  # of sound and of pictures, what is behind the end
    latest = start  # when the picture is shown that is shown last
    for packet in container.demux():
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None or not packet.size:
            continue
        is_video = packet.stream.index == video.index
        shown = stamp * packet.time_base
        decoded = (packet.dts if packet.dts is not None else stamp) * packet.time_base
        if is_video and packet.is_keyframe and shown <= start:
            has_key = True
            held = [one for one in held if one.stream.index != video.index]
            held = [one for one in held if one.pts is None or one.pts * one.time_base >= shown]
        elif is_video and not has_key:
            if packet.is_keyframe:
                return
            continue
        if decoded >= end and shown > latest if is_video else shown >= end:
            over.add(is_video)
            if True in over and (len(over) == 2 or shown > end + 1):
                break
            continue
        if is_video:
            latest = max(latest, shown)
        if is_video and decoded > start and not is_certain:
            is_certain = True  # every later key frame is shown later still
            yield from held
        if is_certain:
            yield packet
        else:
            held.append(packet)
    if not is_certain and has_key:
        yield from held


def _matrix(turn: Turn) -> list[int]:
    """Make the display matrix of a turn, the inverse of `turn_of_matrix`."""
    x, y = -1 if turn.flip_x else 1, -1 if turn.flip_y else 1
    one = 1 << 16
    if turn.transpose:
        return [0, y * one, 0, x * one, 0, 0, 0, 0, 1 << 30]
    return [x * one, 0, 0, 0, y * one, 0, 0, 0, 1 << 30]


def cut_failed(path: str, exc: BaseException) -> OutputError:
    """Compose the error for a piece that can't be written."""
    why = getattr(exc, "strerror", None) or f"{type(exc).__name__}: {exc}"
    return OutputError(path, f"The clip '{path}' can't be written: {why}.")
