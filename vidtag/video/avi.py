"""The empty packets at the end of an AVI, which repeat the last picture.

FFmpeg skips them, and from the header alone a file that ends with them looks cut off.
"""

import struct

from vidtag.video.pipes import RECENT_BYTES
from vidtag.video.sources import Source


def num_empty_at_end(source: Source, stream: int) -> int:
    """Count a stream's empty packets at the end, by the file's index.

    Args:
        source: The file, which was read to its end.
        stream: The stream's number.

    Returns:
        Packets; 0 where there is no index, or it lies too far back in a pipe.
    """
    head = source.edges(12)[:12]
    if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"AVI ":
        return 0
    end = 8 + int.from_bytes(head[4:8], "little")
    tail = source.passage(max(0, end - RECENT_BYTES), end)
    place = tail.rfind(b"idx1") + 8
    if place < 8:
        return 0
    size = int.from_bytes(tail[place - 4 : place], "little")
    entries = tail[place : place + size - size % 16]
    entries = entries[: len(entries) - len(entries) % 16]
    kinds = {b"%02ddc" % stream, b"%02ddb" % stream}
    num_empty = 0
    for kind, _, _, length in reversed(list(struct.iter_unpack("<4sIII", entries))):
        if kind in kinds:
            if length:
                return num_empty
            num_empty += 1
    return 0
