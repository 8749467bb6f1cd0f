"""Long gaps between pictures: did time go on meanwhile, or was the clock set anew?

In formats that can be cut and joined at any place, timestamps that leap ahead mostly mean that two
recordings were joined. But a picture may also stand still for a minute. Then the sound goes on, or
the one who wrote the stream went on writing without a break.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from av.packet import Packet
from av.stream import Stream

from vidtag.video.timestamps import JUMP_SECONDS, LONGEST_SECONDS, Ticks
from vidtag.video.transport import PACKET_SIZES, is_one_stream

Passage = Callable[[int, int], bytes]
"""Returns the bytes of a source between two positions; fewer, or none, where they are gone."""

MAX_PASSAGE_BYTES = 64 << 20
"""As much is looked at between two pictures: a minute of a transport stream of 8 Mbit/s."""

BEFORE_BYTES = 1 << 20
"""As much before the first of them, so that every stream's counter is seen there."""

HEADER_BYTES = 16 << 10
"""The headers of an Ogg stream, which look like pictures, are no longer."""


@dataclass(slots=True)
class _Picture:
    tick: int
    """When it is decoded."""

    latest_tick: int
    """When it is shown, or decoded: what is later."""

    time_base: Fraction
    position: int | None

    @property
    def seconds(self) -> Fraction:
        """When it is decoded."""
        return self.tick * self.time_base


class Gaps:
    """Sees all packets as they come, and knows the long gaps in which time went on.

    Args:
        format: FFmpeg's short name of the format.
        passage: Where bytes of the source are read again.
    """

    def __init__(self, format: str, passage: Passage) -> None:
        self._format = format
        self._passage = passage
        self._last: _Picture | None = None
        # For each other stream, from when to when it came without a jump, up to now, in its ticks.
        # Packets of pictures come late, when the next one is there: what lies between them in time
        # need not come between them.
        self._runs: dict[int, tuple[Ticks, Ticks, Fraction]] = {}
        self._found: list[tuple[int, int]] = []

    def note(self, packet: Packet[Stream], *, is_video: bool) -> None:
        """Take the next packet of any stream."""
        tick = packet.pts if packet.dts is None else packet.dts
        base = packet.time_base
        if tick is None or base is None or not packet.size:
            return
        if is_video:
            now = _Picture(tick, max(tick, packet.pts or tick), base, packet.pos)
            if self._last is not None and self._goes_on(self._last, now):
                # Pictures that are decoded ahead are shown after that gap, one gap later.
                end = max(self._last.latest_tick, now.latest_tick)
                self._found.append((self._last.tick, end))
            self._last = now
            return
        ends = tick + (packet.duration or 0)
        run: tuple[Ticks, Ticks, Fraction] = (tick, tick, base)
        start, before, known = self._runs.get(packet.stream.index, run)
        if known != base:  # another recording was joined on
            start, before = start * known / base, before * known / base
        longest = JUMP_SECONDS * base.denominator
        if -longest <= (tick - before) * base.numerator <= longest:
            self._runs[packet.stream.index] = start, max(before, ends), base
        else:
            self._runs[packet.stream.index] = tick, ends, base

    def holds(self, before: Ticks, after: Ticks) -> bool:
        """Tell whether time went on between two timestamps, as they stand in the file."""
        return any(begin < after and before < end for begin, end in self._found)

    def _goes_on(self, last: _Picture, now: _Picture) -> bool:
        base = now.time_base
        if base == last.time_base and (  # of nearly all pictures; whole numbers are soon compared
            (now.tick - last.tick) * base.numerator <= JUMP_SECONDS * base.denominator
        ):
            return False
        gap = now.seconds - last.seconds
        if not JUMP_SECONDS < gap <= LONGEST_SECONDS:
            return False
        if self._runs:
            latest_begin, least_end = last.seconds + JUMP_SECONDS, now.seconds - JUMP_SECONDS
            return any(
                start * base <= latest_begin and end * base >= least_end
                for start, end, base in self._runs.values()
            )
        if last.position is None or now.position is None or now.position <= last.position:
            return False
        if now.position - last.position > MAX_PASSAGE_BYTES:
            return False
        if self._format == "mpegts":
            begin = max(0, last.position - BEFORE_BYTES)
            data = self._passage(begin, now.position + max(PACKET_SIZES))
            return is_one_stream(data, last.position - begin, gap)
        if self._format == "ogg":  # where another recording begins, a page says so
            begin = max(1, last.position - HEADER_BYTES)
            return not _begins_anew(self._passage(begin, now.position))
        return False


def _begins_anew(data: bytes) -> bool:
    """Tell whether there is a first page of an Ogg stream in the bytes, or none at all."""
    pages = data.split(b"OggS\0")[1:]
    return not pages or any(page[:1] and page[0] & 2 for page in pages)
