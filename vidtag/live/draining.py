"""The reading half: one thread that never waits for the model, and never gives up.

It reads the source as it comes, prepares one frame for each sample of the grid, and leaves windows
in the mailbox. A source that is lost is tried again. A file is read at the pace of a clock.
"""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from vidtag.clips.grid import Grid
from vidtag.clips.windows import Prepare, Window, slide
from vidtag.errors import VideoError
from vidtag.live.clock import ArrivalClock
from vidtag.live.mailbox import POLL_SECONDS, Begun, Ended, Failed, Mailbox, Odd, Ready
from vidtag.video.frames import Frame

if TYPE_CHECKING:
    from vidtag.video import Video
    from vidtag.video.live import LiveOptions
    from vidtag.video.sources import Source

Pace = Literal["as it comes", "as fast as possible"]
"""Whether windows that are late give way to newer ones, or wait."""

RETRY_SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""How long to wait before a source that was lost is tried again, one time after the other; the
last one for ever."""

STEADY_SECONDS = 30.0
"""Pictures that come for so long begin the waits anew: a source that comes and goes is not asked
every second."""

PICTURE_SECONDS = 20.0
"""Where data comes, but no picture for so long, the source is asked anew: a new connection begins
with a key frame."""

DRIFT_SECONDS = 5.0
"""A stream's clock that ran so far away from this machine's is worth a word."""

BUSY_SECONDS = 2.0
"""Where for so long nothing had to be waited for, this machine is slower than the source."""

BUSY_SHARE = 0.95
"""Share of that time that is spent at work then."""

BEHIND_SECONDS = 1.0
"""By so much pictures must come later than the earliest ones did, for that to be believed."""

_OF_THE_LOSS = ("stopped_at_damage", "truncated")
"""Warnings that tell of a loss, which is told better."""

_NOTICED = ("clock_jumped", "clock_drifted", "frames_skipped")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Watched:
    """What is watched, and how."""

    name: str
    """An address, a device, a file, or `-`."""

    options: "LiveOptions"

    grid: Grid
    prepare: Prepare

    pace: Pace = "as it comes"

    on_packet: Callable[[Any, "Video"], None] | None = None
    """Is shown each packet, with the video that it belongs to."""


class Drain(threading.Thread):
    """Reads a source into a mailbox until it is told to stop.

    Args:
        watched: What, and how.
        mailbox: Where windows go.
    """

    def __init__(self, watched: Watched, mailbox: Mailbox) -> None:
        super().__init__(name="vidtag-watch", daemon=True)
        self._watched = watched
        self._mailbox = mailbox
        self._is_stopped = False
        self._began: float | None = None  # the moment of the first picture of all
        self._reached = Fraction(0)
        self._last_picture = 0.0
        self._last_packet = 0.0
        self._silence = 0.0, 0.0  # the last long one: when it ended, and how long it was
        self._is_dark = False
        self._said: str | None = None

    def stop(self) -> None:
        """Read no more; safe in a signal handler."""
        self._is_stopped = True

    def is_over(self) -> bool:
        """Tell whether nobody wants any more."""
        return self._is_stopped

    def run(self) -> None:
        """Read, and try again."""
        try:
            self._run()
        except BaseException as exc:  # noqa: BLE001 - raised where the results are awaited
            self._put(Failed(error=exc))

    def _run(self) -> None:
        from vidtag.video.live import is_endless

        can_return = is_endless(self._watched.name)
        num_tries = 0
        while not self._is_stopped:
            began = time.monotonic()
            try:
                self._read(may_return=can_return)
            except VideoError as exc:
                if self._began is None or not can_return:
                    self._put(Failed(error=exc))
                    return
                self._say_failure(exc)
            if not can_return or self._is_stopped:
                return
            if time.monotonic() - began > STEADY_SECONDS:
                num_tries = 0
            self._sleep(RETRY_SECONDS[min(num_tries, len(RETRY_SECONDS) - 1)])
            num_tries += 1

    def _say_failure(self, error: VideoError) -> None:
        """Say why a source that was lost does not come back; each reason once."""
        if str(error) != self._said:
            self._said = str(error)
            self._put(Odd(code=error.code, message=str(error)))

    def _put(self, item: Begun | Ready | Ended | Odd | Failed) -> None:
        self._mailbox.put(item, self.is_over)

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._is_stopped and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, POLL_SECONDS))

    # One connection

    def _read(self, *, may_return: bool) -> None:
        """Read the source once, from its first picture to its end.

        Raises:
            VideoError: It can't be opened, or there is no picture in it.
        """
        from vidtag.video import Video
        from vidtag.video.live import open_live

        watched = self._watched
        self._is_dark = False
        source = open_live(watched.name, watched.options, self.is_over)
        if watched.name == "-" or not source.is_file:
            source.is_live = source.is_live or (
                watched.pace == "as it comes" and not source.must_be_whole
            )
        shown: list[Video] = []
        video = Video(
            source, watched.options.part, on_packet=lambda packet: self._note(packet, shown)
        )
        shown.append(video)
        self._last_picture = self._last_packet = time.monotonic()
        with video:
            stretch = _Stretch(self, video, _Load(source), is_paced=self._is_paced(source.is_live))
            try:
                stretch.run()
            except VideoError as exc:
                if self._is_stopped:
                    return
                if not stretch.has_begun:
                    raise self._dark_error(exc) from exc
                if not may_return:
                    raise
                self._put(stretch.ended(is_lost=True, code=exc.code, message=str(exc)))
                return
            if stretch.has_begun and not self._is_stopped:
                self._put(self._told_end(stretch, is_lost=may_return and not source.must_be_whole))

    def _is_paced(self, is_live: bool) -> bool:
        return not is_live and self._watched.pace == "as it comes"

    def _told_end(self, stretch: "_Stretch", *, is_lost: bool) -> Ended:
        path = stretch.path
        now, timeout = time.monotonic(), self._watched.options.part.timeout_seconds
        silent = now - self._last_packet
        if now - self._silence[0] < timeout / 2:
            silent = self._silence[1]  # what was begun before it came once no more was awaited
        if not is_lost:
            return stretch.ended(is_lost=False, code="ended", message=f"'{path}' is at its end.")
        if self._is_dark:
            return stretch.ended(is_lost=True, code="no_picture", message=self._dark_message(path))
        if silent > timeout / 2:
            message = f"'{path}' went silent: nothing came for {silent:.0f} s."
            return stretch.ended(is_lost=True, code="timed_out", message=message)
        message = f"'{path}' ended: the other side closed it."
        return stretch.ended(is_lost=True, code="ended", message=message)

    def _dark_message(self, path: str) -> str:
        return (
            f"'{path}' sends data, but no picture came of it for {PICTURE_SECONDS:.0f} s; it may "
            "send no key frames."
        )

    def _dark_error(self, error: VideoError) -> VideoError:
        if not self._is_dark:
            return error
        return VideoError(error.path, "no_picture", self._dark_message(error.path))

    def _note(self, packet: Any, shown: "list[Video]") -> None:
        """Take note of a packet.

        Raises:
            TimeoutError: Data comes, but no picture.
        """
        now = time.monotonic()
        gap, self._last_packet = now - self._last_packet, now
        if gap > self._watched.options.part.timeout_seconds / 2:
            self._silence = now, gap
        if shown and self._last_packet - self._last_picture > PICTURE_SECONDS:
            self._is_dark = True
            raise TimeoutError
        if self._watched.on_packet is not None and shown:
            self._watched.on_packet(packet, shown[0])

    def note_picture(self) -> float:
        """Take note that a picture came; return the moment."""
        self._last_picture = time.monotonic()
        return self._last_picture

    def place_of(self, moment: float) -> Fraction:
        """Return where in the time of the watch the pictures of a connection begin.

        The first ones begin at 0; those after a gap begin when they come, on the grid of steps,
        so that all steps of a watch lie on one grid; and behind those before, also where a stream's
        clock ran ahead.
        """
        self._said = None
        if self._began is None:
            self._began = moment
            return self._watched.grid.start_seconds
        stride = self._watched.grid.stride_seconds
        passed = Fraction(round((moment - self._began) * 1000), 1000)
        return -(-max(passed, self._reached) // stride) * stride

    def reach(self, seconds: Fraction) -> None:
        """Take note of how far the pictures of a connection went."""
        self._reached = max(self._reached, seconds)

    @property
    def watched(self) -> Watched:
        """What is watched."""
        return self._watched

    def leave(self, item: Begun | Ready | Odd) -> None:
        """Leave something in the mailbox."""
        self._put(item)

    def wait_until(self, moment: float) -> None:
        """Wait, unless nobody wants any more."""
        self._sleep(moment - time.monotonic())


class _Load:
    """Tells whether this machine is slower than its source, by how little it has to wait for it."""

    def __init__(self, source: "Source") -> None:
        self._source = source
        self._since: tuple[float, float] | None = None
        self._is_too_much = False

    def is_too_much(self, moment: float, *, is_late: bool) -> bool:
        """Judge once in a while; in between, the last judgement holds.

        Args:
            moment: Now.
            is_late: Whether pictures come later than they might.
        """
        waited = self._source.waited_seconds
        if self._since is None:
            self._since = moment, waited
        elapsed = moment - self._since[0]
        if elapsed >= BUSY_SECONDS:
            share = 1 - (waited - self._since[1]) / elapsed
            self._is_too_much = is_late and (share > BUSY_SHARE or self._is_too_much)
            self._since = moment, waited
        return self._is_too_much


class _Stretch:
    """The pictures of one connection."""

    def __init__(self, drain: Drain, video: "Video", load: "_Load", *, is_paced: bool) -> None:
        self._load = load
        self.path = video.path
        self.has_begun = False
        self._drain = drain
        self._video = video
        self._is_paced = is_paced
        self._clock = ArrivalClock()
        self._start = Fraction(0)
        self._paced_from = 0.0
        self._num_jumps = 0
        self._skips = False
        self._num_told = dict.fromkeys(_NOTICED, 0)

    def run(self) -> None:
        """Read its pictures and leave its windows."""
        drain, video = self._drain, self._video
        watched = drain.watched
        frames = video.frames()
        first = next(frames, None)
        if first is None:
            return
        self._begin(first)
        grid = replace(watched.grid, start_seconds=self._start)
        pending = [itertools.chain([first], frames)]

        def read() -> Iterator[Frame]:
            yield from self._placed(pending.pop() if pending else video.frames())

        windows = slide(
            read,
            grid,
            watched.prepare,
            end=lambda: self._start + video.info().duration_seconds,
            can_reread=video.can_reread,
        )
        is_ahead = self._is_paced or watched.pace == "as fast as possible"
        held: Window | None = None
        for window in windows:
            if drain.is_over():
                return
            if not is_ahead:
                # Later windows start a stride later, but for the one in which the stream breaks
                # off: it speaks of the steps that nothing else was said of.
                self._release(window, window.start_seconds + grid.stride_seconds)
                continue
            # Where the next window starts decides what is final, as when a file is tagged.
            if held is not None:
                self._release(held, window.start_seconds)
            held = window
        if held is not None and not drain.is_over():
            self._release(held, None)

    def ended(self, *, is_lost: bool, code: str, message: str) -> Ended:
        """Say how it ended."""
        info = self._video.info()
        end = self._start + info.duration_seconds
        self._drain.reach(end)
        return Ended(
            end_seconds=end,
            info=replace(info, duration_seconds=end),
            notices=tuple(
                notice
                for notice in (self._video.notices_so_far() if is_lost else self._video.notices())
                if not is_lost or notice.code not in _OF_THE_LOSS
            ),
            is_lost=is_lost,
            code=code,
            message=message,
        )

    def _begin(self, first: Frame) -> None:
        moment = self._drain.note_picture()
        self._start = self._drain.place_of(moment)
        self._paced_from = moment - float(self._start)
        self.has_begun = True
        self._clock.note(float(self._start + first.seconds), moment)
        self._drain.leave(
            Begun(start_seconds=self._start, info=self._video.info(), clock=self._clock)
        )

    def _placed(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Yield pictures with their place in the time of the watch, and note when they came."""
        for frame in frames:
            if self._drain.is_over():
                return
            moment = self._drain.note_picture()
            seconds = self._start + frame.seconds
            if self._is_paced:
                moment = self._paced_from + float(seconds)
            self._follow(float(seconds), moment)
            yield replace(frame, seconds=seconds) if self._start else frame

    def _follow(self, seconds: float, moment: float) -> None:
        """Keep up with the stream's clock, and say where it is odd."""
        if self._video.num_jumps > self._num_jumps:
            self._num_jumps = self._video.num_jumps
            self._clock.restart()
            self._tell("clock_jumped", "jumped; its time goes on as pictures come")
        self._clock.note(seconds, moment)
        if not self._is_paced:
            self._keep_up(seconds, moment)
        if self._drain.watched.pace == "as fast as possible":
            return
        drift = self._clock.drift(DRIFT_SECONDS)
        if drift is not None:
            way = "fell behind" if drift > 0 else "ran ahead"
            self._tell("clock_drifted", f"{way} by {abs(drift):.1f} s; UTC follows what comes")

    def _keep_up(self, seconds: float, moment: float) -> None:
        """Pass over frames where decoding all of them takes longer than they last."""
        if self._drain.watched.pace == "as fast as possible":
            return
        is_late = self._clock.lag(seconds, moment) > BEHIND_SECONDS
        skips = self._load.is_too_much(moment, is_late=is_late)
        if skips != self._skips:
            self._skips = skips
            self._video.decode_key_frames_alone(skips)
            if skips:
                self._say(
                    "frames_skipped",
                    f"Decoding '{self.path}' takes longer than it lasts here; for a while only key "
                    "frames are looked at",
                )

    def _tell(self, code: str, what: str) -> None:
        self._say(code, f"The clock of '{self.path}' {what}")

    def _say(self, code: str, what: str) -> None:
        """Say what is odd the 1st, 2nd, 4th, 8th … time."""
        self._num_told[code] += 1
        count = self._num_told[code]
        if count & (count - 1) == 0:
            often = f" ({count} times by now)" if count > 1 else ""
            self._drain.leave(Odd(code=code, message=f"{what}{often}."))

    def _release(self, window: Window, next_start: Fraction | None) -> None:
        """Leave a window; one of a file when its time has come."""
        if self._is_paced:
            self._drain.wait_until(self._paced_from + float(window.end_seconds))
        self._drain.leave(Ready(window=window, next_start=next_start, info=self._video.info()))
        self._drain.note_picture()  # the wait for the clock or the model was not the source's
