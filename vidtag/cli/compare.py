"""`vidtag compare VIDEO --fast`: what a shortcut changes on your videos, and what it saves."""

from typing import Annotated

import typer

from vidtag.cli.grouping import option_group
from vidtag.cli.options import Common, InputChoice, Json, ModelChoice, Sampling, Segments


@option_group
class Printed:
    """How the comparison is printed."""

    as_json: Json = False


def compare(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT", help="Videos: files, folders, quoted globs, URLs.", show_default=False
        ),
    ] = None,
    *,
    printed: Printed,
    model: ModelChoice,
    sampling: Sampling,
    segments: Segments,
    found: InputChoice,
    common: Common,
) -> None:
    """Measure what --fast or --precision int8 changes on your videos, and what it saves.

    Runs each video twice, exactly and with the shortcut, and prints how far the two agree and how
    long each took. Stored scores are neither read nor written.
    """
    if not inputs and not found.files_from:
        raise typer.BadParameter("no INPUT given; try vidtag compare --help.")
    if "-" in (inputs or ()):
        raise typer.BadParameter("a video on stdin can be read only once; name a file.")
    if not model.fast and model.precision != "int8":
        raise typer.BadParameter("name the shortcut to compare: --fast, --precision int8, or both.")
    from vidtag.cli.compare_run import run_compare
    from vidtag.inputs.finding import find_inputs
    from vidtag.tagging.settings import Settings

    model.check_stdin(*(inputs or ()), *(found.files_from or ()))
    load = model.load(quiet=common.quiet)
    settings = Settings(
        window_seconds=sampling.window,
        stride_seconds=sampling.stride,
        average=sampling.average,
        rule=segments.rule(),
        read=common.part(offline=model.offline, start=sampling.start, end=sampling.end),
    )
    videos = find_inputs(
        inputs or (),
        recursive=found.recursive,
        files_from=found.files_from or (),
        nul_separated=found.nul,
    )
    raise typer.Exit(
        run_compare(videos, load, settings, as_json=printed.as_json, quiet=common.quiet)
    )
