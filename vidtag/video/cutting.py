"""A video that pieces are cut out of.

Owns how a piece is reached: by seeking, so that many pieces of a long video cost no reading of what
lies between. `packet_cuts` copies packets, `exact_cuts` encodes frames again.

Times are those of `Video`: seconds since the first presented frame.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import av
from av.audio.stream import AudioStream
from av.container import InputContainer

from vidtag.errors import VideoDecodeError, VideoError
from vidtag.video.copying import IN_MP4
from vidtag.video.opening import open_source
from vidtag.video.options import Part
from vidtag.video.passes import Pass
from vidtag.video.pictures import Shape, TurnReader, shape_of
from vidtag.video.sources import Source
from vidtag.video.streams import open_video

Way = Literal["copy", "exact"]
"""How a piece is made: its packets as they are, or its frames encoded again."""


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
                sounds = known_sounds(opened.container)
                self.sound_index = sounds[0].index if sounds else -1
                """The place of its first sound track that can be decoded, among all streams."""
                self.has_sound = bool(sounds) and self._is_dated
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


def known_sounds(container: InputContainer) -> list[AudioStream]:
    """List the sound tracks that FFmpeg knows; telephones add others, for spatial sound."""
    return [
        stream
        for stream in container.streams.audio
        if stream.codec_context is not None and stream.codec_context.channels > 0
    ]


def _suffix(container: InputContainer) -> str:
    codecs = {
        stream.codec_context.codec.canonical_name
        for stream in container.streams
        if stream.type in ("video", "audio") and stream.codec_context is not None
    }
    is_matroska = "matroska" in container.format.name
    return ".mp4" if codecs <= IN_MP4 and not is_matroska else ".mkv"
