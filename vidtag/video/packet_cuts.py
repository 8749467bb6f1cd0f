"""Pieces of videos copied packet by packet, from the key frame before each on.

Owns which packets a piece needs. Nothing is decoded.
"""

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from typing import Any

import av
from av.container import InputContainer, OutputContainer

from vidtag.errors import VideoError
from vidtag.video.containers import AV_ERRORS
from vidtag.video.copying import clip_failed, dated
from vidtag.video.cutting import CutSource, Made, Piece, known_sounds
from vidtag.video.passes import BACK_OFF_SECONDS


class PacketWriter:
    """Copies pieces, one behind the other, into a file; `close` completes it.

    Args:
        path: Where to.
        kind: FFmpeg's name of the container.

    Raises:
        OutputError: It can't be written.
    """

    def __init__(self, path: str, *, kind: str) -> None:
        self._path = path
        self._seconds = Fraction(0)
        self._last: dict[int, int] = {}
        self._streams: list[Any] = []
        self._form: tuple[object, ...] | None = None
        try:
            self._output: OutputContainer = av.open(path, "w", format=kind)
        except AV_ERRORS as exc:
            raise clip_failed(path, exc) from exc

    def add(self, source: CutSource, piece: Piece) -> Made | None:
        """Append a piece, from the key frame that its first picture needs.

        Raises:
            VideoError: It can't be read, or is encoded otherwise than what is there.
            OutputError: It can't be written.
        """
        source.check_copy()
        with source.open() as container:
            video: Any = container.streams[source.video_index]
            kept = [video, *known_sounds(container)]
            form = (*(_form(stream) for stream in kept), source.shape)
            if self._form is None:
                self._form = form
                try:
                    self._streams = [self._output.add_stream_from_template(one) for one in kept]
                except AV_ERRORS as exc:
                    message = (
                        f"What '{source.path}' is encoded in can't be copied into a clip; add "
                    )
                    raise VideoError(
                        source.path, "unsupported_codec", f"{message}--exact."
                    ) from exc
            elif form != self._form:
                message = f"'{source.path}' is encoded otherwise than what stands before it in the "
                message += "reel; add --exact, or cut clips."
                raise VideoError(source.path, "unsupported_codec", message)
            place_of = {stream.index: place for place, stream in enumerate(kept)}
            packets = dated(_packets_of(container, video, source, piece))
            made = self._copy(packets, video, place_of, source)
        # Behind the end of the video there is its last key frame alone.
        return None if made is None or made.end_seconds <= piece.start else made

    def close(self) -> None:
        """Complete the file.

        Raises:
            OutputError: It can't be written.
        """
        try:
            self._output.close()
        except AV_ERRORS as exc:
            raise clip_failed(self._path, exc) from exc

    def drop(self) -> None:
        """Give it up."""
        with suppress(*AV_ERRORS):
            self._output.close()

    def _copy(
        self, packets: Iterator[Any], video: Any, place_of: dict[int, int], source: CutSource
    ) -> Made | None:
        begin: Fraction | None = None
        first_shown: Fraction | None = None
        end, count = Fraction(0), 0
        held: list[Any] = []
        try:
            for packet in packets:
                is_video = packet.stream.index == video.index
                stamp = packet.dts if packet.dts is not None else packet.pts
                if stamp is None or packet.stream.index not in place_of:
                    continue
                if begin is None:
                    if not is_video:
                        held.append(packet)
                        continue
                    begin = stamp * packet.time_base
                    first_shown = packet.pts * packet.time_base
                    for sound in held:
                        self._put(sound, place_of, begin)
                if is_video:
                    count += 1
                    shown = packet.pts if packet.pts is not None else stamp
                    length = (packet.duration or 0) * packet.time_base or 1 / source.rate
                    end = max(end, shown * packet.time_base + length)
                self._put(packet, place_of, begin)
        except AV_ERRORS as exc:
            raise clip_failed(self._path, exc) from exc
        if begin is None or first_shown is None:
            return None
        self._seconds += end - begin
        return Made(
            start_seconds=first_shown - source.origin,
            end_seconds=end - source.origin,
            num_frames=count,
            has_sound=len(place_of) > 1,
        )

    def _put(self, packet: Any, place_of: dict[int, int], begin: Fraction) -> None:
        place = place_of[packet.stream.index]
        shift = round((self._seconds - begin) / packet.time_base)
        stamp = packet.dts if packet.dts is not None else packet.pts
        dts = max(stamp + shift, self._last.get(place, stamp + shift - 1) + 1)
        pts = max(dts, (packet.pts if packet.pts is not None else stamp) + shift)
        if stamp + shift < round(self._seconds / packet.time_base):
            return  # sound from before the first picture of its piece
        self._last[place] = dts
        packet.stream = self._streams[place]
        packet.dts, packet.pts = dts, pts
        self._output.mux(packet)


def _form(stream: Any) -> tuple[object, ...]:
    """Tell how a stream is encoded: what packets behind one another must have in common."""
    context = stream.codec_context
    return (
        context.codec.canonical_name,
        bytes(context.extradata or b""),
        stream.time_base,
        getattr(context, "width", None),
        getattr(context, "height", None),
        getattr(context, "sample_rate", None),
    )


def _packets_of(
    container: InputContainer, video: Any, source: CutSource, piece: Piece
) -> Iterator[Any]:
    """Yield the packets of a piece, from the last key frame at or before its start."""
    start = source.origin + piece.start
    end = source.origin + piece.end
    for back in (*(one for one in BACK_OFF_SECONDS if one <= piece.start), None):
        if back is None:
            container.seek(0)
        else:
            with suppress(*AV_ERRORS):
                container.seek(int((start - back) / video.time_base), stream=video)
        found = _from_key(container, video, start, end)
        first = next(found, None)
        if first is not None:
            yield first
            yield from found
            return


def _from_key(
    container: InputContainer, video: Any, start: Fraction, end: Fraction
) -> Iterator[Any]:
    """Yield packets up to the end, from the last key frame at or before the start on.

    None where reading begins behind that. A picture that is shown behind the end, but decoded
    before it, is kept, since those that are shown before it may need it; and so is what is shown
    before that one, so that no picture is missing.
    """
    held: list[Any] = []  # since the last key frame so far
    has_key, is_certain = False, False
    over: set[bool] = set()  # of sound and of pictures, what is behind the end
    latest = start  # when the picture is shown that is shown last
    for packet in container.demux():
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None or not packet.size:
            continue
        is_video = packet.stream.index == video.index
        shown = stamp * packet.time_base
        decoded = (packet.dts if packet.dts is not None else stamp) * packet.time_base
        if is_video and packet.is_keyframe and shown <= start:
            has_key = True
            held = [one for one in held if one.stream.index != video.index]
            held = [one for one in held if one.pts is None or one.pts * one.time_base >= shown]
        elif is_video and not has_key:
            if packet.is_keyframe:
                return
            continue
        if decoded >= end and shown > latest if is_video else shown >= end:
            over.add(is_video)
            if True in over and (len(over) == 2 or shown > end + 1):
                break
            continue
        if is_video:
            latest = max(latest, shown)
        if is_video and decoded > start and not is_certain:
            is_certain = True  # every later key frame is shown later still
            yield from held
        if is_certain:
            yield packet
        else:
            held.append(packet)
    if not is_certain and has_key:
        yield from held
