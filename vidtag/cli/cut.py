"""`vidtag cut PATTERN INPUT`: the hits as clips."""

from fractions import Fraction
from typing import Annotated

import typer

from vidtag.cli.grouping import option_group
from vidtag.cli.options import (
    Common,
    InputChoice,
    ModelChoice,
    Sampling,
    Segments,
    read_span,
)
from vidtag.cli.sought import Sought, SoughtWords, find_sought


@option_group
class Cut(Sought):
    """What is looked for, and what is made of it."""

    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FOLDER", help="Where clips go.")
    ] = None
    reel: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Also all hits, one behind the other, in one file."),
    ] = None
    exact: Annotated[
        bool,
        typer.Option("--exact", help="Cut at the frame: encode again, instead of copying from the "
                                     "key frame before."),
    ] = False  # fmt: skip
    pad: Annotated[
        Fraction, typer.Option(parser=read_span, metavar="S", help="Add so much on both sides.")
    ] = Fraction(0)
    stills: Annotated[
        bool, typer.Option("--stills", help="Also a picture of each hit, at its best moment.")
    ] = False
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object per file, not its name.")
    ] = False
    force: Annotated[
        bool, typer.Option("--force", help="In the folder, replace also what vidtag did not make.")
    ] = False


def cut(
    words: SoughtWords = None,
    *,
    wanted: Cut,
    model: ModelChoice,
    sampling: Sampling,
    segments: Segments,
    found: InputChoice,
    common: Common,
) -> None:
    """Cut the segments of an action out, as clips, a reel and stills.

    Prints the name of each file. Packets are copied from the key frame before a segment; --exact
    encodes again and begins at the frame. Sound stays. From stored documents no model is needed.
    """
    from vidtag.cli.cut_run import CutRequest, run_cut
    from vidtag.search.matching import compile_patterns
    from vidtag.tagging.settings import Settings

    patterns, inputs = wanted.split(words)
    if not inputs and not found.files_from:
        raise typer.BadParameter(
            "say what to cut out of what: vidtag cut PATTERN INPUT... -o clips/"
        )
    if wanted.output is None and wanted.reel is None:
        raise typer.BadParameter("say where the clips go: -o clips/, or --reel all.mp4")
    if wanted.stills and wanted.output is None:
        raise typer.BadParameter("--stills go to the folder of the clips; add -o clips/")
    request = CutRequest(
        patterns=compile_patterns(patterns, exact=wanted.fixed),
        folder=wanted.output,
        reel=wanted.reel,
        exact=wanted.exact,
        pad=wanted.pad,
        stills=wanted.stills,
        force=wanted.force,
        as_json=wanted.as_json,
        quiet=common.quiet,
    )
    model.check_stdin(*inputs, *(found.files_from or ()))
    settings = Settings(
        window_seconds=sampling.window,
        stride_seconds=sampling.stride,
        average=sampling.average,
        rule=segments.rule(),
        read=common.part(offline=model.offline, start=sampling.start, end=sampling.end),
    )
    named = find_sought(inputs, found)
    with common.store() as store:
        code = run_cut(request, named, model.load(quiet=common.quiet), settings, store)
    raise typer.Exit(code)
