"""Clips of what mattered: the stream itself, from before a segment to after it.

A thread of its own writes, so that a slow disk delays nobody.
"""

import os
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vidtag.documents.live import LiveEvent
from vidtag.errors import OutputError
from vidtag.live.clock import to_utc
from vidtag.live.mailbox import POLL_SECONDS
from vidtag.video.copying import CopyWriter, KeptPacket, Recent, drafts_of

if TYPE_CHECKING:
    from vidtag.video import Video

BEFORE_SECONDS = 5.0
"""A clip begins so long before its segment: at the key frame before that."""

AFTER_SECONDS = 3.0
"""It goes on for so long after it."""

LONGEST_SECONDS = 600.0
"""A segment that holds longer goes on in another clip."""

LATE_SECONDS = 30.0
"""So late may a segment be told, by the end of its window and the model's work."""

RECENT_BYTES = 256 << 20
"""The most that is kept of the stream in memory."""

LIMIT_BYTES = 10 << 30
"""The most that clips take together, unless an option says otherwise."""

CLOSE_SECONDS = 30.0
"""How long a disk gets for the rest, once the watch is over."""

MAX_WAITING = 20_000
"""Packets that may wait for the disk: minutes of a camera."""

_NAME = re.compile(r"\d{8}T\d{6}Z( \d+)? .+\.(mp4|mkv)")
"""The names of clips of ours; nothing else in the folder is ever removed."""

_UNSAFE = re.compile(r"[^\w .,+()-]+")


@dataclass(slots=True, kw_only=True, eq=False)
class _Clip:
    """A clip that is being written."""

    recent: Recent
    label: str
    path: str
    writer: CopyWriter | None = None
    since: float = 0.0
    """The moment that it begins with."""

    until: float | None = None
    """The moment that it ends with; `None` while its segment is open."""

    is_begun: bool = False


class Recorder:
    """Writes clips of segments into a folder; a context manager.

    Args:
        folder: Where to; made where it is not there.
        limit_bytes: The most that clips there take together; the oldest go first.
        late_seconds: So long after its start a segment is told at the earliest.
        tell: Told in a line what is wrong, once each.

    Raises:
        OutputError: The folder can't be made.
    """

    def __init__(
        self,
        folder: str,
        *,
        limit_bytes: int = LIMIT_BYTES,
        late_seconds: float = 0.0,
        tell: Callable[[str], None],
    ) -> None:
        self._late_seconds = late_seconds
        self._folder = folder
        self._limit = limit_bytes
        self._tell = tell
        self._told: set[str] = set()
        self._lock = threading.Condition()
        self._work: deque[tuple[_Clip, KeptPacket | None]] = deque()
        self._clips: dict[tuple[str, float], _Clip] = {}
        self._recent: tuple[Video, Recent] | None = None
        self._is_over = False
        try:
            os.makedirs(folder, exist_ok=True)
            for draft in drafts_of(folder):
                if time.time() - os.stat(draft).st_mtime > LONGEST_SECONDS:
                    os.unlink(draft)  # of a run that was killed
        except OSError as exc:
            message = f"Clips can't go to '{folder}': {exc.strerror or exc}."
            raise OutputError(folder, message) from exc
        self._thread = threading.Thread(target=self._run, name="vidtag-clips", daemon=True)
        self._thread.start()

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Called by the thread that reads

    def note(self, packet: Any, video: "Video") -> None:
        """Keep a packet; those of clips that are being written go to them, too."""
        moment = time.monotonic()
        with self._lock:
            if self._recent is None or self._recent[0] is not video:
                made = Recent(
                    video.container,
                    video.stream_index,
                    seconds=BEFORE_SECONDS + LATE_SECONDS + self._late_seconds,
                    max_bytes=RECENT_BYTES,
                    by_arrival=video.is_dated_by_arrival,
                )
                self._recent = video, made
            recent = self._recent[1]
            kept = recent.add(packet, moment)
            if kept is None:
                return
            for key, clip in list(self._clips.items()):
                if clip.recent is not recent or (clip.until is not None and moment > clip.until):
                    self._end(key, clip)
                elif len(self._work) > MAX_WAITING:
                    self._end(key, clip)
                    self._say("A clip ends early: the disk is too slow for clips.")
                elif kept.is_key and moment - clip.since > LONGEST_SECONDS:
                    self._end(key, clip)
                    self._clips[key] = self._begin(clip.label, recent, moment, moment)
                    self._clips[key].until = clip.until
                else:
                    self._work.append((clip, kept))
            self._lock.notify_all()

    # Called by the thread that scores

    def tell(self, event: LiveEvent, moment_of: Callable[[float], float]) -> None:
        """Begin and end clips as segments do.

        Args:
            event: What happened.
            moment_of: Gives the moment of a second of the stream.
        """
        with self._lock:
            if event.event == "source_lost":
                for key, clip in list(self._clips.items()):
                    self._end(key, clip)
            elif event.label is not None and event.start_seconds is not None:
                key = event.label, event.start_seconds
                moment = moment_of(event.start_seconds)
                begun = self._clips.get(key)
                if event.event == "segment_open" and self._recent is not None:
                    recent = self._recent[1]
                    since = moment - BEFORE_SECONDS
                    self._clips[key] = self._begin(event.label, recent, moment, since)
                elif begun is not None and event.end_seconds is not None:
                    begun.until = moment_of(event.end_seconds) + AFTER_SECONDS
                    if begun.until < time.monotonic():
                        self._end(key, begun)
            self._lock.notify_all()

    def close(self) -> None:
        """Finish what is being written."""
        with self._lock:
            for key, clip in list(self._clips.items()):
                self._end(key, clip)
            self._is_over = True
            self._lock.notify_all()
        self._thread.join(CLOSE_SECONDS)

    def _begin(self, label: str, recent: Recent, moment: float, since: float) -> _Clip:
        """Begin a clip.

        Args:
            label: What its segment is of.
            recent: The stream.
            moment: The moment that it is named after.
            since: The moment that it begins with.
        """
        stamp = re.sub(r"[-:]|\.\d+", "", to_utc(time.time() - time.monotonic() + moment))
        name = _UNSAFE.sub("_", label).strip(" .")[:60] or "clip"
        path = os.path.join(self._folder, f"{stamp} {name}{recent.suffix}")
        number = 1
        while os.path.lexists(path) or any(clip.path == path for clip in self._clips.values()):
            number += 1
            path = os.path.join(self._folder, f"{stamp} {number} {name}{recent.suffix}")
        clip = _Clip(recent=recent, label=label, path=path, since=since)
        for packet in recent.since(since):
            self._work.append((clip, packet))
        return clip

    def _end(self, key: tuple[str, float], clip: _Clip) -> None:
        del self._clips[key]
        self._work.append((clip, None))

    # The thread that writes

    def _run(self) -> None:
        while True:
            with self._lock:
                while not self._work:
                    if self._is_over:
                        return
                    self._lock.wait(POLL_SECONDS)
                clip, packet = self._work.popleft()
            try:
                self._write(clip, packet)
            except OutputError as exc:
                clip.writer = None
                self._say(str(exc))

    def _write(self, clip: _Clip, packet: KeptPacket | None) -> None:
        if packet is None:
            if clip.writer is not None:
                clip.writer.finish()
            return
        if not clip.is_begun:
            if not packet.is_key:
                return
            clip.is_begun = True
            self._make_room()
            clip.writer = clip.recent.writer(clip.path)
        if clip.writer is not None:
            clip.writer.add(packet)

    def _make_room(self) -> None:
        """Remove the oldest clips beyond the limit."""
        found: list[tuple[str, int]] = []
        with suppress(OSError):
            for entry in os.scandir(self._folder):
                if _NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    found.append((entry.path, entry.stat().st_size))
        total = sum(size for _, size in found)
        for path, size in sorted(found):  # their names begin with their time
            if total <= self._limit:
                return
            with suppress(OSError):
                os.unlink(path)
                total -= size

    def _say(self, message: str) -> None:
        why = message.rpartition(": ")[2]
        if why not in self._told:
            self._told.add(why)
            self._tell(message)
