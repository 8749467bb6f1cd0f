"""FCPXML 1.10, which Final Cut Pro imports: a project with a marker per segment.

The project holds the video as its one clip, with its sound where it has some; a stream on stdin,
which can't be opened again, is a gap with the same markers. Times are exact seconds on whole
frames, counted from the file's own timecode, or from 0. A marker lasts as long as its segment, and
its note has the score.
Source: https://developer.apple.com/documentation/professional-video-applications/fcpxml-reference
and the DTD of version 1.10 there
"""

from fractions import Fraction
from html import escape

from vidtag.documents.records import Document, VideoRecord
from vidtag.formats.format import Format, one
from vidtag.formats.timecode import count_frames
from vidtag.links import absolute_url, file_name
from vidtag.text import one_line

_SOUND_RATES = {
    32000: "32k",
    44100: "44.1k",
    48000: "48k",
    88200: "88.2k",
    96000: "96k",
    176400: "176.4k",
    192000: "192k",
}
"""Those that a sequence may have; another one's is left to the program."""

_LAYOUTS = {1: "mono", 2: "stereo"}
_SURROUND = "surround"


def write_fcpxml(document: Document) -> str:
    """Write a project with the video as its one clip, and its segments as markers."""
    video = document.video
    count = count_frames(video)
    _, length = count.span(0.0, video.duration_seconds)
    name = escape(one_line(file_name(video.path), 0))
    start, duration = _time(count.seconds(count.first)), _time(count.seconds(length))
    drop = "DF" if count.is_drop else "NDF"
    markers = []
    for segment in document.segments:
        first, frames = count.span(segment.start_seconds, segment.end_seconds)
        markers.append(
            f'<marker start="{_time(count.seconds(count.first + first))}"'
            f' duration="{_time(count.seconds(frames))}"'
            f' value="{escape(one_line(segment.label, segment.index))}"'
            f' note="score {segment.score:.3f}"/>\n'
        )
    url = absolute_url(video.path)
    timing = f'name="{name}" offset="{start}" start="{start}" duration="{duration}"'
    if url is None:
        asset = ""
        clip = f"<gap {timing}>\n{''.join(markers)}</gap>\n"
    else:
        asset = (
            f'<asset id="r2" name="{name}" start="{start}" duration="{duration}" hasVideo="1"'
            f' format="r1" videoSources="1"{_sound(video)}>\n'
            f'<media-rep kind="original-media" src="{escape(url)}"/>\n</asset>\n'
        )
        clip = (
            f'<asset-clip ref="r2" {timing} format="r1" tcFormat="{drop}">\n'
            f"{''.join(markers)}</asset-clip>\n"
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n<fcpxml version="1.10">\n'
        f'<resources>\n<format id="r1" frameDuration="{_time(count.seconds(1))}"'
        f' width="{video.width}" height="{video.height}"/>\n{asset}</resources>\n'
        f'<event name="vidtag">\n<project name="{name}">\n'
        f'<sequence format="r1" duration="{duration}" tcStart="{start}" tcFormat="{drop}"'
        f"{_mix(video)}>\n<spine>\n{clip}</spine>\n</sequence>\n</project>\n</event>\n</fcpxml>\n"
    )


def _time(seconds: Fraction) -> str:
    """Write a time as exact seconds.

    >>> _time(Fraction(1001, 30000)), _time(Fraction(36000))
    ('1001/30000s', '36000s')
    """
    return f"{seconds}s"


def _sound(video: VideoRecord) -> str:
    if not video.sound_channels:
        return ""
    return (
        f' hasAudio="1" audioSources="1" audioChannels="{video.sound_channels}"'
        f' audioRate="{video.sound_rate}"'
    )


def _mix(video: VideoRecord) -> str:
    """Say how a sequence plays the sound of the video."""
    if not video.sound_channels:
        return ""
    rate = _SOUND_RATES.get(video.sound_rate or 0)
    layout = f' audioLayout="{_LAYOUTS.get(video.sound_channels, _SURROUND)}"'
    return layout if rate is None else f'{layout} audioRate="{rate}"'


FORMAT = Format(
    name="fcpxml",
    suffix=".fcpxml",
    summary="FCPXML for Final Cut Pro",
    joins=False,
    write=one(write_fcpxml),
)
