"""The tiles of an HEIF or AVIF picture, decoded and put together."""

from __future__ import annotations

from collections.abc import Iterable

import av
import numpy as np
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from vidtag.video.heif import Grid
from vidtag.video.pictures import to_plain_rgb


class TileDecoder:
    """Decodes the tiles of one grid.

    Args:
        grid: Where they lie.
        streams: The container's.
        max_pixels: What decoders are allowed, as they count.
    """

    def __init__(self, grid: Grid, streams: Iterable[Stream], max_pixels: str) -> None:
        self._grid = grid
        self._places: dict[int, list[int]] = {}
        for place, item in enumerate(grid.tiles):  # one picture may be several tiles
            self._places.setdefault(item, []).append(place)
        for stream in streams:
            if isinstance(stream, VideoStream) and stream.id in self._places:
                stream.codec_context.thread_count = 1
                stream.codec_context.options = {"max_pixels": max_pixels}
        self._canvas = np.zeros((grid.size[1], grid.size[0], 3), np.uint8)
        self._first: av.VideoFrame | None = None
        self._missing = set(range(len(grid.tiles)))

    def push(self, packet: Packet[VideoStream]) -> None:
        """Take a packet of one of the container's streams.

        Raises:
            av.FFmpegError: It can't be decoded.
        """
        places = self._places.get(packet.stream.id, [])
        if not places or not packet.size:
            return
        for tile in [*packet.decode(), *packet.stream.codec_context.decode(None)][:1]:
            if self._first is None:
                self._first = tile
            for place in places:
                self._paste(tile, place)

    def _paste(self, tile: av.VideoFrame, place: int) -> None:
        row, column = divmod(place, self._grid.columns)
        assert self._first is not None
        top, left = row * self._first.height, column * self._first.width
        room = self._canvas[top : top + tile.height, left : left + tile.width]
        pixels = to_plain_rgb(tile)
        room[...] = pixels[: room.shape[0], : room.shape[1]]
        self._missing.discard(place)

    def picture(self) -> av.VideoFrame | None:
        """Return the whole picture; `None` where no tile could be decoded."""
        if self._first is None:
            return None
        picture = av.VideoFrame.from_ndarray(self._canvas, format="rgb24")
        picture.color_trc = self._first.color_trc
        picture.pts, picture.time_base = self._first.pts, self._first.time_base
        return picture

    @property
    def num_missing(self) -> int:
        """How many tiles were not decoded, and are black."""
        return len(self._missing)
