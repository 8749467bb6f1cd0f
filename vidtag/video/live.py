"""Sources that go on for ever: cameras, streams, devices, files that grow.

Owns what each protocol needs to be read without delay and to end when the other side is gone.
Knows nothing of frames.
"""

import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from av.container import InputContainer

from vidtag.errors import VideoOpenError
from vidtag.urls import Url
from vidtag.video.network import RTSP, TLS, HttpSource, Protocol, StreamSource, offline
from vidtag.video.opening import open_source
from vidtag.video.options import Part
from vidtag.video.pipes import PipeReader, PipeSource
from vidtag.video.sources import Source

T = TypeVar("T")

Transport = Literal["tcp", "udp"]
"""What carries the pictures of an RTSP server."""

LOOK_SECONDS = 0.1
"""How often it is looked whether a file has grown, or whether to stop."""

GROWN_SECONDS = 10.0
"""A file that has not grown for so long is whole."""

HLS_RETRIES = 10
"""So often in a row a playlist may come without anything new, each half a segment later."""

_HLS = Protocol(
    protocols=f"http,https,httpproxy,crypto,data,{TLS}",
    formats=",hls",
    format="hls",
    options={
        "live_start_index": "-1",  # not three segments back
        "m3u8_hold_counters": str(HLS_RETRIES),
        "max_reload": str(HLS_RETRIES),
    },
)
_RTMP = Protocol(
    protocols=f"rtmp,rtmps,rtmpt,rtmpts,rtmpe,ffrtmphttp,ffrtmpcrypt,http,https,{TLS}",
    # What comes is told by its header; sound that is announced may never come.
    options={"rtmp_live": "live", "analyzeduration": "1000000"},
)
_DATAGRAMS = Protocol(
    protocols="udp,rtp",
    formats=",rtp",
    options={"overrun_nonfatal": "1", "fifo_size": "50000"},
    timeout="timeout",
)
_DEVICE = Protocol(protocols="file", formats=",video4linux2,v4l2", format="v4l2")
_TCP = Protocol(protocols="tcp", timeout="timeout")

_SCHEMES = {
    **dict.fromkeys(("rtsp", "rtsps"), RTSP),
    **dict.fromkeys(("rtmp", "rtmps", "rtmpt", "rtmpts"), _RTMP),
    **dict.fromkeys(("udp", "rtp"), _DATAGRAMS),
    "tcp": _TCP,
}

SCHEMES = ("rtsp", "rtsps", "rtmp", "rtmps", "http", "https", "udp", "rtp", "tcp")
"""What an address may begin with, as told to people."""

_ADDRESS_ALONE = ("udp", "rtp", "tcp")
"""What has no user names: `udp://@239.0.0.1:1234` is a group that is listened to."""


class LiveSource(StreamSource):
    """An address that FFmpeg's own clients read, or a device.

    Args:
        url: The address, taken apart.
        protocol: How it is read.
        options: The limits.
        is_over: Asked again and again: whether nobody wants it any more.
    """

    is_live = True

    def __init__(
        self,
        url: Url,
        protocol: Protocol,
        options: Part,
        *,
        is_over: Callable[[], bool],
    ) -> None:
        super().__init__(url, options, protocol)
        self._is_over = is_over

    def open(self) -> InputContainer:
        """Ask the other side for it, or raise a `VideoOpenError`."""
        container = super().open()
        if self._protocol is _HLS and (container.duration or 0) > 0:
            # A list with an end: a video, and not what happens now.
            self.is_live, self.must_be_whole = False, True
        return container

    def _why(self, exc: BaseException) -> str:
        if self._protocol is _DEVICE:
            return "it gives no pictures, or another program has it"
        return super()._why(exc)

    def _is_given_up(self) -> bool:
        return self._is_over()


class GrowingFile:
    """A file that something else still writes to: reading waits for more.

    Args:
        path: The file.
        is_over: Asked while it waits: whether nobody wants it any more.
    """

    def __init__(self, path: str, is_over: Callable[[], bool]) -> None:
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115 - closed by close()
        self._is_over = is_over

    def read(self, size: int, /) -> bytes:
        """Read up to `size` bytes, once there are any; none at its end."""
        began = time.monotonic()
        while not (data := self._file.read(size)):
            if self._is_over() or time.monotonic() - began > GROWN_SECONDS:
                break
            time.sleep(LOOK_SECONDS)
        return data or b""

    def seek(self, position: int, /) -> object:
        """Go on from another place."""
        return self._file.seek(position)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOptions:
    """How a source is watched."""

    part: Part
    """The limits; its part is all."""

    transport: Transport = "tcp"
    """Of RTSP."""

    follow: bool = False
    """Whether a file is one that grows."""


def is_endless(name: str) -> bool:
    """Tell whether a source has no end of its own, so that an end means that it was lost."""
    return is_device(name) or _scheme(name) in {*_SCHEMES, "http", "https"}


def is_device(name: str) -> bool:
    """Tell whether a name is that of a camera: a device that gives pictures."""
    try:
        return stat.S_ISCHR(os.stat(name).st_mode)
    except (OSError, ValueError):
        return False


def open_live(name: str, options: LiveOptions, is_over: Callable[[], bool]) -> Source:
    """Choose how a source is read; it is asked when it is opened.

    Args:
        name: An address, a device, a file, or `-`.
        options: How.
        is_over: Asked again and again while it is read: whether nobody wants it any more.

    Raises:
        VideoOpenError: It can't be watched.
    """
    part, scheme = options.part, _scheme(name)
    if scheme in {*_SCHEMES, "http", "https"} and not part.network:
        raise offline(Url.parse(name).shown)
    if scheme in ("http", "https"):
        return _http(name, part, is_over)
    if scheme in _SCHEMES:
        url = Url.parse(name)
        if scheme in _ADDRESS_ALONE:
            url = Url(shown=url.shown, target=name)
        protocol = _SCHEMES[scheme]
        if protocol is RTSP:
            carried = {**RTSP.options, "rtsp_transport": options.transport}
            protocol = replace(RTSP, options=carried)
        return LiveSource(url, protocol, part, is_over=is_over)
    if scheme:
        shown = Url.parse(name).shown
        raise VideoOpenError(shown, "network_failed", _refusal(shown, scheme))
    if is_device(name):
        return _camera(name, part, is_over)
    if options.follow and name != "-":
        return _growing(name, part, is_over)
    return open_source(name, part)


def _scheme(name: str) -> str:
    scheme, sign, _ = name.partition("://")
    return scheme.lower() if sign and scheme.replace("+", "").isalnum() else ""


def _refusal(shown: str, scheme: str) -> str:
    known = ", ".join(f"{one}://" for one in SCHEMES)
    why = f"Can't watch '{shown}': "
    if scheme in ("srt", "rist"):
        return (
            f"{why}the FFmpeg that PyAV brings has no {scheme.upper()}; let another program "
            f"receive it: ffmpeg -i {shown} -c copy -f mpegts - | vidtag watch -"
        )
    return f"{why}{scheme}:// is not known; it takes {known}, a device, a file, or -."


def _http(name: str, part: Part, is_over: Callable[[], bool]) -> Source:
    """Open a playlist with FFmpeg's client, and anything else, such as MJPEG, with our own."""
    url = Url.parse(name)
    path = url.target.partition("?")[0].partition("#")[0].lower()
    if path.endswith((".m3u8", ".m3u")):
        return LiveSource(url, _HLS, part, is_over=is_over)
    return _HttpOrHls(url, part, is_over)


class _HttpOrHls(HttpSource):
    """An http(s) address that is a stream, or turns out to be a playlist."""

    def __init__(self, url: Url, options: Part, is_over: Callable[[], bool]) -> None:
        super().__init__(url, options)
        self._is_over = is_over
        self._hls: LiveSource | None = None

    def open(self) -> InputContainer:
        """Ask the server for it, or raise a `VideoOpenError`."""
        if self._hls is None:
            try:
                container = super().open()
                self.is_live = not self.must_be_whole
                return container
            except VideoOpenError as exc:
                if exc.code != "playlist":
                    raise
            self._file.close()
            self._hls = LiveSource(self._url, _HLS, self._options, is_over=self._is_over)
            self.can_reread = False
        container = self._hls.open()
        self.is_live, self.must_be_whole = self._hls.is_live, self._hls.must_be_whole
        return container

    def run(self, work: Callable[[], T]) -> T:
        """Do it in a thread, which may be given up."""
        return super().run(work) if self._hls is None else self._hls.run(work)

    @property
    def waited_seconds(self) -> float:
        """For how long the other side was waited for, all in all."""
        return super().waited_seconds + (0.0 if self._hls is None else self._hls.waited_seconds)

    @property
    def is_idle(self) -> bool:
        """Whether no read was left behind."""
        return super().is_idle and (self._hls is None or self._hls.is_idle)

    def close(self) -> None:
        """End the threads, and hang up."""
        super().close()
        if self._hls is not None:
            self._hls.close()

    def _is_late(self, waited: float) -> bool:
        if self._is_over():
            self._file.abort()
            return True
        return super()._is_late(waited)


def _camera(name: str, part: Part, is_over: Callable[[], bool]) -> Source:
    if not os.access(name, os.R_OK):
        message = (
            f"You may not read '{name}'; join the group that may: sudo usermod -aG video $USER"
        )
        raise VideoOpenError(name, "permission_denied", message)
    url = Url(shown=name, target=name)
    return LiveSource(url, _DEVICE, part, is_over=is_over)


def _growing(name: str, part: Part, is_over: Callable[[], bool]) -> Source:
    open_source(name, part).close()  # says what is wrong with it
    reader = PipeReader(GrowingFile(name, is_over))
    if reader.must_be_sought():
        reader.close()
        message = (
            f"'{name}' can't be watched while it grows: its index comes last; record MKV, a "
            "transport stream (.ts), or fragmented MP4."
        )
        raise VideoOpenError(name, "incomplete", message)
    source = PipeSource(name, reader, part)
    source.is_live = True
    return source
