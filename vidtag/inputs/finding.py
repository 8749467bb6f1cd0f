"""What the user named, as a list of videos: files, folders, globs, lists, URLs, stdin.

Owns the order in which inputs come, and which of several names an input is called by. Opens no
video: whether a file is one is found out when it is read.

Order: as named; what a folder or glob holds is sorted by the bytes of its path. A file that is
reached twice comes once, where it was named first.
"""

import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import PurePath, PurePosixPath

from vidtag.errors import UsageError
from vidtag.extensions import VIDEO_EXTENSIONS
from vidtag.inputs.folders import add_folder, unreadable
from vidtag.inputs.foresight import is_page
from vidtag.inputs.found import Found, Input, Inputs, Search
from vidtag.inputs.globs import MAGIC, add_glob
from vidtag.inputs.names import last_part, listed_name, url_parts
from vidtag.urls import is_url


def find_inputs(
    arguments: Sequence[str],
    *,
    recursive: bool,
    files_from: Sequence[str] = (),
    nul_separated: bool = False,
    extensions: frozenset[str] = VIDEO_EXTENSIONS,
) -> Inputs:
    """Find the videos that a command line names.

    A missing file that was named explicitly is passed on: its reader tells what is wrong with it.

    In an output folder, what a folder or glob holds is called by its path below that folder, or
    below the part of the glob without wildcards. A file on the command line is called by its last
    part; where two would be called the same, all of them keep their path below the folder that
    they share. Files of a list keep their path as listed.

    Args:
        arguments: Files, folders, quoted globs, URLs, `-`. A file of this very name wins over
            reading the name as a glob.
        recursive: Whether folders are read with their subfolders.
        files_from: Files that list further inputs, one per line; `-` is stdin. Their lines are
            files, folders and URLs, never globs.
        nul_separated: Whether the lists are NUL-separated.
        extensions: What is taken from folders, in lower case; `VIDEO_EXTENSIONS` and perhaps more.

    Raises:
        UsageError: Stdin is asked for twice, or a list is NUL-separated without `nul_separated`.
    """
    if [*arguments, *files_from].count("-") > 1 and "-" in files_from:
        raise UsageError("'-' stands for standard input, which can be read only once.")
    search = Search(is_recursive=recursive, extensions=extensions)
    for argument in arguments:
        _add_argument(search, argument)
    for list_path in files_from:
        _add_list(search, list_path, is_nul_separated=nul_separated)
    items = tuple(_name(search.found))
    return Inputs(
        items=items,
        failures=tuple(search.failures),
        num_other_files=len(search.other_files),
        is_many=search.seen_globs_or_folders
        or bool(files_from)
        or len(items) + len(search.failures) > 1,
    )


def _add_argument(search: Search, argument: str) -> None:
    if argument == "-":
        search.add(Found(source="-", name=PurePosixPath("stdin")), "-")
    elif is_url(argument):
        _add_url(search, argument)
    elif os.path.isdir(argument):
        add_folder(search, argument, PurePosixPath())
    elif MAGIC.search(argument) and not os.path.lexists(argument) and not is_page(argument):
        add_glob(search, argument)
    else:
        name = PurePosixPath(last_part(argument))
        search.add_file(Found(source=argument, name=name, is_loose=True))


def _add_url(search: Search, url: str) -> None:
    name = PurePosixPath(url_parts(url)[-1])
    search.add(Found(source=url, name=name, is_loose=True), url)


def _add_list(search: Search, path: str, *, is_nul_separated: bool) -> None:
    try:
        if path == "-":
            content = sys.stdin.buffer.read()
        else:
            with open(path, "rb") as file:
                content = file.read()
    except (OSError, ValueError) as exc:
        search.failures.append(unreadable(path, exc, what="list"))
        return
    is_empty = True
    for entry in _split_list(path, content, is_nul_separated=is_nul_separated):
        is_empty = False
        if is_url(entry):
            _add_url(search, entry)
        elif os.path.isdir(entry):
            add_folder(search, entry, listed_name(entry))
        else:
            # A file of a list is never stdin, even if it is called "-".
            source = "./-" if entry == "-" else entry
            search.add_file(Found(source=source, name=listed_name(entry)))
    if is_empty:
        search.fail(path, "nothing_found", f"The list '{path}' names no file.")


def _split_list(path: str, content: bytes, *, is_nul_separated: bool) -> Iterator[str]:
    if is_nul_separated:
        entries = content.split(b"\0")
    elif b"\0" in content:
        raise UsageError(f"The list '{path}' is NUL-separated; add -0.")
    else:
        # As Windows' editors write them: a byte order mark, and CR LF.
        lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
        entries = [line.removesuffix(b"\r") for line in lines if line.strip()]
    return (os.fsdecode(entry) for entry in entries if entry)


def _name(found: Sequence[Found]) -> Iterable[Input]:
    """Let what was named by itself keep as much of its path as tells it apart."""
    loose = [one for one in found if one.is_loose]
    times = Counter(one.name for one in loose)
    if any(count > 1 for count in times.values()):
        files = [one for one in loose if not is_url(one.source)]
        folders = [os.path.dirname(os.path.abspath(one.source)) for one in files]
        shared = os.path.commonpath(folders) if folders else ""
        found = [_keep_path(one, shared) if one.is_loose else one for one in found]
    return [Input(source=one.source, name=one.name, is_picked=one.is_picked) for one in found]


def _keep_path(one: Found, shared: str) -> Found:
    if is_url(one.source):
        return replace(one, name=PurePosixPath(*url_parts(one.source)))
    below = os.path.relpath(os.path.abspath(one.source), shared)
    return replace(one, name=PurePosixPath(PurePath(below).as_posix()))
