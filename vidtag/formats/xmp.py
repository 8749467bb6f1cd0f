"""An XMP sidecar for managers of photos and videos: labels as keywords, a marker per segment.

Keywords (`dc:subject`) are the labels, the longest held first. Markers are a track of Dynamic
Media, in frames since the first picture at the track's own rate, each with its label, its length,
and the score as its comment. digiKam and darktable look for `clip.mp4.xmp`, which is what a folder
gets; Adobe's programs for `clip.xmp`. A sidecar that is there already is replaced and not merged.
Source: ISO 16684-1, and XMP Specification Part 2, "XMP Dynamic Media namespace",
https://developer.adobe.com/xmp/docs/xmp-namespaces/xmp-data-types/marker
"""

from fractions import Fraction
from html import escape

from vidtag.documents.records import Document, SegmentRecord
from vidtag.formats.format import Format, one
from vidtag.formats.timecode import Counting, count_frames
from vidtag.text import one_line

_TIMECODES = {
    (Fraction(24000, 1001), False): "23976Timecode",
    (Fraction(24), False): "24Timecode",
    (Fraction(25), False): "25Timecode",
    (Fraction(30000, 1001), False): "2997NonDropTimecode",
    (Fraction(30000, 1001), True): "2997DropTimecode",
    (Fraction(30), False): "30Timecode",
    (Fraction(50), False): "50Timecode",
    (Fraction(60000, 1001), False): "5994NonDropTimecode",
    (Fraction(60000, 1001), True): "5994DropTimecode",
    (Fraction(60), False): "60Timecode",
}
"""Names of timecodes, by rate and whether frames are dropped; XMP has none for other rates."""


def write_xmp(document: Document) -> str:
    """Write the sidecar of a video."""
    count = count_frames(document.video)
    labels = dict.fromkeys(one_line(label.label, label.index) for label in document.summary)
    subjects = "".join(f"     <rdf:li>{escape(label)}</rdf:li>\n" for label in labels)
    markers = "".join(_marker(segment, count) for segment in document.segments)
    bag = f"   <dc:subject>\n    <rdf:Bag>\n{subjects}    </rdf:Bag>\n   </dc:subject>\n"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        '  <rdf:Description rdf:about=""\n'
        '    xmlns:dc="http://purl.org/dc/elements/1.1/"\n'
        '    xmlns:xmp="http://ns.adobe.com/xap/1.0/"\n'
        '    xmlns:xmpDM="http://ns.adobe.com/xmp/1.0/DynamicMedia/">\n'
        f"   <xmp:CreatorTool>vidtag {escape(one_line(document.vidtag_version, 0))}"
        "</xmp:CreatorTool>\n"
        f"{bag if labels else ''}{_start(count)}{_track(markers, count) if markers else ''}"
        "  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n"
    )


def _start(count: Counting) -> str:
    """Tell the timecode of the first picture, where the file has one and XMP a name for it."""
    name = _TIMECODES.get((count.rate, count.is_drop))
    if name is None or not count.has_timecode:
        return ""
    return (
        '   <xmpDM:startTimecode rdf:parseType="Resource">\n'
        f"    <xmpDM:timeFormat>{name}</xmpDM:timeFormat>\n"
        f"    <xmpDM:timeValue>{count.timecode(0)}</xmpDM:timeValue>\n"
        "   </xmpDM:startTimecode>\n"
    )


def _track(markers: str, count: Counting) -> str:
    rate = count.rate
    base = "" if rate.denominator == 1 else f"s{rate.denominator}"
    return (
        '   <xmpDM:Tracks>\n    <rdf:Bag>\n     <rdf:li rdf:parseType="Resource">\n'
        "      <xmpDM:trackName>vidtag</xmpDM:trackName>\n"
        "      <xmpDM:trackType>Comment</xmpDM:trackType>\n"
        f"      <xmpDM:frameRate>f{rate.numerator}{base}</xmpDM:frameRate>\n"
        f"      <xmpDM:markers>\n       <rdf:Seq>\n{markers}       </rdf:Seq>\n"
        "      </xmpDM:markers>\n     </rdf:li>\n    </rdf:Bag>\n   </xmpDM:Tracks>\n"
    )


def _marker(segment: SegmentRecord, count: Counting) -> str:
    first, length = count.span(segment.start_seconds, segment.end_seconds)
    return (
        '        <rdf:li rdf:parseType="Resource">\n'
        f"         <xmpDM:startTime>{first}</xmpDM:startTime>\n"
        f"         <xmpDM:duration>{length}</xmpDM:duration>\n"
        f"         <xmpDM:name>{escape(one_line(segment.label, segment.index))}</xmpDM:name>\n"
        f"         <xmpDM:comment>score {segment.score:.3f}</xmpDM:comment>\n"
        "         <xmpDM:type>Comment</xmpDM:type>\n"
        "        </rdf:li>\n"
    )


FORMAT = Format(
    name="xmp",
    suffix=".xmp",
    summary="XMP sidecar: keywords, markers",
    joins=False,
    write=one(write_xmp),
)
