"""A file on a web server, read from any place in it.

Owns requests, redirects and what may go wrong with a reply; tells it in words. Knows nothing of
videos. FFmpeg's own client is not used: it does not tell a reply that broke off from a whole one,
nor why a request failed.
"""

import contextlib
import errno
import http.client
import re
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Iterator

from vidtag.urls import Url
from vidtag.video.connections import Connections, escaped, make_opener

MAX_RESUMES = 10
"""So often a reply that broke off is asked for again, from where it ended. Servers give up
readers that take long, as a tagger does."""

SKIPPED_BYTES = 256 << 10
"""A place this far ahead is reached by reading on; a request would take longer."""

_ERRORS = (
    OSError,
    ValueError,  # also what can't be encoded in a request or host name
    OverflowError,  # a port
    http.client.HTTPException,
    zlib.error,
)
"""What Python's client raises on odd addresses and replies."""


class RemoteError(OSError):
    """A request or a reply that failed; its text is part of a sentence, without the address."""


class RemoteFile:
    """A file behind an http(s) URL.

    What asks the server raises `TimeoutError` or `RemoteError`.

    Args:
        url: Where it is.
        timeout_seconds: How long the server may be silent.
    """

    def __init__(self, url: Url, timeout_seconds: float) -> None:
        self.length: int | None = None
        """How many bytes there are; `None` where the server does not say."""

        self.is_seekable = False
        """Whether the server sends any part of it."""

        self.is_endless = False
        """Whether nothing tells where it ends: a live stream, or a server of the old kind."""

        self.content_type = ""
        """What the server takes it for, such as `text/html`."""

        self.num_received = 0
        """How many bytes came, all in all."""

        self._url = url
        self._timeout_seconds = timeout_seconds
        self._connections = Connections()
        self._opener = urllib.request.OpenerDirector()
        self._reply: http.client.HTTPResponse | None = None
        self._unzip: zlib._Decompress | None = None
        self._position = 0
        self._reply_begin = 0
        self._reply_end: int | None = None
        self._is_known = False
        self._validator = ""
        self._num_resumes = 0

    def connect(self) -> None:
        """Ask for it for the first time."""
        with _told():
            try:
                urllib.parse.urlsplit(self._url.target)
            except ValueError as exc:  # half a bracket of an IPv6 address
                raise RemoteError("that is no valid address") from exc
            self._opener = make_opener(self._url, self._connections)
            try:
                self._ask(0)
            except urllib.error.HTTPError as exc:
                if exc.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    raise
                self._ask(None)  # an empty file has no first byte

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes; none at its end."""
        with _told():
            return self._read_on(size)

    def seek(self, position: int) -> None:
        """Go on reading from another place."""
        if 0 <= position - self._position <= SKIPPED_BYTES:
            while self._position < position:
                if not self.read(position - self._position):
                    break
        if position != self._position:
            self._drop_reply()
            self._position = position

    def abort(self) -> None:
        """End a read that goes on in another thread."""
        self._connections.abort()

    def close(self) -> None:
        """Hang up."""
        self._drop_reply()

    # Requests

    def _ask(self, position: int | None) -> None:
        """Ask for all from a place on; `None` asks for all without saying so."""
        self._drop_reply()
        request = urllib.request.Request(escaped(self._url.target))
        request.add_header("User-Agent", "vidtag")
        request.add_header("Accept", "*/*")
        request.add_header("Accept-Encoding", "identity")
        if position is not None:
            request.add_header("Range", f"bytes={position}-")
            if self._validator:
                request.add_header("If-Range", self._validator)
        self._reply = self._opener.open(request, timeout=self._timeout_seconds)
        assert self._reply is not None
        begin, end, total = _content_range(self._reply)
        if not self._is_known:
            self._take_first(self._reply, begin, total)
        elif begin != position or total != self.length:
            raise RemoteError("the file changed while it was read")
        self._reply_begin = position or 0
        self._reply_end = end
        if end is None and self._reply.length is not None:
            self._reply_end = self._reply_begin + self._reply.length

    def _take_first(
        self, reply: http.client.HTTPResponse, begin: int | None, total: int | None
    ) -> None:
        if begin not in {None, 0}:
            raise RemoteError("the server sent another part than was asked for")
        self._is_known = True
        self.content_type = reply.headers.get_content_type()
        coding = reply.headers.get("Content-Encoding", "identity").strip().lower()
        if coding in {"gzip", "x-gzip", "deflate"}:
            self._unzip = _new_unzip()
        elif coding not in {"", "identity"}:
            raise RemoteError(f"the server packs it in a way that is not known ({coding[:20]})")
        self.is_seekable = begin == 0 and total is not None and self._unzip is None
        if self.is_seekable:
            self.length = total
            etag = reply.headers.get("ETag", "")
            if etag.startswith('"'):  # others are equal for files that are not
                self._validator = etag
        elif self._unzip is None:
            self.length = reply.length
        is_live = self.content_type.startswith("multipart/")
        has_end = reply.chunked or reply.length is not None or self._unzip is not None
        self.is_endless = is_live or not has_end

    # Replies

    def _read_on(self, size: int) -> bytes:
        while True:
            broken: BaseException | None = None
            try:
                if data := self._read(size):
                    return data
            except TimeoutError:
                raise
            except (OSError, http.client.HTTPException) as exc:
                broken = exc
            if self._is_whole(is_over=broken is None):
                return b""
            # Servers may send less than was asked for, as long as they get on.
            if broken is not None or not self._reply_begin < self._position == self._reply_end:
                self._num_resumes += 1
                if not self.is_seekable or self._num_resumes > MAX_RESUMES:
                    raise broken or RemoteError("the connection broke off")
            self._ask(self._position)

    def _read(self, size: int) -> bytes:
        data = self._received(size) if self._unzip is None else self._unpacked(size)
        self._position += len(data)
        return data

    def _received(self, size: int) -> bytes:
        if self._reply is None:
            return b""
        data = self._reply.read1(size)
        self.num_received += len(data)
        return data

    def _unpacked(self, size: int) -> bytes:
        assert self._unzip is not None
        while True:
            unzip = self._unzip
            packed = unzip.unconsumed_tail or unzip.unused_data or self._received(size)
            if unzip.eof:
                if not packed.startswith(b"\x1f"):  # else another one follows (RFC 1952, 2.2)
                    return b""
                self._unzip = _new_unzip()
            elif not packed:
                raise RemoteError("it broke off")
            if data := self._unzip.decompress(packed, size):
                return data

    def _is_whole(self, *, is_over: bool) -> bool:
        """Tell whether all was read, once a reply came to its end, or broke off."""
        if self.length is None:
            return is_over
        return self._position >= self.length

    def _drop_reply(self) -> None:
        self._reply = None
        self._connections.close()


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Raise what may be told: the errors of libraries quote parts of addresses."""
    try:
        yield
    except (TimeoutError, RemoteError):
        raise
    except _ERRORS as exc:
        cause: BaseException = exc
        if isinstance(exc, urllib.error.HTTPError):
            exc.close()
        elif isinstance(exc, urllib.error.URLError) and isinstance(exc.reason, Exception):
            cause = exc.reason
        if isinstance(cause, TimeoutError):
            raise TimeoutError from None
        raise RemoteError(_why(cause)) from None


def _why(exc: BaseException) -> str:
    """Tell in a few words why a request or a reply failed; without any part of the address."""
    if isinstance(exc, urllib.error.HTTPError):
        return _STATUSES.get(exc.code, f"the server answered with status {exc.code}")
    if isinstance(exc, ssl.SSLCertVerificationError):
        return "its certificate is not trusted"
    if isinstance(exc, ssl.SSLError):
        return "no secure connection could be made"
    if isinstance(exc, http.client.IncompleteRead):
        return "the connection broke off"
    if isinstance(exc, http.client.InvalidURL | UnicodeError | OverflowError):
        return "that is no valid address"
    if isinstance(exc, http.client.RemoteDisconnected):
        return "the server hung up without an answer"
    if isinstance(exc, http.client.HTTPException | zlib.error | ValueError):
        return "the server's answer makes no sense"
    if isinstance(exc, socket.gaierror):
        return "the name of the server is not known"
    if isinstance(exc, OSError) and exc.errno in {errno.ECONNRESET, errno.EPIPE}:
        return "the connection broke off"
    return "no connection could be made"


_STATUSES = {
    301: "the server leads nowhere, or to what is no web address (301)",
    302: "the server leads nowhere, or to what is no web address (302)",
    303: "the server leads nowhere, or to what is no web address (303)",
    307: "the server leads nowhere, or to what is no web address (307)",
    308: "the server leads nowhere, or to what is no web address (308)",
    401: "the server wants a user name and password (401)",
    403: "the server does not allow it (403)",
    404: "the server has no such file (404)",
}


def _new_unzip() -> "zlib._Decompress":
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # gzip or zlib


def _content_range(reply: http.client.HTTPResponse) -> tuple[int | None, int | None, int | None]:
    """Read what part a reply holds: its first byte, the end of it, and the size of all."""
    if reply.status != http.HTTPStatus.PARTIAL_CONTENT:
        return None, None, None
    said = re.fullmatch(
        r"bytes\s+(\d{1,19})-(\d{1,19})/(\d{1,19}|\*)",
        reply.headers.get("Content-Range", "").strip(),
        re.IGNORECASE,
    )
    if said is None:
        return None, None, None
    total = None if said[3] == "*" else int(said[3])
    return int(said[1]), int(said[2]) + 1, total
