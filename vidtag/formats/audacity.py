"""A label track of Audacity: start, end and label of each segment, between tabs.

Times are seconds with six decimals and a point, whatever the user's language, as Audacity itself
writes them. A label is one line without tabs; nothing else in it means anything.
Source: https://manual.audacityteam.org/man/importing_and_exporting_labels.html
"""

from vidtag.documents.records import Document
from vidtag.formats.format import Format, one
from vidtag.text import one_line


def write_audacity(document: Document) -> str:
    """Write one line per segment. No segment gives an empty text."""
    return "".join(
        f"{segment.start_seconds:.6f}\t{segment.end_seconds:.6f}\t"
        f"{one_line(segment.label, segment.index)}\n"
        for segment in document.segments
    )


FORMAT = Format(
    name="audacity",
    suffix=".audacity.txt",
    summary="Audacity's labels",
    joins=False,
    write=one(write_audacity),
)
