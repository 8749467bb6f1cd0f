"""One pass through a video: frames with their times, from a given time on.

Owns seeking, and reading again what frame threads lost. Knows nothing of upright pictures.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain, islice

import av

from vidtag.video.avi import num_empty_at_end
from vidtag.video.chains import FRUITLESS, Chain
from vidtag.video.containers import AV_ERRORS
from vidtag.video.decoding import DecodeCounts, Decoder, OnPacket
from vidtag.video.options import Part
from vidtag.video.sources import Source
from vidtag.video.streams import Opened, open_rest, open_video
from vidtag.video.timestamps import JUMP_SECONDS, Oddities, Ticks, TimeAxis

Timed = tuple[av.VideoFrame, Fraction]
"""A frame, and when it comes on screen."""

LOOK_AHEAD = 4
"""Frames that are held to sort timestamps where a format keeps presentation times."""

LONG_LOOK_AHEAD = 16
"""The same for formats that keep decoding times alone. Source: H.264 reorders 16 at most."""

LOOK_AHEAD_BYTES = 256 << 20
"""What the held frames may take together."""

DECODE_TIMES_ONLY = {"avi", "gxf", "mxf", "nsv"}
"""Formats that keep no presentation times."""

CHAINED = {"dv", "live_flv", "mpeg", "mpegts", "mpegvideo", "ogg", "rtsp"}
"""Formats that can be cut and joined at any place, so that timestamps may jump."""

RAW = {"av1", "dnxhd", "h261", "h263", "h264", "hevc", "m4v", "mjpeg", "mpegvideo", "obu", "vvc"}
"""Formats without a header: what they declare is guessed."""

NOT_SOUGHT = RAW | {"mpeg"}
"""Formats where a seek lands on wrong times: program streams date a few frames only, and what
lies between is counted from the place where reading began."""

MAX_SEQUELS = 100
"""So often a transport stream may go on with another video."""

NUM_PRIMING = 32
"""Frames read before a seek, to find the first one's time and whether timestamps are sound."""

BACK_OFF_SECONDS = (0, 1, 4, 16, 64, 256)
"""How far before the target seeks aim, one after the other, until one lands before it."""

SEEK_WORTH_SECONDS = 2
"""A target this close is reached by decoding on."""


class Pass:
    """Reads an opened video once.

    Seeks and damage may open the source anew: `opened` is what has to be closed at last.
    """

    def __init__(
        self,
        source: Source,
        opened: Opened,
        options: Part,
        on_packet: OnPacket | None = None,
    ) -> None:
        self._on_packet = on_packet
        self.opened = opened
        self.counts = DecodeCounts()
        self.oddities = Oddities()
        self._source = source
        self._options = options
        self._origin: Ticks | None = None
        self._axis_now: TimeAxis[av.VideoFrame] | None = None
        self._chain = self._watch()

    @property
    def origin_seconds(self) -> Fraction | None:
        """When the first presented frame is, in the file's own time; `None` before it came."""
        return None if self._origin is None else self._origin * self.opened.time_base

    def frames(self) -> Iterator[Timed]:
        """Yield frames with their times, from the one that is on screen at the start."""
        start = self._options.start
        if start == 0:
            yield from self._timed(self._decoded())
            return
        held: Timed | None = None
        timed = self._timed_near(start)
        for item in timed:
            if item[1] > start:
                if held is not None:
                    yield held
                yield item
                yield from timed
                return
            held = item
        if held is not None:
            end = held[1] + self._length(held[0])
            if max(end, self.end_of_empty_packets(end)) > start:
                yield held

    def end_of_empty_packets(self, end: Fraction) -> Fraction:
        """Tell until when empty packets at the end hold the last picture; 0 without any.

        Args:
            end: When the last picture ends by itself; all was read.
        """
        opened, counts = self.opened, self.counts
        if counts.last_empty_end is not None and not self.oddities.any():
            return (counts.last_empty_end - (self._origin or 0)) * opened.time_base
        if opened.format != "avi" or (opened.declared_seconds or 0) <= end:
            return Fraction(0)
        index = opened.stream.index
        held = num_empty_at_end(self._source, index) / opened.rate
        counts.last_seconds[index] = counts.last_seconds.get(index, 0.0) + float(held)
        return end + held

    # Decoding

    def _reopen(self) -> None:
        self.opened.close()
        self.opened = open_video(self._source)

    def _decoder(self, *, use_frame_threads: bool = False) -> Decoder:
        self._chain = self._watch()
        decoder = Decoder(
            self._source,
            self.opened,
            self._options,
            chain=self._chain,
            use_frame_threads=use_frame_threads,
            on_packet=self._on_packet,
        )
        self.counts = decoder.counts
        return decoder

    def _decoded(self) -> Iterator[av.VideoFrame]:
        """Decode from the beginning, with frame threads where a whole file is read.

        Frame threads lose frames next to damage. So at the first damage the file is read again
        without them, and goes on behind the frames that came already. Where a file may end within
        a frame, that would not be noticed on every run.
        """
        is_whole = self._options.start == 0 and self._options.end is None
        is_sound = self._source.is_file and self.opened.format not in CHAINED | RAW
        decoder = self._decoder(use_frame_threads=is_whole and is_sound)
        yield from decoder.frames()
        if self.opened.format == "mpegts":
            yield from self._sequels()
        if not decoder.uses_frame_threads or decoder.counts.is_complete:
            return
        first = decoder.counts
        self._reopen()
        decoder = self._decoder()
        for index, frame in enumerate(decoder.frames()):
            if index >= first.frames:
                yield frame
        decoder.counts.frames = max(decoder.counts.frames, first.frames)

    def _sequels(self) -> Iterator[av.VideoFrame]:
        """Go on where a transport stream does with another video: a new codec or programme."""
        counts = self.counts
        for _ in range(MAX_SEQUELS):
            fruitless = self._chain.num_fruitless
            if self._chain.rest_begins is None:
                return
            opened = open_rest(self._source, self.opened.begin + self._chain.rest_begins)
            if opened is None:
                return
            num_frames = counts.frames
            self.opened.close()
            self.opened = opened
            self._chain = self._watch()
            decoder = Decoder(
                self._source,
                opened,
                self._options,
                chain=self._chain,
                use_frame_threads=False,
                on_packet=self._on_packet,
            )
            decoder.counts = counts
            failed = counts.failed_packets
            if self._axis_now is not None:
                self._axis_now.expect_restart()
            for frame in decoder.frames():
                if counts.frames == num_frames + 1 and fruitless >= FRUITLESS[0]:
                    # They were of this video.
                    counts.failed_packets -= min(failed, fruitless)
                    counts.packets -= fruitless
                yield frame
            if counts.frames == num_frames:
                return

    def _watch(self) -> Chain:
        first = self.opened.begin

        def passage(begin: int, end: int) -> bytes:
            return self._source.passage(first + begin, first + end)

        return Chain(self.opened, passage, is_passing=not self._source.is_file)

    # Dating

    def _timed(
        self, decoded: Iterator[av.VideoFrame], origin: Ticks | None = None
    ) -> Iterator[Timed]:
        first = list(islice(decoded, 1))  # which tells whether pictures come as fields
        self._axis_now = axis = self._new_axis(origin)
        self.oddities = axis.oddities
        for frame in chain(first, decoded):
            for item in axis.push(frame, self._stamp(frame)):
                self._origin = axis.origin
                yield item
        for item in axis.flush():
            self._origin = axis.origin
            yield item

    def _stamp(self, frame: av.VideoFrame) -> Ticks | None:
        if self.opened.clock == "timestamps":
            return frame.pts
        if isinstance(frame.opaque, Fraction):
            return frame.opaque / self.opened.time_base
        return None

    def _new_axis(self, origin: Ticks | None) -> TimeAxis[av.VideoFrame]:
        opened = self.opened
        look_ahead = LONG_LOOK_AHEAD if opened.format in DECODE_TIMES_ONLY else LOOK_AHEAD
        num_pixels = max(1, opened.size[0] * opened.size[1])
        look_ahead = max(2, min(look_ahead, LOOK_AHEAD_BYTES // (3 * num_pixels)))
        if self._source.is_live:
            look_ahead = 0  # decoders give frames in the order in which they are shown
        last_tick = None
        if opened.declared_seconds is not None and opened.format not in RAW:
            first = opened.stream.start_time or 0
            last_tick = first + opened.declared_seconds / opened.time_base
        return TimeAxis(
            time_base=opened.time_base,
            frame_seconds=(2 if self.counts.are_fields else 1) / opened.rate,
            look_ahead=look_ahead,
            is_chained=opened.format in CHAINED,
            origin=origin,
            last_tick=last_tick,
            is_gap=lambda before, after: self._chain.gaps.holds(before, after),
        )

    def _length(self, frame: av.VideoFrame) -> Fraction:
        if frame.pts is not None and frame.duration > 0:
            return frame.duration * self.opened.time_base
        return 1 / self.opened.rate

    # Seeking

    def _timed_near(self, start: Fraction) -> Iterator[Timed]:
        """Date the frames from one at or before `start`, by the shortest safe way."""
        primed: list[Timed] = []
        timed = self._timed(self._decoded())
        for item in timed:
            primed.append(item)
            if item[1] + SEEK_WORTH_SECONDS >= start:
                return chain(primed, timed)
            if len(primed) >= NUM_PRIMING:
                break
        else:
            return iter(primed)  # that was the whole video
        origin = self._origin
        if not isinstance(origin, int) or not self._can_seek(origin, start):
            return chain(primed, timed)
        landed = self._sought(origin, start)
        if landed is not None:
            return landed
        self._reopen()
        return self._timed(self._decoded())

    def _can_seek(self, origin: int, start: Fraction) -> bool:
        if not self._source.is_file or self.oddities.any() or self.opened.format in NOT_SOUGHT:
            return False
        return self.opened.format not in CHAINED or self._is_unbroken(origin, start)

    def _is_unbroken(self, origin: int, start: Fraction) -> bool:
        """Tell whether timestamps run on to `start`, by reading packets without decoding."""
        opened = open_video(self._source)
        latest = origin
        try:
            for packet in opened.container.demux(opened.stream):
                if packet.dts is None:
                    continue
                ahead = (packet.dts - latest) * opened.time_base
                if not -1 <= ahead <= JUMP_SECONDS:
                    return False
                latest = max(latest, packet.dts)
                if (latest - origin) * opened.time_base > start + 1:
                    return True
        except AV_ERRORS:
            return False
        finally:
            opened.close()
        return False  # perhaps another video goes on from here

    def _sought(self, origin: int, start: Fraction) -> Iterator[Timed] | None:
        """Seek until a frame at or before `start` is decoded; `None` where no seek gets there.

        Seeking lands behind the target in transport streams, and the frames before a key frame
        may be lost.
        """
        opened = self.opened
        for back in BACK_OFF_SECONDS:
            if back > start:
                break
            try:
                tick = origin + int((start - back) / opened.time_base)
                opened.container.seek(tick, stream=opened.stream)
            except AV_ERRORS:
                break
            decoded = self._decoder().frames()
            frame = next(decoded, None)
            if frame is None or frame.pts is None:
                continue
            if (frame.pts - origin) * opened.time_base <= start:
                return self._timed(chain([frame], decoded), origin)
        return None
