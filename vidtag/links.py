r"""How a file of results points at its video.

A document knows its video by the path that the user named. A writer does not know where its
text will lie, nor does it look at the disk: an absolute path becomes a link that works
anywhere, a relative one stays relative, to the folder in which vidtag was run. Where a program
takes no relative one, it is made absolute from that folder.
"""

import os
import re
from pathlib import PurePath, PureWindowsPath
from urllib.parse import quote

_STDIN = "-"

_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")
"""How a path starts with a drive or a server."""

# What may stand in a URL as it is, `%` included: the user wrote a URL, with its own escapes.
_URL_SAFE = "%/:?#[]@!$&'()*+,;=~"


def has_scheme(path: str) -> bool:
    """Tell whether a name has a scheme, also one that vidtag doesn't open.

    >>> has_scheme("https://example.org/a.mp4"), has_scheme("C:/a.mp4")
    (True, False)
    """
    return "://" in path


def posix_path(path: str) -> str | None:
    r"""Write the path of a video with forward slashes; `None` for a stream on stdin.

    >>> posix_path("clips/a b.mp4"), posix_path("C:\\clips\\a.mp4"), posix_path("-")
    ('clips/a b.mp4', 'C:/clips/a.mp4', None)
    """
    if path == _STDIN:
        return None
    if _WINDOWS.match(path):
        return PureWindowsPath(path).as_posix()
    return path if has_scheme(path) else PurePath(path).as_posix()


def media_url(path: str) -> str | None:
    r"""Make the URL of a video; `None` for a stream on stdin.

    >>> media_url("clips/a b.mp4"), media_url("/srv/a#1.mp4")
    ('clips/a%20b.mp4', 'file:///srv/a%231.mp4')
    >>> media_url("a:b.mp4"), media_url("\\\\nas\\share\\a.mp4")
    ('a%3Ab.mp4', 'file://nas/share/a.mp4')
    >>> media_url("C:\\clips\\a.mp4"), media_url("https://example.org/a.mp4?x=1")
    ('file:///C:/clips/a.mp4', 'https://example.org/a.mp4?x=1')
    """
    posix = posix_path(path)
    if posix is None:
        return None
    if has_scheme(posix):
        return quote_path(posix, _URL_SAFE)
    if _WINDOWS.match(path):
        # The first colon belongs to the drive; \\server\share names its host.
        quoted = quote_path(posix[:2], "/:") + quote_path(posix[2:])
        return f"file:{quoted}" if posix.startswith("//") else f"file:///{quoted}"
    return f"file://{quote_path(posix)}" if posix.startswith("/") else quote_path(posix)


def absolute_url(path: str) -> str | None:
    r"""Make the URL of a video as `media_url` does, a relative path from the current folder.

    >>> absolute_url("/srv/a b.mp4"), absolute_url("C:\\clips\\a.mp4"), absolute_url("-")
    ('file:///srv/a%20b.mp4', 'file:///C:/clips/a.mp4', None)
    >>> absolute_url("a.mp4") == absolute_url(os.path.abspath("a.mp4"))
    True
    """
    is_absolute = path == _STDIN or has_scheme(path) or _WINDOWS.match(path)
    return media_url(path if is_absolute else os.path.abspath(path))


def file_url(path: str) -> str | None:
    r"""Name a video as `media_url` does, with nothing escaped.

    >>> file_url("/srv/a b.mp4"), file_url("C:\\clips\\a#1.mp4"), file_url("a b.mp4")
    ('file:///srv/a b.mp4', 'file:///C:/clips/a#1.mp4', 'a b.mp4')
    """
    posix = posix_path(path)
    if posix is None or has_scheme(posix):
        return posix
    if posix.startswith("/"):
        return f"file://{posix}"
    return f"file:///{posix}" if _WINDOWS.match(posix) else posix


def file_name(path: str) -> str:
    r"""Return the last part of a path or URL.

    >>> file_name("C:\\clips\\a.mp4"), file_name("https://example.org/b.mp4?x=1"), file_name("-")
    ('a.mp4', 'b.mp4', 'stdin')
    """
    if path == _STDIN:
        return "stdin"
    if has_scheme(path):
        path = path.split("?")[0].split("#")[0]
    return path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]


def quote_path(text: str, safe: str = "/") -> str:
    """Escape a path for a URL; half a character, which has no bytes, becomes a question mark."""
    return quote(text, safe=safe, errors="replace")
