"""Stored documents, rendered again: no video and no model is needed."""

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import IO

from vidtag.cli.notices import Notices
from vidtag.cutting.chapters import is_copy, with_copies
from vidtag.documents.json import to_json
from vidtag.documents.records import Document, Failure
from vidtag.documents.stored import parse_stored, read_stored
from vidtag.errors import DocumentError, ExitCode, OutputError, UsageError
from vidtag.formats.html import NO_PAGE_TO_EMBED_IN, Extras, with_extras
from vidtag.inputs.found import Input, Inputs
from vidtag.outputs import Outputs, open_outputs, plan_outputs
from vidtag.outputs.destination import is_folder
from vidtag.outputs.replacing import find_read, refuse_to_destroy
from vidtag.terminal import stderr_console
from vidtag.text import printable

_NO_NAME = re.compile("[\0\ud800-\udfff]")
"""What no file's name can hold."""

_SPOOL_BYTES = 64 << 20
"""Of results that stay in memory, before they go to a temporary file."""


def run_show(
    paths: Sequence[str],
    formats: Sequence[str],
    outputs: Sequence[str],
    *,
    force: bool,
    quiet: bool,
    embed_video: bool = False,
) -> int:
    """Render stored results and return the exit code.

    Args:
        paths: Files of JSON or JSON Lines; `-` is stdin.
        formats: Names of formats; where there are none, the output decides.
        outputs: Files, or one folder; stdout where there are none.
        force: Replace in a folder also what vidtag did not make.
        quiet: Show errors alone on stderr.
        embed_video: Put each video into its page.

    Raises:
        UsageError: Formats and output do not go together.
        OutputError: The results can't be written.
    """
    console = stderr_console()
    # Before anything is read, which may be much, or come from a pipe.
    for path in outputs:
        if not is_folder(path):
            makes_media = is_copy(path, formats)
            refuse_to_destroy([path], find_read(paths), makes_media=makes_media)
    # One result is in memory at a time: all are read once for their names, and kept on the disk.
    with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as spool:
        sources: list[str] = []
        num_unread = 0
        for path in paths:
            for result in read_stored(path):
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
        plans = plan_outputs(outputs, formats, inputs)
        replaced = with_copies(plans)
        if embed_video:
            pages = with_extras(Extras(embed_video=True, warn=None if quiet else _warn))
            replaced[pages.name] = pages
            if not any(plan.path and pages.name in plan.formats for plan in plans):
                raise UsageError(NO_PAGE_TO_EMBED_IN)
        if any(plan.kind == "folder" for plan in plans):
            _refuse_twice(inputs.items)
        with open_outputs(plans, inputs, replaced, also_read=paths, force=force) as opened:
            results = zip(inputs.items, map(parse_stored, spool), strict=True)
            num_lost = _write(opened, results, is_many=inputs.is_many, quiet=quiet)
    if num_unread or num_lost:
        return ExitCode.SOME_FAILED if len(sources) > num_lost else ExitCode.FAILED
    return ExitCode.DONE


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
