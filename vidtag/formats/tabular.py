r"""CSV and TSV: one row per segment, the file first, times in whole milliseconds.

A video without a segment has no row, and neither has a failed input: each row is a segment, so
that counting, grouping and summing rows is right. The JSON names every input.

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

from collections.abc import Callable, Iterable, Sequence

from vidtag.documents.records import Document, Failure
from vidtag.formats.format import Format
from vidtag.seconds import milliseconds
from vidtag.text import escape_controls

COLUMNS = (
    "file",
    "start_ms",
    "end_ms",
    "label",
    "index",
    "score",
    "peak_score",
    "peak_ms",
)
"""The header row. Columns may be added at the end, never renamed or moved."""

# The full-width forms count as the ASCII signs in some spreadsheets.
_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
_STDIN = "-"

_QUOTED = frozenset(',"\r\n')
"""What puts a cell into quotes. Source: RFC 4180, section 2, rules 6 and 7."""


def write_csv(results: Sequence[Document | Failure]) -> str:
    """Write a header and one row per segment of all videos, comma-separated."""
    return _csv_lines([COLUMNS]) + "".join(map(csv_rows, results))


def write_tsv(results: Sequence[Document | Failure]) -> str:
    """Write a header and one row per segment of all videos, tab-separated."""
    return _tsv_lines([COLUMNS]) + "".join(map(tsv_rows, results))


def csv_rows(result: Document | Failure) -> str:
    """Write the rows that one more video adds to a CSV file."""
    return _csv_lines(_rows(result, _csv_text))


def tsv_rows(result: Document | Failure) -> str:
    """Write the rows that one more video adds to a TSV file."""
    return _tsv_lines(_rows(result, _tsv_text))


def _rows(result: Document | Failure, text: Callable[[str], str]) -> Iterable[Sequence[str]]:
    if isinstance(result, Failure):
        return
    path = text(_no_formula(result.video.path, "./"))
    for segment in result.segments:
        yield (
            path,
            str(milliseconds(segment.start_seconds)),
            str(milliseconds(segment.end_seconds)),
            text(_no_formula(segment.label, "'")),
            str(segment.index),
            f"{segment.score:.6f}",
            f"{segment.peak_score:.6f}",
            str(milliseconds(segment.peak_seconds)),
        )


def _csv_lines(rows: Iterable[Sequence[str]]) -> str:
    return "".join(",".join(map(_quoted, row)) + "\n" for row in rows)


def _quoted(cell: str) -> str:
    # Not csv.writer, which leaves a lone \r unquoted where lines end in \n, and csv.reader then
    # ends the row at it (Python 3.11).
    return '"' + cell.replace('"', '""') + '"' if _QUOTED & set(cell) else cell


def _tsv_lines(rows: Iterable[Sequence[str]]) -> str:
    return "".join("\t".join(row) + "\n" for row in rows)


def _csv_text(text: str) -> str:
    return escape_controls(text, keep="\t\r\n")


def _tsv_text(text: str) -> str:
    return escape_controls(text.replace("\\", "\\\\"))


def _no_formula(text: str, prefix: str) -> str:
    # Spreadsheets skip blanks in front of a formula.
    is_formula = text.lstrip(" \t\r\n").startswith(_FORMULA)
    return prefix + text if is_formula and text != _STDIN else text


CSV = Format(
    name="csv",
    suffix=".csv",
    summary="one row per segment, comma-separated",
    joins=True,
    write=write_csv,
    append=csv_rows,
)
TSV = Format(
    name="tsv",
    suffix=".tsv",
    summary="one row per segment, tab-separated",
    joins=True,
    write=write_tsv,
    append=tsv_rows,
)
