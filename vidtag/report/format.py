"""HTML pages as a format; the pages themselves are made in `vidtag.report.page`."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vidtag.documents.records import Document

if TYPE_CHECKING:
    from vidtag.report.downloads import Download
    from vidtag.report.moments import Explain


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a file will lie, and what is around it."""

    source: str
    """The video, as it can be opened from here: a path, a URL, or `-`."""

    path: str
    """The file itself."""

    index: str | None = None
    """The index that lists it; `None` for a file that is written alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """What is wanted in a page beyond what its document gives."""

    explain: "Explain | None" = None
    """Tells what the model looked at."""

    embed_video: bool = False
    """Whether the video itself is in the page."""

    warn: Callable[[str], None] | None = None
    """Tells the user what a page had to go without."""

    @property
    def name(self) -> str:
        """What they are, in a word; pages with others are not the same."""
        named = {"maps": self.explain is not None, "video": self.embed_video}
        return "+".join(name for name, is_wanted in named.items() if is_wanted)


NO_EXTRAS = Extras()


def write_page(document: Document, downloads: "Sequence[Download]" = ()) -> str:
    """Write the page of a video, without its pictures and without a player."""
    from vidtag.report.page import render_page

    return render_page(document, video_href=None, downloads=downloads)


def write_page_at(
    document: Document,
    place: Place,
    *,
    downloads: "Sequence[Download]" = (),
    extras: Extras = NO_EXTRAS,
) -> str:
    """Write the page for its place on disk, with pictures and a link to the video.

    Args:
        document: What to show.
        place: Where the page will lie; a URL or a missing file as its source gives a page without
            pictures.
        downloads: Files that the page hands out.
        extras: What else is in it.
    """
    from vidtag.report.embedding import NotEmbedded, read_video
    from vidtag.report.moments import Explained
    from vidtag.report.page import render_page, show_name
    from vidtag.report.rendering import relative_href
    from vidtag.report.thumbnails import is_plain_file, read_thumbnails

    folder = os.path.dirname(place.path) or "."
    is_file = is_plain_file(place.source)
    explained = Explained()
    if extras.explain is not None:
        explained = extras.explain(document, place.source)
    video = read_video(place.source, document) if extras.embed_video else None
    if isinstance(video, NotEmbedded) and extras.warn is not None:
        name = show_name(document.video.path)
        extras.warn(f"{name}: the video is not in its page, since {video.reason}.")
    return render_page(
        document,
        video_href=relative_href(place.source, folder) if is_file else None,
        pictures=read_thumbnails(place.source, document) if is_file else (),
        explained=explained,
        downloads=downloads,
        index_href=None if place.index is None else relative_href(place.index, folder),
        video=video,
    )
