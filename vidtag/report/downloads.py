"""Files that a page hands out: the same result for a spreadsheet, a player or a program.

Owns how a file gets into a page: packed, since a page is read as it is, and few readers want one.
What is in a file is the caller's business; a script of the page unpacks it.
"""

import base64
import zlib
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file that a page hands out."""

    name: str
    """What `-f` takes for it."""

    suffix: str
    """What is added to the video's name."""

    summary: str
    """What is in it, in a few words."""

    media_type: str

    content: bytes = field(repr=False)
    """What `-f` writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedFile:
    """A file, ready for the template."""

    name: str
    """What `-f` takes for it."""

    summary: str
    file_name: str
    media_type: str

    packed: str = field(repr=False)
    """The content, in zlib's format and base64, as `DecompressionStream("deflate")` reads it."""


def pack(download: Download, video_name: str) -> PackedFile:
    """Pack a file for a page.

    Args:
        download: The file.
        video_name: What it is named after, as text that can't act.
    """
    return PackedFile(
        name=download.name,
        summary=download.summary,
        file_name=f"{video_name}{download.suffix}",
        media_type=download.media_type,
        packed=base64.b64encode(zlib.compress(download.content, 9)).decode("ascii"),
    )
