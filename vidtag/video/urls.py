"""Videos behind a URL: http(s) and rtsp, with time-outs and without credentials in messages.

Owns the errors of the network. No redirect leads to a file or another protocol.
"""

import errno
import re
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import IO, BinaryIO, TypeVar

import av
from av.container import InputContainer

from vidtag.errors import VideoError, VideoOpenError
from vidtag.urls import without_credentials
from vidtag.video.formats import AV_ERRORS, container_options, not_a_video
from vidtag.video.options import ReadOptions
from vidtag.video.sources import FileSource, open_container, spool
from vidtag.video.waiting import Worker

T = TypeVar("T")

OPEN_TIMEOUTS = 3
"""So many times as long as a server may be silent, it may take until a video is opened."""


class UrlSource:
    """An http(s) or rtsp address."""

    is_file = False
    max_read_errors = 1

    def __init__(self, url: str, options: ReadOptions) -> None:
        self.path = without_credentials(url)
        self.size_bytes: int | None = None
        self.can_reread = False
        if not options.network:
            raise VideoOpenError(
                self.path,
                "offline",
                f"'{self.path}' is on the network, which --offline forbids; name a file instead.",
            )
        self._url = url
        self._options = options
        self._worker = Worker()
        self._spooled: FileSource | None = None
        self._is_rtsp = url.lower().startswith("rtsp")

    def open(self) -> InputContainer:
        """Ask the server for it, or raise a `VideoOpenError`."""
        if self._spooled is not None:
            return self._spooled.open()
        began = time.monotonic()
        try:
            container = self._worker.run(self._open, OPEN_TIMEOUTS * self._options.timeout_seconds)
        except AV_ERRORS as exc:
            # FFmpeg's rtsp takes silence for bad data.
            is_late = time.monotonic() - began >= self._options.timeout_seconds
            error = self._timeout_error() if is_late else self._explain(exc)
            if error.code != "not_a_video":
                raise error from _cause(exc, self._url, self.path)
            # Perhaps its index comes last and the server can't seek; perhaps there is no such
            # file, of which FFmpeg tells less than Python's own client.
            return self._open_spooled()
        self.can_reread = not self._is_rtsp and container.duration is not None
        return container

    def run(self, work: Callable[[], T]) -> T:
        """Do it in a thread, so that Ctrl-C ends the wait for the server."""
        return self._worker.run(work)

    @property
    def is_idle(self) -> bool:
        """Whether no read was left behind."""
        return not self._worker.is_busy

    def failure(self) -> VideoError | None:
        """Return none: FFmpeg does not tell why a server broke off."""
        return None

    def edges(self, size: int) -> bytes:
        """Return what was spooled; nothing of a stream."""
        return self._spooled.edges(size) if self._spooled is not None else b""

    def close(self) -> None:
        """End the thread and drop the temporary file."""
        self._worker.close()
        if self._spooled is not None:
            self._spooled.close()

    def _open(self) -> InputContainer:
        seconds = self._options.timeout_seconds
        protocols = (
            "rtsp,rtsps,rtp,srtp,udp,tcp,tls" if self._is_rtsp else "http,https,tcp,tls,httpproxy"
        )
        options = container_options(protocols, self._options)
        options["tls_verify"] = "1"  # FFmpeg does not by default
        certificates = ssl.get_default_verify_paths().cafile
        if certificates is not None:
            options["ca_file"] = certificates
        if self._is_rtsp:
            options["format_whitelist"] += ",rtsp,rtp,sdp"
            options["rtsp_transport"] = "tcp"
            options["timeout"] = str(round(seconds * 1_000_000))
        else:
            options["rw_timeout"] = str(round(seconds * 1_000_000))
        # FFmpeg's own time-outs: PyAV's call back into Python, which crashes a program that ends
        # while a thread still waits.
        return open_container(self._url, options)

    def _open_spooled(self) -> InputContainer:
        """Fetch the whole file first."""
        try:
            file, size = self.run(self._fetch)
        except urllib.error.HTTPError as exc:
            exc.close()
            raise self._network_error(exc.code) from _cause(exc, self._url, self.path)
        except TimeoutError as exc:
            raise self._timeout_error() from _cause(exc, self._url, self.path)
        except VideoOpenError:
            raise
        except (OSError, ValueError) as exc:
            reason = getattr(exc, "reason", None)
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise self._network_error(None, "its certificate is not trusted") from _cause(
                    exc, self._url, self.path
                )
            raise self._network_error(None) from _cause(exc, self._url, self.path)
        self._spooled = FileSource(self.path, file, size, self._options)
        self.size_bytes = size
        self.can_reread = True
        return self._spooled.open()

    def _fetch(self) -> tuple[BinaryIO, int]:
        parts = urllib.parse.urlsplit(self._url)
        request = urllib.request.Request(self.path)
        if parts.username is not None:
            passwords = urllib.request.HTTPPasswordMgrWithPriorAuth()
            passwords.add_password(
                None,
                self.path,
                urllib.parse.unquote(parts.username),
                urllib.parse.unquote(parts.password or ""),
                is_authenticated=True,
            )
            handlers = [urllib.request.HTTPBasicAuthHandler(passwords), _HttpRedirects()]
        else:
            handlers = [_HttpRedirects()]
        opener = urllib.request.build_opener(*handlers)
        with opener.open(request, timeout=self._options.timeout_seconds) as reply:
            return spool(self.path, b"", reply)

    def _explain(self, exc: BaseException) -> VideoOpenError:
        if isinstance(exc, av.error.ExitError | TimeoutError):
            return self._timeout_error()
        if isinstance(exc, ConnectionError):
            return self._network_error(None)
        if isinstance(exc, OSError) and exc.errno in _NETWORK_ERRNOS:
            return self._network_error(None)
        if self._is_rtsp:
            return self._network_error(None)
        return not_a_video(self.path, b"")

    def _timeout_error(self) -> VideoOpenError:
        seconds = self._options.timeout_seconds
        return VideoOpenError(
            self.path,
            "timed_out",
            f"'{self.path}' did not answer within {seconds:g} seconds; try again later, or save it "
            "as a file first.",
        )

    def _network_error(
        self, status: int | None, why: str = "no connection could be made"
    ) -> VideoOpenError:
        said = {
            401: "the server wants a user name and password (401)",
            403: "the server does not allow it (403)",
            404: "the server has no such file (404)",
        }
        if status is not None:
            why = said.get(status, f"the server answered with status {status}")
        return VideoOpenError(
            self.path, "network_failed", f"Could not open '{self.path}': {why}; check the address."
        )


class _HttpRedirects(urllib.request.HTTPRedirectHandler):
    """Follow redirects to http and https alone."""

    def redirect_request(  # noqa: PLR0913 - the signature is urllib's
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: object,
        newurl: str,
    ) -> urllib.request.Request | None:
        if not re.match(r"https?://", newurl, re.IGNORECASE):
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


_NETWORK_ERRNOS = {
    errno.ECONNREFUSED,
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.ENETDOWN,
    errno.ECONNRESET,
    errno.EPIPE,
    errno.EADDRNOTAVAIL,
}


def _cause(exc: BaseException, url: str, path: str) -> BaseException:
    """Return what is told of an error's cause: without credentials."""
    return exc if url == path else OSError(type(exc).__name__)
