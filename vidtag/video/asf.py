"""How long an ASF file (WMV) was before it was cut off.

Where the file is smaller than its header says, FFmpeg leaves out how long it is.
"""

import uuid
from fractions import Fraction

_HEADER = uuid.UUID("75b22630-668e-11cf-a6d9-00aa0062ce6c").bytes_le
_FILE_PROPERTIES = uuid.UUID("8cabdca1-a947-11cf-8ee4-00c00c205365").bytes_le
"""Source: Advanced Systems Format Specification, 3.1 and 3.2."""


def seconds_before_cut(head: bytes, size_bytes: int) -> Fraction | None:
    """Read the length of the whole file from its header.

    Args:
        head: The file's first bytes.
        size_bytes: What there is of it.

    Returns:
        `None` where nothing is missing, or the header does not tell.
    """
    place = head.find(_FILE_PROPERTIES)
    if not head.startswith(_HEADER) or place < 0 or len(head) < place + 92:
        return None

    def number(offset: int, size: int) -> int:
        return int.from_bytes(head[place + offset : place + offset + size], "little")

    is_live = number(88, 4) & 1
    if is_live or number(40, 8) <= size_bytes:
        return None
    seconds = Fraction(number(64, 8), 10_000_000) - Fraction(number(80, 8), 1000)  # with preroll
    return seconds if seconds > 0 else None
