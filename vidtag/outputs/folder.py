"""Each video in files of its own: in a folder, or the one video in the one file.

Owns the names of the files, and what costs one video or all of them. `records` keeps which file
was made from what.
"""

import errno
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from vidtag.documents.records import Document, Failure
from vidtag.errors import OutputError, UsageError
from vidtag.formats import Format
from vidtag.formats.format import Place
from vidtag.inputs.found import Input, Inputs
from vidtag.outputs.atomic import (
    check_replaceable,
    check_writable_file,
    check_writable_folder,
    clear_temporaries,
    drafted,
    is_special,
    make_folder,
    output_error,
    write_whole,
)
from vidtag.outputs.fingerprint import ContentId, are_done, read_header, record_of
from vidtag.outputs.output import Closing
from vidtag.outputs.records import Records
from vidtag.outputs.replacing import is_foreign
from vidtag.tagging.recipe import Fingerprint, Record
from vidtag.urls import without_credentials

_COSTS_ALL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ENODEV})
"""What keeps the other videos of a folder from being written, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A file that a video is written to."""

    one: Format
    """What it is written as."""

    path: str


def _content(target: Target, item: Input, document: Document, index: str | None) -> bytes:
    index = index if target.one.has_index else None
    place = Place(source=item.source, path=target.path, index=index)
    return target.one.to_bytes_at(document, place)


def folder_targets(root: str, formats: Sequence[Format], inputs: Inputs) -> dict[str, list[Target]]:
    """Name the files of each input: a folder mirrors the tree of the inputs.

    Args:
        root: The output folder; it need not be there yet.
        formats: What each input is written as; the order is kept.
        inputs: What will be tagged.

    Returns:
        The files by the input's source.

    Raises:
        UsageError: Two inputs would be written to one file, or one needs a folder where another
            has a file.
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
        index: The index of the folder, which somebody else writes; `None` where there is none.
        force: Whether files in the folder that vidtag did not make are replaced.

    Raises:
        OutputError: The folder or file can't be written to.
    """

    def __init__(
        self,
        root: str | None,
        targets: Mapping[str, Sequence[Target]],
        *,
        index: str | None = None,
        force: bool = False,
    ) -> None:
        self._index = index
        self._root = root
        self._targets = targets
        self._force = force
        self._records: Records | None = None
        paths = [target.path for wanted in targets.values() for target in wanted]
        if root is not None:
            self._records = Records(root)
            make_folder(root)
            check_writable_folder(root)
        else:
            for path in paths:
                check_writable_file(path)
        for folder in {os.path.dirname(os.path.realpath(path)) for path in (*paths, *self._own())}:
            clear_temporaries(folder)

    def _own(self) -> list[str]:
        return [] if self._records is None else [self._records.path]

    def is_done(self, item: Input, fingerprint: Fingerprint, content_id: ContentId) -> bool:
        """Tell whether all files of this input are there and fit the fingerprint."""
        wanted = self._targets[item.source]
        if self._records is None:
            # One file alone leaves nothing beside it, unless it is to be recognised.
            self._records = Records(os.path.dirname(wanted[0].path))
        return are_done(item.source, map(self._made_from, wanted), fingerprint, content_id)

    def _made_from(self, target: Target) -> Record | None:
        if target.one.tells_its_record:
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
        # What can't be written, or a writer that fails, must not leave some of the formats behind.
        for target in wanted:
            self._check(target.path)
        for target in wanted:
            if target.one.write_file is not None:
                self._let_write(target, target.one.write_file, item, result)
        wanted = [target for target in wanted if target.one.write_file is None]
        contents = [_content(target, item, result, self._index) for target in wanted]
        for target, content in zip(wanted, contents, strict=True):
            if target.one.tells_its_record or is_special(target.path) or self._records is None:
                self._put(target.path, content)
                continue
            extras = {"extras": target.one.extras} if target.one.extras else {}
            with self._records.changing(target.path, {**record, **extras}):
                self._put(target.path, content)

    def _check(self, path: str) -> None:
        """Check once more what may have come while the videos before were tagged.

        Raises:
            OutputError: Something is there that can't be replaced; it costs this video alone.
        """
        if self._root is None or self._records is None:
            return
        check_replaceable(path)
        if not self._force and is_foreign(path, self._records):
            why = f"'{path}' was not made by vidtag and would be overwritten; add --force."
            raise OutputError(path, why, costs_all=False)

    def _let_write(
        self,
        target: Target,
        write: Callable[[Document, Place, str], None],
        item: Input,
        document: Document,
    ) -> None:
        with drafted(target.path) as draft:
            write(document, Place(source=item.source, path=target.path), draft)
        self.num_files += 1

    def _put(self, path: str, content: bytes) -> None:
        try:
            self._make_folders(path)
            write_whole(path, [content])
            self.num_files += 1
        except OutputError as exc:
            cause = exc.__cause__
            if self._root is not None and isinstance(cause, OSError):
                exc.costs_all = cause.errno in _COSTS_ALL or not os.path.isdir(self._root)
            raise

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
