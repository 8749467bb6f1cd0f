"""`vidtag watch SOURCE`: what is happening now."""

from fractions import Fraction
from typing import Annotated, Literal

import typer

from vidtag.cli.grouping import option_group
from vidtag.cli.options import (
    DEFAULT_TOP_K,
    AveragedWindows,
    ModelChoice,
    Quiet,
    Segments,
    read_span,
)

_EVENTS = "Events"
_SOURCE = "Source"
_CLIPS = "Clips"
_GENERAL = "General"


@option_group
class Told:
    """What is told, and where."""

    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="PATTERN", rich_help_panel=_EVENTS,
                     help="Tell only segments whose label matches; may be repeated."),
    ] = None  # fmt: skip
    every: Annotated[
        Fraction | None,
        typer.Option(parser=read_span, metavar="S", rich_help_panel=_EVENTS,
                     help="Also tell a step, one in so many seconds; 0 tells each."),
    ] = None  # fmt: skip
    as_json: Annotated[
        bool,
        typer.Option("--json", rich_help_panel=_EVENTS,
                     help="Print lines also on a terminal, instead of a live table."),
    ] = False  # fmt: skip
    output: Annotated[
        list[str] | None,
        typer.Option("--output", "-o", metavar="PATH", rich_help_panel=_EVENTS,
                     help="A .jsonl file takes the events, a file a day; any other takes the "
                          "document of what was seen, at the end."),
    ] = None  # fmt: skip
    keep: Annotated[
        float,
        typer.Option(metavar="HOURS", rich_help_panel=_EVENTS,
                     help="How much of it that document holds: the last hours."),
    ] = 24.0  # fmt: skip
    command: Annotated[
        str | None,
        typer.Option("--exec", metavar="CMD", rich_help_panel=_EVENTS,
                     help="Run a program for each event, which it reads as JSON on stdin; no "
                          "shell is run."),
    ] = None  # fmt: skip
    top_k: Annotated[
        int,
        typer.Option("--top-k", "-k", min=1, metavar="N", rich_help_panel=_EVENTS,
                     help="Tags of a step."),
    ] = DEFAULT_TOP_K  # fmt: skip


@option_group
class Recorded:
    """What is kept of the stream itself."""

    clips: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", rich_help_panel=_CLIPS,
                     help="Save the stream around each segment, as it came."),
    ] = None  # fmt: skip
    clips_limit: Annotated[
        str,
        typer.Option(metavar="SIZE", rich_help_panel=_CLIPS,
                     help="What clips may take together; the oldest go first."),
    ] = "10G"  # fmt: skip


@option_group
class Source:
    """How the source is read."""

    transport: Annotated[
        Literal["tcp", "udp"],
        typer.Option(metavar="tcp|udp", rich_help_panel=_SOURCE, help="What carries RTSP."),
    ] = "tcp"
    timeout: Annotated[
        float,
        typer.Option(min=0.1, metavar="S", rich_help_panel=_SOURCE,
                     help="A source that is silent for so long is lost, and tried again."),
    ] = 5.0  # fmt: skip
    follow: Annotated[
        bool,
        typer.Option("--follow", rich_help_panel=_SOURCE, help="The file is still written to."),
    ] = False
    as_fast: Annotated[
        bool,
        typer.Option("--as-fast-as-possible", rich_help_panel=_SOURCE,
                     help="A file or pipe: skip no window, and wait for no clock."),
    ] = False  # fmt: skip


@option_group
class Steps(AveragedWindows, Segments):
    """Windows, and when a label opens, holds and closes."""


@option_group
class General:
    """What is refused, and what is said."""

    max_pixels: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", rich_help_panel=_GENERAL, show_default="35651584",
                     help="Refuse pictures with more pixels than this."),
    ] = None  # fmt: skip
    quiet: Quiet = False
    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", rich_help_panel=_GENERAL,
                     help="Say what the machine can keep up with."),
    ] = False  # fmt: skip


def watch(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="rtsp://, rtmp://, http(s):// (HLS, MJPEG), udp://, /dev/video0, a file, or -.",
            show_default=False,
        ),
    ],
    *,
    told: Told,
    recorded: Recorded,
    how: Source,
    model: ModelChoice,
    steps: Steps,
    general: General,
) -> None:
    """Tell what is happening now: in a camera, a stream, a device.

    Prints a line of JSON when an action begins and when it ends; a live table on a terminal. It
    never falls behind: what the model is too slow for is skipped and counted. A source that is lost
    is tried again until Ctrl-C.
    """
    from vidtag.cli.watch_run import WatchRequest, parse_size, run_watch
    from vidtag.tagging.settings import Settings
    from vidtag.video.live import LiveOptions
    from vidtag.video.options import MAX_PIXELS, Part

    if told.keep <= 0:
        raise typer.BadParameter(f"--keep {told.keep:g}: it must be more than 0 hours.")
    model.check_stdin(source)
    part = Part(
        max_pixels=general.max_pixels or MAX_PIXELS,
        timeout_seconds=how.timeout,
        network=not model.offline,
    )
    request = WatchRequest(
        source=source,
        live=LiveOptions(part=part, transport=how.transport, follow=how.follow),
        as_fast=how.as_fast,
        only=tuple(told.only or ()),
        every_seconds=None if told.every is None else float(told.every),
        as_json=told.as_json,
        outputs=tuple(told.output or ()),
        keep_seconds=told.keep * 3600,
        command=told.command,
        clips=recorded.clips,
        clips_limit=parse_size(recorded.clips_limit),
        quiet=general.quiet,
        verbose=general.verbose,
    )
    settings = Settings(
        top_k=told.top_k,
        window_seconds=steps.window,
        stride_seconds=steps.stride,
        average=steps.average,
        rule=steps.rule(),
        read=part,
    )
    raise typer.Exit(run_watch(request, model.load(quiet=general.quiet), settings))
