"""What `-o` and `-f` come down to: stdout, one file, one file for all, or a folder.

Owns the decision, and what it refuses. Writes nothing.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from vidtag.errors import UsageError
from vidtag.formats import FORMATS, Format, get_format
from vidtag.inputs import Inputs
from vidtag.outputs.whole import is_special
from vidtag.results import Document, Failure
from vidtag.urls import is_url

_JSON_LINES = (".jsonl", ".ndjson")


def _write_table(results: Sequence[Document | Failure]) -> str:
    from vidtag.formats.table import to_text  # imports rich

    return "\n".join(to_text(result) for result in results if isinstance(result, Document))


_TABLE = Format(name="table", suffix=".txt", summary="for reading", joins=False, write=_write_table)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputPlan:
    """What `-o` and `-f` come down to."""

    kind: Literal["stdout", "file", "joined", "folder"]
    """`joined`: all videos in one file."""

    path: str
    """Empty for stdout."""

    formats: tuple[str, ...]
    """Names of formats, at least one; `table` is one of them."""


def plan_outputs(
    path: str | None,
    formats: Sequence[str],
    inputs: Inputs,
    *,
    skip_existing: bool = False,
) -> OutputPlan:
    """Decide where results go.

    Args:
        path: What `-o` says.
        formats: What `-f` says; empty where it was not given. Then stdout gets the table, a file
            what its suffix says or else the table, and a folder JSON.
        inputs: What will be tagged.
        skip_existing: Whether `--skip-existing` was given.

    Raises:
        UsageError: The options do not go together.
    """
    names = tuple(dict.fromkeys(formats))
    for one in names:
        find_format(one)
    if path is None:
        if len(names) > 1:
            raise UsageError("Several formats need files to go to; add -o FOLDER/.")
        if skip_existing:
            raise UsageError("--skip-existing looks for files that are there already; add -o.")
        return OutputPlan(kind="stdout", path="", formats=names or ("table",))
    if not path:
        raise UsageError("-o needs the name of a file or folder.")
    if path.endswith(("/", os.sep)) or os.path.isdir(path):
        return OutputPlan(kind="folder", path=path, formats=names or ("json",))
    by_suffix = _format_of(path)
    if len(names) > 1:
        if by_suffix is not None:
            raise UsageError(
                f"'{path}' is the name of one file, but several formats were asked for; name a "
                "folder instead, with / at its end."
            )
        return OutputPlan(kind="folder", path=path, formats=names)
    if not inputs.is_many:
        return OutputPlan(kind="file", path=path, formats=names or (by_suffix or "table",))
    name = names[0] if names else by_suffix
    if name is not None and _holds_all(path, find_format(name)):
        return OutputPlan(kind="joined", path=path, formats=(name,))
    if by_suffix is not None:
        raise UsageError(
            f"'{path}' can't hold several videos as {name}; name a folder, with / at its end, or a "
            "file that ends in .jsonl, .csv or .tsv and fits the format."
        )
    return OutputPlan(kind="folder", path=path, formats=names or ("json",))


def find_format(name: str) -> Format:
    """Find a format by its name; the table is one of them here.

    Raises:
        UsageError: There is none of this name.
    """
    try:
        return _TABLE if name == _TABLE.name else get_format(name)
    except ValueError as exc:
        raise UsageError(str(exc)) from None


def _format_of(path: str) -> str | None:
    """Name the format that a file's suffix stands for."""
    lower = path.lower()
    if lower.endswith(_JSON_LINES):
        return "json"
    known = sorted((*FORMATS.values(), _TABLE), key=lambda one: -len(one.suffix))
    return next((one.name for one in known if lower.endswith(one.suffix)), None)


def _holds_all(path: str, one: Format) -> bool:
    """Tell whether a file of this name holds several videos in this format."""
    lower = path.lower()
    if is_special(path):
        return one.append is not None
    if one.name == "json":
        return lower.endswith(_JSON_LINES)
    # `-f activitynet -o results.json`, as well as `results.activitynet.json`.
    return one.joins and lower.endswith(os.path.splitext(one.suffix)[1] or one.suffix)


def refuse_inputs(paths: Sequence[str], inputs: Inputs) -> None:
    """Refuse to overwrite what is to be read.

    Raises:
        UsageError: One of the paths is an input.
    """
    sources = {os.path.realpath(item.source) for item in inputs.items if not is_url(item.source)}
    for path in paths:
        if os.path.lexists(path) and os.path.realpath(path) in sources and not is_special(path):
            raise UsageError(f"'{path}' is an input and would be overwritten; name another output.")
