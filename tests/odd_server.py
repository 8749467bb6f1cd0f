"""A web server on loopback that answers as badly as it is told to, each way under its own path.

Raw sockets: `http.server` is too well-behaved. Every answer is bounded by the server's end.
"""

import contextlib
import gzip
import re
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Self

Answer = Callable[["Asked"], None]

OK = b"HTTP/1.1 200 OK\r\n"


class Asked:
    """One request, and the connection to answer it on."""

    def __init__(self, server: "OddServer", client: socket.socket, head: bytes) -> None:
        self.data = server.data
        self.server = server
        self.head = head
        self._client = client
        wanted = re.search(rb"(?im)^range: *bytes=(\d+)-", head)
        self.begin = int(wanted[1]) if wanted else 0
        self.wants_range = wanted is not None

    def send(self, *parts: bytes) -> None:
        """Send as it is."""
        self._client.sendall(b"".join(parts))

    def whole(self, *headers: bytes, body: bytes | None = None, status: bytes = OK) -> None:
        """Send an ordinary answer with the length of its body."""
        body = self.data if body is None else body
        self.send(status, *(h + b"\r\n" for h in headers), _length(body), b"\r\n", body)

    def part(self, *headers: bytes, size: int | None = None, short: int = 0) -> None:
        """Answer a range, with at most so many bytes, of which some may be missing."""
        end = len(self.data) if size is None else min(len(self.data), self.begin + size)
        said = f"Content-Range: bytes {self.begin}-{end - 1}/{len(self.data)}\r\n".encode()
        body = self.data[self.begin : end]
        self.send(b"HTTP/1.1 206 Partial Content\r\n", *(h + b"\r\n" for h in headers), said)
        self.send(_length(body), b"\r\n", body[: len(body) - short])

    def chunks(self, size: int = 5000) -> None:
        """Send the chunks of the body, without the last, empty one."""
        for begin in range(0, len(self.data), size):
            chunk = self.data[begin : begin + size]
            self.send(f"{len(chunk):x}\r\n".encode(), chunk, b"\r\n")

    def drip(self, data: bytes = b"", seconds: float = 0.05) -> None:
        """Send a byte now and then: these, and then zeros, until somebody hangs up."""
        for byte in _and_zeros(data):
            self.send(bytes([byte]))
            if self.server.is_over.wait(seconds):
                return

    def flood(self, line: bytes) -> None:
        """Send the same for ever."""
        while not self.server.is_over.is_set():
            self.send(line * 100)

    def hold(self) -> None:
        """Say no more."""
        self.server.is_over.wait(30)

    def reset(self) -> None:
        """Break off with a reset instead of an end."""
        self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        time.sleep(0.05)  # what was sent should arrive before
        self._client.close()


class OddServer:
    """Serves `data` in all ways of `answers`: path → what to do."""

    def __init__(self, data: bytes, answers: dict[str, Answer]) -> None:
        self.data = data
        self.answers = answers
        self.requests: list[bytes] = []
        self.is_over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def url(self, path: str, credentials: str = "", scheme: str = "http") -> str:
        return f"{scheme}://{credentials}127.0.0.1:{self.port}/{path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        client.settimeout(30)
        with contextlib.suppress(OSError), client:
            head = b""
            while b"\r\n\r\n" not in head:
                data = client.recv(65536)
                if not data:
                    return
                head += data
            self.requests.append(head)
            path = head.split(b" ")[1].decode("latin-1").lstrip("/")
            asked = Asked(self, client, head)
            self.answers.get(path.split("?")[0], _not_found)(asked)
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_WR)
                client.recv(1)


def _length(body: bytes) -> bytes:
    return f"Content-Length: {len(body)}\r\n".encode()


def _and_zeros(data: bytes) -> Iterator[int]:
    yield from data
    while True:
        yield 0


def _not_found(asked: Asked) -> None:
    asked.whole(body=b"no", status=b"HTTP/1.1 404 Not Found\r\n")


def _redirect(target: bytes, code: int = 302) -> Answer:
    def answer(asked: Asked) -> None:
        asked.send(f"HTTP/1.1 {code} Go\r\nLocation: ".encode(), target, b"\r\n\r\n")

    return answer


def _says(*parts: bytes) -> Answer:
    return lambda asked: asked.send(*parts)


def _then(first: Answer, later: Answer) -> Answer:
    """Answer the first request in one way, and later ones in another."""

    def answer(asked: Asked) -> None:
        path = asked.head.split(b" ")[1]
        asked_before = sum(head.split(b" ")[1] == path for head in asked.server.requests)
        (first if asked_before == 1 else later)(asked)

    return answer


def _half(asked: Asked) -> None:
    asked.send(OK, _length(asked.data), b"\r\n", asked.data[: len(asked.data) // 2])


def _do(*answers: Answer) -> Answer:
    def answer(asked: Asked) -> None:
        for one in answers:
            one(asked)

    return answer


def _open_ended(asked: Asked, *headers: bytes) -> None:
    asked.send(OK, *headers, b"\r\n", asked.data)


def _chunked(*after: Answer, end: bytes = b"0\r\n\r\n") -> Answer:
    def answer(asked: Asked) -> None:
        asked.send(OK, b"Transfer-Encoding: chunked\r\n\r\n")
        asked.chunks()
        asked.send(end)
        for one in after:
            one(asked)

    return answer


def _packed(pack: Callable[[bytes], bytes], coding: bytes, share: float = 1) -> Answer:
    def answer(asked: Asked) -> None:
        body = pack(asked.data)
        asked.whole(b"Content-Encoding: " + coding, body=body[: round(share * len(body))])

    return answer


def _knows_password(asked: Asked) -> bool:
    return b"Authorization: Basic bWU6cy9j" in asked.head  # me:s/c


def _basic(asked: Asked) -> None:
    if _knows_password(asked):
        asked.part()
        return
    asked.send(b'HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm="x"\r\n\r\n')


def _digest(asked: Asked) -> None:
    if b"Authorization: Digest" in asked.head and b'username="me"' in asked.head:
        asked.part()
        return
    asked.send(
        b'HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm="x", nonce="1", qop="auth"\r\n\r\n'
    )


SOUND: dict[str, Answer] = {
    "plain": lambda a: a.whole(),
    "ranges": lambda a: a.part(b"Accept-Ranges: bytes"),
    "ranges-etag": lambda a: a.part(b'ETag: "1"'),
    "small-parts": lambda a: a.part(size=3000),
    "says-ranges-gives-all": lambda a: a.whole(b"Accept-Ranges: bytes"),
    "part-without-range": lambda a: a.whole(status=b"HTTP/1.1 206 Partial Content\r\n"),
    "open-ended": _open_ended,
    "http-1.0": lambda a: a.send(b"HTTP/1.0 200 OK\r\n\r\n", a.data),
    "bare-lf": lambda a: a.send(b"HTTP/1.1 200 OK\nContent-Type: video/mp4\n\n", a.data),
    "no-reason": lambda a: a.whole(status=b"HTTP/1.1 200\r\n"),
    "odd-case": lambda a: a.send(OK, b"cOnTeNt-LeNgTh:%d\r\nX:\r\n\r\n" % len(a.data), a.data),
    "90-headers": lambda a: a.whole(*(b"X-%d: y" % n for n in range(90))),
    "length-is-no-number": lambda a: a.send(OK, b"Content-Length: many\r\n\r\n", a.data),
    "length-below-zero": lambda a: a.send(OK, b"Content-Length: -5\r\n\r\n", a.data),
    "more-than-its-length": lambda a: a.send(OK, _length(a.data), b"\r\n", a.data, b"x" * 99),
    "wrong-type": lambda a: a.whole(b"Content-Type: text/html; charset=x"),
    "odd-type": lambda a: a.whole(b"Content-Type: \xff\xfe;;;"),
    "chunked": _chunked(),
    "chunked-with-trailers": _chunked(end=b"0;x=y\r\nA: b\r\n\r\n"),
    "gzip": _packed(gzip.compress, b"gzip"),
    "gzip-in-two": _packed(
        lambda data: gzip.compress(data[:5000]) + gzip.compress(data[5000:]), b"gzip"
    ),
    "x-gzip": _packed(gzip.compress, b"X-GZIP"),
    "deflate": _packed(zlib.compress, b"deflate"),
    "identity": lambda a: a.whole(b"Content-Encoding: identity"),
    "continue": _do(_says(b"HTTP/1.1 100 Continue\r\n\r\n" * 3), lambda a: a.whole()),
    "moved": _redirect(b"/ranges"),
    "moved-301": _redirect(b"plain", 301),
    "moved-308": _redirect(b"/ranges?x=y z\xc3\xa9", 308),
    "moved-endless-text": _do(
        _says(b"HTTP/1.1 302 Go\r\nLocation: /plain\r\n\r\n"), lambda a: a.flood(b"x")
    ),
    "no-first-byte": lambda a: (
        a.whole() if not a.wants_range else a.send(b"HTTP/1.1 416 No\r\nContent-Length: 0\r\n\r\n")
    ),
    "breaks-once": _then(
        _do(lambda a: a.part(short=len(a.data) // 2), Asked.reset), lambda a: a.part()
    ),
    "ends-early-once": _then(
        lambda a: a.part(b'ETag: "1"', short=len(a.data) // 2),
        lambda a: a.part(b'ETag: "1"'),
    ),
}
"""Answers that hold the whole video, however odd."""

FAILING: dict[str, tuple[Answer, str]] = {
    "hangs-up": (_says(b""), "network_failed"),
    "resets": (Asked.reset, "network_failed"),
    "garbage": (_says(b"\x00\x01\x02 what? \xff" * 50), "network_failed"),
    "ssh": (_says(b"SSH-2.0-OpenSSH_9.6\r\n"), "network_failed"),
    "http-0.9": (lambda a: a.send(a.data), "network_failed"),
    "half-a-status": (_says(b"HTTP/1."), "network_failed"),
    "status-is-no-number": (_says(b"HTTP/1.1 abc OK\r\n\r\n"), "network_failed"),
    "status-999": (_says(b"HTTP/1.1 999 Hm\r\n\r\n"), "network_failed"),
    "status-1e9": (_says(b"HTTP/1.1 1000000000 Hm\r\n\r\n"), "network_failed"),
    "http-9.9": (_says(b"ICY/x 200 OK\r\n\r\n"), "network_failed"),
    "half-a-head": (_says(b"HTTP/1.1 200 OK\r\nContent-Le"), "empty_file"),
    "101-headers": (lambda a: a.whole(*(b"X-%d: y" % n for n in range(101))), "network_failed"),
    "long-header": (lambda a: a.whole(b"X: " + b"y" * 70_000), "network_failed"),
    "endless-headers": (_do(_says(OK), lambda a: a.flood(b"X: y\r\n")), "network_failed"),
    "endless-line": (_do(_says(OK), lambda a: a.flood(b"x")), "network_failed"),
    "endless-continue": (lambda a: a.flood(b"HTTP/1.1 100 Go on\r\n\r\n"), "timed_out"),
    "silence": (Asked.hold, "timed_out"),
    "silence-after-head": (_do(_says(OK, b"\r\n"), Asked.hold), "timed_out"),
    "drips-head": (lambda a: a.drip(OK + b"X: y\r\n" * 200), "timed_out"),
    "drips-zeros": (lambda a: (a.send(OK, b"\r\n"), a.drip()), "timed_out"),
    "drips-video": (lambda a: (a.send(OK, _length(a.data), b"\r\n"), a.drip(a.data)), "timed_out"),
    "drips-chunk-size": (
        lambda a: (a.send(OK, b"Transfer-Encoding: chunked\r\n\r\n"), a.drip(b"0" * 9999)),
        "timed_out",
    ),
    "falls-silent": (_do(_half, Asked.hold), "timed_out"),
    "drips-after-half": (_do(_half, lambda a: a.drip()), "timed_out"),
    "half": (_half, "network_failed"),
    "half-then-reset": (_do(_half, Asked.reset), "network_failed"),
    "part-always-half": (
        lambda a: a.part(short=(len(a.data) - a.begin) // 2 + 1),
        "network_failed",
    ),
    "part-never-more": (
        lambda a: a.part(short=len(a.data) - a.begin) if a.begin else a.part(size=3000),
        "network_failed",
    ),
    "part-of-no-bytes": (
        _then(
            lambda a: a.part(size=3000),
            _says(b"HTTP/1.1 206 P\r\nContent-Range: bytes 3000-2999/99999\r\n\r\n"),
        ),
        "network_failed",
    ),
    "another-part": (
        _says(b"HTTP/1.1 206 P\r\nContent-Range: bytes 9-99/999\r\n\r\n"),
        "network_failed",
    ),
    "changes": (
        _then(lambda a: a.part(b'ETag: "1"', short=len(a.data) // 2), lambda a: a.whole()),
        "network_failed",
    ),
    "gone-on-the-way": (
        _then(lambda a: a.part(short=len(a.data) // 2), _not_found),
        "network_failed",
    ),
    "no-content": (_says(b"HTTP/1.1 204 No Content\r\n\r\n"), "empty_file"),
    "not-modified": (_says(b"HTTP/1.1 304 Not Modified\r\n\r\n"), "network_failed"),
    "empty": (lambda a: a.whole(body=b""), "empty_file"),
    "empty-chunked": (_says(OK, b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "empty_file"),
    "404": (_not_found, "network_failed"),
    "407": (_says(b"HTTP/1.1 407 Proxy\r\n\r\n"), "network_failed"),
    "401-unknown": (
        _says(b"HTTP/1.1 401 No\r\nWWW-Authenticate: Strange x=y\r\n\r\n"),
        "network_failed",
    ),
    "503-endless": (
        _do(_says(b"HTTP/1.1 503 No\r\n\r\n"), lambda a: a.flood(b"x")),
        "network_failed",
    ),
    "moved-nowhere": (_says(b"HTTP/1.1 302 Go\r\n\r\n"), "network_failed"),
    "moved-to-itself": (_redirect(b"/moved-to-itself"), "network_failed"),
    "moved-on-and-on": (
        lambda a: _redirect(b"/moved-on-and-on?%d" % len(a.server.requests))(a),
        "network_failed",
    ),
    "moved-to-a-file": (_redirect(b"file:///etc/passwd"), "network_failed"),
    "moved-to-ftp": (_redirect(b"ftp://127.0.0.1/x"), "network_failed"),
    "moved-to-data": (_redirect(b"data:video/mp4;base64,AAAA"), "network_failed"),
    "moved-to-a-script": (_redirect(b"javascript:alert(1)"), "network_failed"),
    "moved-to-rtsp": (_redirect(b"rtsp://127.0.0.1/x"), "network_failed"),
    "moved-to-no-port": (_redirect(b"http://127.0.0.1:99999/x"), "network_failed"),
    "moved-to-no-host": (_redirect(b"http:///x"), "network_failed"),
    "moved-to-half-a-host": (_redirect(b"http://[::1/x"), "network_failed"),
    "bad-chunk-size": (_chunked(end=b"zz\r\n"), "network_failed"),
    "chunk-below-zero": (_chunked(end=b"-5\r\nabcde\r\n"), "network_failed"),
    "huge-chunk": (_chunked(end=b"f" * 15 + b"\r\nabc"), "network_failed"),
    "endless-chunk-size": (_chunked(lambda a: a.flood(b"1"), end=b""), "network_failed"),
    "no-last-chunk": (_chunked(end=b""), "network_failed"),
    "bad-gzip": (_packed(lambda data: data, b"gzip"), "network_failed"),
    "half-gzip": (_packed(gzip.compress, b"gzip", 0.5), "network_failed"),
    "brotli": (_packed(lambda data: data, b"br"), "network_failed"),
    "two-codings": (_packed(gzip.compress, b"gzip, br"), "network_failed"),
    "web-page": (lambda a: a.whole(body=b"\xef\xbb\xbf\n<!DOCTYPE html><title>x"), "not_a_video"),
    "web-page-2": (lambda a: a.whole(body=b"<!-- x -->\n<html><body>x</html>"), "not_a_video"),
    "json": (lambda a: a.whole(body=b'{"error": "no"}'), "not_a_video"),
    "playlist": (lambda a: a.whole(body=b"#EXTM3U\nfile:///etc/passwd\n"), "playlist"),
    "one-byte": (lambda a: a.whole(body=b"x"), "not_a_video"),
    "endless-zeros": (_do(_says(OK, b"\r\n"), lambda a: a.flood(b"\0")), "not_a_video"),
}
"""Answers that hold no whole video, with the code of the error."""

GUARDED: dict[str, Answer] = {
    "basic": _basic,
    "digest": _digest,
    "folder/moved": lambda a: (_redirect(b"/basic") if _knows_password(a) else _basic)(a),
}
"""Answers for those who know the password."""

ALL: dict[str, Answer] = SOUND | GUARDED | {name: one for name, (one, _) in FAILING.items()}
