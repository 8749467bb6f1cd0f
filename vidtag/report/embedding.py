"""A video inside its page: for one file to hand on, which plays with nothing beside it.

Owns what browsers play, and how large a video may be. What can't be held gives a reason for a
person, never an error: a page is complete without.
"""

from dataclasses import dataclass, field

from markupsafe import Markup

from vidtag.documents.records import Document
from vidtag.report.rendering import embed_data
from vidtag.report.thumbnails import is_plain_file

MAX_VIDEO_BYTES = 24_000_000
"""Of a video in a page: as base64, 32 MB, the longest link to data that Firefox takes; mail takes
hardly more.
Source: https://developer.mozilla.org/en-US/docs/Web/URI/Reference/Schemes/data"""

_PLAYED = {
    ("mp4", "h264"): "video/mp4",
    ("mp4", "av1"): "video/mp4",
    ("mp4", "vp9"): "video/mp4",
    ("webm", "vp8"): "video/webm",
    ("webm", "vp9"): "video/webm",
    ("webm", "av1"): "video/webm",
}
"""What current Chromium, Firefox and Safari all play, by container and codec; HEVC and Ogg only
some do.
Source: https://developer.mozilla.org/en-US/docs/Web/Media/Guides/Formats/Video_codecs"""


_WEBM = b"\x42\x82\x84webm"
"""The element of a Matroska file that says it is WebM, which FFmpeg does not tell apart.
Source: https://www.rfc-editor.org/rfc/rfc8794#section-11.2.6"""

_HEADER_BYTES = 64
"""In which it stands: that of the file is about forty bytes long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedVideo:
    """A video as part of a page."""

    media_type: str
    content: bytes = field(repr=False)

    @property
    def href(self) -> Markup:
        """Link to it; not to be searched for what acts: base64 alone, and long."""
        return Markup(embed_data(self.media_type, self.content))


@dataclass(frozen=True, slots=True, kw_only=True)
class NotEmbedded:
    """A video that was to be part of a page, and is not."""

    reason: str
    """Why, as the end of a sentence."""


def read_video(source: str, document: Document) -> EmbeddedVideo | NotEmbedded:
    """Read a video for its page.

    Args:
        source: The video: a regular file of this machine, or there is a reason.
        document: What was found in it, which tells its container and codec.

    Returns:
        The video; or why a page can't hold it.
    """
    if not is_plain_file(source):
        return NotEmbedded(reason="it is no file of this machine")
    container, codec = document.video.container, document.video.codec
    try:
        with open(source, "rb") as file:
            content = file.read(MAX_VIDEO_BYTES + 1)
    except OSError as exc:
        return NotEmbedded(reason=f"it can't be read: {exc.strerror}")
    if len(content) > MAX_VIDEO_BYTES:
        limit = f"{MAX_VIDEO_BYTES // 1_000_000} MB"
        return NotEmbedded(reason=f"it is larger than {limit}, which browsers and mail refuse")
    if container == "matroska" and _WEBM in content[:_HEADER_BYTES]:
        container = "webm"
    media_type = _PLAYED.get((container, codec))
    if media_type is None:
        known = f"{codec} in {container}"
        return NotEmbedded(reason=f"not every browser plays {known}; h264 in mp4 would do")
    return EmbeddedVideo(media_type=media_type, content=content)
