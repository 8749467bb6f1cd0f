"""What a quoted glob matches; hidden files and folders are left out, as in a shell."""

import fnmatch
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath, PurePosixPath

from vidtag.inputs.folders import add_folder, is_folder, unreadable
from vidtag.inputs.found import Found, Search

MAGIC = re.compile(r"[*?[]")


def add_glob(search: Search, pattern: str) -> None:
    """Add what a glob matches.

    One that spells out an extension takes what it matches; another one, such as `videos/*`, takes
    videos by their extension, as from a folder. A folder that it matches is read as if it was
    named, except by `**`, which goes into folders by itself.
    """
    search.seen_globs_or_folders = True
    num_before, num_failures = len(search.found), len(search.failures)
    fixed, parts = _split_glob(pattern)
    takes_all = MAGIC.search(os.path.splitext(parts[-1])[1] or "*") is None
    goes_deep = "**" in parts
    num_matches = 0
    for path in sorted(set(_expand(search, fixed, parts)), key=os.fsencode):
        name = PurePosixPath(PurePath(os.path.relpath(path, fixed or ".")).as_posix())
        if os.path.isdir(path):
            if not goes_deep:
                num_matches += 1
                add_folder(search, path, name)
        elif takes_all or (search.takes(path) and _is_file_or_missing(path)):
            num_matches += 1
            search.add_file(Found(source=path, name=name, is_picked=not takes_all))
        else:
            search.other_files.add(os.path.realpath(path))
    if not num_matches and len(search.found) == num_before and num_failures == len(search.failures):
        search.fail(
            pattern,
            "nothing_found",
            f"There is no file '{pattern}', and no video that it matches as a pattern.",
        )


def _is_file_or_missing(path: str) -> bool:
    return os.path.isfile(path) or not os.path.exists(path)


def _split_glob(pattern: str) -> tuple[str, list[str]]:
    """Split a glob into its fixed folder and its parts with wildcards.

    >>> _split_glob("videos/2024-*/**/*.mp4")
    ('videos/', ['2024-*', '**', '*.mp4'])
    """
    before = pattern[: MAGIC.search(pattern).start()]  # type: ignore[union-attr]
    fixed = before[: before.rfind("/") + 1]
    return fixed, [part for part in pattern[len(fixed) :].split("/") if part]


def _expand(search: Search, folder: str, parts: Sequence[str]) -> Iterator[str]:
    """Expand a glob below a folder, which is empty or ends in a slash.

    `glob.glob` follows links in circles, and says nothing of folders that it can't read.
    """
    first, rest = parts[0], parts[1:]
    if first == "**":
        yield from _expand_deep(search, folder, rest)
        return
    if not MAGIC.search(first):
        if os.path.lexists(folder + first):
            yield from _expand(search, f"{folder}{first}/", rest) if rest else [folder + first]
        return
    for entry in _glob_entries(search, folder, hidden=first.startswith(".")):
        if fnmatch.fnmatchcase(entry.name, first):
            if not rest:
                yield folder + entry.name
            elif is_folder(entry):
                yield from _expand(search, f"{folder}{entry.name}/", rest)


def _expand_deep(search: Search, root: str, rest: Sequence[str]) -> Iterator[str]:
    seen: set[str] = set()
    waiting = [root]
    while waiting:
        folder = waiting.pop(0)
        real_path = os.path.realpath(folder or ".")
        if real_path in seen:
            continue
        seen.add(real_path)
        if rest:
            yield from _expand(search, folder, rest)
        for entry in _glob_entries(search, folder, hidden=False):
            if is_folder(entry):
                waiting.append(f"{folder}{entry.name}/")
            elif not rest:
                yield folder + entry.name


def _glob_entries(search: Search, folder: str, *, hidden: bool) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder or ".") as entries:
            wanted = [entry for entry in entries if entry.name.startswith(".") == hidden]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as exc:
        if all(failure.path != folder for failure in search.failures):
            search.failures.append(unreadable(folder, exc, what="folder"))
        return []
    return sorted(wanted, key=lambda entry: os.fsencode(entry.name))
