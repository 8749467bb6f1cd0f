"""Each video in files of its own: in a folder, or the one video in the one file.

Owns the names of the files and the folder's `.vidtag.jsonl`, with one line for each file that
does not tell itself what it was made from. JSON documents do, and need none.
"""

import json
import os
import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

from vidtag.errors import OutputError, UsageError
from vidtag.formats import Format
from vidtag.inputs import Input, Inputs
from vidtag.outputs.made import (
    RECORDS_NAME,
    ContentId,
    Fingerprint,
    Record,
    are_done,
    read_header,
    read_lines,
    record_of,
)
from vidtag.outputs.plan import refuse_inputs
from vidtag.outputs.sink import Closing
from vidtag.outputs.whole import (
    check_writable_file,
    check_writable_folder,
    encode,
    is_special,
    make_folder,
    output_error,
    temporary_name,
    write_all,
    write_whole,
)
from vidtag.results import Document, Failure
from vidtag.urls import without_credentials


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A file that a video is written to."""

    one: Format
    """What it is written as."""

    path: str


def _text(target: Target, item: Input, document: Document) -> str:
    if target.one.write_at is not None:
        return target.one.write_at(document, item.source, target.path)
    return target.one.write([document])


def folder_targets(root: str, formats: Sequence[Format], inputs: Inputs) -> dict[str, list[Target]]:
    """Name the files of each input: a folder mirrors the tree of the inputs.

    Args:
        root: The output folder; it need not be there yet.
        formats: What each input is written as; the order is kept.
        inputs: What will be tagged.

    Returns:
        The files by the input's source.

    Raises:
        UsageError: Two inputs would be written to one file, one needs a folder where another has a
            file, or an input would be overwritten.
    """
    targets = {
        item.source: [
            Target(one=one, path=os.path.join(root, f"{item.name}{one.suffix}")) for one in formats
        ]
        for item in inputs.items
    }
    taken: dict[str, str] = {}
    for source, wanted in targets.items():
        for target in wanted:
            other = taken.setdefault(_folded(target.path), source)
            if other != source:
                one, two = without_credentials(other), without_credentials(source)
                raise UsageError(
                    f"'{one}' and '{two}' would both be written to '{target.path}'; tag them "
                    "into different folders."
                )
    for source, wanted in targets.items():
        for folder in _folders_between(root, wanted[0].path):
            other = taken.get(_folded(folder), source)
            if other != source:
                one, two = without_credentials(other), without_credentials(source)
                raise UsageError(
                    f"'{folder}' would be a file for '{one}' and a folder for '{two}'; tag "
                    "them into different folders."
                )
    refuse_inputs([target.path for wanted in targets.values() for target in wanted], inputs)
    return targets


def _folders_between(root: str, path: str) -> Iterator[str]:
    folder = os.path.dirname(path)
    while len(folder) > len(root):
        yield folder
        folder = os.path.dirname(folder)


def _folded(path: str) -> str:
    """Make names equal that are one file where case, or the form of accents, does not count."""
    if sys.platform in ("darwin", "win32"):
        return unicodedata.normalize("NFC", path).casefold()
    return path


class FileOutputs(Closing):
    """Each video in files of its own.

    Args:
        root: The output folder, which is made; `None` for one file that is named itself.
        targets: The files by the input's source.

    Raises:
        OutputError: The folder or file can't be written to.
    """

    def __init__(self, root: str | None, targets: Mapping[str, Sequence[Target]]) -> None:
        self._root = root
        self._targets = targets
        self._records: _Records | None = None
        if root is not None:
            make_folder(root)
            check_writable_folder(root)
            self._records = _Records(root)
        for path in (target.path for wanted in targets.values() for target in wanted):
            if root is None:
                check_writable_file(path)
            with suppress(OSError):  # of a run that was killed
                os.unlink(temporary_name(path))

    def is_done(self, item: Input, fingerprint: Fingerprint, content_id: ContentId) -> bool:
        """Tell whether all files of this input are there and fit the fingerprint."""
        wanted = self._targets[item.source]
        if self._records is None:
            # One file alone leaves nothing beside it, unless it is to be recognised.
            self._records = _Records(os.path.dirname(wanted[0].path))
        return are_done(item.source, map(self._made_from, wanted), fingerprint, content_id)

    def _made_from(self, target: Target) -> Record | None:
        if target.one.name == "json":
            return read_header(target.path)
        if self._records is None or not os.path.isfile(target.path):
            return None
        record = self._records.get(target.path)
        if record is None or record.get("extras", "") != target.one.extras:
            return None
        return record

    def write(self, item: Input, result: Document | Failure) -> None:
        """Write all files of an input, each of them whole; a failure has none.

        Raises:
            OutputError: One of them can't be written.
        """
        if isinstance(result, Failure):
            return
        wanted = self._targets[item.source]
        record = record_of(result)
        # A writer that fails must not leave some of the formats behind.
        contents = [encode(_text(target, item, result)) for target in wanted]
        for target, content in zip(wanted, contents, strict=True):
            is_recorded = target.one.name != "json" and not is_special(target.path)
            if is_recorded and self._records is not None:
                self._records.forget(target.path)
            self._make_folders(target.path)
            write_whole(target.path, [content])
            if is_recorded and self._records is not None:
                extras = {"extras": target.one.extras} if target.one.extras else {}
                self._records.add(target.path, {**record, **extras})

    def _make_folders(self, path: str) -> None:
        if self._root is None:
            return
        folder = os.path.dirname(path)
        if os.path.isdir(folder):
            return
        # A disk that was unplugged must not be replaced by a folder of its name.
        if not os.path.isdir(self._root):
            gone = f"The output folder '{self._root}' is gone; is its disk still connected?"
            raise OutputError(self._root, gone)
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as exc:
            raise output_error(path, exc) from exc

    def close(self) -> None:
        """Leave the records sorted."""
        if self._records is not None:
            self._records.close()


class _Records:
    """Which file of a folder was made from what: `.vidtag.jsonl`.

    Lines are added as files are written, so that a kill loses at most the last one; the later
    line of a file counts. At the end they are sorted, so that every way there gives the same file.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._path = os.path.join(folder, RECORDS_NAME)
        self._known = self._read()
        self._file: BinaryIO | None = None
        with suppress(OSError):
            os.unlink(temporary_name(self._path))

    def get(self, path: str) -> Record | None:
        return self._known.get(self._key(path))

    def forget(self, path: str) -> None:
        """Note that a file is about to change."""
        if self._key(path) in self._known:
            self._append(self._key(path), None)

    def add(self, path: str, record: Record) -> None:
        self._append(self._key(path), record)

    def close(self) -> None:
        """Sort the lines and drop those that no longer count."""
        if self._file is not None:
            self._file.close()
            self._file = None
        known = sorted(self._read().items(), key=lambda one: os.fsencode(one[0]))
        content = b"".join(_record_line(file, record) for file, record in known)
        with suppress(OSError):  # unsorted, it says the same
            with open(self._path, "rb") as file:
                is_sorted = file.read() == content
            if not is_sorted:
                write_whole(self._path, [content])

    def _key(self, path: str) -> str:
        return os.path.relpath(path, self._folder or ".")

    def _append(self, file: str, record: Record | None) -> None:
        line = _record_line(file, record)
        try:
            if self._file is None:
                self._file = open(self._path, "ab", buffering=0)  # noqa: SIM115 - see close()
                if not _ends_a_line(self._path):
                    line = b"\n" + line
            write_all(self._file, line)
        except OSError as exc:
            if self._file is not None:
                self._file.close()
                self._file = None  # opened again, it is looked at how it ends
            raise output_error(self._path, exc) from exc
        if record is None:
            self._known.pop(file, None)
        else:
            self._known[file] = record

    def _read(self) -> dict[str, Record]:
        known: dict[str, Record] = {}
        for _, line in read_lines(self._path):
            file, record = line.get("file"), line.get("record")
            if isinstance(file, str) and isinstance(record, dict):
                known[file] = record
            elif isinstance(file, str):
                known.pop(file, None)
        return known


def _record_line(file: str, record: Record | None) -> bytes:
    # Escaped: names may hold bytes that are no UTF-8.
    return json.dumps({"file": file, "record": record}).encode("ascii") + b"\n"


def _ends_a_line(path: str) -> bool:
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        if not size:
            return True
        file.seek(size - 1)
        return file.read() == b"\n"
