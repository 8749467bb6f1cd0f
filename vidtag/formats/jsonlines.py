"""JSON: one line per video, or one document indented for a person.

Owns nothing but the line breaks: the fields are those of `vidtag.documents.records`.
"""

import sys
from collections.abc import Sequence

from vidtag.documents.json import to_json
from vidtag.documents.records import Document, Failure
from vidtag.formats.format import Format


def to_line(result: Document | Failure) -> str:
    """Write one result as one line, line break included."""
    return f"{encodable_json(to_json(result))}\n"


def to_lines(results: Sequence[Document | Failure]) -> str:
    """Write JSON Lines: one result per line, failed inputs too."""
    return "".join(to_line(result) for result in results)


def show_indented(result: Document | Failure) -> None:
    """Print one result over several lines, for a person."""
    sys.stdout.write(f"{encodable_json(to_json(result, indent=2))}\n")


def encodable_json(text: str) -> str:
    """Make JSON of any text such that every file can hold it."""
    # Half a surrogate pair, which JSON may name in a label, is no UTF-8; its escape is JSON.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


FORMAT = Format(
    name="json",
    suffix=".json",
    summary="the whole document, one line per video",
    joins=True,
    write=to_lines,
    append=to_line,
    joined_suffixes=(".jsonl", ".ndjson"),
    names_failures=True,
    tells_its_record=True,
    show=show_indented,
)
