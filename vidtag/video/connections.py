"""Python's own web client, tamed: it is led to web servers alone, and all it opens can be closed.

Knows nothing of files and of what is read.
"""

import contextlib
import http.client
import re
import socket
import ssl
import urllib.parse
import urllib.request
from functools import partial
from typing import IO, Any

from vidtag.urls import Url

_PLAIN = frozenset(map(chr, range(0x21, 0x7F)))


class Connections:
    """What was opened for one request and its redirects; urllib leaves some of it open."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self._replies: list[http.client.HTTPResponse] = []

    def add(self, connection: http.client.HTTPConnection) -> None:
        """Note what a connection opens."""
        self._sockets.append(connection.sock)

        def reply(*args: Any, **options: Any) -> "_Reply":
            made = _Reply(*args, **options)
            self._replies.append(made)
            return made

        connection.response_class = reply  # type: ignore[assignment]

    def abort(self) -> None:
        """End whatever goes on in another thread."""
        for one in tuple(self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close all of it."""
        for reply in self._replies:
            reply.close()
        for one in self._sockets:
            one.close()
        self._replies.clear()
        self._sockets.clear()


def make_opener(url: Url, connections: Connections) -> urllib.request.OpenerDirector:
    """Make what sends requests for a URL, and follows where they lead.

    Args:
        url: Its user name and password are sent to its own server alone.
        connections: Gets all that is opened.
    """
    passwords = urllib.request.HTTPPasswordMgrWithPriorAuth()
    if url.user is not None:
        # For all of that server, also where it leads on to another of its files.
        scheme, _, rest = url.target.partition("://")
        passwords.add_password(
            None,
            f"{scheme}://{_host(rest)}/",
            url.user,
            url.password,
            is_authenticated=True,
        )
    opener = urllib.request.OpenerDirector()
    for handler in (  # those for files, FTP and data are left out
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        _Http(connections),
        _Https(connections),
        _Redirects(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Basic(passwords),
        _Digest(passwords),
    ):
        opener.add_handler(handler)
    return opener


def escaped(url: str) -> str:
    """Escape what may not stand in a request: blanks, and letters beyond ASCII behind the host."""
    scheme, _, rest = url.partition("://")
    host = _host(rest)
    behind = "".join(c if c in _PLAIN else urllib.parse.quote(c) for c in rest[len(host) :])
    return f"{scheme}://{host}{behind}"


def _host(rest: str) -> str:
    """Return host and port of what follows a scheme."""
    return re.split(r"[/?#]", rest, maxsplit=1)[0]


class _Reply(http.client.HTTPResponse):
    def read(self, amt: int | None = None) -> bytes:
        """Read as usual, but never all: urllib does so with the text of redirects."""
        return b"" if amt is None else super().read(amt)


class _Connection(http.client.HTTPConnection):
    def __init__(self, host: str, connections: Connections, **options: Any) -> None:
        super().__init__(host, **options)
        self._connections = connections

    def connect(self) -> None:
        super().connect()
        self._connections.add(self)


class _SecureConnection(_Connection, http.client.HTTPSConnection):
    """The same behind TLS: what `_Connection` adds, it adds to Python's own of that kind."""


class _Http(urllib.request.HTTPHandler):
    def __init__(self, connections: Connections) -> None:
        super().__init__()
        self._connections = connections

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_Connection, connections=self._connections), req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, connections: Connections) -> None:
        super().__init__()
        self._connections = connections

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        connect = partial(_SecureConnection, connections=self._connections)
        return self.do_open(connect, req, context=ssl.create_default_context())


class _Basic(urllib.request.HTTPBasicAuthHandler):
    def http_response(
        self, req: urllib.request.Request, response: http.client.HTTPResponse
    ) -> http.client.HTTPResponse:
        """Note nothing: where no password was needed, urllib would send "None:None" next time."""
        return response

    https_response = http_response

    def http_error_401(self, *args: Any) -> Any:
        """Answer with the password; urllib forbids other schemes, which are for others."""
        with contextlib.suppress(ValueError):
            return super().http_error_401(*args)
        return None


class _Digest(urllib.request.HTTPDigestAuthHandler):
    def http_error_401(self, *args: Any) -> Any:
        """Answer with the password; urllib forbids other schemes, which are for others."""
        with contextlib.suppress(ValueError):
            return super().http_error_401(*args)
        return None


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follow redirects to http and https alone, ten at the most (urllib's limit)."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if not re.match(r"https?://", newurl, re.IGNORECASE):
            return None
        return super().redirect_request(req, fp, code, msg, headers, escaped(newurl))
