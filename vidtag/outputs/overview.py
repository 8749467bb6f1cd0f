"""A folder of pages gets an index: the same outputs, and at the end an `index.html`."""

import os
from collections.abc import Iterable

from vidtag.documents.records import Document, Failure
from vidtag.documents.stored import read_stored
from vidtag.errors import DocumentError
from vidtag.formats import FOR_PROGRAMS, Format, html
from vidtag.inputs.found import Input
from vidtag.outputs.atomic import write_whole
from vidtag.outputs.fingerprint import ContentId
from vidtag.outputs.output import Closing, Outputs
from vidtag.tagging.recipe import Fingerprint

INDEX_NAME = "index.html"


def find_index(folder: str, taken: Iterable[str]) -> str:
    """Name the index of a folder: `index.html`, unless that is the page of a video, or a folder.

    Args:
        folder: The output folder.
        taken: The files of the videos.
    """
    # As on file systems to which case does not matter: the same name everywhere.
    folded = {path.casefold() for path in taken}
    index, number = os.path.join(folder, INDEX_NAME), 1
    while index.casefold() in folded or os.path.isdir(index):
        number += 1
        index = os.path.join(folder, f"index-{number}.html")
    return index


class IndexedOutputs(Closing):
    """Passes results on, remembers them, and writes the index of their pages.

    Of videos that `--skip-existing` leaves alone, those are listed that have their JSON document
    in the folder.

    Args:
        outputs: Where the pages go.
        folder: The output folder.
        index: Where the index goes.
    """

    def __init__(self, outputs: Outputs, folder: str, index: str) -> None:
        self._outputs = outputs
        self._folder = folder
        self._index = index
        self._results: list[tuple[Input, Document | Failure]] = []
        self._num_indexes = 0

    @property
    def num_files(self) -> int:  # type: ignore[override]
        """How many files were written."""
        return self._outputs.num_files + self._num_indexes

    def is_done(self, item: Input, fingerprint: Fingerprint, content_id: ContentId) -> bool:
        """Tell whether an input is left alone; then its stored document is listed."""
        if not self._outputs.is_done(item, fingerprint, content_id):
            return False
        for result in read_stored(self._beside(item, FOR_PROGRAMS)):
            if not isinstance(result, DocumentError):  # else there is none, or it is not ours
                self._results.append((item, result))
        return True

    def write(self, item: Input, result: Document | Failure) -> None:
        """Write a result, and list it."""
        self._outputs.write(item, result)
        self._results.append((item, result))

    def close(self) -> None:
        """Write the index and finish."""
        try:
            if self._results:
                write_whole(self._index, [self._render().encode("utf-8")])
                self._num_indexes = 1
        finally:
            self._outputs.close()

    def _beside(self, item: Input, one: Format) -> str:
        return os.path.join(self._folder, f"{item.name}{one.suffix}")

    def _render(self) -> str:
        from vidtag.report.index import IndexEntry, render_index
        from vidtag.report.rendering import relative_href
        from vidtag.report.thumbnails import INDEX_BYTES, read_thumbnails

        entries = []
        for item, result in sorted(self._results, key=lambda pair: str(pair[0].name)):
            if isinstance(result, Failure):
                entries.append(IndexEntry(result=result))
                continue
            pictures = read_thumbnails(item.source, result, max_count=1, max_bytes=INDEX_BYTES)
            page = relative_href(self._beside(item, html.FORMAT), self._folder)
            entries.append(
                IndexEntry(result=result, page_href=page, picture=pictures[0] if pictures else None)
            )
        return render_index(entries)
