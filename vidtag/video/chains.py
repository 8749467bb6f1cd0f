"""Streams that can be cut and joined at any place: where the video ends and another goes on.

In a transport stream, a programme may get another codec, other stream numbers, or be followed by
another programme. FFmpeg reads on as if nothing had happened, and the video is silent, or decodes
no more. Then what is left is opened anew.
"""

from __future__ import annotations

from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from vidtag.video.gaps import Gaps, Passage
from vidtag.video.streams import Opened
from vidtag.video.transport import MIN_PACKET_BYTES, stream_type

FRUITLESS = (8, 16, 32, 64, 128, 256)
"""After so many packets without a picture, it is looked up whether the codec is another one."""

OTHER_PACKETS = 8
"""After so many packets of a new video before its next own one, the video went on in that."""

LOST_BYTES = 4 << 20
"""Where a new video goes on for so long without an own packet, none is waited for: of a pipe, what
came then would soon be gone."""


class Chain:
    """Sees all packets of a container, and what comes of those of the video.

    Args:
        opened: The container.
        passage: Where its bytes are read again.
        is_passing: Whether these are gone some time.
    """

    def __init__(self, opened: Opened, passage: Passage, *, is_passing: bool) -> None:
        self.is_over = False
        """Whether nothing more will come of the video, so that the rest is worth a look."""

        self.gaps = Gaps(opened.format, passage)
        """Where time went on without a picture."""

        self._passage = passage
        self._is_passing = is_passing
        self._index = opened.stream.index
        self._pid = opened.stream.id
        self._type = ord(opened.stream.codec_tag[:1] or "\0")
        self._is_watched = opened.format == "mpegts"
        self._last: int | None = None  # where the video's last packet begins
        self._fruitful: int | None = None  # the same for the last one with which a picture came
        self._num_fruitless = 0
        self._companions: set[int] = set()  # videos that go on beside this one
        self._others: list[
            tuple[int, int]
        ] = []  # where other videos' packets came since, and whose

    @property
    def rest_begins(self) -> int | None:
        """Where a transport stream may go on with another video; `None` where it doesn't."""
        last = self._fruitful if self._num_fruitless >= FRUITLESS[0] else self._last
        return None if last is None or not self._is_watched else last + MIN_PACKET_BYTES

    def note(self, packet: Packet[Stream]) -> None:
        """Take the next packet of any stream."""
        is_video = packet.stream.index == self._index
        self.gaps.note(packet, is_video=is_video)
        if not self._is_watched or packet.pos is None or not packet.size:
            return
        if is_video:
            # FFmpeg gives a packet once the next one begins: others may lie behind it.
            passed = [index for position, index in self._others if position < packet.pos]
            if len(passed) >= OTHER_PACKETS:
                self.is_over = True
                return
            self._companions.update(passed)
            self._others = [other for other in self._others if other[0] > packet.pos]
            self._last = packet.pos
        elif self._is_new_video(packet) and self._last is not None and packet.pos > self._last:
            self._others.append((packet.pos, packet.stream.index))
            self.is_over = packet.pos - self._others[0][0] > LOST_BYTES and self._is_passing

    def _is_new_video(self, packet: Packet[Stream]) -> bool:
        return packet.stream.type == "video" and packet.stream.index not in self._companions

    def decoded(self, packet: Packet[VideoStream], num_frames: int) -> None:
        """Take what came of a packet of the video."""
        if not self._is_watched or packet.pos is None or not packet.size:
            return
        if num_frames:
            self._fruitful = packet.pos
            self._num_fruitless = 0
            return
        self._num_fruitless += 1
        if self._fruitful is not None and self._num_fruitless in FRUITLESS:
            data = self._passage(self._fruitful, packet.pos)
            if stream_type(data, self._pid) not in {None, self._type}:
                self.is_over = True

    @property
    def num_fruitless(self) -> int:
        """How many packets came since the last picture."""
        return self._num_fruitless
