"""The list of inputs, and what is noted while it is made.

Owns which inputs are the same file.
"""

import os
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from vidtag.errors import VideoError, VideoOpenError


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
class Found:
    """An input that was found, with what its name is made of."""

    source: str
    name: PurePosixPath
    is_loose: bool = False
    """Named by itself on the command line: called by its last part where that tells it apart."""
    is_picked: bool = False
    """Picked from a folder by its extension."""


@dataclass(slots=True)
class Search:
    """What was found so far, and what was not."""

    is_recursive: bool
    extensions: frozenset[str]
    found: list[Found] = field(default_factory=list)
    failures: list[VideoError] = field(default_factory=list)
    other_files: set[str] = field(default_factory=set)
    seen_sources: set[str] = field(default_factory=set)
    seen_globs_or_folders: bool = False

    def add(self, found: Found, identity: str) -> None:
        """Add an input, unless it is among them already."""
        if identity not in self.seen_sources:
            self.seen_sources.add(identity)
            self.found.append(found)

    def add_file(self, found: Found) -> None:
        """Add a file, unless it is among them by another name."""
        self.add(found, os.path.realpath(found.source))

    def takes(self, path: str) -> bool:
        """Tell whether a file of this name is taken from a folder."""
        return os.path.splitext(path)[1].lower() in self.extensions

    def fail(self, path: str, code: str, message: str) -> None:
        """Note what could not be read, or in which nothing was found."""
        self.failures.append(VideoOpenError(path, code, message))
