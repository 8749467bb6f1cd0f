"""Read any video that people have: a path, a pipe or a URL → upright frames with exact times.

The only part of vidtag that knows FFmpeg, which is loaded when `Video` is first named.
Nothing here knows models or windows.
"""

from typing import TYPE_CHECKING

from vidtag.video.options import MAX_PIXELS, Part

if TYPE_CHECKING:
    from vidtag.video.reader import Video

__all__ = ["MAX_PIXELS", "Part", "Video"]


def __getattr__(name: str) -> object:
    if name == "Video":
        from vidtag.video.reader import Video

        return Video
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
