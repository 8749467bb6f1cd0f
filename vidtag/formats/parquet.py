"""Parquet: the rows of CSV with types, for data frames and databases. Needs pyarrow, an extra.

Names and labels stand as the documents have them, since nothing takes a cell for a formula here.
The same results give the same bytes, with the same pyarrow: no time of writing is in the file.
"""

import importlib.util
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from vidtag.documents.records import Document, Failure
from vidtag.errors import UsageError
from vidtag.formats.format import Format
from vidtag.formats.rows import PLAIN_LAYOUT, Layout, list_rows
from vidtag.text import encodable

if TYPE_CHECKING:
    from pyarrow import DataType  # type: ignore[import-untyped]

_EXTRA = "vidtag-cli[parquet]"

_TEXTS = ("file", "label")
"""Columns of text, whose values are many times the same: they stand once in the file."""


def _check() -> None:
    if importlib.util.find_spec("pyarrow") is None:
        raise UsageError(f"-f parquet needs pyarrow, an extra: pip install '{_EXTRA}'.")


def _type_of(column: str) -> "DataType":
    import pyarrow

    if column in _TEXTS:
        return pyarrow.string()
    return pyarrow.float64() if column.endswith("score") else pyarrow.int64()


def _write(results: Sequence[Document | Failure], *, layout: Layout) -> bytes:
    """Write the rows of all videos, those of one after those of another."""
    import pyarrow
    from pyarrow import parquet

    documents = [result for result in results if isinstance(result, Document)]
    rows = [row for document in documents for row in list_rows(document, layout)]
    # Half a surrogate pair, which JSON may name in a label, is no UTF-8.
    texts = [[encodable(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    columns = list(zip(*texts, strict=True)) or [()] * len(layout.columns)
    schema = pyarrow.schema(
        [(name, _type_of(name)) for name in layout.columns],
        metadata={
            "vidtag_version": _told(document.vidtag_version for document in documents),
            "model": _told(document.model.id for document in documents),
        },
    )
    arrays = [
        pyarrow.array(column, type=field.type)
        for column, field in zip(columns, schema, strict=True)
    ]
    sink = pyarrow.BufferOutputStream()
    table = pyarrow.Table.from_arrays(arrays, schema=schema)
    parquet.write_table(
        table, sink, version="2.6", compression="snappy", use_dictionary=list(_TEXTS)
    )
    return bytes(sink.getvalue().to_pybytes())


def _told(values: Iterable[str]) -> str:
    """Name what documents were made with, each once; mostly it is one."""
    return ", ".join(encodable(value) for value in dict.fromkeys(values))


def parquet_format(layout: Layout) -> Format:
    """Make the format of Parquet whose tables have another layout."""
    return Format(
        name="parquet",
        suffix=".parquet",
        summary="typed rows (needs pyarrow)",
        joins=True,
        write_bytes=partial(_write, layout=layout),
        check=_check,
        extras=replace(layout, bom=False).extras,
    )


FORMAT = parquet_format(PLAIN_LAYOUT)
