"""Where the videos lie that a label file names.

Paths are looked for in the folder that was given for videos, beside the label file, and, as
vidtag's own results have them, from here. Keys of videos, such as YouTube's, are looked for among
the names of files in the same folders and below.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from vidtag.errors import TruthError
from vidtag.extensions import is_video_name
from vidtag.formats.activitynet import name_videos
from vidtag.links import file_name
from vidtag.urls import is_url

_FILE_URL = re.compile(r"file:(?://)?(?:localhost(?=/))?", re.IGNORECASE)

_MAX_DEPTH = 2
"""Levels below a label file in which keys are looked for: nobody said that all of it is meant."""


class AmbiguousError(ValueError):
    """Several videos have the name that was looked for."""


@dataclass(slots=True)
class Places:
    """The folders in which videos are looked for, in this order."""

    own: str
    """The folder of the label file."""

    videos: str | None = None
    """The folder that was given for videos."""

    _found: dict[tuple[str, ...], str | None] = field(default_factory=dict)
    _named: dict[str, list[dict[str, list[str]]]] = field(default_factory=dict)

    def folders(self) -> list[str]:
        """List the folders: the given one first, the one in which vidtag runs last."""
        return list(dict.fromkeys([*([self.videos] if self.videos else []), self.own, ""]))

    def find(self, *names: str) -> str | None:
        """Find the first of some paths that is there; a URL counts as there.

        Returns:
            The path as it can be opened from here; `None` where there is no such file.
        """
        if names not in self._found:
            self._found[names] = self._look(names)
        return self._found[names]

    def _look(self, names: tuple[str, ...]) -> str | None:
        for name in names:
            if is_url(name):
                return name
            if not name or name == "-" or "\0" in name:
                continue
            for path in self._candidates(name):
                if os.path.isfile(path):
                    return path
        return None

    def _candidates(self, name: str) -> Iterator[str]:
        yield from (os.path.join(folder, name) for folder in self.folders())
        if "\\" in name and os.sep == "/":  # a relative path that was written on Windows
            turned = name.replace("\\", "/")
            yield from (os.path.join(folder, turned) for folder in self.folders())

    def find_url(self, url: str) -> str | None:
        """Find the file of a `file:` URL, or of a path; some programs escape them, some don't."""
        path = _FILE_URL.sub("", url, count=1)
        drive = re.sub(r"^/+([A-Za-z]:/)", r"\1", path)
        return self.find(path, unquote(path), drive, unquote(drive))

    def find_beside(self, path: str) -> str | None:
        """Find the video that has a label file's name: `clip.mp4` of `clip.json`, `clip.mp4.json`.

        Raises:
            AmbiguousError: Several have this name.
        """
        stem = os.path.splitext(os.path.basename(path))[0]
        for folder in dict.fromkeys([self.own, *([self.videos] if self.videos else [])]):
            names = [name for name in visible(folder) if is_video_name(name)]
            found = [n for n in names if n == stem] or [
                n for n in names if os.path.splitext(n)[0] == stem
            ]
            if len(found) > 1:
                raise AmbiguousError(f"{len(found)} videos have this name: {', '.join(found[:2])}")
            if found:
                return os.path.join(folder, found[0])
        return None

    def find_key(self, key: str) -> str | None:
        """Find a video by its path, or by the name of its file without the extension.

        Raises:
            AmbiguousError: Several have this name.
        """
        found = self.find(key)
        if found is not None:
            return found
        for folder in self.folders():
            of_name, of_stem = self._names(folder)
            paths = of_name.get(key) or of_stem.get(key) or []
            if len(paths) > 1:
                raise AmbiguousError(f"{len(paths)} videos have this name: {', '.join(paths[:2])}")
            if paths:
                return paths[0]
        return None

    def _names(self, folder: str) -> list[dict[str, list[str]]]:
        known = self._named.get(folder)
        if known is None:
            of_name: dict[str, list[str]] = {}
            of_stem: dict[str, list[str]] = {}
            depth = None if folder == self.videos else _MAX_DEPTH
            seen: set[str] = set()
            for path in walk_videos(folder, depth, is_lenient=depth is not None):
                real = os.path.realpath(path)
                if real in seen:
                    continue
                seen.add(real)
                of_name.setdefault(file_name(path), []).append(path)
                stems = {os.path.splitext(os.path.basename(path))[0], *name_videos([path])}
                for stem in stems:
                    of_stem.setdefault(stem, []).append(path)
            known = self._named[folder] = [of_name, of_stem]
        return known


def walk_videos(
    folder: str, depth: int | None = None, *, is_lenient: bool = False
) -> Iterator[str]:
    """List the videos in a folder and below, as `walk_files` does."""
    return filter(is_video_name, walk_files(folder, depth, is_lenient=is_lenient))


def walk_files(
    folder: str,
    depth: int | None = None,
    *,
    is_lenient: bool = False,
    seen: frozenset[str] = frozenset(),
) -> Iterator[str]:
    """List the files in a folder and below, sorted; hidden ones are left out.

    Links to folders are followed, unless they lead back to where they came from.

    Args:
        folder: Where to look; `""` is the folder in which vidtag runs.
        depth: Levels below that are looked into; all where `None`.
        is_lenient: Whether folders that can't be read are passed over: nobody named them.
        seen: The real paths of the folders above.

    Raises:
        TruthError: A folder can't be read.
    """
    real = os.path.realpath(folder)
    if real in seen:
        return
    try:
        entries = visible(folder)
    except TruthError:
        if not is_lenient:
            raise
        return
    for entry in entries:
        path = os.path.join(folder, entry)
        if not os.path.isdir(path):
            yield path
        elif depth != 0:
            below = None if depth is None else depth - 1
            yield from walk_files(path, below, is_lenient=is_lenient, seen=seen | {real})


def visible(folder: str) -> Sequence[str]:
    """List the names in a folder that are not hidden, sorted.

    Raises:
        TruthError: It can't be read.
    """
    try:
        return sorted(name for name in os.listdir(folder or ".") if not name.startswith("."))
    except OSError as exc:
        raise TruthError(folder, f"{folder} can't be read: {exc.strerror or exc}.") from exc
