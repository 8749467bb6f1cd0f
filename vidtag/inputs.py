"""What the user named, as a list of videos: files, folders, globs, lists, URLs, stdin.

Owns which files of a folder count as videos, in which order inputs come, which of them are the
same file, and what each is called in an output folder. Opens no video: whether a file is one
is found out when it is read.

Order: as named; what a folder or glob holds is sorted by the bytes of its path. A file that is
reached twice comes once, where it was named first.

Hidden files and folders (a point in front) are left out of folders and globs, as a shell's `*`
leaves them out; macOS's `._clip.mp4` is one of them. Links to folders are followed with `-r`,
each real folder once, so loops end.
"""

import fnmatch
import hashlib
import os
import re
import sys
import urllib.parse
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath, PurePosixPath

from vidtag.errors import UsageError, VideoError, VideoOpenError
from vidtag.urls import is_url, is_video_page, web_page_message, without_credentials

# fmt: off
VIDEO_EXTENSIONS = frozenset(
    {
        ".264", ".265", ".360", ".3g2", ".3gp", ".3gp2", ".3gpp", ".3gpp2", ".amv", ".asf",
        ".avc", ".avi", ".avif", ".avifs", ".cmfv", ".dav", ".dif", ".divx", ".dv", ".dvr-ms",
        ".evo", ".f4v", ".flv", ".gxf", ".h261", ".h263", ".h264", ".h265", ".h266", ".heics",
        ".heifs", ".hevc", ".insv", ".ismv", ".ivf", ".lrf", ".lrv", ".m1v", ".m2p", ".m2t",
        ".m2ts", ".m2v", ".m4v", ".mj2", ".mjpeg", ".mjpg", ".mk3d", ".mkv", ".mod", ".mov",
        ".mp2v", ".mp4", ".mp4v", ".mpe", ".mpeg", ".mpg", ".mpv", ".mqv", ".mts", ".mxf", ".nsv",
        ".nut", ".nuv", ".obu", ".ogm", ".ogv", ".ogx", ".pva", ".qt", ".rm", ".rmvb", ".rv",
        ".tod", ".tp", ".trp", ".ts", ".ty", ".vob", ".vro", ".vvc", ".webm", ".wm", ".wmv",
        ".wtv", ".y4m",
    }
)
# fmt: on
"""What is taken from folders, whatever its case. Left out are pictures (also animated ones, but for
AVIF, which may be an image sequence), sound, and `.dat` and `.bin`, which are seldom videos; named
explicitly, these are tried too."""

_MAGIC = re.compile(r"[*?[]")
_UNSAFE_IN_NAMES = re.compile(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|]')
_MAX_NAME_BYTES = 180
"""Leaves room for a format's suffix in the 255 bytes that file systems give a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One video to tag."""

    source: str
    """What to open: a path, a URL, or `-` for stdin."""

    name: PurePosixPath
    """Its place in an output folder: `sub/clip.mp4`."""

    is_picked: bool = False
    """Nobody named it: it was picked from a folder by its extension."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """All videos to tag, in order."""

    items: tuple[Input, ...]

    failures: tuple[VideoError, ...] = ()
    """Folders, globs and lists that could not be read, or in which nothing was found."""

    num_other_files: int = 0
    """Files in folders that were no video by their extension; hidden ones are not counted."""

    is_many: bool = False
    """Whether a folder, glob or list was named, or there are several inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    source: str
    name: PurePosixPath
    is_loose: bool = False
    """Named by itself on the command line: called by its last part where that tells it apart."""
    is_picked: bool = False
    """Picked from a folder by its extension."""


@dataclass(slots=True)
class _Search:
    is_recursive: bool
    extensions: frozenset[str]
    found: list[_Found] = field(default_factory=list)
    failures: list[VideoError] = field(default_factory=list)
    other_files: set[str] = field(default_factory=set)
    seen_sources: set[str] = field(default_factory=set)
    seen_globs_or_folders: bool = False

    def add(self, found: _Found, identity: str) -> None:
        if identity not in self.seen_sources:
            self.seen_sources.add(identity)
            self.found.append(found)

    def takes(self, path: str) -> bool:
        return os.path.splitext(path)[1].lower() in self.extensions

    def fail(self, path: str, code: str, message: str) -> None:
        self.failures.append(VideoOpenError(path, code, message))


def foresee_failure(source: str) -> VideoError | None:
    """Tell what is certain to fail before it is opened, and before a model is looked for.

    A misspelt name must neither have a model downloaded first nor wait for one to load.
    """
    if _is_page(source):
        shown = without_credentials(source if is_url(source) else f"https://{source}")
        return VideoOpenError(without_credentials(source), "not_a_video", web_page_message(shown))
    if source == "-" or is_url(source):
        return None
    try:
        os.stat(source)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # a NUL is no part of a name
        return VideoOpenError.missing(source)
    except OSError:  # its reader finds the words
        return None
    return None


def _is_page(source: str) -> bool:
    """Tell whether it is the address of a page that shows a video, also without https://."""
    shown = without_credentials(source)
    path = re.split(r"[?#]", shown, maxsplit=1)[0]
    return is_video_page(shown) and not is_video_name(path) and not os.path.lexists(source)


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
    search = _Search(is_recursive=recursive, extensions=extensions)
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


def is_video_name(path: str) -> bool:
    """Tell whether a file of this name is taken from a folder.

    >>> is_video_name("a/CLIP.MP4"), is_video_name("a/clip.mp4.json")
    (True, False)
    """
    return os.path.splitext(path)[1].lower() in VIDEO_EXTENSIONS


def _add_argument(search: _Search, argument: str) -> None:
    if argument == "-":
        search.add(_Found(source="-", name=PurePosixPath("stdin")), "-")
    elif is_url(argument):
        _add_url(search, argument)
    elif os.path.isdir(argument):
        _add_folder(search, argument, PurePosixPath())
    elif _MAGIC.search(argument) and not os.path.lexists(argument) and not _is_page(argument):
        _add_glob(search, argument)
    else:
        name = PurePosixPath(_last_part(argument))
        _add_file(search, _Found(source=argument, name=name, is_loose=True))


def _add_file(search: _Search, found: _Found) -> None:
    search.add(found, os.path.realpath(found.source))


def _add_url(search: _Search, url: str) -> None:
    name = PurePosixPath(_url_parts(url)[-1])
    search.add(_Found(source=url, name=name, is_loose=True), url)


def _add_list(search: _Search, path: str, *, is_nul_separated: bool) -> None:
    try:
        if path == "-":
            content = sys.stdin.buffer.read()
        else:
            with open(path, "rb") as file:
                content = file.read()
    except (OSError, ValueError) as exc:
        search.failures.append(_unreadable(path, exc, what="list"))
        return
    is_empty = True
    for entry in _split_list(path, content, is_nul_separated=is_nul_separated):
        is_empty = False
        if is_url(entry):
            _add_url(search, entry)
        elif os.path.isdir(entry):
            _add_folder(search, entry, _listed_name(entry))
        else:
            # A file of a list is never stdin, even if it is called "-".
            source = "./-" if entry == "-" else entry
            _add_file(search, _Found(source=source, name=_listed_name(entry)))
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


def _add_folder(search: _Search, folder: str, prefix: PurePosixPath) -> None:
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
        search.add(_Found(source=source, name=name, is_picked=True), identity)


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


def _read_folder(search: _Search, root: str) -> _Listing:
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
            if _is_folder(entry):
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


def _entries(search: _Search, folder: str) -> list[os.DirEntry[str]]:
    """List a folder without its hidden entries, sorted; a failure is noted."""
    try:
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as exc:
        search.failures.append(_unreadable(folder, exc, what="folder"))
        return []
    return sorted(visible, key=lambda entry: os.fsencode(entry.name))


def _is_folder(entry: os.DirEntry[str]) -> bool:
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


def _unreadable(path: str, exc: OSError | ValueError, *, what: str) -> VideoOpenError:
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


def _add_glob(search: _Search, pattern: str) -> None:
    """Add what a glob matches.

    One that spells out an extension takes what it matches; another one, such as `videos/*`, takes
    videos by their extension, as from a folder. A folder that it matches is read as if it was
    named, except by `**`, which goes into folders by itself.
    """
    search.seen_globs_or_folders = True
    num_before, num_failures = len(search.found), len(search.failures)
    fixed, parts = _split_glob(pattern)
    takes_all = _MAGIC.search(os.path.splitext(parts[-1])[1] or "*") is None
    goes_deep = "**" in parts
    num_matches = 0
    for path in sorted(set(_expand(search, fixed, parts)), key=os.fsencode):
        name = PurePosixPath(PurePath(os.path.relpath(path, fixed or ".")).as_posix())
        if os.path.isdir(path):
            if not goes_deep:
                num_matches += 1
                _add_folder(search, path, name)
        elif takes_all or (search.takes(path) and _is_file_or_missing(path)):
            num_matches += 1
            _add_file(search, _Found(source=path, name=name, is_picked=not takes_all))
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
    before = pattern[: _MAGIC.search(pattern).start()]  # type: ignore[union-attr]
    fixed = before[: before.rfind("/") + 1]
    return fixed, [part for part in pattern[len(fixed) :].split("/") if part]


def _expand(search: _Search, folder: str, parts: Sequence[str]) -> Iterator[str]:
    """Expand a glob below a folder, which is empty or ends in a slash.

    `glob.glob` follows links in circles, and says nothing of folders that it can't read.
    """
    first, rest = parts[0], parts[1:]
    if first == "**":
        yield from _expand_deep(search, folder, rest)
        return
    if not _MAGIC.search(first):
        if os.path.lexists(folder + first):
            yield from _expand(search, f"{folder}{first}/", rest) if rest else [folder + first]
        return
    for entry in _glob_entries(search, folder, hidden=first.startswith(".")):
        if fnmatch.fnmatchcase(entry.name, first):
            if not rest:
                yield folder + entry.name
            elif _is_folder(entry):
                yield from _expand(search, f"{folder}{entry.name}/", rest)


def _expand_deep(search: _Search, root: str, rest: Sequence[str]) -> Iterator[str]:
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
            if _is_folder(entry):
                waiting.append(f"{folder}{entry.name}/")
            elif not rest:
                yield folder + entry.name


def _glob_entries(search: _Search, folder: str, *, hidden: bool) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder or ".") as entries:
            wanted = [entry for entry in entries if entry.name.startswith(".") == hidden]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as exc:
        if all(failure.path != folder for failure in search.failures):
            search.failures.append(_unreadable(folder, exc, what="folder"))
        return []
    return sorted(wanted, key=lambda entry: os.fsencode(entry.name))


def _last_part(path: str) -> str:
    return os.path.basename(os.path.abspath(path)) or "file"


def _listed_name(path: str) -> PurePosixPath:
    """Make a relative name of a path as listed.

    >>> _listed_name("./a/../b//clip.mp4"), _listed_name("/srv/clip.mp4")
    (PurePosixPath('b/clip.mp4'), PurePosixPath('srv/clip.mp4'))
    """
    parts = PurePath(os.path.normpath(path)).parts
    anchor = PurePath(path).anchor
    kept = [part for part in parts if part not in ("..", anchor, os.sep, "//")]
    return PurePosixPath(*kept)


def _url_parts(url: str) -> list[str]:
    """Turn a URL into the parts of a path: its host, and the parts of its own path.

    User name and password are left out. A query tells `watch?v=1` from `watch?v=2`; after the
    name of a video file it is mostly a signature, and left out.

    >>> _url_parts("https://me:secret@example.org/a%20b/clip.mp4?token=1")
    ['example.org', 'a b', 'clip.mp4']
    """
    rest = without_credentials(url).split("://", 1)[1]
    rest, _, query = rest.partition("#")[0].partition("?")
    host, _, path = rest.partition("/")
    parts = [host, *path.split("/")]
    names = [_safe_name(urllib.parse.unquote(part, errors="replace")) for part in parts if part]
    if not names:
        names = ["url"]
    if query and not is_video_name(names[-1]):
        names[-1] += f"-{hashlib.sha256(query.encode('utf-8', 'replace')).hexdigest()[:8]}"
    return names


def _safe_name(text: str) -> str:
    name = _UNSAFE_IN_NAMES.sub("_", text)
    if name.startswith("."):
        name = "_" + name[1:]
    while len(name.encode("utf-8", "surrogateescape")) > _MAX_NAME_BYTES:
        stem, extension = os.path.splitext(name)
        name = stem[:-1] + extension[:16] if stem else name[:-1]
    return name


def _name(found: Sequence[_Found]) -> Iterable[Input]:
    """Let what was named by itself keep as much of its path as tells it apart."""
    loose = [one for one in found if one.is_loose]
    times = Counter(one.name for one in loose)
    if any(count > 1 for count in times.values()):
        files = [one for one in loose if not is_url(one.source)]
        folders = [os.path.dirname(os.path.abspath(one.source)) for one in files]
        shared = os.path.commonpath(folders) if folders else ""
        found = [_keep_path(one, shared) if one.is_loose else one for one in found]
    return [Input(source=one.source, name=one.name, is_picked=one.is_picked) for one in found]


def _keep_path(one: _Found, shared: str) -> _Found:
    if is_url(one.source):
        return replace(one, name=PurePosixPath(*_url_parts(one.source)))
    below = os.path.relpath(os.path.abspath(one.source), shared)
    return replace(one, name=PurePosixPath(PurePath(below).as_posix()))
