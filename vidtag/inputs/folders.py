"""The videos of a folder.

Hidden files and folders (a point in front) are left out, as a shell's `*` leaves them out;
macOS's `._clip.mp4` is one of them. Links to folders are followed with `-r`, each real folder
once, so loops end.
"""

import os
from dataclasses import dataclass, field
from pathlib import PurePath, PurePosixPath

from vidtag.errors import VideoOpenError
from vidtag.inputs.found import Found, Search


def add_folder(search: Search, folder: str, prefix: PurePosixPath) -> None:
    """Add the videos of a folder, called by `prefix` and their path below it."""
    search.seen_globs_or_folders = True
    num_failures = len(search.failures)
    listing = _read_folder(search, folder)
    if not listing.videos and len(search.failures) == num_failures:
        hint = "; add -r to read its subfolders" if listing.has_unread_folders else ""
        search.fail(folder, "nothing_found", f"There is no video in the folder '{folder}'{hint}.")
    # Where a file is reached by its own name and by links, it is called by its own name.
    known = set(search.seen_sources)
    chosen = []
    for below, identity in sorted(listing.videos, key=lambda video: video[0].via_link):
        if identity not in known:
            known.add(identity)
            chosen.append((below.path, identity))
    for path, identity in sorted(chosen, key=lambda video: os.fsencode(video[0])):
        source = os.path.join(folder, path)
        name = prefix / PurePath(path).as_posix()
        search.add(Found(source=source, name=name, is_picked=True), identity)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Below:
    """A path below a folder."""

    path: str
    via_link: bool


@dataclass(slots=True)
class _Listing:
    videos: list[tuple[_Below, str]] = field(default_factory=list)
    """With the real path of each."""

    has_unread_folders: bool = False


def _read_folder(search: Search, root: str) -> _Listing:
    listing = _Listing()
    seen: set[str] = set()
    real, linked = [_Below(path="", via_link=False)], list[_Below]()
    while real or linked:
        # Real folders come first, so that what is in them is not called by a link's name.
        folder = real.pop() if real else linked.pop(0)
        real_path = os.path.realpath(os.path.join(root, folder.path))
        if real_path in seen:
            continue
        seen.add(real_path)
        for entry in _entries(search, os.path.join(root, folder.path) if folder.path else root):
            is_link = entry.is_symlink()
            below = _Below(
                path=os.path.join(folder.path, entry.name), via_link=folder.via_link or is_link
            )
            if is_folder(entry):
                if not search.is_recursive:
                    listing.has_unread_folders = True
                else:
                    (linked if is_link else real).append(below)
                continue
            identity = os.path.join(real_path, entry.name)
            if is_link:
                identity = os.path.realpath(identity)
            if search.takes(entry.name) and _may_be_read(entry):
                listing.videos.append((below, identity))
            else:
                search.other_files.add(identity)
    return listing


def _entries(search: Search, folder: str) -> list[os.DirEntry[str]]:
    """List a folder without its hidden entries, sorted; a failure is noted."""
    try:
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as exc:
        search.failures.append(unreadable(folder, exc, what="folder"))
        return []
    return sorted(visible, key=lambda entry: os.fsencode(entry.name))


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Tell whether an entry is a folder, or a link to one."""
    try:
        return entry.is_dir()
    except OSError:  # a link that leads in a circle
        return False


def _may_be_read(entry: os.DirEntry[str]) -> bool:
    """Tell whether it is a file or a broken link, which its reader names; no pipe or device."""
    try:
        return entry.is_file() or not os.path.exists(entry.path)
    except OSError:
        return True


def unreadable(path: str, exc: OSError | ValueError, *, what: str) -> VideoOpenError:
    """Say why a list or a folder can't be read."""
    if isinstance(exc, PermissionError):
        code, why = "permission_denied", f"You may not read the {what} '{path}'"
    elif isinstance(exc, FileNotFoundError):
        code, why = "not_found", f"There is no {what} '{path}'"
    else:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        code, why = "read_failed", f"The {what} '{path}' can't be read ({reason})"
    error = VideoOpenError(path, code, f"{why}; check its name and permissions.")
    error.__cause__ = exc
    return error
