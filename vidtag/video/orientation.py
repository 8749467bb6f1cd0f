"""Which packets of H.264 and HEVC turn the picture, from there on.

A display orientation message (SEI) holds until the next one, which may also cancel it. FFmpeg
applies it to the one picture that it came with.
"""

from collections.abc import Iterator

HEAD_BYTES = 4096
"""As much of a packet is looked at: the messages come before the picture."""

# The message's payloadType. Source: H.264, D.1; H.265, D.2.1. Types of units that hold messages.
# Source: H.264, table 7-1; H.265, table 7-1.
_DISPLAY_ORIENTATION = 47
_H264_SEI, _HEVC_PREFIX_SEI = 6, 39
# Types of units that hold pictures. Source: H.264, table 7-1; H.265, table 7-1.
_H264_PICTURES, _HEVC_PICTURES = range(1, 6), range(32)


class TurnMark:
    """Marks, as `opaque`, packets with such a message, and the frames that come of them.

    One for each packet: PyAV 18 forgets an object as soon as one of its packets is freed.
    """


class OrientationFinder:
    """Looks for display orientation messages.

    Args:
        codec: FFmpeg's name of the codec.
        extradata: The codec's header, which tells how packets are divided.
    """

    def __init__(self, codec: str, extradata: bytes) -> None:
        self._is_hevc = codec == "hevc"
        self._length_bytes = 0  # units begin with start codes
        if extradata[:1] == b"\1":
            place = 21 if self._is_hevc else 4
            self._length_bytes = (extradata[place : place + 1] or b"\3")[0] % 4 + 1

    def is_in(self, head: bytes) -> bool:
        """Tell whether a packet, given its first bytes, has such a message."""
        sei = _HEVC_PREFIX_SEI if self._is_hevc else _H264_SEI
        pictures = _HEVC_PICTURES if self._is_hevc else _H264_PICTURES
        for unit in self._units(head):
            kind = unit[0] >> 1 & 63 if self._is_hevc else unit[0] & 31
            if kind in pictures:
                return False
            if kind == sei and _DISPLAY_ORIENTATION in _messages(unit[2 if self._is_hevc else 1 :]):
                return True
        return False

    def _units(self, head: bytes) -> Iterator[bytes]:
        """Divide a packet into its network abstraction layer units."""
        position = 0
        while True:
            if self._length_bytes:
                begin = position + self._length_bytes
                position = begin + int.from_bytes(head[position:begin], "big")
            else:
                begin = head.find(b"\0\0\1", position) + 3
                if begin < 3:
                    return
                position = head.find(b"\0\0\1", begin)
                position = len(head) if position < 0 else position
            if begin >= len(head):
                return
            if position > begin:
                yield head[begin:position]


def _messages(sei: bytes) -> Iterator[int]:
    """Yield the types of the messages in a unit (H.264, 7.3.2.3.1)."""
    data = sei.replace(b"\0\0\3", b"\0\0")
    position = 0
    while position + 2 < len(data):
        numbers = []
        for _ in range(2):  # type and size
            number = 0
            while position < len(data) and data[position] == 255:
                number, position = number + 255, position + 1
            if position >= len(data):
                return
            numbers.append(number + data[position])
            position += 1
        yield numbers[0]
        position += numbers[1]
