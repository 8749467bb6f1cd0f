"""A copy of a video with other chapters: its packets as they are."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
from av.container import InputContainer, OutputContainer

from vidtag.errors import OutputError
from vidtag.video.containers import AV_ERRORS
from vidtag.video.copying import clip_failed, dated
from vidtag.video.cutting import CutSource

_MILLISECOND = Fraction(1, 1000)

_TOLD_OF_STREAMS = ("language", "title")
"""What is said of a stream, and copied with it; the rest is the container's own."""

_KINDS = ("video", "audio", "subtitle")
"""Streams that are copied; the rest are a container's own, such as timecode tracks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A chapter, in milliseconds since the first presented frame."""

    start_ms: int
    end_ms: int
    title: str


def copy_with_chapters(path: str, target: str, kind: str, chapters: Sequence[Chapter]) -> None:
    """Copy a video and put chapters into the copy.

    Args:
        path: The video, a file.
        target: Where the copy goes.
        kind: FFmpeg's name of its container.
        chapters: In the order of time; those that the video has are left out.

    Raises:
        VideoError: It can't be read.
        OutputError: It can't be written, or the container can't hold the video.
    """
    with CutSource(path) as source, source.open() as container:
        output: OutputContainer | None = None
        try:
            output = av.open(target, "w", format=kind)
            _copy(container, output, source.origin, chapters)
            output.close()
        except AV_ERRORS as exc:
            if output is not None:
                with suppress(*AV_ERRORS):
                    output.close()
            if isinstance(exc, OutputError):
                raise
            raise clip_failed(target, exc) from exc


def _copy(
    container: InputContainer,
    output: OutputContainer,
    origin: Fraction,
    chapters: Sequence[Chapter],
) -> None:
    streams: dict[int, Any] = {}
    for stream in container.streams:
        if stream.type not in _KINDS:
            continue
        try:
            streams[stream.index] = output.add_stream_from_template(stream)
        except AV_ERRORS as exc:
            if stream.type == "video":
                name = getattr(stream.codec_context, "name", "its codec")
                message = f"'{output.name}' can't hold {name}; name an .mkv file."
                raise OutputError(str(output.name), message, costs_all=False) from exc
            continue
        streams[stream.index].metadata.update(
            {key: value for key, value in stream.metadata.items() if key in _TOLD_OF_STREAMS}
        )
    output.metadata.update(container.metadata)
    shift = round(origin / _MILLISECOND)
    output.set_chapters(
        [
            {
                "id": number,
                "start": chapter.start_ms + shift,
                "end": chapter.end_ms + shift,
                "time_base": _MILLISECOND,
                "metadata": {"title": chapter.title},
            }
            for number, chapter in enumerate(chapters, start=1)
        ]
    )
    packets = (
        packet for packet in container.demux() if packet.size and packet.stream.index in streams
    )
    for packet in dated(packets):
        if packet.dts is not None:
            packet.stream = streams[packet.stream.index]
            output.mux(packet)
