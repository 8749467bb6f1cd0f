"""FCP 7 XML (xmeml 5), which Premiere and many others import: a sequence with a marker per segment.

The sequence holds the video, and its sound where it has some, one track per channel. It begins at
the file's own timecode, or at 00:00:00:00. Markers count frames from there, and last as long as
their segments; their comment has the score. A name is on one line, and an `&` is escaped as
everywhere in XML.
Source: Apple, "Final Cut Pro XML Interchange Format" (2009),
https://developer.apple.com/library/archive/documentation/AppleApplications/Reference/FinalCutPro_XML/
"""

from collections.abc import Sequence
from html import escape

from vidtag.documents.records import Document, SegmentRecord, VideoRecord
from vidtag.formats.format import Format, one
from vidtag.formats.timecode import Counting, count_frames
from vidtag.links import absolute_url, file_name
from vidtag.text import one_line

_FILE = "file-1"
_PICTURE = "clipitem-1"


def write_fcp7(document: Document) -> str:
    """Write a sequence with the video as its one clip, and its segments as markers."""
    video = document.video
    count = count_frames(video)
    _, length = count.span(0.0, video.duration_seconds)
    channels = video.sound_channels or 0
    clips = [_PICTURE, *(f"clipitem-{number + 2}" for number in range(channels))]
    links = "".join(
        f"<link><linkclipref>{clip}</linkclipref>"
        f"<mediatype>{'audio' if number else 'video'}</mediatype>"
        f"<trackindex>{number or 1}</trackindex><clipindex>1</clipindex></link>\n"
        for number, clip in enumerate(clips)
    )
    name = escape(one_line(file_name(video.path), 0))
    tracks = []
    for number, clip in enumerate(clips):
        # The file is told once, and its id stands for it from then on.
        file = f'<file id="{_FILE}"/>\n' if number else _file(video, name, length, count)
        source = f"<trackindex>{number}</trackindex>" if number else ""
        kind = "audio" if number else "video"
        tracks.append(
            f'<track>\n<clipitem id="{clip}">\n<name>{name}</name>\n<duration>{length}</duration>\n'
            f"{_rate(count)}<start>0</start><end>{length}</end><in>0</in><out>{length}</out>\n"
            f"{file}<sourcetrack><mediatype>{kind}</mediatype>{source}</sourcetrack>\n"
            f"{links}</clipitem>\n</track>\n"
        )
    markers = "".join(_marker(segment, count) for segment in document.segments)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n<xmeml version="5">\n'
        f'<sequence id="sequence-1">\n<name>{name}</name>\n<duration>{length}</duration>\n'
        f"{_rate(count)}{_timecode(count)}<media>\n"
        f"<video>\n<format>\n{_picture(video, count)}</format>\n{tracks[0]}</video>\n"
        f"{_sound_tracks(video, tracks[1:])}</media>\n"
        f"{markers}</sequence>\n</xmeml>\n"
    )


def _rate(count: Counting) -> str:
    ntsc = "TRUE" if count.is_ntsc else "FALSE"
    return f"<rate><timebase>{count.nominal_rate}</timebase><ntsc>{ntsc}</ntsc></rate>\n"


def _timecode(count: Counting) -> str:
    return (
        f"<timecode>\n{_rate(count)}<string>{count.timecode(0)}</string>\n"
        f"<frame>{count.first}</frame>\n"
        f"<displayformat>{'DF' if count.is_drop else 'NDF'}</displayformat>\n</timecode>\n"
    )


def _file(video: VideoRecord, name: str, length: int, count: Counting) -> str:
    """Tell of the file; a stream on stdin, which can't be opened again, has no link."""
    url = absolute_url(video.path)
    link = "" if url is None else f"<pathurl>{escape(_local(url))}</pathurl>\n"
    sound = ""
    if video.sound_channels:
        sound = f"<audio>\n{_sound(video)}<channelcount>{video.sound_channels}</channelcount>\n"
        sound = f"{sound}</audio>\n"
    return (
        f'<file id="{_FILE}">\n<name>{name}</name>\n{link}{_rate(count)}'
        f"<duration>{length}</duration>\n{_timecode(count)}"
        f"<media>\n<video>\n{_picture(video, count)}</video>\n{sound}</media>\n</file>\n"
    )


def _local(url: str) -> str:
    """Name this machine in the URL of a file, as the format's own files do."""
    return url.replace("file:///", "file://localhost/", 1)


def _picture(video: VideoRecord, count: Counting) -> str:
    return (
        f"<samplecharacteristics>\n{_rate(count)}<width>{video.width}</width>\n"
        f"<height>{video.height}</height>\n<pixelaspectratio>square</pixelaspectratio>\n"
        "<fielddominance>none</fielddominance>\n</samplecharacteristics>\n"
    )


def _sound(video: VideoRecord) -> str:
    return (
        "<samplecharacteristics><depth>16</depth>"
        f"<samplerate>{video.sound_rate}</samplerate></samplecharacteristics>\n"
    )


def _sound_tracks(video: VideoRecord, tracks: Sequence[str]) -> str:
    if not tracks:
        return ""
    return (
        f"<audio>\n<numOutputChannels>{len(tracks)}</numOutputChannels>\n"
        f"<format>\n{_sound(video)}</format>\n{''.join(tracks)}</audio>\n"
    )


def _marker(segment: SegmentRecord, count: Counting) -> str:
    first, length = count.span(segment.start_seconds, segment.end_seconds)
    return (
        f"<marker>\n<name>{escape(one_line(segment.label, segment.index))}</name>\n"
        f"<comment>score {segment.score:.3f}</comment>\n"
        f"<in>{first}</in><out>{first + length}</out>\n</marker>\n"
    )


FORMAT = Format(
    name="fcp7",
    suffix=".xml",
    summary="FCP 7 XML for Premiere",
    joins=False,
    write=one(write_fcp7),
)
