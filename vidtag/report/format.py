"""HTML pages as a format; the pages themselves are made in `vidtag.report`."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vidtag.documents.records import Document

if TYPE_CHECKING:
    from vidtag.report.page import ExplanationClip


def write_page(document: Document) -> str:
    """Write the page of a video, without its pictures and without a player."""
    from vidtag.report.page import render_page

    return render_page(document, video_href=None)


def write_page_at(
    document: Document,
    source: str,
    path: str,
    explanations: "Sequence[ExplanationClip]" = (),
) -> str:
    """Write the page for its place on disk, with pictures and a link to the video.

    Args:
        document: What to show.
        source: The video, as it can be opened from here; a URL or a missing file gives a page
            without pictures.
        path: Where the page will lie.
        explanations: What the model looked at.
    """
    from vidtag.report.page import render_page
    from vidtag.report.rendering import relative_href
    from vidtag.report.thumbnails import is_plain_file, read_thumbnails

    if not is_plain_file(source):
        return write_page(document)
    return render_page(
        document,
        video_href=relative_href(source, os.path.dirname(path) or "."),
        pictures=read_thumbnails(source, document),
        explanations=explanations,
    )
