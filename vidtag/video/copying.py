"""Packets as they came, kept for a while and written to a file: nothing is encoded again.

Knows nothing of labels, and of time no more than when a packet arrived.
"""

import errno
import io
import itertools
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Generic, Protocol, TypeVar

import av
from av.container import InputContainer, OutputContainer

from vidtag.errors import OutputError
from vidtag.video.containers import AV_ERRORS

IN_MP4 = {"h264", "hevc", "av1", "mpeg4", "vp9", "aac", "mp3", "opus", "ac3", "eac3", "alac"}
"""Codecs that players expect in an MP4; with another one the file is a Matroska file."""

_DRAFT = re.compile(r"\.vidtag-clip-[0-9a-f]{16}\.part")
"""Names of files that are being written."""

KINDS = ("video", "audio")
"""Streams that are kept."""

_ARRIVAL_TICK = Fraction(1, 90_000)
"""Of packets that are dated by their arrival."""

_MAX_UNDATED = 30
"""Packets that wait for a time of decoding; H.264 reorders 16 pictures at most."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeptPacket:
    """A packet of the source, with the moment at which it came."""

    data: bytes
    place: int
    """Of its stream, among those that are kept."""

    pts: int | None
    dts: int | None
    duration: int
    time_base: Fraction
    is_key: bool
    """Whether a picture begins here that needs none before it."""

    moment: float

    @property
    def seconds(self) -> Fraction | None:
        """When it is decoded, by its own timestamps."""
        tick = self.dts if self.dts is not None else self.pts
        return None if tick is None else tick * self.time_base


class Recent:
    """The packets of one connection that came last.

    Args:
        container: What is read; need not stay open.
        video: The place of its video stream in it; other videos are left out.
        seconds: For how long packets are kept.
        max_bytes: The most that is kept; a source of a higher rate is kept for a shorter time.
        by_arrival: Whether its timestamps are none, so that packets are dated by when they came.
    """

    def __init__(
        self,
        container: InputContainer,
        video: int,
        *,
        seconds: float,
        max_bytes: int,
        by_arrival: bool = False,
    ) -> None:
        self._by_arrival = by_arrival
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._packets: deque[KeptPacket] = deque()
        self._num_bytes = 0
        # The source's streams are gone once it is lost; those of an open output stay.
        self._holder: OutputContainer = av.open(io.BytesIO(), "w", format="matroska")
        self._templates: list[Any] = []
        self._place_of: dict[int, int] = {}
        for stream in container.streams:
            is_wanted = stream.type == "audio" or stream.index == video
            if stream.type in KINDS and is_wanted:
                with suppress(*AV_ERRORS):  # what Matroska can't hold is left out
                    template = self._holder.add_stream_from_template(stream)
                    self._place_of[stream.index] = len(self._templates)
                    self._templates.append(template)
        self._video = self._place_of.get(video)

    @property
    def suffix(self) -> str:
        """What files of these streams end in."""
        codecs = {template.codec_context.codec.canonical_name for template in self._templates}
        return ".mp4" if codecs <= IN_MP4 else ".mkv"

    def add(self, packet: Any, moment: float) -> KeptPacket | None:
        """Keep a packet, and forget old ones; `None` where its stream is not kept."""
        place = self._place_of.get(packet.stream.index)
        if place is None or self._video is None:
            return None
        kept = KeptPacket(
            data=bytes(packet),
            place=place,
            pts=packet.pts,
            dts=packet.dts,
            duration=packet.duration or 0,
            time_base=packet.time_base,
            is_key=place == self._video and packet.is_keyframe,
            moment=moment,
        )
        if self._by_arrival:
            tick = round(moment / _ARRIVAL_TICK)
            kept = replace(kept, pts=tick, dts=tick, duration=0, time_base=_ARRIVAL_TICK)
        self._packets.append(kept)
        self._num_bytes += len(kept.data)
        while self._packets and (
            moment - self._packets[0].moment > self._seconds or self._num_bytes > self._max_bytes
        ):
            self._num_bytes -= len(self._packets.popleft().data)
        return kept

    def since(self, moment: float) -> tuple[KeptPacket, ...]:
        """Return what came since a moment, from the key frame before it on.

        Where none before it is kept, from the first one after it; nothing where there is none.
        """
        packets = tuple(self._packets)
        begin: int | None = None
        for place, packet in enumerate(packets):
            if packet.is_key and (begin is None or packet.moment <= moment):
                begin = place
        return () if begin is None else packets[begin:]

    def writer(self, path: str) -> "CopyWriter":
        """Begin a file of these streams.

        Raises:
            OutputError: It can't be written.
        """
        return CopyWriter(path, self._templates)


T = TypeVar("T", bound="_Dated")


class _Dated(Protocol):
    """A packet, of PyAV's or one that was kept."""

    @property
    def dts(self) -> int | None:
        """When it is decoded, in ticks."""

    @property
    def duration(self) -> int | None:
        """How long it lasts, in ticks."""


class Dater(Generic[T]):
    """Gives the first packets of a stream times of decoding, which FFmpeg may not know yet.

    With references forward, packets are not shown in their order; the first one that has a time
    tells when those before it are decoded. Where none has, they come in the order of their display.

    Args:
        stream_of: Tells packets of one stream from those of another.
        with_dts: Gives a packet its time.
    """

    def __init__(self, stream_of: Callable[[T], int], with_dts: Callable[[T, int], T]) -> None:
        self._stream_of = stream_of
        self._with_dts = with_dts
        self._undated: dict[int, list[T]] = {}
        self._settled: set[int] = set()

    def push(self, packet: T) -> list[T]:
        """Take a packet; return those that have their time."""
        stream = self._stream_of(packet)
        if stream in self._settled:
            return [packet]
        held = self._undated.setdefault(stream, [])
        if packet.dts is None and len(held) < _MAX_UNDATED:
            held.append(packet)
            return []
        return [*self._settle(stream, packet.dts), packet]

    def flush(self) -> list[T]:
        """Return what is held still."""
        return [packet for stream in list(self._undated) for packet in self._settle(stream, None)]

    def _settle(self, stream: int, first: int | None) -> list[T]:
        self._settled.add(stream)
        held = self._undated.pop(stream, [])
        if first is None:
            return held
        return [
            self._with_dts(packet, first - (len(held) - k) * max(1, packet.duration or 1))
            for k, packet in enumerate(held)
        ]


def dated(packets: Iterable[Any]) -> Iterator[Any]:
    """Give PyAV's packets their times of decoding, as `Dater` does."""

    def with_dts(packet: Any, dts: int) -> Any:
        packet.dts = dts
        return packet

    dater: Dater[Any] = Dater(lambda packet: packet.stream.index, with_dts)
    for packet in packets:
        yield from dater.push(packet)
    yield from dater.flush()


class CopyWriter:
    """A file being written: under another name until it is whole.

    Args:
        path: The file.
        templates: Its streams.

    Raises:
        OutputError: It can't be written.
    """

    def __init__(self, path: str, templates: Iterable[Any]) -> None:
        self.path = path
        folder = os.path.dirname(path)
        self._draft = os.path.join(folder, f".vidtag-clip-{os.urandom(8).hex()}.part")
        self._origin: Fraction | None = None
        self._last: dict[int, int] = {}
        self._dater: Dater[KeptPacket] = Dater(
            lambda packet: packet.place, lambda packet, dts: replace(packet, dts=dts)
        )
        kind = "mp4" if path.endswith(".mp4") else "matroska"
        try:
            self._output: OutputContainer = av.open(self._draft, "w", format=kind)
            self._streams: list[Any] = [
                self._output.add_stream_from_template(template) for template in templates
            ]
        except AV_ERRORS as exc:
            raise clip_failed(path, exc) from exc

    def add(self, packet: KeptPacket) -> None:
        """Write a packet; the first one is at 0.

        Raises:
            OutputError: The disk is full, or the like.
        """
        for one in self._dater.push(packet):
            self._put(one)

    def _put(self, packet: KeptPacket) -> None:
        seconds = packet.seconds
        if self._origin is None:
            if seconds is None:
                return
            self._origin = seconds
        base = round(self._origin / packet.time_base)
        dts = packet.dts if packet.dts is not None else packet.pts
        if dts is None:
            dts = self._last.get(packet.place, base - 1) + 1
        pts = packet.pts if packet.pts is not None else dts
        # Files want times of decoding that rise; streams jump.
        least = self._last.get(packet.place)
        if least is not None and dts <= least:
            dts = least + 1
        self._last[packet.place] = dts
        one = av.Packet(packet.data)
        one.stream = self._streams[packet.place]
        one.time_base = packet.time_base
        one.dts, one.pts = dts - base, max(pts, dts) - base
        one.duration = packet.duration
        one.is_keyframe = packet.is_key
        if one.dts < 0:
            return  # sound from before the first picture
        try:
            self._output.mux(one)
        except AV_ERRORS as exc:
            self.drop()
            raise clip_failed(self.path, exc) from exc

    def finish(self) -> None:
        """Give the file its name.

        Raises:
            OutputError: The disk is full, or the like.
        """
        try:
            for packet in self._dater.flush():
                self._put(packet)
            self._output.close()
            _name(self._draft, self.path)
        except AV_ERRORS as exc:
            self.drop()
            raise clip_failed(self.path, exc) from exc

    def drop(self) -> None:
        """Give it up."""
        with suppress(*AV_ERRORS):
            self._output.close()
        with suppress(OSError):
            os.unlink(self._draft)


def _name(draft: str, path: str) -> None:
    """Give a file its name, or one with a number behind, where another process has taken that."""
    stem, suffix = os.path.splitext(path)
    for number in itertools.count(1):
        target = path if number == 1 else f"{stem} {number}{suffix}"
        try:
            os.link(draft, target)
        except FileExistsError:
            continue
        except OSError:  # a disk without links
            os.replace(draft, target)
            return
        os.unlink(draft)
        return


def clip_failed(path: str, exc: BaseException) -> OutputError:
    """Compose the error for a clip that can't be written."""
    why = getattr(exc, "strerror", None) or f"{type(exc).__name__}: {exc}"
    is_full = getattr(exc, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
    return OutputError(path, f"The clip '{path}' can't be written: {why}.", costs_all=is_full)


def drafts_of(folder: str) -> Iterator[str]:
    """Name what writers that were killed left in a folder."""
    for name in os.listdir(folder):
        if _DRAFT.fullmatch(name):
            yield os.path.join(folder, name)
