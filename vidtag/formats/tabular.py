r"""CSV and TSV: one row per segment, the file first, times in whole milliseconds.

A video without a segment has no row, unless that is asked for, and a failed input never has one:
each row is a segment, so that counting, grouping and summing rows is right. The JSON names every
input. The last two columns have the times once more, as `h:mm:ss.mmm`, for who reads them in a
spreadsheet.

CSV is quoted as RFC 4180 says, except that lines end in `\n`, as Unix tools expect; commas,
quotes, tabs and line breaks in names survive. TSV knows no quotes: tab, line breaks and
backslash are written `\t`, `\n`, `\r`, `\\`, as `jq`'s `@tsv` does, so each row is one line
(pandas needs `quoting=csv.QUOTE_NONE` to leave quotes alone). Other control characters are
written `\u001b` in both.

A spreadsheet takes a cell that starts with `=`, `+`, `-` or `@` for a formula. A path of this
kind gets `./` in front, which names the same file; a label of this kind gets an apostrophe,
the one place in which a label is not written as the model has it.
Source: https://owasp.org/www-community/attacks/CSV_Injection
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from vidtag.documents.records import Document, Failure
from vidtag.formats.format import Format
from vidtag.formats.rows import PLAIN_LAYOUT, SEGMENT_COLUMNS, Cell, Layout, list_rows
from vidtag.seconds import format_clock
from vidtag.text import escape_controls

_CLOCKS = ("start", "end")

COLUMNS = (*SEGMENT_COLUMNS, *_CLOCKS)
"""The header row. Columns may be added at the end, never renamed or moved."""

BOM = "\ufeff"
"""By which Excel knows a text as UTF-8, where it begins with it."""

# The full-width forms count as the ASCII signs in some spreadsheets.
_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
_STDIN = "-"

_QUOTED = frozenset(',"\r\n')
"""What puts a cell into quotes. Source: RFC 4180, section 2, rules 6 and 7."""


def _write(
    results: Sequence[Document | Failure],
    *,
    layout: Layout,
    append: Callable[[Document | Failure], str],
    separator: str,
) -> str:
    """Write a header and the rows of all videos."""
    header = separator.join((*layout.columns, *_CLOCKS))
    return f"{BOM if layout.bom else ''}{header}\n" + "".join(map(append, results))


def _csv_rows(result: Document | Failure, *, layout: Layout) -> str:
    """Write the rows that one more video adds to a CSV file."""
    rows = _rows(result, layout, _csv_text)
    return "".join(",".join(map(_quoted, row)) + "\n" for row in rows)


def _tsv_rows(result: Document | Failure, *, layout: Layout) -> str:
    """Write the rows that one more video adds to a TSV file."""
    return "".join("\t".join(row) + "\n" for row in _rows(result, layout, _tsv_text))


def _rows(
    result: Document | Failure, layout: Layout, text: Callable[[str], str]
) -> Iterator[Sequence[str]]:
    path = text(_no_formula(result.video.path, "./"))
    for _, start, end, *others in list_rows(result, layout):
        cells = [_plain(cell, text) for cell in (start, end, *others)]
        clocks = [format_clock(at) if isinstance(at, int) else "" for at in (start, end)]
        yield path, *cells, *clocks


def _plain(cell: Cell, text: Callable[[str], str]) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return text(_no_formula(cell, "'"))
    return f"{cell:.6f}" if isinstance(cell, float) else str(cell)


def _quoted(cell: str) -> str:
    # Not csv.writer, which leaves a lone \r unquoted where lines end in \n, and csv.reader then
    # ends the row at it (Python 3.11).
    return '"' + cell.replace('"', '""') + '"' if _QUOTED & set(cell) else cell


def _csv_text(text: str) -> str:
    return escape_controls(text, keep="\t\r\n")


def _tsv_text(text: str) -> str:
    return escape_controls(text.replace("\\", "\\\\"))


def _no_formula(text: str, prefix: str) -> str:
    # Spreadsheets skip blanks in front of a formula.
    is_formula = text.lstrip(" \t\r\n").startswith(_FORMULA)
    return prefix + text if is_formula and text != _STDIN else text


def tabular_formats(layout: Layout) -> tuple[Format, Format]:
    """Make the formats of CSV and TSV whose tables have another layout."""
    csv_rows = partial(_csv_rows, layout=layout)
    tsv_rows = partial(_tsv_rows, layout=layout)
    return (
        Format(
            name="csv",
            suffix=".csv",
            summary="one row per segment, comma-separated",
            joins=True,
            write=partial(_write, layout=layout, append=csv_rows, separator=","),
            append=csv_rows,
            extras=layout.extras,
        ),
        Format(
            name="tsv",
            suffix=".tsv",
            summary="one row per segment, tab-separated",
            joins=True,
            write=partial(_write, layout=layout, append=tsv_rows, separator="\t"),
            append=tsv_rows,
            extras=layout.extras,
        ),
    )


CSV, TSV = tabular_formats(PLAIN_LAYOUT)
