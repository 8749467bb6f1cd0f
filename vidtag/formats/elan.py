"""EAF, the file of the annotation tool ELAN: one tier per label, one annotation per segment.

An annotation's value is its score; its label is the tier's name. Written here and not with
pympi, which stamps its own time of writing and writes to a path alone; it reads the files back
in the tests.
Source: https://www.mpi.nl/tools/elan/EAFv3.0.xsd
"""

from html import escape

from vidtag.documents.records import Document, SegmentRecord
from vidtag.formats.format import Format, one
from vidtag.links import file_name, file_url
from vidtag.seconds import milliseconds
from vidtag.text import escape_controls, one_line

# The format asks for a date, and the same result is to give the same bytes.
_DATE = "1970-01-01T00:00:00+00:00"

_LINGUISTIC_TYPE = "action"

# FFmpeg's names of containers; ELAN knows these types, and takes a generic one for the rest.
_MIME_TYPES = {
    "avi": "video/x-msvideo",
    "matroska": "video/x-matroska",
    "mov": "video/quicktime",
    "mp4": "video/mp4",
    "mpeg": "video/mpeg",
    "mpegts": "video/mp2t",
    "ogg": "video/ogg",
    "webm": "video/webm",
}
_GENERIC_TYPE = "video/*"


def write_eaf(document: Document) -> str:
    """Write one tier per label with its segments, and link the video."""
    slots: list[str] = []
    tiers: list[str] = []
    times = sorted(
        (time, number, is_end)
        for number, segment in enumerate(document.segments)
        for is_end, time in enumerate(_interval(segment))
    )
    ids = {}
    for number, (time, segment_number, is_end) in enumerate(times, start=1):
        ids[segment_number, is_end] = f"ts{number}"
        slots.append(f'    <TIME_SLOT TIME_SLOT_ID="ts{number}" TIME_VALUE="{time}"/>\n')
    for name, numbers in _tiers(document).items():
        tiers.append(
            f'  <TIER LINGUISTIC_TYPE_REF="{_LINGUISTIC_TYPE}" TIER_ID="{escape(name)}">\n'
        )
        for number in numbers:
            tiers.append(
                "    <ANNOTATION>\n"
                f'      <ALIGNABLE_ANNOTATION ANNOTATION_ID="a{number + 1}"'
                f' TIME_SLOT_REF1="{ids[number, 0]}" TIME_SLOT_REF2="{ids[number, 1]}">\n'
                f"        <ANNOTATION_VALUE>{document.segments[number].score:.3f}"
                "</ANNOTATION_VALUE>\n"
                "      </ALIGNABLE_ANNOTATION>\n"
                "    </ANNOTATION>\n"
            )
        tiers.append("  </TIER>\n")
    author = escape_controls(f"vidtag {document.vidtag_version}, {document.model.id}")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<ANNOTATION_DOCUMENT AUTHOR="{escape(author)}" DATE="{_DATE}" FORMAT="3.0"'
        ' VERSION="3.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        ' xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">\n'
        '  <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">\n'
        f"{_media(document)}"
        f'    <PROPERTY NAME="lastUsedAnnotationId">{len(document.segments)}</PROPERTY>\n'
        "  </HEADER>\n"
        f"  <TIME_ORDER>\n{''.join(slots)}  </TIME_ORDER>\n"
        f"{''.join(tiers)}"
        f'  <LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="{_LINGUISTIC_TYPE}"'
        ' TIME_ALIGNABLE="true"/>\n'
        "</ANNOTATION_DOCUMENT>\n"
    )


def _interval(segment: SegmentRecord) -> tuple[int, int]:
    """Return start and end in milliseconds; ELAN takes no annotation without a length."""
    start = milliseconds(segment.start_seconds)
    return start, max(start + 1, milliseconds(segment.end_seconds))


def _tiers(document: Document) -> dict[str, list[int]]:
    """Group the numbers of segments by the name of their tier, in the order of first starts."""
    names: dict[int, str] = {}
    tiers: dict[str, list[int]] = {}
    for number, segment in enumerate(document.segments):
        if segment.index not in names:
            name = one_line(segment.label, segment.index)
            names[segment.index] = f"{name} #{segment.index}" if name in tiers else name
        tiers.setdefault(names[segment.index], []).append(number)
    return tiers


def _media(document: Document) -> str:
    """Link the video; nothing for a stream on stdin, which no tool can open again."""
    # ELAN reads paths without undoing %20, and looks beside the .eaf for the bare file name
    # where it finds nothing. Source: FileUtility.urlToAbsPath and ElanFrame2 in its code.
    url = file_url(document.video.path)
    if url is None:
        return ""
    url = escape_controls(url)
    name = escape_controls(file_name(document.video.path))
    kind = _MIME_TYPES.get(document.video.container, _GENERIC_TYPE)
    return (
        f'    <MEDIA_DESCRIPTOR MEDIA_URL="{escape(url)}" MIME_TYPE="{kind}"'
        f' RELATIVE_MEDIA_URL="./{escape(name)}"/>\n'
    )


FORMAT = Format(
    name="eaf",
    suffix=".eaf",
    summary="ELAN annotations",
    joins=False,
    write=one(write_eaf),
)
