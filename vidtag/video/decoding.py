"""Packets of one stream made into decoded frames, past whatever is damaged.

Owns the bounds: garbage ends. Knows nothing of an axis of time and of upright pictures.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from itertools import chain
from typing import cast

import av
from av.codec.context import ThreadType
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from vidtag.video.chains import Chain
from vidtag.video.containers import AV_ERRORS, decoder_max_pixels
from vidtag.video.fields import FieldPairs
from vidtag.video.heif import Grid
from vidtag.video.options import Part
from vidtag.video.orientation import HEAD_BYTES as ORIENTATION_BYTES
from vidtag.video.orientation import OrientationFinder, TurnMark
from vidtag.video.oversize import RefusedPictures
from vidtag.video.sources import Source
from vidtag.video.streams import Opened
from vidtag.video.tiles import TileDecoder

MAX_FAILED_IN_A_ROW = 5000
"""After so many refused packets without a frame, the rest is taken for garbage.

Three minutes at 25 frames per second: longer than any run between key frames.
"""

MAX_THREADS = 16
"""More don't decode faster. Source: FFmpeg's own limit for automatic counts."""

THREAD_BYTES = 512 << 20
"""What the frames of all threads may take together."""

CONCEALED = {"h264", "mpeg1video", "mpeg2video"}
"""Decoders that paint over damage, but not with slice threads: then it is left to chance what
is shown. Few videos have slices, so little speed is lost."""

TURNED_BY_MESSAGES = {"h264", "hevc"}
"""Decoders whose pictures may be turned by a message that holds until the next one."""


OnPacket = Callable[["Packet[Stream]"], None]
"""What is shown each packet of any stream before it is decoded."""


@dataclass(slots=True)
class DecodeCounts:
    """What happened while decoding."""

    packets: int = 0
    frames: int = 0
    failed_packets: int = 0
    damaged_frames: int = 0
    is_given_up: bool = False
    is_cut_short: bool = False
    """Whether decoding stopped before the end."""

    is_encrypted: bool = False
    are_fields: bool = False
    """Whether frames are made of two decoded pictures each."""

    too_large_size: tuple[int, int] | None = None
    """Width and height of pictures that were refused because they are beyond the limit."""

    last_position: int = 0
    """Where the last packet of any stream begins."""

    last_packet_pts: int | None = None
    """The largest timestamp among the stream's packets that are shown."""

    ends_within_packet: bool = False
    """Whether the file ends in the middle of its last packet."""

    last_empty_end: int | None = None
    """When the last empty packet ends, in ticks."""

    last_frame_pts: int | None = None
    """The largest timestamp among the decoded frames."""

    last_seconds: dict[int, float] = field(default_factory=dict)
    """For each stream, when its last packet ends."""

    @property
    def is_complete(self) -> bool:
        """Whether the last frame came out of the decoder."""
        if self.is_cut_short:
            return False
        if self.last_packet_pts is None:
            return self.frames >= self.packets
        return self.last_frame_pts is not None and self.last_frame_pts >= self.last_packet_pts


class Decoder:
    """Decodes one stream of a container from where it stands.

    Args:
        source: Where the video comes from.
        opened: The video, from where its container stands.
        options: The limit of pixels.
        chain: Is shown all packets, and what comes of them.
        use_frame_threads: Decode several frames at once. Faster, but next to damage, frames are
            lost and what is told of them is left to chance: it stops at the first damage, and
            the video has to be read again without.
        on_packet: Is shown all packets, too.
    """

    def __init__(
        self,
        source: Source,
        opened: Opened,
        options: Part,
        *,
        chain: Chain,
        use_frame_threads: bool,
        on_packet: OnPacket | None = None,
    ) -> None:
        self._on_packet = on_packet
        self.counts = DecodeCounts()
        self.uses_frame_threads = use_frame_threads
        self._chain = chain
        self._source = source
        self._opened = opened
        self._max_pixels = decoder_max_pixels(options)
        self._container = opened.container
        self._read = opened.read
        self._stream = opened.stream
        context = opened.stream.codec_context
        if not context.is_open:
            context.thread_type = ThreadType.AUTO if use_frame_threads else ThreadType.SLICE
            context.thread_count = _num_threads(opened.size)
            if not use_frame_threads and context.name in CONCEALED:
                context.thread_count = 1
            context.options = {"max_pixels": self._max_pixels}
            context.copy_opaque = True  # what is noted of packets reaches their frames
        self._orientations: OrientationFinder | None = None
        if context.name in TURNED_BY_MESSAGES:
            self._orientations = OrientationFinder(context.name, context.extradata or b"")
        self._fields = FieldPairs() if context.name == "hevc" else None
        self._refused = RefusedPictures(context, options.max_pixels)
        self._num_failed_in_a_row = 0

    def frames(self) -> Iterator[av.VideoFrame]:
        """Yield frames in decoder order until the stream ends."""
        if self._opened.grid is not None:
            yield from self._tiled(self._opened.grid)
            return
        counts = self.counts
        for packet in self._packets():
            if self._refused.is_certain:
                return
            is_garbage = self._num_failed_in_a_row >= MAX_FAILED_IN_A_ROW
            counts.is_given_up = counts.is_given_up or is_garbage
            if is_garbage or (self.uses_frame_threads and packet.is_corrupt):
                counts.is_cut_short = True
                return
            try:
                decoded = packet.decode()
            except AV_ERRORS:
                self._chain.decoded(packet, 0)
                if packet.size:
                    counts.failed_packets += 1
                    self._look_at_refused(packet)
                self._num_failed_in_a_row += 1
                if self.uses_frame_threads:
                    counts.is_cut_short = True
                    return
                continue
            self._chain.decoded(packet, len(decoded))
            for picture in decoded:
                if self.uses_frame_threads and picture.is_corrupt:
                    counts.is_cut_short = True
                    return
                self._num_failed_in_a_row = 0
                counts.damaged_frames += picture.is_corrupt
                if picture.pts is not None:
                    last = counts.last_frame_pts
                    counts.last_frame_pts = picture.pts if last is None else max(picture.pts, last)
                yield from self._counted(self._fields.push(picture) if self._fields else [picture])
        if self._fields is not None:
            yield from self._counted(self._fields.flush())

    def _tiled(self, grid: Grid) -> Iterator[av.VideoFrame]:
        """Yield the one picture that all the tiles make."""
        counts = self.counts
        tiles = TileDecoder(grid, self._container.streams, self._max_pixels)
        for packet in self._packets():
            try:
                tiles.push(packet)
            except AV_ERRORS:
                counts.failed_packets += 1
        picture = tiles.picture()
        if picture is not None:
            counts.last_frame_pts = counts.last_packet_pts
            counts.damaged_frames += tiles.num_missing > 0
            yield from self._counted([picture])

    def _look_at_refused(self, packet: Packet[VideoStream]) -> None:
        self._refused.look(packet)
        if self._refused.is_certain or not self.counts.frames:
            self.counts.too_large_size = self._refused.size

    def _counted(self, frames: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        for frame in frames:
            self.counts.frames += 1
            self.counts.too_large_size = None  # it was damage
            if self._fields is not None:
                self.counts.are_fields = self._fields.are_fields
            yield frame

    def _packets(self) -> Iterator[Packet[VideoStream]]:
        num_errors = 0
        held = iter(self._read)
        is_over = False
        while not is_over:
            read = partial(next, chain(held, self._container.demux()), None)
            try:
                while (packet := self._source.run(read)) is not None:
                    num_errors = 0
                    self._note(packet)
                    if self._chain.is_over:
                        break
                    # Empty ones are PyAV's: within the stream they would end the decoder's work.
                    is_own = packet.stream.index == self._stream.index
                    if (is_own or self._opened.grid is not None) and packet.size:
                        self.counts.packets += 1
                        if self._orientations is not None:
                            head = bytes(memoryview(packet)[:ORIENTATION_BYTES])
                            if self._orientations.is_in(head):
                                packet.opaque = TurnMark()
                        if self._opened.clock == "arrival":
                            packet.opaque = Fraction(round(time.monotonic() * 1000), 1000)
                        yield cast("Packet[VideoStream]", packet)
                is_over = True
            except AV_ERRORS:
                num_errors += 1
                if num_errors >= self._source.max_read_errors:
                    self.counts.is_given_up = True
                    is_over = True
        # Made here: PyAV's own is lost where a stream turned up on the way, and after errors.
        flush = Packet()
        flush.stream = self._stream
        flush.time_base = self._opened.time_base  # that of the frames which come out of it
        yield cast("Packet[VideoStream]", flush)

    def _note(self, packet: Packet[Stream]) -> None:
        counts = self.counts
        if self._on_packet is not None and packet.size:
            self._on_packet(packet)
        self._chain.note(packet)
        if packet.pos is not None:
            counts.last_position = packet.pos + self._opened.begin
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None:
            return
        time_base = packet.time_base
        end = (stamp + (packet.duration or 0)) * time_base.numerator / time_base.denominator
        index = packet.stream.index
        counts.last_seconds[index] = max(counts.last_seconds.get(index, end), end)
        if not packet.size:  # it repeats the picture before it
            if index == self._stream.index:
                counts.last_empty_end = stamp + (packet.duration or 0)
            return
        counts.ends_within_packet = packet.is_corrupt
        if index == self._stream.index:
            if not packet.is_discard and (
                counts.last_packet_pts is None or stamp > counts.last_packet_pts
            ):
                counts.last_packet_pts = stamp
            if packet.has_sidedata("encryption_info"):
                counts.is_encrypted = True


def _num_threads(size: tuple[int, int]) -> int:
    frame_bytes = max(1, 3 * size[0] * size[1])  # 10 bits, with chroma at half size
    return max(1, min(MAX_THREADS, os.cpu_count() or 1, THREAD_BYTES // frame_bytes))
