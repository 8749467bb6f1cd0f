"""The table as a format; it is drawn in `table_drawing`, with rich."""

from vidtag.documents.records import Document, Failure
from vidtag.formats.format import Format, one


def write_table(document: Document) -> str:
    """Write the table plain, unwrapped and untruncated, for a file or a pipe."""
    from vidtag.formats.table_drawing import to_text

    return to_text(document)


def show_table(result: Document | Failure) -> None:
    """Print the table on the terminal that stdout is; a failure has none."""
    from vidtag.formats.table_drawing import print_table

    if isinstance(result, Document):
        print_table(result)


FORMAT = Format(
    name="table",
    suffix=".txt",
    summary="the table for a person (default)",
    joins=False,
    write=one(write_table),
    is_for_people=True,
    show=show_table,
)
