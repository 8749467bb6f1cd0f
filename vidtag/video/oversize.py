"""How large the pictures are that a decoder refuses.

A decoder refuses what is beyond the limit of pixels like damage, and does not tell. Another one,
which decodes headers alone, does.
"""

from __future__ import annotations

from contextlib import suppress

import av
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from vidtag.video.containers import AV_ERRORS, declared_size
from vidtag.video.options import MAX_PIXELS

LARGEST_FACTOR = 4
"""Up to so many times the limit, sizes are read by a decoder, of which a few take memory for a
picture even so."""

SIZED_BY_PICTURES = {"h264", "hevc"}
"""Decoders that take a new size into account no sooner than a picture is decoded."""

MAX_LOOKS = 64
"""So many refused packets are looked at."""

CERTAIN = 2
"""So many packets of one size are no damage."""


class RefusedPictures:
    """Looks at the packets that a decoder refused.

    Args:
        template: The decoder that refused them.
        max_pixels: The limit.
    """

    def __init__(self, template: VideoCodecContext, max_pixels: int) -> None:
        self.size: tuple[int, int] | None = None
        """The last size beyond the limit."""

        self._template = template
        self._max_pixels = max_pixels
        self._context: VideoCodecContext | None = None
        self._num_looks = 0
        self._num_alike = 0

    @property
    def is_certain(self) -> bool:
        """Whether the size can't be damage."""
        return self._num_alike >= CERTAIN

    def look(self, packet: Packet[VideoStream]) -> None:
        """Look at a packet that was refused."""
        if self._num_looks >= MAX_LOOKS:
            return
        self._num_looks += 1
        size = declared_size(bytes(memoryview(packet)[:65536])) or self._decoded_size(packet)
        if size[0] * size[1] <= self._max_pixels:
            return
        self._num_alike = self._num_alike + 1 if size == self.size else 1
        self.size = size

    def _decoded_size(self, packet: Packet[VideoStream]) -> tuple[int, int]:
        with suppress(*AV_ERRORS):
            if self._context is None:
                context = av.CodecContext.create(self._template.codec.name, "r")
                assert isinstance(context, VideoCodecContext)
                if self._template.extradata:
                    context.extradata = self._template.extradata
                limit = max(LARGEST_FACTOR * self._max_pixels, MAX_PIXELS)
                context.options = {"max_pixels": str(limit)}
                context.skip_frame = "NONKEY" if context.name in SIZED_BY_PICTURES else "ALL"
                context.thread_count = 1
                self._context = context
            self._context.decode(packet)
        return (self._context.width, self._context.height) if self._context else (0, 0)
