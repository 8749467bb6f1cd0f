"""Names that are URLs: which can be opened, and how each is shown: without a password.

Ground: loads neither FFmpeg nor a network client, so that a run which is answered from stored
scores stays light.
"""

import re
import shlex
import urllib.parse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_OPENED = re.compile(r"(https?|rtsps?)://", re.IGNORECASE)

_NETWORK = (
    "https?|rtsps?|rtspt|rtspu|rtmp[a-z]*|ftps?|sftp|ftpes|mms[a-z]*|srt|rist|udp|tcp|tls|wss?"
)

_SHOWN = re.compile(
    rf"[\x00-\x20\xa0\ufeff]*(?:[a-z][a-z0-9+.-]+:/{{2,}}|(?:{_NETWORK}):/)", re.IGNORECASE
)
"""How a name begins that may hold a password, also a misspelt one that is never opened."""

_WITHIN = re.compile(rf"\b(?:[a-z][a-z0-9+.-]+:/{{2,}}|(?:{_NETWORK}):/)", re.IGNORECASE)
"""How a URL within a name begins: in a query, behind a quote, behind a word that FFmpeg knows."""

_IN_TEXT = re.compile(
    rf"(?:\b[a-z][a-z0-9+.-]+:/{{2,}}|\b(?:{_NETWORK}):/)[^\s'\"<>]+", re.IGNORECASE
)

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.%]*\]|[^:@\[\]\s]*)(?P<port>:\d*)?", re.IGNORECASE)

HIDDEN = "…"
"""What stands where a password was."""


def is_url(name: str) -> bool:
    """Tell whether a name is a URL that can be opened; others are file names."""
    return _OPENED.match(name) is not None


def is_address(name: str) -> bool:
    """Tell whether a name is meant as a URL, also one that can't be opened.

    >>> is_address("s3://bucket/a.json"), is_address("a.json"), is_address("C:/a.json")
    (True, False, False)
    """
    return _SHOWN.match(name) is not None


def without_credentials(name: str) -> str:
    """Take user name and password out of the name of an input; whatever else it is stays.

    Also out of what is no URL that can be opened: other schemes, blanks before it, and passwords
    with `/`, `?` or `#` in them, which should have been escaped.

    >>> without_credentials("https://me:secret@example.org/a.mp4")
    'https://example.org/a.mp4'
    >>> without_credentials("ftp://me:se/cret@example.org/a.mp4"), without_credentials("a@b.mp4")
    ('ftp://example.org/a.mp4', 'a@b.mp4')
    >>> without_credentials("https://example.org/get?from=ftp://me:secret@example.com/a.mp4")
    'https://example.org/get?from=ftp://example.com/a.mp4'
    """
    kept: list[str] = []
    at = 0
    for begin, end in _spans(name):
        kept.append(name[at:begin])
        at = end
    return "".join(kept) + name[at:]


def _spans(name: str) -> Iterator[tuple[int, int]]:
    """Find where credentials stand in a name: in its own beginning, and in URLs within it."""
    begin = _SHOWN.match(name) or _WITHIN.search(name)
    while begin is not None:
        end = begin.end() + _end_of_credentials(name[begin.end() :], is_careful=True)
        if end > begin.end():
            yield begin.end(), end
        begin = _WITHIN.search(name, end)


def hide_credentials(text: str, names: Iterable[str] = ()) -> str:
    """Take user names and passwords out of a text that others wrote, such as a traceback.

    Args:
        text: What may quote names, or parts of them.
        names: Names that it may quote.
    """
    for name in names:
        shown = without_credentials(name)
        if shown == name:
            continue
        text = text.replace(name, shown)
        for secret in _secrets(name):
            text = text.replace(secret, HIDDEN)
    return _IN_TEXT.sub(lambda match: without_credentials(match[0]), text)


_VIDEO_SITES = (
    "youtube.com",
    "youtu.be",
    "youtube-nocookie.com",
    "vimeo.com",
    "dailymotion.com",
    "dai.ly",
    "twitch.tv",
    "tiktok.com",
    "bilibili.com",
)
"""Hosts whose addresses are web pages, never video files; others are asked."""

_PAGE_ADDRESS = re.compile(r"(?:https?://)?(?:[\w-]+\.)*?(?P<site>[\w-]+\.[a-z]+)(?=[/?#]|$)", re.I)


def is_video_page(name: str) -> bool:
    """Tell whether a name is the address of a page of a well-known video site.

    >>> is_video_page("https://www.youtube.com/watch?v=1"), is_video_page("youtu.be/1")
    (True, True)
    >>> is_video_page("https://example.org/youtube.com/a.mp4"), is_video_page("youtube.com.mp4")
    (False, False)
    """
    match = _PAGE_ADDRESS.match(name)
    return match is not None and match["site"].lower() in _VIDEO_SITES


def web_page_message(shown: str) -> str:
    """Say that a URL leads to a web page, and how a video on it is had.

    >>> web_page_message("https://example.org/watch?v=1")  # doctest: +ELLIPSIS
    "'https://example.org/watch?v=1' is a web page, ... run yt-dlp -o - 'https://... | vidtag - ..."
    """
    return (
        f"'{shown}' is a web page, not a video; run yt-dlp -o - {shlex.quote(shown)} | vidtag - "
        "to tag the video that it shows."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """A URL taken apart."""

    shown: str
    """As it is printed and stored."""

    target: str = field(repr=False)
    """As it is asked for: without user name and password."""

    user: str | None = field(default=None, repr=False)
    """`None` where none is given."""

    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> "Url":
        """Take a URL apart that can be opened."""
        scheme, _, rest = url.partition("://")
        end = _end_of_credentials(rest, is_careful=False)
        user, colon, password = rest[: max(0, end - 1)].partition(":")
        return cls(
            shown=without_credentials(url),
            target=f"{scheme}://{rest[end:]}",
            user=urllib.parse.unquote(user) if end else None,
            password=urllib.parse.unquote(password) if colon else "",
        )


def _end_of_credentials(rest: str, *, is_careful: bool) -> int:
    """Find where user name and password end in what follows a scheme; 0 where there are none.

    By RFC 3986 they end at the last `@` before the first `/`, `?` or `#`. Where what is left would
    be no host, or hardly one, these belong to the password, which ends at the last `@` of all.

    Args:
        rest: What follows `://`.
        is_careful: Rather hide too much: `user:12/3@host` could be port 12 of a host `user`.
    """
    end = min((rest.find(c) for c in "/?#" if c in rest), default=len(rest))
    own = rest[:end].rfind("@") + 1
    last = rest.rfind("@") + 1
    if last == own:
        return own
    host = _HOST.fullmatch(rest[own:end])
    if host is None:
        return last
    is_bare = not (
        "." in host["name"] or host["name"].lower() in {"localhost", ""} or "[" in host["name"]
    )
    if is_careful and is_bare and (own or host["port"]):
        return last
    return own


def _secrets(name: str) -> list[str]:
    """List what must not be seen of a name, the longest first."""
    found: set[str] = set()
    for begin, end in _spans(name):
        credentials = name[begin : end - 1]
        _, _, password = credentials.partition(":")
        found |= {credentials, password, urllib.parse.unquote(password)}
        # Libraries tell of parts: the port "PW" of http://me:PW/x@host, the path "/x@host".
        found |= {part for part in re.split(r"[/?#@]", password) if len(part) > 2}
    return sorted((one for one in found if one), key=len, reverse=True)
