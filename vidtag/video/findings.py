"""What was odd about a video, in words for a person.

Owns the sentences of warnings, and of the error when there is no frame at all.
"""

from fractions import Fraction

import av

from vidtag.errors import VIDEO_WARNING_CODES, EmptyVideoError, VideoDecodeError, VideoError
from vidtag.seconds import format_seconds
from vidtag.video.containers import HEAD_BYTES, declared_size, is_animated_webp, says_encrypted
from vidtag.video.decoding import DecodeCounts
from vidtag.video.frames import Notice
from vidtag.video.options import Part
from vidtag.video.passes import CHAINED, DECODE_TIMES_ONLY, RAW
from vidtag.video.pictures import HDR_TRANSFERS, Shape, has_odd_colours
from vidtag.video.sources import Source
from vidtag.video.streams import Opened, declared_end
from vidtag.video.timestamps import Oddities


class Findings:
    """Collects what is to be told of one video; each code once, however often it is noted."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._messages: dict[str, str] = {}
        self._first_size: tuple[int, int] | None = None

    def notices(self) -> tuple[Notice, ...]:
        """Return the warnings, in the order of `VIDEO_WARNING_CODES`."""
        return tuple(
            Notice(code=code, message=self._messages[code])
            for code in VIDEO_WARNING_CODES
            if code in self._messages
        )

    def copy(self) -> "Findings":
        """Return another one that begins with what was noted by now."""
        other = Findings(self._path)
        other._messages = dict(self._messages)
        return other

    def note(self, code: str, message: str) -> None:
        """Note a warning; its message begins with the input's name."""
        assert code in VIDEO_WARNING_CODES, code
        self._messages[code] = f"'{self._path}' {message}"

    def note_stream(self, opened: Opened) -> None:
        """Note what the choice of the stream was."""
        if opened.num_videos > 1:
            width, height = opened.size
            self.note(
                "several_video_streams",
                f"has {opened.num_videos} video streams; the one of {width}x{height} pixels was "
                "tagged.",
            )
        dolby_vision = opened.side_data.dolby_vision
        if dolby_vision is not None and dolby_vision.needs_decoder:
            self.note(
                "hdr",
                f"is Dolby Vision of profile {dolby_vision.profile}, which was read as if it were "
                "ordinary video; its colours are wrong (green and purple), so convert it to SDR.",
            )

    def note_picture(self, frame: av.VideoFrame, shape: Shape) -> None:
        """Note what is odd about one picture."""
        size = shape.width, shape.height
        if self._first_size is None:
            self._first_size = size
        elif size != self._first_size:
            width, height = self._first_size
            self.note(
                "size_changed",
                f"changes its picture from {width}x{height} to {size[0]}x{size[1]} pixels on the "
                "way.",
            )
        if shape.turn.is_ignored:
            self.note(
                "rotation_ignored",
                "asks for a rotation that is no right angle; it was read as stored.",
            )
        if shape.is_aspect_ignored:
            self.note(
                "aspect_ignored",
                "asks for pixels more than 16 times as wide as high, or as high as wide; they "
                "were taken as square.",
            )
        if has_odd_colours(frame):
            self.note(
                "colour_tag_ignored",
                "names a colour matrix that can't be converted; the usual one for its size was "
                "used.",
            )
        if frame.color_trc in HDR_TRANSFERS and "hdr" not in self._messages:
            self.note(
                "hdr",
                f"is HDR ({HDR_TRANSFERS[frame.color_trc]}) and was read without tone mapping; "
                "its colours are paler than on screen.",
            )

    def note_damage(self, counts: DecodeCounts, duration: Fraction, *, broke_off: bool) -> None:
        """Note what could not be decoded."""
        if counts.failed_packets:
            self.note(
                "packets_failed",
                f"has {_count(counts.failed_packets, 'damaged packet')} among {counts.packets}, "
                "without which it was read.",
            )
        if counts.damaged_frames:
            self.note(
                "frames_damaged",
                f"has {_count(counts.damaged_frames, 'damaged frame')} among {counts.frames}.",
            )
        if counts.is_given_up or broke_off:
            self.note(
                "stopped_at_damage",
                f"could not be read any further after {format_seconds(duration)}.",
            )

    def note_encryption(self, source: Source, opened: Opened, counts: DecodeCounts) -> None:
        """Note that the file says that it is encrypted."""
        if is_encrypted(source, opened, counts):
            self.note("encrypted", "is marked as encrypted; its pictures may be scrambled.")

    def note_times(self, odd: Oddities, opened: Opened, counts: DecodeCounts) -> None:
        """Note how timestamps were repaired."""
        if opened.clock == "arrival":
            self.note(
                "timestamps_missing",
                f"has {_count(counts.frames, 'frame')} without a timestamp, placed where they "
                "arrived.",
            )
        elif odd.missing and (counts.frames > 1 or opened.clock == "timestamps"):
            rate = opened.rate / (2 if counts.are_fields else 1)
            self.note(
                "timestamps_missing",
                f"has {_count(odd.missing, 'frame')} without a timestamp, placed by the rate of "
                f"{float(rate):.6g} frames per second.",
            )
        if odd.reordered:
            self.note(
                "timestamps_reordered",
                f"has {_count(odd.reordered, 'timestamp')} out of order, which were sorted.",
            )
        if odd.repeated:
            self.note(
                "timestamps_repeated",
                f"has {_count(odd.repeated, 'repeated timestamp')}; the frames were spread out.",
            )
        if odd.wrapped:
            self.note(
                "timestamps_wrapped",
                f"has timestamps that overflow {_times(odd.wrapped)}; the time goes on.",
            )
        if odd.jumped:
            self.note(
                "timestamps_discontinuous",
                f"has timestamps that jump {_times(odd.jumped)}; the time goes on without the "
                "jump.",
            )

    def note_cut(self, declared: Fraction | None) -> None:
        """Note that the end was not read."""
        if declared is None:
            how = "no duration is declared, so that of the part that was read is given."
        else:
            how = "the duration is the declared one."
        self.note("duration_declared", f"was not read to its end; {how}")

    def note_missing_end(
        self, opened: Opened, counts: DecodeCounts, duration: Fraction, gap: Fraction
    ) -> None:
        """Compare what was read with what the header promised."""
        if counts.ends_within_packet and opened.format not in CHAINED | RAW:
            self.note(
                "truncated",
                f"ends after {format_seconds(duration)} in the middle of a packet; what came "
                "after that is missing.",
            )
        declared = opened.declared_seconds
        if declared is None or opened.format in RAW:
            return
        # Some headers tell a length and some an end. What came late, or goes on as sound, is not
        # missing: ends are compared, and what either of the two would allow is no loss.
        begin = (opened.stream.start_time or 0) * opened.time_base
        if opened.is_declared_for_stream and opened.format not in CHAINED:
            missing = declared - duration
            read_until = _read_until(opened, counts, gap)
            if read_until is not None:
                missing = min(missing, begin + declared - read_until)
        else:
            read = max(counts.last_seconds.values(), default=0.0)
            end = declared_end(opened.container)
            ends = [declared]
            if end is not None:
                ends = [end, Fraction(opened.container.duration or 0, 1_000_000)]
            if opened.stream.duration:  # in ASF, that of the file, too
                ends.append(opened.stream.duration * opened.time_base)
            missing = min(ends) - Fraction(read)
        # Headers are often off by a frame or two.
        if missing > max(Fraction(5, 2) * gap, declared / 100):
            self.note(
                "truncated",
                f"ends after {format_seconds(duration)}; {format_seconds(missing)} of the "
                f"{format_seconds(declared)} that its header declares are missing.",
            )


def _read_until(opened: Opened, counts: DecodeCounts, gap: Fraction) -> Fraction | None:
    """Return when the last frame ends by the container's clock, where that is known."""
    if opened.format not in DECODE_TIMES_ONLY:
        last = counts.last_frame_pts
        if last is None:
            return None
        held_until = (counts.last_empty_end or 0) * opened.time_base
        return max(last * opened.time_base + gap, held_until)
    if counts.failed_packets or counts.damaged_frames:
        return None  # packets alone are dated, and not all became frames
    end = counts.last_seconds.get(opened.stream.index)
    return None if end is None else Fraction(end)


def is_encrypted(source: Source, opened: Opened, counts: DecodeCounts) -> bool:
    """Tell whether packets or the file's index are marked as encrypted."""
    if counts.is_encrypted:
        return True
    return opened.format == "mp4" and says_encrypted(source.edges(HEAD_BYTES))


def too_many_pixels(path: str, size: tuple[int, int], limit: int) -> VideoError:
    """Compose the error for a picture beyond the limit."""
    return VideoDecodeError(
        path,
        "too_many_pixels",
        f"The picture of '{path}' has {size[0]}x{size[1]} pixels, more than the limit of {limit}; "
        "raise it with --max-pixels if the file can be trusted.",
    )


def no_frames(source: Source, opened: Opened, counts: DecodeCounts, options: Part) -> VideoError:
    """Compose the error for a video of which there is nothing to show."""
    path = source.path
    if counts.frames:
        return EmptyVideoError(
            path,
            "start_past_end",
            f"'{path}' ends before {format_seconds(options.start)}, where tagging was to start; "
            "choose an earlier --start.",
        )
    head = source.edges(HEAD_BYTES)[:HEAD_BYTES]
    size = counts.too_large_size or declared_size(head) or opened.size
    if size[0] * size[1] > options.max_pixels:
        return too_many_pixels(path, size, options.max_pixels)
    if counts.packets and is_encrypted(source, opened, counts):
        return VideoDecodeError(
            path,
            "encrypted",
            f"'{path}' is encrypted, and no frame could be decoded; get an unprotected copy.",
            num_failed_packets=counts.failed_packets,
        )
    if is_animated_webp(head):
        return VideoDecodeError(
            path,
            "unsupported_codec",
            f"'{path}' is an animated WebP, which can't be read; convert it to GIF or MP4.",
            num_failed_packets=counts.failed_packets,
        )
    if counts.failed_packets:
        return VideoDecodeError(
            path,
            "no_frames",
            f"Not one frame of '{path}' could be decoded "
            f"({_count(counts.failed_packets, 'packet')} of codec {opened.codec} failed); "
            "get it again, or convert it to H.264.",
            num_failed_packets=counts.failed_packets,
        )
    return EmptyVideoError(
        path,
        "no_frames",
        f"'{path}' declares a video, but holds no frame; check that it is whole.",
    )


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
