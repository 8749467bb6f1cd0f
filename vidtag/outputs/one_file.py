"""All videos in one file: put together from a journal, or streamed into a pipe.

The file has a hidden journal beside it, `.all.csv.vidtag.jsonl`, to which each finished video is
added; the file itself is put together from it at the end, also when the run is interrupted, in
the order of the inputs. After a kill the journal is what a run with `--skip-existing` goes on
from. A pipe gets each video as soon as it is done, and there is nothing to go on from.
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

from vidtag.documents.json import to_json
from vidtag.documents.records import Document, Failure
from vidtag.documents.stored import read_documents
from vidtag.errors import UsageError
from vidtag.formats import Format
from vidtag.inputs.found import Input, Inputs
from vidtag.outputs.atomic import (
    begin_whole,
    check_writable_file,
    clear_temporaries,
    output_error,
    write_all,
    write_whole,
)
from vidtag.outputs.fingerprint import (
    RECORD_KEYS,
    RECORDS_NAME,
    ContentId,
    are_done,
    holds_other_lines,
    read_lines,
    record_of,
)
from vidtag.outputs.locking import is_at
from vidtag.outputs.output import Closing
from vidtag.tagging.recipe import Fingerprint, Record
from vidtag.text import encodable, encode
from vidtag.urls import is_url


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """Where the journal has what one video adds to the file for all."""

    offset: int
    size: int


class JoinedOutputs(Closing):
    """All videos in one file, put together from a journal.

    Args:
        path: The file; a link stays a link.
        one: Its format; one that holds several videos.
        inputs: What will be tagged; the file has their order.
        force: Whether something else that has the journal's name is replaced.

    Raises:
        UsageError: Something else has the journal's name.
        OutputError: The file can't be written.
    """

    def __init__(self, path: str, one: Format, inputs: Inputs, *, force: bool = False) -> None:
        self._path = os.path.realpath(path)
        self._format = one
        self._sources = [item.source for item in inputs.items]
        self._early: list[bytes] = []
        """Lines of what was named but is no input, such as an empty folder; they come first."""
        self._earlier: dict[str, list[tuple[Record, str]]] | None = None
        """What earlier runs made, by source; `None` until it is asked for."""
        self._asked: set[str] = set()
        self._kept: dict[str, bytes] = {}
        """Lines of earlier runs that count as done."""
        self._entries: dict[str, list[_Entry]] = {source: [] for source in self._sources}
        """By source; stored documents may be of the same video."""
        self._journal: BinaryIO | None = None
        self._end = 0
        self._is_closed = False
        check_writable_file(path)
        folder, name = os.path.split(self._path)
        self._journal_path = os.path.join(folder, f".{name}{RECORDS_NAME}")
        if not force and holds_other_lines(self._journal_path, b'{"source": '):
            raise UsageError(
                f"'{self._journal_path}' was not made by vidtag and would be overwritten; name "
                "another output, or add --force."
            )
        clear_temporaries(folder)

    def is_done(self, item: Input, fingerprint: Fingerprint, content_id: ContentId) -> bool:
        """Tell whether the file or the journal of an earlier run has what this input adds to it."""
        if self._journal is not None:
            raise ValueError("what is done must be asked for before anything is written")
        self._asked.add(item.source)
        if self._earlier is None:
            self._earlier = {}
            for source, record, text in (*self._in_file(), *self._in_journal()):
                self._earlier.setdefault(source, []).append((record, text))
        for record, text in self._earlier.get(item.source, []):
            if record.get("extras", "") == self._extras() and are_done(
                item.source, [record], fingerprint, content_id
            ):
                self._kept[item.source] = _journal_line(item.source, record, text)
                return True
        return False

    def _open_journal(self) -> BinaryIO:
        """Begin the journal with what is kept of earlier runs."""
        if self._journal is None:
            # The very file that was written: another process may have put its own there since.
            self._journal = begin_whole(self._journal_path, self._kept.values())
            for source, line in self._kept.items():
                self._note(source, line)
            self._earlier = None
            self._kept = {}
        return self._journal

    def _in_journal(self) -> Iterator[tuple[str, Record, str]]:
        for _, line in read_lines(self._journal_path):
            source, record, text = line.get("source"), line.get("record"), line.get("text")
            if isinstance(source, str) and isinstance(record, dict) and isinstance(text, str):
                yield source, record, text

    def _in_file(self) -> Iterator[tuple[str, Record, str]]:
        """Read JSON Lines back; other formats do not say what they were made from."""
        if not self._format.tells_its_record:
            return
        by_path: dict[str, list[str]] = {}
        for source in self._sources:
            by_path.setdefault(encodable(source), []).append(source)
        for raw, line in read_lines(self._path):
            video = line.get("video")
            path = video.get("path") if isinstance(video, dict) else None
            sources = by_path.get(path, []) if isinstance(path, str) else []
            if "error" in line or len(sources) != 1:
                continue
            record = {key: line.get(key) for key in RECORD_KEYS}
            yield sources[0], record, raw.decode()

    def _text(self, result: Document | Failure) -> str:
        return to_json(result) if self._format.append is None else self._format.append(result)

    def _extras(self) -> str:
        """Name what is in a journal's text that its document does not give."""
        return "" if self._format.append is None else self._format.extras

    def write(self, item: Input, result: Document | Failure) -> None:
        """Add a result to the journal; a failure only where the format has a place for it.

        Raises:
            OutputError: The journal can't be written; it has no half line.
        """
        if isinstance(result, Failure) and not self._format.names_failures:
            return
        record = None
        if isinstance(result, Document):
            extras = {"extras": self._extras()} if self._extras() else {}
            record = {**record_of(result), **extras}
        # URLs can't be recognised, and may hold a password.
        source = None if is_url(item.source) else item.source
        line = _journal_line(source, record, self._text(result))
        if item.source not in self._entries:
            self._early.append(line)
            return
        journal = self._open_journal()
        try:
            journal.seek(self._end)
            write_all(journal, line)
        except BaseException as exc:  # also Ctrl-C: no half line may stay
            with suppress(OSError):
                journal.truncate(self._end)
            if isinstance(exc, OSError):
                raise output_error(self._path, exc) from exc
            raise
        self._note(item.source, line)

    def _note(self, source: str, line: bytes) -> None:
        """Note where the journal has a line that was just added to it."""
        self._entries[source].append(_Entry(offset=self._end, size=len(line)))
        self._end += len(line)

    def close(self) -> None:
        """Put the file together, unless nothing came of the run: then it stays as it was.

        Raises:
            OutputError: The file can't be written; the journal is kept.
        """
        if self._is_closed:
            return
        self._is_closed = True
        if self._journal is None and not (self._kept and self._asked.issuperset(self._sources)):
            return  # nothing came of it, or it was stopped early: what was there before stays
        journal = self._open_journal()
        try:
            self._put_together()
        finally:
            with suppress(OSError):
                journal.close()

    def _put_together(self) -> None:
        if self._format.append is None:
            documents = [
                result
                for line in self._in_order()
                for result in read_documents(_text_of(line), self._path)
            ]
            chunks: Iterable[bytes] = [self._format.to_bytes(documents)]
        else:
            chunks = self._grown()
        write_whole(self._path, chunks)
        self.num_files = 1
        if self._format.tells_its_record:  # it says itself what it was made from
            with suppress(OSError):
                if is_at(self._journal_path, self._open_journal().fileno()):
                    os.unlink(self._journal_path)
        else:
            write_whole(self._journal_path, self._in_order())

    def _grown(self) -> Iterator[bytes]:
        yield encode(self._format.write([]))
        for line in self._in_order():
            yield encode(_text_of(line))

    def _in_order(self) -> Iterator[bytes]:
        journal = self._open_journal()
        yield from self._early
        coming = {source: iter(entries) for source, entries in self._entries.items()}
        for source in self._sources:
            entry = next(coming[source], None)
            if entry is not None:
                journal.seek(entry.offset)
                yield journal.read(entry.size)


def _journal_line(source: str | None, record: Record | None, text: str) -> bytes:
    line = {"source": source, "record": record, "text": text}
    return json.dumps(line).encode("ascii") + b"\n"


def _text_of(line: bytes) -> str:
    return str(json.loads(line)["text"])


class StreamOutputs(Closing):
    """All videos into a pipe or device, each as soon as it is done.

    Args:
        path: The pipe or device, which is opened.
        one: A format to which videos can be added.

    Raises:
        UsageError: The format is only written at once.
        OutputError: It can't be written to.
    """

    def __init__(self, path: str, one: Format) -> None:
        if one.append is None:
            raise UsageError(f"{one.name} can't be written bit by bit to '{path}'; name a file.")
        self._path = path
        self._append = one.append
        try:
            self._file: BinaryIO = open(path, "wb", buffering=0)  # noqa: SIM115
        except OSError as exc:
            raise output_error(path, exc) from exc
        self._put(one.write([]))

    def is_done(self, item: Input, fingerprint: Fingerprint, content_id: ContentId) -> bool:
        """Tell that nothing is done: a pipe can't be asked what went into it."""
        return False

    def write(self, item: Input, result: Document | Failure) -> None:
        """Write a result, or a failure in its place where the format has one.

        Raises:
            OutputError: The reader is gone.
        """
        self._put(self._append(result))

    def close(self) -> None:
        """Close the pipe, so that its reader sees the end."""
        self._file.close()

    def _put(self, text: str) -> None:
        try:
            write_all(self._file, encode(text))
        except OSError as exc:
            raise output_error(self._path, exc) from exc
