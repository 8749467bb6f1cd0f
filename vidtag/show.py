"""Stored documents, rendered again: no video and no model is needed."""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from vidtag.batch import Stdout
from vidtag.errors import DocumentError, UsageError
from vidtag.inputs import Input, Inputs
from vidtag.outputs import Outputs, open_outputs, plan_outputs
from vidtag.results import Document, Failure, read_documents
from vidtag.terminal import printable, stderr_console


def run_show(
    paths: Sequence[str],
    formats: Sequence[str],
    outputs: Sequence[str],
    *,
    force: bool,
    quiet: bool,
) -> int:
    """Render stored results and return the exit code.

    Args:
        paths: Files of JSON or JSON Lines; `-` is stdin.
        formats: Names of formats; where there are none, the output decides.
        outputs: Files, or one folder; stdout where there are none.
        force: Replace in a folder also what vidtag did not make.
        quiet: Show errors alone on stderr.

    Raises:
        UsageError: Formats and output do not go together.
        OutputError: The results can't be written.
    """
    console = stderr_console()
    results: list[Document | Failure] = []
    num_unread = 0
    for path in paths:
        try:
            results += _read(path)
        except DocumentError as exc:
            num_unread += 1
            console.print(f"error: {printable(str(exc))}")
    inputs = Inputs(
        items=tuple(Input(source=r.video.path, name=name) for r, name in _named(results)),
        failures=(),
        num_other_files=0,
        is_many=len(results) > 1,
    )
    plans = plan_outputs(outputs, formats, inputs)
    opened: Outputs
    if plans[0].kind == "stdout":
        opened = Stdout(plans[0].formats[0], is_many=inputs.is_many)
    else:
        opened = open_outputs(plans, inputs, also_read=paths, force=force)
    warned: set[str] = set()
    with opened:
        for item, result in zip(inputs.items, results, strict=True):
            if isinstance(result, Failure):
                console.print(f"error: {printable(result.error.message)}")
            elif not quiet:
                for warning in result.warnings:
                    if warning.message not in warned:  # those of the model fit every video
                        warned.add(warning.message)
                        console.print(f"warning: {printable(warning.message)}")
            opened.write(item, result)
    if num_unread:
        return 3 if results else 1
    return 0


def _read(path: str) -> Sequence[Document | Failure]:
    try:
        if path == "-":
            return list(read_documents(sys.stdin.buffer.read().decode("utf-8"), "standard input"))
        with open(path, encoding="utf-8") as file:
            return list(read_documents(file.read(), path))
    except OSError as exc:
        raise DocumentError(path, f"{path} can't be read: {exc.strerror}.") from exc
    except UnicodeDecodeError as exc:
        raise DocumentError(path, f"{path} is no JSON: it is not UTF-8 text.") from exc


def _named(
    results: Sequence[Document | Failure],
) -> Iterator[tuple[Document | Failure, PurePosixPath]]:
    """Give each result its place in an output folder: its video's name."""
    taken: set[PurePosixPath] = set()
    for result in results:
        name = PurePosixPath(os.path.basename(result.video.path) or "video")
        if name in taken:
            name = PurePosixPath(result.video.path.strip("/").replace("/", "_"))
        if name in taken:
            raise UsageError(f"'{result.video.path}' stands there twice; show one at a time.")
        taken.add(name)
        yield result, name
