"""The bytes of MPEG transport streams (ISO/IEC 13818-1), as far as FFmpeg does not tell of them."""

from collections.abc import Iterator
from fractions import Fraction

from vidtag.video.timestamps import JUMP_SECONDS

PACKET_SIZES = (188, 192, 204)
"""Of a transport stream: as such, with a time code before it, with error correction behind it."""

# Packets of this number are padding (table 2-3); the base of the clock counts in 33 bits, 90,000
# times a second (2.4.3.5).
_NULL_PID = 0x1FFF
_PCR_TICKS = 1 << 33
_PCR_RATE = 90_000
MIN_PACKET_BYTES = min(PACKET_SIZES)

VIDEO_TYPES = {0x01, 0x02, 0x10, 0x1B, 0x21, 0x24, 0x33, 0x42, 0xD1, 0xD2, 0xDB, 0xEA}
"""Types of streams that are videos (ISO/IEC 13818-1, table 2-34; private ones by FFmpeg)."""

_PMT = 2
"""The number of the table that lists a programme's streams (2.4.4.4)."""


def is_one_stream(data: bytes, start: int, gap: Fraction) -> bool:
    """Tell whether one multiplexer wrote a transport stream on, with a clock that shows the gap.

    Its packets are counted per stream (ISO/IEC 13818-1, 2.4.3.3); what was joined or lost breaks
    that count, and a clock that is set anew is marked (2.4.3.5).

    Args:
        data: The stream's bytes.
        start: Where the picture before the gap begins in them.
        gap: Seconds by the timestamps.
    """
    size, offset = _grid(data)
    if not size:
        return False
    counters: dict[int, int] = {}
    clocks: dict[int, list[int]] = {}
    for position in range(offset, len(data) - 187, size):
        head = data[position : position + 12]
        pid = (head[1] & 0x1F) << 8 | head[2]
        if pid == _NULL_PID:
            continue
        has_payload, has_field = head[3] & 0x10, head[3] & 0x20 and head[4]
        counter, before = head[3] & 0x0F, counters.get(pid)
        counters[pid] = counter
        if has_field and head[5] & 0x10:
            clock = int.from_bytes(head[6:11], "big") >> 7
            # The last one before that picture counts, too: not every picture has one.
            clocks[pid] = [*clocks.get(pid, []), clock] if position >= start else [clock]
        if position < start:
            continue
        if has_field and head[5] & 0x80:
            return False
        if has_payload and before is not None and counter not in {before, (before + 1) & 0x0F}:
            return False
    return any(
        abs(Fraction((seen[-1] - first) % _PCR_TICKS, _PCR_RATE) - gap) <= JUMP_SECONDS
        for seen in clocks.values()
        for first in seen[:2]
    )


def _grid(data: bytes) -> tuple[int, int]:
    """Find how large the packets of a transport stream are, and where the first one begins."""
    for size in PACKET_SIZES:
        for offset in range(size):
            marks = data[offset::size]
            if len(marks) > 1 and marks == b"\x47" * len(marks):
                return size, offset
    return 0, 0


def stream_type(data: bytes, pid: int) -> int | None:
    """Return the type of a stream by the last table that lists it; `None` where none does."""
    found = None
    for _, listed, kind in _tables(data):
        if listed == pid:
            found = kind
    return found


def first_video(data: bytes) -> int | None:
    """Return where the first table begins that lists a video; `None` where there is none."""
    return next((position for position, _, kind in _tables(data) if kind in VIDEO_TYPES), None)


def _tables(data: bytes) -> Iterator[tuple[int, int, int]]:
    """List all streams of programmes' tables: where the table begins, stream number, type."""
    if not data:  # what is not kept
        return
    size, offset = _grid(data)
    for position in range(offset, len(data) - 187, size or len(data)):
        packet = data[position : position + 188]
        if not packet[1] & 0x40 or not packet[3] & 0x10:
            continue
        begin = 5 + packet[4] if packet[3] & 0x20 else 4
        section = packet[begin + 1 + packet[begin] :] if begin < 188 else b""
        for pid, kind in _listed(section):
            yield position, pid, kind


def _listed(section: bytes) -> Iterator[tuple[int, int]]:
    """List the streams of a programme's table, as far as its first packet goes."""
    if len(section) < 12 or section[0] != _PMT or not section[1] & 0x80:
        return
    end = min(len(section), 3 + (int.from_bytes(section[1:3], "big") & 0xFFF) - 4)
    position = 12 + (int.from_bytes(section[10:12], "big") & 0xFFF)
    while position + 5 <= end:
        entry = section[position : position + 5]
        yield int.from_bytes(entry[1:3], "big") & 0x1FFF, entry[0]
        position += 5 + (int.from_bytes(entry[3:5], "big") & 0xFFF)
