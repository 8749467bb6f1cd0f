"""What a container says of its video beside the codec's header: cropping and Dolby Vision.

PyAV 18 hands out no side data of a stream, but its muxers write it. So the head of a Matroska or
MOV file is made from the stream, in memory, and read: one way for all containers, pipes and
URLs, and what is read was written by FFmpeg, not by a stranger.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
from av.video.stream import VideoStream

from vidtag.video.containers import AV_ERRORS

# Element ids. Source: RFC 9559.
_MAPPING, _MAPPING_TYPE, _MAPPING_DATA = 0x41E4, 0x41E7, 0x41ED
_MASTERS = {0x18538067, 0x1654AE6B, 0xAE, 0xE0, _MAPPING}  # Segment, Tracks, TrackEntry, Video
_CROPS = {0x54CC: "left", 0x54BB: "top", 0x54DD: "right", 0x54AA: "bottom"}
_DOLBY_VISION = {int.from_bytes(name, "big") for name in (b"dvcC", b"dvvC", b"dvwC")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """Rows and columns of the stored picture that are not to be seen."""

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DolbyVision:
    """Dolby Vision's configuration."""

    profile: int
    compatibility: int
    """What its base layer looks like to others; 0: like nothing."""

    @property
    def needs_decoder(self) -> bool:
        """Whether the pictures have wrong colours without a Dolby Vision decoder.

        Source: Dolby Vision Profiles and Levels, 1.4: profile 5 is IPT alone, and so are 10.0 and
        20.0; the others have a base layer in SDR, PQ or HLG.
        """
        return self.profile == 5 or (self.profile >= 10 and self.compatibility == 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SideData:
    """What a stream's side data tells."""

    crop: Crop | None = None
    dolby_vision: DolbyVision | None = None


def side_data(stream: VideoStream) -> SideData:
    """Read a stream's side data; none where it can't be had."""
    try:
        return _from_matroska(memoryview(_head(stream, "matroska", {})))
    except AV_ERRORS:
        pass  # its codec does not go into Matroska, such as QuickTime's own
    try:
        crop = _from_mov(_head(stream, "mov", {"movflags": "empty_moov"}), stream)
    except AV_ERRORS:
        return SideData()
    return SideData(crop=crop)


def _head(stream: VideoStream, container: str, options: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container, container_options=options) as output:
        output.add_stream_from_template(stream, opaque=True)
        output.start_encoding()
        return buffer.getvalue()


def _from_mov(head: bytes, stream: VideoStream) -> Crop | None:
    place = head.find(b"clap")
    if place < 0 or len(head) < place + 36:
        return None
    context = stream.codec_context
    return crop_of_aperture(head[place + 4 : place + 36], (context.width, context.height))


def crop_of_aperture(clap: bytes, size: tuple[int, int]) -> Crop:
    """Read a clean aperture (ISO/IEC 14496-12, 12.1.4): a size, and its middle's offset.

    Raises:
        ArithmeticError: A denominator is zero.
        struct.error: It is shorter than 32 bytes.
    """
    numbers = struct.unpack(">IIIIiIiI", clap)
    width, height, x, y = map(Fraction, numbers[::2], numbers[1::2])
    columns, rows = size[0] - width, size[1] - height
    left, top = int(columns / 2 + x), int(rows / 2 + y)
    return Crop(left=left, top=top, right=int(columns) - left, bottom=int(rows) - top)


def _from_matroska(head: memoryview) -> SideData:
    crops: dict[str, int] = {}
    is_dolby_vision = False
    dolby_vision = None
    for element, data in _elements(head):
        if element in _CROPS:
            crops[_CROPS[element]] = int.from_bytes(data, "big")
        elif element == _MAPPING_TYPE:
            is_dolby_vision = int.from_bytes(data, "big") in _DOLBY_VISION
        elif element == _MAPPING_DATA and is_dolby_vision and len(data) >= 5:
            # Source: Dolby Vision Streams Within the ISO Base Media File Format, 2.1.2, 3.2.
            dolby_vision = DolbyVision(profile=data[2] >> 1, compatibility=data[4] >> 4)
    return SideData(crop=Crop(**crops) if any(crops.values()) else None, dolby_vision=dolby_vision)


def _elements(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Walk EBML elements, down into those that hold what is looked for."""
    position = 0
    while position < len(data):
        id_length = 9 - data[position].bit_length()
        element = int.from_bytes(data[position : position + id_length], "big")
        position += id_length
        size_length = 9 - data[position].bit_length()
        size = int.from_bytes(data[position : position + size_length], "big")
        size ^= 1 << 7 * size_length
        position += size_length
        content = data[position : position + size]  # to the end where the size is unknown
        position += size
        if element in _MASTERS:
            yield from _elements(content)
        else:
            yield element, content
