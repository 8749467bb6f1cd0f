"""What the parts of a document have in common: their fields are those of the JSON, in order."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

CONFIG = {"use_attribute_docstrings": True}
"""What pydantic is to make of the classes."""

OPTIONAL = {"optional": True}
"""Metadata of a field that is not there in the JSON where it is `None`: what most results have
not, so that those of before stay as they were, to the byte."""


def shown_fields(record: Any) -> Iterator[tuple[str, Any]]:
    """Yield the names and values of a record's fields, as the JSON has them."""
    for one in fields(record):
        value = getattr(record, one.name)
        if value is not None or not one.metadata.get("optional"):
            yield one.name, value


def round_score(score: float) -> float:
    """Round a score to six decimals."""
    return round(float(score), 6)


class Record:
    """What every part of a document can do."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain dictionaries, lists, texts and numbers, as JSON has them.

        >>> from vidtag.documents.records import TagRecord
        >>> TagRecord(label="run", index=0, score=0.5).to_dict()
        {'label': 'run', 'index': 0, 'score': 0.5}
        """
        return {name: _to_plain(value) for name, value in shown_fields(self)}


def _to_plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_dict()
    return list(map(_to_plain, value)) if isinstance(value, tuple) else value
