"""Stored documents, rendered again, also with other settings: no video and no model is needed."""

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING

from vidtag.cli.notices import Notices
from vidtag.cutting.chapters import is_copy, with_copies
from vidtag.documents.json import to_json
from vidtag.documents.records import Document, Failure
from vidtag.documents.stored import Stored, parse_stored, read_stored
from vidtag.errors import DocumentError, ExitCode, OutputError, UsageError
from vidtag.formats.html import NO_PAGE_TO_EMBED_IN, Extras, with_extras
from vidtag.formats.layouts import laid_out
from vidtag.formats.rows import PLAIN_LAYOUT, Layout
from vidtag.formats.table import PLAIN_VIEW, TableView, table_format
from vidtag.inputs.found import Input, Inputs
from vidtag.outputs import Outputs, open_outputs, plan_outputs
from vidtag.outputs.destination import is_folder
from vidtag.outputs.replacing import find_read, refuse_to_destroy
from vidtag.search.filtering import keep_matching
from vidtag.search.matching import Patterns
from vidtag.search.stored import labels_in
from vidtag.terminal import stderr_console
from vidtag.text import printable

if TYPE_CHECKING:
    from vidtag.tagging.changing import Changes

_NO_NAME = re.compile("[\0\ud800-\udfff]")
"""What no file's name can hold."""

_SPOOL_BYTES = 64 << 20
"""Of results that stay in memory, before they go to a temporary file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowRequest:
    """What the command line asked for."""

    paths: tuple[str, ...]
    """Files of JSON or JSON Lines; `-` is stdin."""

    formats: tuple[str, ...] = ()
    """Names of formats; where there are none, the output decides."""

    outputs: tuple[str, ...] = ()
    """Files, or one folder; stdout where there are none."""

    force: bool = False
    """Replace in a folder also what vidtag did not make."""

    quiet: bool = False
    """Show errors alone on stderr."""

    embed_video: bool = False
    """Put each video into its page."""

    layout: Layout = PLAIN_LAYOUT
    """What the rows of tables are."""

    only: Patterns | None = None
    """What labels are kept; `None` keeps all."""

    changes: "Changes | None" = None
    """Settings to take instead of the stored ones."""

    view: TableView = PLAIN_VIEW
    """How much tables show."""


def run_show(request: ShowRequest) -> int:
    """Render stored results and return the exit code.

    Raises:
        UsageError: Formats and output do not go together.
        OutputError: The results can't be written.
    """
    console = stderr_console()
    # Before anything is read, which may be much, or come from a pipe.
    read = find_read(request.paths)
    for path in request.outputs:
        if not is_folder(path):
            refuse_to_destroy([path], read, makes_media=is_copy(path, request.formats))
    unmatched = dict.fromkeys(request.only.texts if request.only else ())
    # One result is in memory at a time: all are read once for their names, and kept on the disk.
    with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as spool:
        sources: list[str] = []
        num_unread = 0
        for path in request.paths:
            for stored in read_stored(path):
                result = _as_asked(stored, request, unmatched)
                if isinstance(result, DocumentError):
                    num_unread += 1
                    console.print(f"error: {printable(str(result))}")
                else:
                    sources.append(result.video.path)
                    _keep(spool, result)
        spool.seek(0)
        inputs = Inputs(
            items=tuple(Input(source=source, name=name) for source, name in _named(sources)),
            failures=(),
            num_other_files=0,
            is_many=len(sources) > 1,
        )
        plans = plan_outputs(request.outputs, request.formats, inputs)
        wanted = [name for plan in plans for name in plan.formats]
        tables = table_format(request.view)
        replaced = {
            tables.name: tables,
            **laid_out(request.layout, wanted),
            **with_copies(plans),
        }
        if not request.quiet:
            for text in unmatched if sources else ():
                _warn(f"no label in these results matches '{text}'.")
        if request.embed_video:
            pages = with_extras(Extras(embed_video=True, warn=None if request.quiet else _warn))
            replaced[pages.name] = pages
            if not any(plan.path and pages.name in plan.formats for plan in plans):
                raise UsageError(NO_PAGE_TO_EMBED_IN)
        if any(plan.kind == "folder" for plan in plans):
            _refuse_twice(inputs.items)
        with open_outputs(
            plans, inputs, replaced, also_read=request.paths, force=request.force
        ) as opened:
            results = zip(inputs.items, map(parse_stored, spool), strict=True)
            num_lost = _write(opened, results, is_many=inputs.is_many, quiet=request.quiet)
    if num_unread or num_lost:
        return ExitCode.SOME_FAILED if len(sources) > num_lost else ExitCode.FAILED
    return ExitCode.DONE


def _as_asked(stored: Stored, request: ShowRequest, unmatched: dict[str, None]) -> Stored:
    """Change a document as the options say; where it can't tell what they give, that comes back.

    Args:
        stored: What was read.
        request: What was asked for.
        unmatched: Patterns that no label has matched so far, of which those that one matches are
            taken.
    """
    if not isinstance(stored, Document):
        return stored
    try:
        if request.changes is not None:
            from vidtag.tagging.changing import change_settings  # loads NumPy

            stored = change_settings(stored, request.changes)
        if request.only is not None:
            if unmatched:
                left = request.only.without_label(labels_in(stored).values())
                for text in [text for text in unmatched if text not in left]:
                    del unmatched[text]
            stored = keep_matching(stored, request.only)
    except DocumentError as exc:
        return exc
    return stored


def _warn(message: str) -> None:
    stderr_console().print(f"warning: {printable(message)}")


def _keep(spool: IO[bytes], result: Document | Failure) -> None:
    try:
        spool.write(to_json(result).encode("utf-8") + b"\n")
    except OSError as exc:
        raise OutputError("-", f"Can't write a temporary file: {exc.strerror}.") from exc


def _write(
    outputs: Outputs,
    results: Iterable[tuple[Input, Document | Failure]],
    *,
    is_many: bool,
    quiet: bool,
) -> int:
    """Write results; return how many could not be written, though the others could."""
    num_lost = 0
    console = stderr_console()
    notices = Notices(folds=is_many)
    for item, result in results:
        if isinstance(result, Failure):
            console.print(f"error: {printable(result.error.message)}")
        elif not quiet:
            for line in notices.add(result):
                console.print(printable(line))
        try:
            outputs.write(item, result)
        except OutputError as exc:
            if exc.costs_all or not is_many:
                raise
            num_lost += 1
            console.print(f"error: {printable(str(exc))}")
    for line in notices.close():
        console.print(printable(line))
    return num_lost


def _named(sources: Sequence[str]) -> Iterator[tuple[str, PurePosixPath]]:
    """Give each result its place in an output folder: its video's name, or all of its path."""
    taken: set[PurePosixPath] = set()
    for source in sources:
        path = _NO_NAME.sub("_", source)
        name = PurePosixPath(os.path.basename(path) or "video")
        if name in taken:
            name = PurePosixPath(path.strip("/").replace("/", "_"))
        taken.add(name)
        yield source, name


def _refuse_twice(items: Sequence[Input]) -> None:
    taken: set[PurePosixPath] = set()
    for item in items:
        if item.name in taken:
            raise UsageError(f"'{item.source}' stands there twice; show one at a time.")
        taken.add(item.name)
