"""The command line: parse, call, render, map errors to exit codes.

Owns no arithmetic and takes no decision about video. Commands load what they need when they
run, so that `--help` answers at once.
"""

import json
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from difflib import get_close_matches
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from vidtag import options, stopping
from vidtag.errors import ExitCode, ModelError, ModelOptionError, UsageError, VidtagError
from vidtag.terminal import printing, stderr_console
from vidtag.text import printable
from vidtag.urls import hide_credentials
from vidtag.version import __version__

if TYPE_CHECKING:
    from vidtag.cache.scores import ScoreStore
    from vidtag.models.load import LoadOptions
    from vidtag.tagging.settings import Settings
    from vidtag.timeline.segments import SegmentRule
    from vidtag.video.options import Part

TAG = "tag"

_ALL_LABELS = 1_000_000
"""More tags than any model has labels."""


class _Group(TyperGroup):
    """A group whose first argument may be an input: then the command is `tag`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] in ("-h", "--help"):
            # Before anything is parsed, for which typer would load pydantic: a third of the time.
            command = self.commands[TAG]
            with printing():
                typer.echo(command.get_help(type(ctx)(command, parent=ctx, info_name=TAG)))
            raise typer.Exit
        if not args or not self._is_own(args[0]):
            if args:
                self._refuse_misspelt(args[0])
            args = [TAG, *args]
        return super().parse_args(ctx, args)

    def _is_own(self, word: str) -> bool:
        return word in self.commands or word in ("--version", "-V") or "completion" in word

    def _refuse_misspelt(self, word: str) -> None:
        """Refuse what is neither a file nor quite a command, before a model is loaded for it."""
        meant = get_close_matches(word, self.commands, n=1, cutoff=0.75)
        if meant and not word.startswith("-") and not os.path.lexists(word):
            raise UsageError(f"There is no file '{word}'; did you mean the command '{meant[0]}'?")

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        items = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-"):
            command = self.commands[TAG]
            with command.make_context(TAG, [], parent=ctx, resilient_parsing=True) as sub:
                items += command.shell_complete(sub, incomplete)
        return items


class _Tag(TyperCommand):
    """The default command: its help is the help of `vidtag`, with the other commands below."""

    def get_usage(self, ctx: Any) -> str:
        return super().get_usage(ctx).replace(f"{TAG} [OPTIONS]", "[OPTIONS]", 1)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        super().format_help(ctx, formatter)
        from rich import box
        from rich.console import Console
        from rich.panel import Panel
        from rich.table import Table

        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(style="bold cyan", no_wrap=True)
        table.add_column()
        group = cast("TyperGroup", ctx.parent.command if ctx.parent else None)
        for name, command in group.commands.items():
            if name != TAG:
                table.add_row(name, command.get_short_help_str(limit=100))
        Console(highlight=False).print(
            Panel(table, title="Commands", title_align="left", border_style="dim", box=box.ROUNDED)
        )


app = typer.Typer(
    cls=_Group,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(value: bool) -> None:
    if value:
        _print(f"vidtag {__version__}")
        raise typer.Exit()


@app.callback()
def _top(
    version: Annotated[
        bool,
        typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Show it."),
    ] = False,
) -> None:
    """Tell what people are doing in a video, and when."""


@app.command(TAG, cls=_Tag)
def tag(  # noqa: PLR0913 - one parameter per option
    inputs: options.Inputs = None,
    top_k: options.TopK = 5,
    formats: options.Formats = None,
    as_json: options.Json = False,
    output: options.Output = None,
    force: options.Force = False,
    model: options.Model = "base",
    revision: options.Revision = None,
    device: options.Device = "auto",
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    batch_size: options.BatchSize = None,
    offline: options.Offline = False,
    window: options.Window = None,
    stride: options.Stride = None,
    average: options.AverageOption = "logits",
    start: options.Start = None,
    end: options.End = None,
    min_score: options.MinScore = 0.3,
    min_duration: options.MinDuration = Fraction(0),
    merge_gap: options.MergeGap = Fraction(1),
    recursive: options.Recursive = False,
    files_from: options.FilesFrom = None,
    nul: options.Nul = False,
    skip_existing: options.SkipExisting = False,
    fail_fast: options.FailFast = False,
    no_cache: options.NoCache = False,
    max_pixels: options.MaxPixels = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    with_maps: options.Explain = False,
) -> None:
    """Tell what people are doing in a video, and when.

    Prints a timeline of actions as a table, or as JSON and other formats for programs.
    """
    if not inputs and not files_from:
        raise typer.BadParameter("no INPUT given; try vidtag --help.")
    from vidtag.batch import Request, run_batch

    load = _load_options(
        model=model,
        revision=revision,
        device=device,
        engine=engine,
        precision=precision,
        batch_size=batch_size,
        offline=offline,
        quiet=quiet,
    )
    settings = _settings(
        top_k=top_k,
        window_seconds=window,
        stride_seconds=stride,
        average=average,
        rule=_rule(min_score, min_duration, merge_gap),
        read=_part(start, end, max_pixels, offline),
    )
    request = Request(
        arguments=tuple(inputs or ()),
        files_from=tuple(files_from or ()),
        nul_separated=nul,
        recursive=recursive,
        formats=_formats(formats, as_json),
        outputs=tuple(output or ()),
        force=force,
        skip_existing=skip_existing,
        fail_fast=fail_fast,
        quiet=quiet,
        verbose=verbose,
        explain=with_maps,
    )
    with _store(no_cache) as store:
        code = run_batch(request, load, settings, store)
    raise typer.Exit(code)


@app.command()
def show(  # noqa: PLR0913 - one parameter per option
    results: Annotated[
        list[str], typer.Argument(metavar="RESULT", help="Stored JSON documents; - is stdin.")
    ],
    formats: options.Formats = None,
    as_json: options.Json = False,
    output: options.Output = None,
    force: options.Force = False,
    quiet: options.Quiet = False,
) -> None:
    """Render stored JSON documents again, as the table or in any format."""
    from vidtag.show import run_show

    wanted = _formats(formats, as_json)
    raise typer.Exit(run_show(results, wanted, output or (), force=force, quiet=quiet))


@app.command()
def grep(  # noqa: PLR0913 - one parameter per option
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATTERN] INPUT...",
            help="What to look for (unless -e is given); videos or stored .json documents.",
            show_default=False,
        ),
    ] = None,
    patterns: Annotated[
        list[str] | None,
        typer.Option("-e", "--regexp", metavar="PATTERN", help="A pattern; may be repeated."),
    ] = None,
    exact: Annotated[
        bool, typer.Option("-F", "--fixed", help="Patterns are whole labels.")
    ] = False,
    min_score: Annotated[
        float, typer.Option(metavar="X", help="A hit is a step that reaches it.")
    ] = 0.3,
    names_only: Annotated[
        bool, typer.Option("-l", "--files-with-matches", help="Print names alone.")
    ] = False,
    counts: Annotated[bool, typer.Option("-c", "--count", help="Print counts of hits.")] = False,
    nul_output: Annotated[
        bool, typer.Option("-Z", "--null-output", help="Print a NUL after each name.")
    ] = False,
    max_count: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Stop reading a video after so many hits."),
    ] = None,
    model: options.Model = "base",
    revision: options.Revision = None,
    device: options.Device = "auto",
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    batch_size: options.BatchSize = None,
    offline: options.Offline = False,
    window: options.Window = None,
    stride: options.Stride = None,
    average: options.AverageOption = "logits",
    start: options.Start = None,
    end: options.End = None,
    recursive: options.Recursive = False,
    files_from: options.FilesFrom = None,
    nul: options.Nul = False,
    no_cache: options.NoCache = False,
    max_pixels: options.MaxPixels = None,
    quiet: options.Quiet = False,
) -> None:
    """Find the videos that contain an action, as grep finds lines.

    Exit code 0: found, 1: not found, 2: an error (also beside hits).
    """
    from vidtag.grep import compile_patterns
    from vidtag.inputs.finding import find_inputs
    from vidtag.inputs.found import VIDEO_EXTENSIONS
    from vidtag.search import DOCUMENT_SUFFIXES, SearchRequest, run_grep
    from vidtag.tagging.tagger import Tagger

    inputs = list(words or ())
    if not patterns and inputs:
        patterns = [inputs.pop(0)]
    if not inputs and not files_from:
        raise typer.BadParameter("say what to look for and where: vidtag grep PATTERN INPUT...")
    if not 0 < min_score <= 1:
        raise typer.BadParameter(f"--min-score {min_score}: it must be above 0 and at most 1.")
    request = SearchRequest(
        patterns=compile_patterns(patterns or [], exact=exact),
        min_score=min_score,
        max_count=max_count,
        names_only=names_only,
        counts=counts,
        nul=nul_output,
        quiet=quiet,
    )
    load = _load_options(
        model=model,
        revision=revision,
        device=device,
        engine=engine,
        precision=precision,
        batch_size=batch_size,
        offline=offline,
        quiet=quiet,
    )
    settings = _settings(
        top_k=_ALL_LABELS,
        window_seconds=window,
        stride_seconds=stride,
        average=average,
        read=_part(start, end, max_pixels, offline),
    )
    found = find_inputs(
        inputs,
        recursive=recursive,
        files_from=tuple(files_from or ()),
        nul_separated=nul,
        extensions=VIDEO_EXTENSIONS | set(DOCUMENT_SUFFIXES),
    )
    try:
        with _store(no_cache) as store:
            code = run_grep(request, found, lambda: Tagger(load, settings, store=store))
    except ModelError as exc:
        _complain(str(exc))
        code = 2
    raise typer.Exit(code)


@app.command()
def explain(  # noqa: PLR0913 - one parameter per option
    video: Annotated[str, typer.Argument(metavar="VIDEO", help="One video: a file or a URL.")],
    at: Annotated[
        Fraction | None,
        typer.Option(
            parser=options.read_time,
            metavar="T",
            help="The window around this moment, instead of the peaks of the best segments.",
        ),
    ] = None,
    label: Annotated[
        str | None, typer.Option(metavar="L", help="Another label than the top one.")
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            metavar="M",
            show_default="combined",
            help="combined, relevance, integrated, rollout, or occlusion (any model, slow).",
        ),
    ] = None,
    output: Annotated[
        list[str] | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="Write .mp4, .gif or .webp (the clip under its map), .png (a contact sheet), "
            ".json, or into a folder; may be repeated.",
        ),
    ] = None,
    force: options.Force = False,
    as_json: options.Json = False,
    model: options.Model = "base",
    revision: options.Revision = None,
    device: options.Device = "auto",
    engine: options.Engine = "auto",
    offline: options.Offline = False,
    window: options.Window = None,
    stride: options.Stride = None,
    no_cache: options.NoCache = False,
    max_pixels: options.MaxPixels = None,
    quiet: options.Quiet = False,
) -> None:
    """Show where and when the evidence for a tag lies, and how far to trust it."""
    from typing import get_args

    from vidtag.explain.explanation import Method
    from vidtag.explain.methods import DEFAULT_METHOD
    from vidtag.explain.run import ExplainOptions, explain_video, to_json
    from vidtag.explain.table import print_explanation
    from vidtag.explain.writing import check_outputs, write_explanation

    if method is not None and method not in get_args(Method):
        raise typer.BadParameter(f"--method {method}: choose from {', '.join(get_args(Method))}.")
    outputs = output or ()
    check_outputs(outputs, video, also_read=[model], force=force)
    asked = ExplainOptions(
        source=video,
        load=_load_options(
            model=model,
            revision=revision,
            device=device,
            engine=engine,
            offline=offline,
            quiet=quiet,
        ),
        settings=_settings(
            window_seconds=window,
            stride_seconds=stride,
            average="logits",
            read=_part(None, None, max_pixels, offline),
        ),
        at=at,
        label=label,
        method=cast("Method", method or DEFAULT_METHOD),
    )
    with _store(no_cache) as store:
        result = explain_video(asked, store=store)
    if not quiet:
        for note in result.classifier.info.notes:
            _complain(f"warning: {note.message}")
    for one in outputs:
        for path in write_explanation(result, one, force=force):
            if not quiet:
                _complain(f"wrote {path}")
    if as_json:
        _print(to_json(result, indent=2 if sys.stdout.isatty() else None))
    elif not outputs or not quiet:
        print_explanation(result)


models_app = typer.Typer(
    invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
app.add_typer(models_app, name="models")


@models_app.callback()
def models(
    ctx: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the models that have short names, and which are at hand; or get one."""
    if ctx.invoked_subcommand is not None:
        if as_json:
            raise typer.BadParameter("--json is for the list: vidtag models --json.")
        return
    from vidtag.models.describe import list_models

    descriptions = list_models()
    if as_json:
        _print(json.dumps([asdict(one) for one in descriptions], indent=2, default=str))
        return
    from vidtag.formats.models import print_models

    print_models(descriptions)


@models_app.command()
def get(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An alias, a hub id, or a folder.")],
    revision: options.Revision = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Download a model and convert it for this machine; prints the folder that it lies in.

    Says its size and licence first. After an interruption, files that came whole are kept.
    """
    from vidtag.models.getting import get_model

    load = _load_options(model=name, revision=revision, offline=offline, quiet=quiet)

    def tell(line: str) -> None:
        if not quiet:
            _say(line)

    ready = get_model(load, tell)
    where = f"on {ready.info.device} with {ready.info.engine}"
    tell(f"{name} is ready, {where}: vidtag VIDEO -m {name}")
    _print(printable(str(ready.files.folder)))


@app.command()
def labels(
    model: options.Model = "base",
    revision: options.Revision = None,
    offline: options.Offline = False,
) -> None:
    """Print the labels of a model, one per line."""
    from vidtag.models.load import read_labels

    for label in read_labels(model, revision, offline):
        _print(printable(label))


@app.command()
def schema() -> None:
    """Print the JSON Schema of the results."""
    from vidtag.documents.json import make_json_schema

    _print(json.dumps(make_json_schema(), indent=2))


@app.command()
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Delete everything in it.")] = False,
) -> None:
    """Show where stored scores and converted models are, and how large; or clear them."""
    from vidtag.cached import clear_cache, measure_cache

    if clear:
        freed = clear_cache()
        stderr_console().print(f"cleared {freed / 1e6:.1f} MB")
        return
    for line in measure_cache():
        _print(line)


def _load_options(*, quiet: bool, **values: Any) -> "LoadOptions":
    from vidtag.models.load import LoadOptions

    return LoadOptions(show_progress=sys.stderr.isatty() and not quiet, **values)


def _settings(**values: Any) -> "Settings":
    from vidtag.tagging.settings import Settings

    average = values["average"]
    if average not in ("logits", "probs"):
        raise typer.BadParameter(f"--average {average}: choose logits or probs.")
    return Settings(**values)


def _rule(min_score: float, min_duration: Fraction, merge_gap: Fraction) -> "SegmentRule":
    from vidtag.timeline.segments import SegmentRule

    if not 0 < min_score <= 1:
        raise typer.BadParameter(f"--min-score {min_score}: it must be above 0 and at most 1.")
    return SegmentRule(
        min_score=min_score, min_duration_seconds=min_duration, merge_gap_seconds=merge_gap
    )


def _part(
    start: Fraction | None, end: Fraction | None, max_pixels: int | None, offline: bool
) -> "Part":
    from vidtag.video.options import MAX_PIXELS, Part

    if end is not None and end <= (start or 0):
        raise typer.BadParameter("--end must come after --start.")
    return Part(
        start=start or Fraction(0),
        end=end,
        max_pixels=max_pixels or MAX_PIXELS,
        network=not offline,
    )


def _formats(formats: Sequence[str] | None, as_json: bool) -> tuple[str, ...]:
    from vidtag.formats import FORMATS

    wanted = list(formats or ())
    if as_json:
        wanted.append("json")
    for name in wanted:
        if name != "table" and name not in FORMATS:
            known = ", ".join(("table", *FORMATS))
            raise typer.BadParameter(f"-f {name}: there is no such format; choose from {known}.")
    return tuple(dict.fromkeys(wanted))


def _store(no_cache: bool) -> "AbstractContextManager[ScoreStore | None]":
    from vidtag.cache.scores import ScoreStore

    return nullcontext() if no_cache else ScoreStore()


def _print(line: str) -> None:
    with printing():
        print(line)  # noqa: T201 - the result of a command


def run() -> int:
    """Run the command line; turn what it raises into one line on stderr and an exit code."""
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except BrokenPipeError:
        return 0  # the reader of the pipe has what it wanted
    except SystemExit as exc:
        # What typer and rich make of a reader that is gone: exit code 1.
        if isinstance(exc.__context__, BrokenPipeError):
            return 0
        raise
    except VidtagError as exc:
        _tell_where()
        _complain(str(exc))
        is_usage = isinstance(exc, UsageError | ModelOptionError)
        return ExitCode.WRONG_USAGE if is_usage else ExitCode.FAILED
    except typer.Abort:
        return ExitCode.INTERRUPTED
    except typer.TyperException as exc:
        _complain(exc.format_message() if hasattr(exc, "format_message") else str(exc))
        return ExitCode.WRONG_USAGE
    except MemoryError:
        _tell_where()
        _complain(
            "There is too little memory; end other programs, or try --batch-size 1 or a smaller "
            "--model."
        )
        return ExitCode.FAILED
    except Exception as exc:  # noqa: BLE001 - told, with its traceback where that is asked for
        _tell_where()
        _complain(
            f"vidtag failed ({type(exc).__name__}: {exc}). Please report this; "
            "VIDTAG_DEBUG=1 shows where."
        )
        return ExitCode.FAILED


def _tell_where() -> None:
    """Print the traceback of what went wrong, where that is asked for; with no password in it."""
    if os.environ.get("VIDTAG_DEBUG") == "1":
        for line in hide_credentials(traceback.format_exc(), sys.argv[1:]).splitlines():
            stderr_console().print(printable(line))


def _complain(message: str) -> None:
    if stopping.exit_code() is not None:
        return  # what fails while a signal unwinds the run is not worth a word
    _say(message)


def _say(message: str) -> None:
    line = f"vidtag: {printable(hide_credentials(message, sys.argv[1:]))}"
    try:
        stderr_console().print(line)
    except MemoryError:  # rich is imported late, perhaps when memory is what ran out
        os.write(2, f"{line}\n".encode(errors="replace"))
