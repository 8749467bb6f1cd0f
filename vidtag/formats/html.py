"""Pages to look at as a format; they are made in `vidtag.report`.

Owns which other formats a page hands out as files: their text is that of `-f`.
"""

from dataclasses import replace
from functools import partial

from vidtag.documents.records import Document, TimingRecord
from vidtag.formats import jsonlines, subtitles, tabular
from vidtag.formats.format import Format, Place, one
from vidtag.report.downloads import Download
from vidtag.report.format import NO_EXTRAS, Extras, write_page, write_page_at

__all__ = ["FORMAT", "NO_PAGE_TO_EMBED_IN", "Extras", "make_downloads", "with_extras"]

NO_PAGE_TO_EMBED_IN = (
    "--embed-video goes with -f html -o FOLDER, or -o PAGE.html: the video is put into its page."
)
"""What to say where a video is to be put into a page, and no page is written."""

_MEDIA_TYPES = {
    tabular.CSV.name: "text/csv",
    subtitles.SRT.name: "application/x-subrip",
    jsonlines.FORMAT.name: "application/json",
}

NO_TIMING = TimingRecord(
    total_seconds=0.0,
    decode_seconds=0.0,
    model_seconds=0.0,
    realtime_factor=0.0,
    from_cache=False,
)
"""What the JSON in a page has in place of how long it took: a page is the same from run to run,
and the schema wants numbers there. All else in it is what `-f json` writes."""


def make_downloads(document: Document) -> tuple[Download, ...]:
    """Write the files that a page hands out, the smallest first."""
    told = replace(document, timing=NO_TIMING)
    return tuple(
        Download(
            name=made.name,
            suffix=made.suffix,
            summary=made.summary,
            media_type=_MEDIA_TYPES[made.name],
            content=made.write([told]).encode("utf-8", "backslashreplace"),
        )
        for made in (tabular.CSV, subtitles.SRT, jsonlines.FORMAT)
    )


def _write(document: Document) -> str:
    return write_page(document, make_downloads(document))


def _write_at(document: Document, place: Place, *, extras: Extras = NO_EXTRAS) -> str:
    return write_page_at(document, place, downloads=make_downloads(document), extras=extras)


FORMAT = Format(
    name="html",
    suffix=".html",
    summary="a page with video, timeline and curves",
    joins=False,
    write=one(_write),
    write_at=_write_at,
    has_index=True,
)


def with_extras(extras: Extras) -> Format:
    """Return the format of pages that have more in them than their documents give."""
    return replace(FORMAT, write_at=partial(_write_at, extras=extras), extras=extras.name)
