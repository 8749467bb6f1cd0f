"""Pages to look at as a format; they are made in `vidtag.report`."""

from vidtag.formats.format import Format, one
from vidtag.report.format import write_page, write_page_at

FORMAT = Format(
    name="html",
    suffix=".html",
    summary="a page to look at, with the video, a timeline strip and curves",
    joins=False,
    write=one(write_page),
    write_at=write_page_at,
    has_index=True,
)
