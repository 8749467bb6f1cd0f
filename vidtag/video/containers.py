"""Which formats are opened, and what a file's first bytes tell about one that isn't.

Owns the words of "this is no video": FFmpeg's own mislead ("Operation not permitted" for a
damaged header), so none reaches the user.
"""

import re
import struct

import av

from vidtag.errors import VideoOpenError
from vidtag.video.options import Part

FORMATS = (
    "3g2,3gp,amv,apng,asf,asf_o,av1,avi,avif,bink,bmp_pipe,cavsvideo,dhav,dirac,dnxhd,dv,dxa,evc,"
    "film_cpk,flic,flv,gif,gif_pipe,gxf,h261,h263,h264,hevc,ivf,ivr,j2k_pipe,jpeg_pipe,"
    "jpegls_pipe,jpegxl_anim,jpegxl_pipe,kux,live_flv,lxf,m4a,m4v,matroska,mj2,mjpeg,mjpeg_2000,"
    "mov,mp4,mpeg,mpegts,mpegvideo,mpjpeg,mtv,mv,mxf,nsv,nut,nuv,obu,ogg,pam_pipe,pbm_pipe,"
    "pgm_pipe,pmp,png_pipe,ppm_pipe,psxstr,pva,qoi_pipe,rl2,rm,roq,smk,swf,thp,tiff_pipe,ty,"
    "vc1,vc1test,vivo,vmd,vvc,webm,webp_pipe,wtv,yuv4mpegpipe,"
    # Sound and subtitles, so that the error can say what the file is.
    "aac,ac3,aiff,amr,ape,ass,au,caf,flac,mp3,srt,tta,w64,wav,webvtt,wv"
)
"""FFmpeg's names of the formats that are opened.

Left out are those that open further files or addresses (hls, concat, sdp, imf, dash, rtp,
lavfi, the capture devices, …; image2, which takes "%03d" in a name for a pattern) and those
with text or nothing to recognise them by.
"""

AV_ERRORS = (
    av.FFmpegError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    ValueError,
)
"""What PyAV raises on bad input."""

HEAD_BYTES = 1 << 20
"""As much of a file's beginning is looked at to tell what it is."""

MAX_STREAMS = 1000
"""A file with more streams is refused: opening 10,000 takes a minute. Source: FFmpeg's default."""

_SCRIPT = re.compile(
    rb"(\xef\xbb\xbf)?\s*"
    rb"(#EXTM3U|ffconcat|v=0\r?\n|\[playlist\]|<(\?xml|MPD|smil|asx|SmoothStreaming)\b)",
    re.IGNORECASE,
)
_PNG = b"\x89PNG\r\n\x1a\n"
_BOX_TYPE = re.compile(rb"[ -~\xa9]{4}")
_FIRST_BOXES = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}
_FRAGMENT_BOXES = {b"styp", b"moof", b"sidx"}


def container_options(protocols: str, options: Part) -> dict[str, str]:
    """Return FFmpeg's options that keep a container to the named protocols and the limits."""
    return {
        "protocol_whitelist": protocols,
        "format_whitelist": FORMATS,
        "max_pixels": decoder_max_pixels(options),
        "max_streams": str(MAX_STREAMS),
    }


def decoder_max_pixels(options: Part) -> str:
    """Return the limit for decoders, which count the padding around a picture too."""
    return str(options.max_pixels + options.max_pixels // 8 + (1 << 20))


def must_be_sought(head: bytes) -> bool | None:
    """Tell whether a file can't be read as it comes; `None` asks for more bytes.

    An MP4's pictures may come before its index; and FFmpeg seeks back in an animated PNG, or
    refuses it.
    """
    if len(head) < 8:
        return None
    if head.startswith(_PNG):
        is_animated, has_picture = b"acTL" in head, b"IDAT" in head
        return is_animated if is_animated or has_picture else None
    boxes = _boxes(head)
    if not boxes or boxes[0] not in _FIRST_BOXES:
        return False
    for box in boxes:
        if box in {b"moov", b"moof"}:
            return False
        if box == b"mdat":
            return True
    return None


def declared_size(head: bytes) -> tuple[int, int] | None:
    """Read width and height from a picture's header, which decoders refuse when huge."""
    if head.startswith((b"GIF87a", b"GIF89a")):
        return int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
    if head.startswith(_PNG):
        return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    if head.startswith(b"\xff\xd8"):
        return _jpeg_size(head)
    return None


def _jpeg_size(head: bytes) -> tuple[int, int] | None:
    """Walk a JPEG's segments up to the one that starts the frame (ISO/IEC 10918-1, B.2.2)."""
    position = 2
    while position + 9 <= len(head) and head[position] == 0xFF:
        marker = head[position + 1]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack(">HH", head[position + 5 : position + 9])
            return width, height
        position += 2 + int.from_bytes(head[position + 2 : position + 4], "big")
    return None


def is_animated_webp(head: bytes) -> bool:
    """Tell whether a file is an animated WebP, which FFmpeg 8 can't read."""
    return head.startswith(b"RIFF") and head[8:12] == b"WEBP" and b"ANIM" in head[:64]


def says_encrypted(data: bytes) -> bool:
    """Tell whether an MP4's index marks its tracks as encrypted (ISO/IEC 23001-7)."""
    return all(word in data for word in (b"encv", b"schm", b"tenc"))


def not_a_video(path: str, head: bytes, cause: Exception) -> VideoOpenError:
    """Say why a file can't be opened, judging by its first bytes and by FFmpeg's error."""
    if isinstance(cause, av.error.MemoryError):  # which FFmpeg gives for too many streams
        return VideoOpenError(
            path,
            "too_many_streams",
            f"'{path}' has more than {MAX_STREAMS} streams, as no video has; check that it is "
            "whole.",
        )
    if _SCRIPT.match(head):
        return VideoOpenError(
            path,
            "playlist",
            f"'{path}' is a playlist or script, not a video; name the videos themselves.",
        )
    boxes = _boxes(head)
    if boxes and boxes[0] in _FIRST_BOXES | _FRAGMENT_BOXES:
        return VideoOpenError(
            path,
            "incomplete",
            f"'{path}' begins like an MP4 or MOV file, but its index is missing or damaged, as "
            "after a recording or download that was cut off; get it again, or repair it.",
        )
    return VideoOpenError(
        path,
        "not_a_video",
        f"'{path}' is not a video that can be read; convert it to MP4, or check that it is whole.",
    )


def _boxes(head: bytes) -> list[bytes]:
    """List the types of an ISO file's top-level boxes, as far as the bytes go."""
    boxes = []
    position = 0
    while position + 8 <= len(head):
        size = int.from_bytes(head[position : position + 4], "big")
        box = head[position + 4 : position + 8]
        if not _BOX_TYPE.fullmatch(box):
            break
        boxes.append(box)
        if size == 1:
            size = int.from_bytes(head[position + 8 : position + 16], "big")
        if size < 8:
            break
        position += size
    return boxes
