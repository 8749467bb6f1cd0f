"""Inputs that are stored documents, for the commands that take them beside videos."""

from collections.abc import Iterator

from vidtag.cli.display import Display
from vidtag.documents.records import Document, Failure
from vidtag.documents.stored import read_stored
from vidtag.errors import DocumentError
from vidtag.inputs.found import Input

DOCUMENT_SUFFIXES = (".json", ".jsonl", ".ndjson")
"""Inputs of these names are stored documents, all others are videos."""


def is_stored(source: str) -> bool:
    """Tell whether an input is one of stored documents, by its name."""
    return source.endswith(DOCUMENT_SUFFIXES)


def read_documents(item: Input, display: Display) -> Iterator[Document | Failure]:
    """Yield the results in a file; what is odd in it is told, and costs nothing else.

    A file that was picked from a folder, and has no result in it, is another program's: it is
    counted.
    """
    errors: list[str] = []
    is_ours = not item.is_picked
    for result in read_stored(item.source):
        if isinstance(result, DocumentError):
            errors.append(str(result))
            is_ours = is_ours or isinstance(result.__cause__, OSError)
        else:
            is_ours = True
            yield result
        if is_ours:
            while errors:
                display.fail(errors.pop(0))
    if errors:  # picked by its extension, which other programs' files have, too
        display.tally.other_files += 1
