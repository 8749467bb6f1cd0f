"""What a result was made from: what `--skip-existing` takes as done.

Owns the record of it, and how a record is read back; what it must fit is the business of
`vidtag.tagging.recipe`. Does not know where records are kept: JSON documents tell theirs
themselves; for other formats, `records` and `one_file` have a `.vidtag.jsonl` each.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from typing import Any

from vidtag.documents.records import Document
from vidtag.tagging.recipe import Fingerprint, Record
from vidtag.urls import is_url

RECORDS_NAME = ".vidtag.jsonl"
"""In an output folder: which file was made from what."""

ContentId = Callable[[str], str | None]
"""Hashes a local file; `None` where it can't be read."""

RECORD_KEYS = ("vidtag_version", "video", "model", "sampling", "settings", "engine")
"""What of a JSON document is its record."""

_HEADER_BYTES = 16384
"""In which all that comes before the tags stands, but for very long names."""


_MODEL_FIELDS = ("id", "revision", "words", "template", "background")


def record_of(document: Document) -> Record:
    """Keep of a document what `Fingerprint.fits` looks at."""
    video, model = document.video, document.model
    if model.background is not None:
        model = replace(model, background=replace(model.background, left_out=()))
    sampling = asdict(document.sampling)
    del sampling["num_windows"]
    return {
        "vidtag_version": document.vidtag_version,
        "video": {"content_id": video.content_id, "duration_seconds": video.duration_seconds},
        "model": {name: value for name, value in model.to_dict().items() if name in _MODEL_FIELDS},
        "sampling": sampling,
        "settings": document.settings.to_dict(),
        "engine": document.engine.to_dict(),
    }


def read_header(path: str) -> Record | None:
    """Read of a stored document what comes before its tags; `None` where it is none, or not whole.

    Long documents are not read to the end: a folder of them must be looked through in no time.
    """
    if not os.path.isfile(path):  # reading a pipe would wait
        return None
    from pydantic_core import from_json  # only needed to read results back

    try:
        with open(path, "rb") as file:
            head = file.read(_HEADER_BYTES)
            file.seek(0, os.SEEK_END)
            file.seek(max(file.tell() - 2, 0))
            if file.read().rstrip()[-1:] != b"}":
                return None
            try:
                parsed = from_json(head, allow_partial=True)
            except ValueError:  # half a surrogate pair, which json takes
                parsed = None
            if not isinstance(parsed, dict) or "tags" not in parsed:
                file.seek(0)
                parsed = json.loads(file.read())
    except (OSError, ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def read_lines(path: str) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Read JSON Lines that a kill may have cut; what can't be read is as if it were not there."""
    try:
        with open(path, "rb") as file:
            for line in file:
                try:
                    parsed = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(parsed, dict) and line.endswith(b"\n"):
                    yield line, parsed
    except OSError:
        return


def holds_other_lines(path: str, beginning: bytes) -> bool:
    """Tell whether something is there that is no file of lines that begin like this.

    An empty file is none of others', nor is one whose first line a kill has cut.
    """
    try:
        if not os.path.isfile(path):  # reading a pipe would wait
            return os.path.lexists(path)
        with open(path, "rb") as file:
            return not beginning.startswith(file.read(len(beginning)))
    except OSError:
        return True


def are_done(
    source: str,
    records: Iterable[Record | None],
    fingerprint: Fingerprint,
    content_id: ContentId,
) -> bool:
    """Tell whether all results of an input were made from it in the way asked for."""
    if source == "-" or is_url(source) or not os.path.isfile(source):
        return False
    known = []
    for record in records:
        if record is None:
            return False
        known.append(record)
    try:
        content = content_id(source)
    except OSError:
        return False
    return all(fingerprint.fits(record, content) for record in known)
