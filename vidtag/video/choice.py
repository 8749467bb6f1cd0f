"""Which of a container's streams is the video: what each holds decides, not its place.

Cameras and editors store pictures as streams of their own, often larger than the video: posters,
thumbnails, the still of an image sequence. Where the header does not count frames, the first
packets are looked at.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from vidtag.errors import NoVideoStreamError, VideoError
from vidtag.video.containers import AV_ERRORS
from vidtag.video.heif import Grid, read_primary
from vidtag.video.sources import Source

FEWEST_FRAMES = Fraction(1, 8)
"""A stream with a smaller share of the fullest one's frames holds pictures beside the video: two
cameras of one recorder differ less (30 and 5 frames per second), slides and posters more."""

SHORTEST = Fraction(1, 2)
"""A stream that lasts a smaller share of the longest one is an insertion, not the video."""

LOOKED_AT_PACKETS = 64
"""So many packets of the fullest stream tell by `FEWEST_FRAMES` what the others are."""

LOOKED_AT_BYTES = 16 << 20
"""What is read for that at the most, and kept where a source can't be read again: two seconds
of the 60 Mbit/s of a camera's 4K."""

LOOKED_AT_SECONDS = 3
"""How long is waited for that, at a live source."""

ITEM_TICK = Fraction(1)
"""FFmpeg's time base of a picture in an HEIF file that is no track. Source: libavformat/mov.c."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What one stream holds, as far as it is known."""

    frames: int
    seconds: Fraction | None
    """Its own length; `None` where it is not known."""

    first: int = 0
    """Where in the file its first packet begins."""

    last: int = 0
    """Where its last one begins, of those that were looked at."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Choice:
    """The stream that is the video, and what was read to find that out."""

    stream: VideoStream
    num_videos: int
    """Video streams there were to choose from; cover art is none."""

    read: Sequence[Packet[Stream]] = ()
    """Packets that were taken from the container already."""

    grid: Grid | None = None
    """How the picture is put together, where the stream is one of its tiles."""


def choose_stream(container: InputContainer, source: Source) -> Choice:
    """Choose the video: of the streams that hold one, the default one, else the largest.

    Raises:
        NoVideoStreamError: There is none that could be decoded.
    """
    videos = [s for s in container.streams.video if not _is_cover(s)]
    tracks = [s for s in videos if not is_item(s)]
    if videos and not tracks:
        return _choose_item(videos, source)
    videos = tracks  # beside a track, a picture is only its still
    # A layer that adds to another stream, such as more detail, is no video on its own.
    videos = [s for s in videos if not s.disposition & Disposition.dependent] or videos
    known = [s for s in videos if has_decoder(s)]
    if not known:
        raise _nothing_to_decode(container, source.path)
    holdings: dict[int, Holding] = {}
    read: Sequence[Packet[Stream]] = ()
    if len(known) > 1:
        holdings = _by_header(container, known)
        if not holdings:
            holdings, read = _look(container, source, known)
    if container.format.name == "mpegts" and holdings:
        sequels = [s for s in known if _comes_later(s, known, holdings)]
        known = [s for s in known if s not in sequels]
        videos = [s for s in videos if s not in sequels]
    candidates = drop_pictures(known, holdings)
    defaults = [s for s in candidates if s.disposition & Disposition.default]
    chosen = max(defaults or candidates, key=_num_pixels)
    return Choice(stream=chosen, num_videos=len(videos), read=read)


def _choose_item(items: Sequence[VideoStream], source: Source) -> Choice:
    """Choose the picture that an HEIF or AVIF file says it shows."""
    streams = {item.id: item for item in items if has_decoder(item)}
    primary = read_primary(source)
    if isinstance(primary, Grid) and set(primary.tiles) <= set(streams):
        return Choice(stream=streams[primary.tiles[0]], num_videos=1, grid=primary)
    if isinstance(primary, int) and primary in streams:
        return Choice(stream=streams[primary], num_videos=1)
    whole = [s for s in streams.values() if not s.disposition & Disposition.dependent]
    if primary is None and whole:
        return Choice(stream=max(whole, key=_num_pixels), num_videos=1)
    raise NoVideoStreamError(
        source.path,
        "unsupported_codec",
        f"The picture of '{source.path}' is put together from others in a way that can't be read; "
        "convert it to JPEG.",
    )


def has_decoder(stream: VideoStream) -> bool:
    """Tell whether the stream can be decoded at all."""
    return getattr(stream, "codec_context", None) is not None


def is_item(stream: VideoStream) -> bool:
    """Tell whether a stream is a picture of an HEIF or AVIF file, not a track."""
    return stream.time_base == ITEM_TICK and stream.frames == 1 and stream.duration is None


def drop_pictures(
    streams: Sequence[VideoStream], holdings: dict[int, Holding]
) -> Sequence[VideoStream]:
    """Leave out the streams that hold too little to be the video."""
    if not holdings:
        return streams
    most = max(holdings[s.index].frames for s in streams)
    full = [s for s in streams if not _is_picture(holdings[s.index], most)]
    lengths = {s.index: holdings[s.index].seconds for s in full}
    known = [seconds for seconds in lengths.values() if seconds is not None]
    if len(known) < len(full):
        return full
    return [s for s in full if (lengths[s.index] or 0) >= SHORTEST * max(known)]


def _comes_later(
    stream: VideoStream, streams: Sequence[VideoStream], holdings: dict[int, Holding]
) -> bool:
    """Tell whether a stream begins where another one is over: the video goes on in it."""
    own = holdings[stream.index]
    others = [holdings[s.index] for s in streams if s is not stream and holdings[s.index].frames]
    return any(not own.frames or other.last < own.first for other in others)


def _is_picture(holding: Holding, most: int) -> bool:
    return holding.frames < FEWEST_FRAMES * most or holding.frames <= 1 < most


def _by_header(container: InputContainer, streams: Sequence[VideoStream]) -> dict[int, Holding]:
    """Return what the header tells of the streams; nothing where that is not to be relied on.

    Only an MP4's index is: an AVI's header counts empty packets, too.
    """
    if "mp4" not in container.format.name or not all(s.frames > 0 for s in streams):
        return {}
    return {
        s.index: Holding(
            frames=s.frames,
            seconds=s.duration * s.time_base if s.duration and s.time_base else None,
        )
        for s in streams
    }


def _look(
    container: InputContainer, source: Source, streams: Sequence[VideoStream]
) -> tuple[dict[int, Holding], Sequence[Packet[Stream]]]:
    """Count the first packets of each stream."""
    stamps: dict[int, list[Fraction]] = {s.index: [] for s in streams}
    counts = dict.fromkeys(stamps, 0)
    places: dict[int, list[int]] = {index: [] for index in stamps}
    packets: list[Packet[Stream]] = []
    read = partial(next, container.demux(), None)
    num_bytes = 0
    until = time.monotonic() + LOOKED_AT_SECONDS
    try:
        while max(counts.values()) < LOOKED_AT_PACKETS and num_bytes < LOOKED_AT_BYTES:
            if not source.is_file and time.monotonic() > until:
                break
            packet = source.run(read)
            if packet is None:
                break
            packets.append(packet)
            num_bytes += packet.size
            index = packet.stream.index
            if index in counts and packet.size:
                counts[index] += 1
                if packet.pos is not None:
                    places[index].append(packet.pos)
                stamp = packet.dts if packet.dts is not None else packet.pts
                if stamp is not None:
                    stamps[index].append(stamp * packet.time_base)
    except AV_ERRORS:
        pass  # the decoder comes across it, too, and counts it
    return {
        index: Holding(
            frames=counts[index],
            seconds=_span(stamps[index]),
            first=min(places[index], default=0),
            last=max(places[index], default=0),
        )
        for index in counts
    }, packets


def _span(stamps: Sequence[Fraction]) -> Fraction | None:
    return max(stamps) - min(stamps) if len(stamps) > 1 else None


def _is_cover(stream: VideoStream) -> bool:
    covers = Disposition.attached_pic | Disposition.timed_thumbnails
    return bool(stream.disposition & covers)


def _num_pixels(stream: VideoStream) -> int:
    return stream.codec_context.width * stream.codec_context.height


def _nothing_to_decode(container: InputContainer, path: str) -> VideoError:
    if any(not _is_cover(stream) for stream in container.streams.video):
        return NoVideoStreamError(
            path,
            "unsupported_codec",
            f"The codec of '{path}' is unknown, or its header is damaged; convert it to H.264, or "
            "get it again.",
        )
    if container.streams.video:
        return NoVideoStreamError(
            path,
            "cover_art_only",
            f"'{path}' has sound and a cover picture, but no video; there is nothing to tag.",
        )
    if container.streams.audio:
        return NoVideoStreamError(
            path, "audio_only", f"'{path}' has sound, but no video; there is nothing to tag."
        )
    if container.streams.subtitles:
        return NoVideoStreamError(
            path,
            "subtitles_only",
            f"'{path}' has subtitles, but no video; there is nothing to tag.",
        )
    return NoVideoStreamError(
        path, "no_video_stream", f"'{path}' has no video stream; check that it is whole."
    )
