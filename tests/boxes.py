"""ISO boxes and EBML elements put into files that a muxer wrote, for what no muxer here writes."""

import struct
from pathlib import Path

ANY = b"any "
"""Stands for the first box of any type."""


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def insert(path: Path, parents: list[bytes], content: bytes) -> None:
    """Append a box to the first box at the end of a chain of parents, such as `moov`, `trak`.

    Only for files whose index comes last, so that no offset changes.
    """
    data = bytearray(path.read_bytes())
    start, end = 0, len(data)
    opened = []
    for kind in parents:
        place = _find(data, kind, start, end)
        opened.append(place)
        start, end = place + 8, place + int.from_bytes(data[place : place + 4], "big")
        if kind == b"stsd":
            start += 8
    for place in opened:
        size = int.from_bytes(data[place : place + 4], "big") + len(content)
        data[place : place + 4] = size.to_bytes(4, "big")
    data[end:end] = content
    path.write_bytes(data)


def _find(data: bytearray, kind: bytes, start: int, end: int) -> int:
    while start < end:
        if kind in (ANY, data[start + 4 : start + 8]):
            return start
        start += int.from_bytes(data[start : start + 4], "big")
    raise ValueError(f"there is no box {kind!r}")


def to_track(*more: bytes) -> list[bytes]:
    return [b"moov", b"trak", *more]


def to_sample_entry() -> list[bytes]:
    return to_track(b"mdia", b"minf", b"stbl", b"stsd", ANY)


def clap(
    width: tuple[int, int], height: tuple[int, int], x: tuple[int, int], y: tuple[int, int]
) -> bytes:
    """Make a clean aperture box: numerators and denominators (ISO/IEC 14496-12, 12.1.4)."""
    return box(b"clap", struct.pack(">IIIIiIiI", *width, *height, *x, *y))


def set_track_size(path: Path, width: int, height: int) -> None:
    """Write another size on screen into the header of the first track."""
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 4
    place += 4 + (32 if data[place] == 1 else 20) + 52
    data[place : place + 8] = struct.pack(">II", width << 16, height << 16)
    path.write_bytes(data)
