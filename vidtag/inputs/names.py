"""What an input is called in an output folder."""

import hashlib
import os
import re
import urllib.parse
from pathlib import PurePath, PurePosixPath

from vidtag.extensions import is_video_name
from vidtag.urls import without_credentials

_UNSAFE_IN_NAMES = re.compile(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|]')


_MAX_NAME_BYTES = 180
"""Leaves room for a format's suffix in the 255 bytes that file systems give a name."""


def last_part(path: str) -> str:
    """Call a file by the last part of its path."""
    return os.path.basename(os.path.abspath(path)) or "file"


def listed_name(path: str) -> PurePosixPath:
    """Make a relative name of a path as listed.

    >>> listed_name("./a/../b//clip.mp4"), listed_name("/srv/clip.mp4")
    (PurePosixPath('b/clip.mp4'), PurePosixPath('srv/clip.mp4'))
    """
    parts = PurePath(os.path.normpath(path)).parts
    anchor = PurePath(path).anchor
    kept = [part for part in parts if part not in ("..", anchor, os.sep, "//")]
    return PurePosixPath(*kept)


def url_parts(url: str) -> list[str]:
    """Turn a URL into the parts of a path: its host, and the parts of its own path.

    User name and password are left out. A query tells `watch?v=1` from `watch?v=2`; after the
    name of a video file it is mostly a signature, and left out.

    >>> url_parts("https://me:secret@example.org/a%20b/clip.mp4?token=1")
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
