"""`vidtag VIDEO`: tell what people are doing in a video, and when."""

from typing import Annotated

import typer

from vidtag.cli.options import (
    DEFAULT_TOP_K,
    BatchChoice,
    ModelChoice,
    Sampling,
    Segments,
    Talk,
)
from vidtag.cli.shaping import ShapedResults

Inputs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="INPUT",
        help="Videos: files, folders, quoted globs, http(s) or rtsp URLs, or - for stdin.",
        show_default=False,
    ),
]


def tag(
    inputs: Inputs = None,
    *,
    results: ShapedResults,
    model: ModelChoice,
    sampling: Sampling,
    segments: Segments,
    batch: BatchChoice,
    common: Talk,
) -> None:
    """Tell what people are doing in a video, and when.

    Prints a timeline of actions as a table, or as JSON and other formats for programs.
    """
    if not inputs and not batch.files_from:
        raise typer.BadParameter("no INPUT given; try vidtag --help.")
    from vidtag.cli.tag_run import Request, run_batch
    from vidtag.formats.table import TableView
    from vidtag.tagging.settings import Settings

    model.check_stdin(*(inputs or ()), *(batch.files_from or ()))
    load = model.load(quiet=common.quiet)
    settings = Settings(
        top_k=results.top_k or DEFAULT_TOP_K,
        window_seconds=sampling.window,
        stride_seconds=sampling.stride,
        average=sampling.average,
        rule=segments.rule(),
        read=common.part(offline=model.offline, start=sampling.start, end=sampling.end),
    )
    request = Request(
        arguments=tuple(inputs or ()),
        files_from=tuple(batch.files_from or ()),
        also_read=model.also_read(),
        nul_separated=batch.nul,
        recursive=batch.recursive,
        formats=results.names(),
        outputs=tuple(results.output or ()),
        force=results.force,
        skip_existing=batch.skip_existing,
        fail_fast=batch.fail_fast,
        quiet=common.quiet,
        verbose=common.verbose,
        explain=results.with_maps,
        view=TableView(all_tags=results.top_k is not None, details=common.verbose),
        each=results.each,
        embed_video=results.embed_video,
        layout=results.layout(),
        only=results.patterns(),
    )
    with common.store() as store:
        code = run_batch(request, load, settings, store)
    raise typer.Exit(code)
