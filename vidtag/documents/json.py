"""Documents as JSON and back, and the JSON Schema that `vidtag schema` prints."""

import functools
import json
import re
from typing import TYPE_CHECKING, Any

from vidtag.documents.record import Record, shown_fields
from vidtag.documents.records import SCHEMA_VERSION, Document, Failure
from vidtag.errors import DocumentError
from vidtag.text import escape_json

if TYPE_CHECKING:
    from pydantic import TypeAdapter


# An escape in JSON: of a backslash, of a pair of surrogates, of half of one (the group), or else.
_ESCAPES = re.compile(rb"\\\\|\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\(u[dD][89a-fA-F]..)|\\.")


def to_json(result: Record, *, indent: int | None = None) -> str:
    """Write a record as JSON; one line without `indent`, without a line break at its end."""
    text = json.dumps(
        result, default=_fields_of, indent=indent, ensure_ascii=False, allow_nan=False
    )
    return escape_json(text)


def _fields_of(record: Any) -> dict[str, Any]:
    # One record after the other: `asdict` would copy an hour's timeline first.
    return dict(shown_fields(record))


def parse_json(text: bytes | str) -> Any:
    """Parse JSON from strangers: bounded in depth and time, and of numbers none but finite ones.

    Half a surrogate pair, which a label may carry, becomes U+FFFD.

    Raises:
        ValueError: It is no JSON.
    """
    from pydantic_core import from_json  # only needed to read results back

    plain = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    try:
        return from_json(plain, allow_inf_nan=False)
    except ValueError:
        whole = _ESCAPES.sub(lambda match: rb"\ufffd" if match[1] else match[0], plain)
        if whole == plain:
            raise
        return from_json(whole, allow_inf_nan=False)


@functools.cache
def _adapter(kind: type[Document] | type[Failure]) -> "TypeAdapter[Document | Failure]":
    from pydantic import TypeAdapter  # takes 20 ms to make one

    return TypeAdapter(kind)


def parse_result(value: Any, name: str) -> Document | Failure:
    """Make a result of parsed JSON; whether its numbers make sense is not checked here.

    Raises:
        DocumentError: It is no result of schema version 1.
    """
    from pydantic import ValidationError

    if not isinstance(value, dict) or value.get("schema_version") != SCHEMA_VERSION:
        raise DocumentError(name, f"{name}: not a vidtag result of schema version 1.")
    try:
        return _adapter(Failure if "error" in value else Document).validate_python(value)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DocumentError(name, f"{name}: not a vidtag result: {where}: {first['msg']}.") from exc


def make_json_schema() -> dict[str, Any]:
    """Make the JSON Schema of a line of output: a document or a failure."""
    from pydantic import TypeAdapter

    schema: dict[str, Any] = TypeAdapter(Document | Failure).json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "vidtag result, schema version 1",
        **schema,
    }
