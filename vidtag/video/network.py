"""Videos behind a URL: http(s) and rtsp, with time-outs and without credentials in messages.

Owns the errors of the network. No redirect leads to a file or another protocol.
"""

import re
import ssl
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import av
from av.container import InputContainer

from vidtag.errors import VideoError, VideoOpenError
from vidtag.urls import Url, web_page_message
from vidtag.video.containers import AV_ERRORS, container_options, not_a_video
from vidtag.video.options import Part
from vidtag.video.pipes import SPOOL_BYTES, PipeReader, spool, spool_limit
from vidtag.video.remote import RemoteFile
from vidtag.video.sources import MAX_READ_ERRORS, FileSource, Source, open_container, open_rest
from vidtag.video.waiting import Stall, Worker

T = TypeVar("T")

STALL_TIMEOUTS = 3
"""After so many times as long as a server may be silent, with less than `STALL_BYTES`, it is late.

In half a minute, a live picture sends more even if it stands still: a camera's clock picture, or
the tables of a transport stream, which come ten times a second (ETSI TR 101 290).
"""

STALL_BYTES = 4096
"""See `STALL_TIMEOUTS`: 137 bytes a second with the usual time-out."""

_PAGE = re.compile(
    rb"(\xef\xbb\xbf)?\s*(<!--.*?-->\s*)*<(!doctype\s+html|html)\b", re.I | re.DOTALL
)


def open_url(url: str, options: Part) -> Source:
    """Choose how a URL is read; the server is asked when it is opened.

    Raises:
        VideoOpenError: The network is switched off.
    """
    parsed = Url.parse(url)
    if not options.network:
        raise offline(parsed.shown)
    is_rtsp = url.lower().startswith("rtsp")
    return StreamSource(parsed, options) if is_rtsp else HttpSource(parsed, options)


class HttpSource:
    """An http(s) address."""

    is_file = False
    is_live = False
    max_read_errors = MAX_READ_ERRORS  # the reader ends at the first failure; no try waits

    def __init__(self, url: Url, options: Part) -> None:
        self.path = url.shown
        self.size_bytes: int | None = None
        self.can_reread = False
        self.must_be_whole = True
        self._url = url
        self._options = options
        self._worker = Worker()
        self._spooled: FileSource | None = None
        self._file = RemoteFile(url, options.timeout_seconds)
        self._reader: PipeReader | None = None
        self._stall = self._new_stall()

    def open(self) -> InputContainer:
        """Ask the server for it, or raise a `VideoOpenError`."""
        if self._spooled is None:
            self._connect()
        if self._spooled is not None:
            return self._spooled.open()
        assert self._reader is not None
        options = container_options("file", self._options)
        reader = self._reader
        try:
            return self.run(lambda: open_container(reader, options))
        except AV_ERRORS as exc:
            raise self.failure() or not_a_video(self.path, reader.head, exc) from _cause(exc)

    def open_rest(self, begin: int) -> InputContainer | None:
        """Open what comes from a position on; `None` where that is gone, or nothing."""
        if self._spooled is not None:
            return self._spooled.open_rest(begin)
        rest = None if self._reader is None else self._reader.rest(begin)
        if rest is None:
            return None
        return self.run(lambda: open_rest(rest, self._options))

    def run(self, work: Callable[[], T]) -> T:
        """Do it in a thread, so that Ctrl-C ends the wait for the server."""
        return self._worker.run(work, self._is_late)

    @property
    def waited_seconds(self) -> float:
        """For how long the other side was waited for, all in all."""
        return self._worker.waited_seconds

    @property
    def is_idle(self) -> bool:
        """Whether no read was left behind."""
        return not self._worker.is_busy

    def failure(self, position: int = 0) -> VideoError | None:
        """Return the error that ended the reply, if it was one."""
        if self._reader is None or self._reader.error is None:
            return None
        return self._error(self._reader.error)

    def edges(self, size: int) -> bytes:
        """Return the first bytes, and the last ones of what was spooled."""
        if self._spooled is not None:
            return self._spooled.edges(size)
        return self._reader.head[:size] if self._reader is not None else b""

    def passage(self, begin: int, end: int) -> bytes:
        """Return bytes that came last, or were spooled; none where they are gone."""
        if self._spooled is not None:
            return self._spooled.passage(begin, end)
        return self._reader.passage(begin, end) if self._reader is not None else b""

    def close(self) -> None:
        """End the thread, hang up, and drop the temporary file."""
        self._file.abort()
        self._worker.close(self._file.close)
        if self._spooled is not None:
            self._spooled.close()

    def _connect(self) -> None:
        """Ask for it, look at how it begins, and fetch all of it first if that must be."""
        self._file.close()
        self._file = file = RemoteFile(self._url, self._options.timeout_seconds)
        self._reader = reader = PipeReader(file)
        self._stall = self._new_stall()
        try:
            self.run(file.connect)
            must_be_sought = self.run(reader.must_be_sought)
        except OSError as exc:
            raise self._error(exc) from exc
        self.can_reread = file.length is not None
        self.must_be_whole = not file.is_endless
        self._check_head(reader)
        if file.is_seekable:
            assert file.length is not None
            reader.allow_seeking(file.length)
        elif must_be_sought:
            self._fetch(file, reader)

    def _check_head(self, reader: PipeReader) -> None:
        if not reader.head and reader.error is None:
            raise VideoOpenError(
                self.path, "empty_file", f"The server sent nothing for '{self.path}'; try again."
            )
        if _PAGE.match(reader.head):
            raise VideoOpenError(self.path, "not_a_video", web_page_message(self.path))

    def _fetch(self, file: RemoteFile, reader: PipeReader) -> None:
        if file.length is not None and file.length > SPOOL_BYTES:
            raise spool_limit(self.path)
        try:
            spooled, size = self.run(lambda: spool(self.path, reader.head, file))
        except VideoOpenError:
            raise
        except OSError as exc:
            raise self._error(exc) from exc
        self._spooled = FileSource(self.path, spooled, size, self._options)
        self.size_bytes = size
        self.can_reread = True

    def _new_stall(self) -> Stall:
        return Stall(STALL_TIMEOUTS * self._options.timeout_seconds, STALL_BYTES)

    def _is_late(self, waited: float) -> bool:
        if not self._stall.is_late(waited, self._file.num_received):
            return False
        if self._reader is not None:
            self._reader.end(TimeoutError())
        self._file.abort()
        return True

    def _error(self, exc: OSError) -> VideoOpenError:
        if isinstance(exc, TimeoutError):
            return timed_out(self.path, self._options)
        return network_failed(self.path, str(exc))


TLS = "tcp,tls"
"""What secure and plain connections are made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """How FFmpeg's client of a protocol is run."""

    protocols: str
    """All that it may go on to."""

    formats: str = ""
    """Formats that open further addresses, which it may be."""

    options: dict[str, str] = field(default_factory=dict)

    format: str | None = None
    """What it is, where FFmpeg can't tell by the address alone."""

    timeout: str = "rw_timeout"
    """Its option for how long the other side may be silent, in microseconds."""


RTSP = Protocol(
    protocols=f"rtsp,rtsps,rtp,srtp,udp,{TLS}",
    formats=",rtsp,rtp,sdp",
    # No `nobuffer`: it drops what is read to find out what comes, and with it the first key frame;
    # the next one may be ten seconds later. Kept, that second comes late, and at once.
    options={"rtsp_transport": "tcp"},
    timeout="timeout",
)


class StreamSource:
    """An address that FFmpeg's own clients read: rtsp(s), unless another protocol is named."""

    is_file = False
    is_live = False
    max_read_errors = 1
    must_be_whole = False
    can_reread = False
    size_bytes: int | None = None

    def __init__(self, url: Url, options: Part, protocol: Protocol = RTSP) -> None:
        self.path = url.shown
        self._url = url
        self._options = options
        self._protocol = protocol
        self._worker = Worker()

    def open(self) -> InputContainer:
        """Ask the server for it, or raise a `VideoOpenError`."""
        began = time.monotonic()
        try:
            return self.run(self._open)
        except AV_ERRORS as exc:
            # FFmpeg's rtsp takes silence for bad data.
            is_late = time.monotonic() - began >= self._options.timeout_seconds
            if is_late or isinstance(exc, av.error.ExitError | TimeoutError):
                raise timed_out(self.path, self._options) from _cause(exc)
            raise network_failed(self.path, self._why(exc)) from _cause(exc)

    def _why(self, exc: BaseException) -> str:
        if isinstance(exc, av.error.HTTPUnauthorizedError) and self._url.user is not None:
            return "the server does not take this user name and password (401)"
        if isinstance(exc, av.error.InvalidDataError):
            return "what comes is no video that can be read"
        return next(
            (why for kind, why in _REFUSALS.items() if isinstance(exc, kind)),
            "no connection could be made",
        )

    def open_rest(self, begin: int) -> InputContainer | None:
        """Return none: what came is not kept."""
        return None

    def run(self, work: Callable[[], T]) -> T:
        """Do it in a thread, so that Ctrl-C ends the wait for the server."""
        # One packet, or none, in all that time.
        seconds = STALL_TIMEOUTS * self._options.timeout_seconds
        stall = Stall(seconds, STALL_BYTES)
        return self._worker.run(
            work, lambda waited: stall.is_late(waited, 0) or self._is_given_up()
        )

    def _is_given_up(self) -> bool:
        """Tell whether nobody wants it any more."""
        return False

    @property
    def waited_seconds(self) -> float:
        """For how long the other side was waited for, all in all."""
        return self._worker.waited_seconds

    @property
    def is_idle(self) -> bool:
        """Whether no read was left behind."""
        return not self._worker.is_busy

    def failure(self, position: int = 0) -> VideoError | None:
        """Return none: FFmpeg does not tell why a server broke off."""
        return None

    def edges(self, size: int) -> bytes:
        """Return nothing of a stream."""
        return b""

    def passage(self, begin: int, end: int) -> bytes:
        """Return nothing: what came is not kept."""
        return b""

    def close(self) -> None:
        """End the thread."""
        self._worker.close(lambda: None)

    def _open(self) -> InputContainer:
        protocol = self._protocol
        options = container_options(protocol.protocols, self._options)
        options["format_whitelist"] += protocol.formats
        options |= protocol.options | _trusted()
        # FFmpeg's own time-out: PyAV's calls back into Python, which crashes a program that ends
        # while a thread still waits.
        options[protocol.timeout] = str(round(self._options.timeout_seconds * 1_000_000))
        return open_container(self._address(), options, format=protocol.format)

    def _address(self) -> str:
        if self._url.user is None:
            return self._url.target
        scheme, _, rest = self._url.target.partition("://")
        user = urllib.parse.quote(self._url.user, safe="")
        password = urllib.parse.quote(self._url.password, safe="")
        return f"{scheme}://{user}:{password}@{rest}"


_REFUSALS = {
    av.error.HTTPUnauthorizedError: "the server wants a user name and password (401)",
    av.error.HTTPForbiddenError: "the server does not allow it (403)",
    av.error.HTTPNotFoundError: "the server has no such stream (404)",
}
"""What FFmpeg's clients tell of a server's answer."""


def _trusted() -> dict[str, str]:
    """Return FFmpeg's options that have certificates checked, which it does not by default."""
    certificates = ssl.get_default_verify_paths().cafile
    return {"tls_verify": "1"} | ({} if certificates is None else {"ca_file": certificates})


def offline(path: str) -> VideoOpenError:
    """Compose the error for what is on the network, where that is switched off."""
    message = f"'{path}' is on the network, which --offline forbids; name a file instead."
    return VideoOpenError(path, "offline", message)


def timed_out(path: str, options: Part) -> VideoOpenError:
    """Compose the error for a server that is silent, or hardly sends anything."""
    return VideoOpenError(
        path,
        "timed_out",
        f"'{path}' did not answer within {options.timeout_seconds:g} seconds, or sent next to "
        "nothing; try again later, or save it as a file first.",
    )


def network_failed(path: str, why: str) -> VideoOpenError:
    """Compose the error for a server that can't be reached, refuses, or breaks off."""
    return VideoOpenError(
        path, "network_failed", f"Could not read '{path}': {why}; check the address, or try again."
    )


def _cause(exc: BaseException) -> BaseException:
    """Return what is told of an error's cause: libraries quote parts of addresses."""
    return OSError(type(exc).__name__)
