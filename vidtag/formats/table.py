"""The table as a format; it is drawn in `table_drawing` and `video_rows`, with rich."""

from dataclasses import dataclass

from vidtag.documents.records import Document, Failure
from vidtag.formats.format import Format, one


@dataclass(frozen=True, slots=True, kw_only=True)
class TableView:
    """How much of a result its table shows."""

    all_tags: bool = False
    """Whether each row shows all k labels, also those whose scores say next to nothing."""

    details: bool = False
    """Whether the table says how it was made: model, windows, engine, licence."""


PLAIN_VIEW = TableView()
"""What a table shows where nothing else was asked for."""


def table_format(view: TableView, *, each: bool = False) -> Format:
    """Make the format of tables with another view.

    Args:
        view: How much they show.
        each: Whether every one of several videos gets its table on a terminal, and not a row.
    """

    def write_table(document: Document) -> str:
        """Write the table plain, unwrapped and untruncated, for a file or a pipe."""
        from vidtag.formats.table_drawing import to_text

        return to_text(document, view)

    def show_table(result: Document | Failure) -> None:
        """Print the table on the terminal that stdout is; a failure has none."""
        from vidtag.formats.table_drawing import print_table

        if isinstance(result, Document):
            print_table(result, view)

    def show_row(result: Document | Failure, names: tuple[str, ...], is_first: bool) -> None:
        """Print one of several videos as a row on the terminal; a failure has none."""
        from vidtag.formats.video_rows import print_row

        if isinstance(result, Document):
            print_row(result, names, is_first=is_first)

    return Format(
        name="table",
        suffix=".txt",
        summary="the table (default)",
        joins=False,
        write=one(write_table),
        is_for_people=True,
        show=show_table,
        show_among=None if each else show_row,
    )


FORMAT = table_format(PLAIN_VIEW)
