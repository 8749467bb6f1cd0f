"""`vidtag watch` at work: events to stdout, files, a program, clips; Ctrl-C ends it cleanly."""

import re
import sys
from contextlib import ExitStack
from dataclasses import dataclass

from vidtag.cli.speaking import say
from vidtag.cli.waiting import waiting
from vidtag.cli.watch_display import WatchDisplay
from vidtag.documents.json import to_json
from vidtag.documents.live import LiveEvent
from vidtag.errors import ExitCode, OutputError, UsageError
from vidtag.inputs.foresight import foresee_failure
from vidtag.live.acting import Actor, parse_command
from vidtag.live.clips import Recorder
from vidtag.live.draining import Watched
from vidtag.live.watcher import Watcher, WatchSettings
from vidtag.models.load import load_classifier
from vidtag.models.options import LoadOptions
from vidtag.outputs.atomic import check_writable_file
from vidtag.outputs.daily import DailyLines
from vidtag.outputs.destination import format_of, known_suffixes
from vidtag.outputs.replacing import find_read, refuse_to_destroy
from vidtag.outputs.saving import save_document
from vidtag.search.matching import compile_patterns
from vidtag.stopping import held
from vidtag.tagging.settings import Settings
from vidtag.tagging.tagger import Tagger
from vidtag.terminal import printing, stderr_console
from vidtag.text import printable
from vidtag.urls import is_address, without_credentials
from vidtag.video.live import LiveOptions, is_endless

EVENT_SUFFIXES = (".jsonl", ".ndjson")
"""Files that take events; others take the document."""

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)

_UNITS = ("", "K", "M", "G", "T")

_LATE_SHARE = 0.9
"""A model that needs more of the stride than this can't keep up for long."""

_QUIET_KINDS = ("segment_open", "segment_close", "step", "started", "stopped")
"""Events that need no word on stderr."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRequest:
    """What is watched, and what becomes of it."""

    source: str
    live: LiveOptions
    as_fast: bool = False
    only: tuple[str, ...] = ()
    every_seconds: float | None = None
    as_json: bool = False
    outputs: tuple[str, ...] = ()
    keep_seconds: float = 86400.0
    command: str | None = None
    clips: str | None = None
    clips_limit: int = 10 << 30
    quiet: bool = False
    verbose: bool = False

    @property
    def logs(self) -> tuple[str, ...]:
        """Files that take events."""
        return tuple(path for path in self.outputs if path.lower().endswith(EVENT_SUFFIXES))

    @property
    def documents(self) -> tuple[str, ...]:
        """Files that take the document."""
        return tuple(path for path in self.outputs if path not in self.logs)

    def check(self) -> None:
        """Refuse what does not go together, before a model is loaded.

        Raises:
            UsageError: It does not.
            VideoError: The source is certain to fail.
        """
        if self.as_fast and is_endless(self.source):
            raise UsageError(
                "--as-fast-as-possible is for files and pipes: what happens now can't wait."
            )
        if self.as_fast and self.clips is not None:
            raise UsageError("--clips saves what happens now; leave out --as-fast-as-possible.")
        if self.live.follow and (self.source == "-" or is_address(self.source)):
            raise UsageError("--follow is for files that are still written to.")
        failure = None if is_address(self.source) else foresee_failure(self.source)
        if failure is not None:
            raise failure
        for path in self.documents:
            if path.endswith("/") or format_of(path) is None:
                raise UsageError(
                    f"What to write to '{path}' is not known: end it in .jsonl for events, or in "
                    f"{known_suffixes()} for the document of what was seen."
                )
        refuse_to_destroy(list(self.outputs), find_read([self.source]))
        for path in self.outputs:
            check_writable_file(path)


def parse_size(text: str) -> int:
    """Read a size in bytes.

    >>> parse_size("10G"), parse_size("1.5 MB"), parse_size("200")
    (10737418240, 1572864, 200)

    Raises:
        UsageError: It is none.
    """
    match = _SIZE.fullmatch(text.strip())
    size = 0 if match is None else int(float(match[1]) * 1024 ** _UNITS.index(match[2].upper()))
    if size <= 0:
        raise UsageError(f"--clips-limit {text}: that is no size, such as 500M or 10G.")
    return size


def run_watch(request: WatchRequest, load: LoadOptions, settings: Settings) -> int:
    """Watch a source until it ends or a signal comes; return the exit code.

    Raises:
        UsageError: The options do not go together.
        VideoError: The source can't be watched at all.
        ModelError: The model can't be loaded, or failed.
        OutputError: Nothing can be written to stdout.
        KeyboardInterrupt: A signal came; all is written then.
    """
    request.check()
    command = None if request.command is None else parse_command(request.command)
    tagger = _load(request, load, settings)
    indices = _wanted(request, tagger)
    with ExitStack() as stack:
        voice = _Voice(request)
        outlets = _Outlets(request, voice)
        stack.callback(outlets.close)
        if command is not None:
            outlets.actor = stack.enter_context(Actor(command, voice.warn))
        recorder = None
        if request.clips is not None:
            recorder = stack.enter_context(
                Recorder(
                    request.clips,
                    limit_bytes=request.clips_limit,
                    late_seconds=float(
                        tagger.grid.window_seconds + settings.rule.min_duration_seconds
                    ),
                    tell=voice.warn,
                )
            )
        watched = Watched(
            name=request.source,
            options=request.live,
            grid=tagger.grid,
            prepare=tagger.classifier.prepare,
            pace="as fast as possible" if request.as_fast else "as it comes",
            on_packet=None if recorder is None else recorder.note,
        )
        keep = request.keep_seconds if request.documents else None
        watcher = Watcher(
            tagger,
            watched,
            WatchSettings(every_seconds=request.every_seconds, indices=indices, keep_seconds=keep),
        )
        watcher.warm_up()
        display = None
        if sys.stdout.isatty() and not request.as_json:
            display = stack.enter_context(WatchDisplay(watcher, request.source))
            if sys.stderr.isatty():  # else it goes where the user has sent it
                voice.console = display.console
        with held(watcher.stop):
            try:
                for event in watcher.events():
                    voice.tell(event)
                    outlets.put(event)
                    if recorder is not None:
                        recorder.tell(event, watcher.moment)
                    if display is not None:
                        display.show(event)
                    voice.tell_speed(watcher, tagger)
            finally:  # also where stdout's reader is gone, or the model failed
                watcher.close()
                _save(request, watcher, voice)
    return ExitCode.DONE


def _load(request: WatchRequest, load: LoadOptions, settings: Settings) -> Tagger:
    with waiting("loading the model", quiet=request.quiet) as shown:
        return Tagger(load_classifier(load, shown.tell, shown.advance), settings)


def _wanted(request: WatchRequest, tagger: Tagger) -> frozenset[int] | None:
    if not request.only:
        return None
    patterns = compile_patterns(request.only)
    found = frozenset(k for k, label in enumerate(tagger.labels) if patterns.match(label))
    missing = patterns.without_label(tagger.labels)
    if not found:
        raise UsageError(
            f"--only {' '.join(missing)}: no label of {tagger.classifier.info.model_id} matches; "
            "vidtag labels lists them."
        )
    if not request.quiet:
        for text in missing:
            say(f"warning: no label of {tagger.classifier.info.model_id} matches '{text}'.")
    return found


def _save(request: WatchRequest, watcher: Watcher, voice: "_Voice") -> None:
    """Write the document of what was seen."""
    if not request.documents:
        return
    document = watcher.document()
    if document is None:
        if watcher.has_begun:
            voice.warn("Nothing was seen, so no document was written.")
        return
    for path in request.documents:
        save_document(document, path)


class _Voice:
    """What is said on stderr."""

    def __init__(self, request: WatchRequest) -> None:
        self.console = stderr_console()
        self._request = request
        self._is_speed_told = False

    def warn(self, message: str) -> None:
        """Say what is wrong."""
        if not self._request.quiet:
            self.console.print(printable(f"vidtag: warning: {message}"), style="yellow")

    def tell(self, event: LiveEvent) -> None:
        """Say what a person should know of an event."""
        if self._request.quiet or event.event in _QUIET_KINDS:
            return
        if event.event == "source_back":
            name = without_credentials(self._request.source)
            self.console.print(printable(f"vidtag: '{name}' is back."))
        elif event.message:
            more = " It is tried again." if event.event == "source_lost" else ""
            self.warn(f"{event.message}{more}")

    def tell_speed(self, watcher: Watcher, tagger: Tagger) -> None:
        """Say once what the machine keeps up with, where it was asked for or it does not."""
        seconds = watcher.window_seconds
        if seconds is None or self._is_speed_told or self._request.quiet or self._request.as_fast:
            return
        stride = float(tagger.grid.stride_seconds)
        is_late = seconds > _LATE_SHARE * stride
        if not is_late and not self._request.verbose:
            return
        self._is_speed_told = True
        if is_late:
            self.warn(
                f"A window takes {seconds:.2g} s here, and one comes every {stride:g} s: windows "
                f"are skipped; try --stride {_round_up(seconds):g}, --fast or a smaller --model."
            )
        else:
            self.console.print(
                f"vidtag: a window takes {seconds:.2g} s here: strides from "
                f"{_round_up(seconds / _LATE_SHARE):g} s on can be kept up with."
            )


def _round_up(seconds: float) -> float:
    """Round up to a sampling interval of the usual window."""
    return -(-seconds // 0.125) * 0.125


class _Outlets:
    """Where events go: stdout, files, a program. What fails but stdout is said, and costs no more.

    Raises:
        OutputError: A file can't be written from the start.
    """

    def __init__(self, request: WatchRequest, voice: _Voice) -> None:
        self.actor: Actor | None = None
        self._prints = request.as_json or not sys.stdout.isatty()
        self._voice = voice
        self._logs = [DailyLines(path) for path in request.logs]
        self._num_lost = dict.fromkeys(range(len(self._logs)), 0)

    def put(self, event: LiveEvent) -> None:
        """Let an event go everywhere."""
        line = to_json(event)
        if self._prints:
            with printing():
                sys.stdout.write(f"{line}\n")
        for place, log in enumerate(self._logs):
            try:
                log.add(line)
            except OutputError as exc:
                if not self._num_lost[place]:
                    self._voice.warn(str(exc))
                self._num_lost[place] += 1
                continue
            if self._num_lost[place]:
                self._voice.warn(f"{self._num_lost[place]} events could not be written; now again.")
                self._num_lost[place] = 0
        if self.actor is not None:
            self.actor.add(line)

    def close(self) -> None:
        """Close the files."""
        for log in self._logs:
            log.close()
