"""`vidtag grep PATTERN INPUT`: find the videos that contain an action."""

from typing import Annotated

import typer

from vidtag.cli.grouping import option_group
from vidtag.cli.options import (
    Common,
    InputChoice,
    ModelChoice,
    Sampling,
    check_min_score,
)
from vidtag.cli.sought import Sought, SoughtWords, find_sought
from vidtag.cli.speaking import complain, say
from vidtag.errors import ModelError


@option_group
class Wanted(Sought):
    """What is looked for, and what is printed of it."""

    min_score: Annotated[
        float, typer.Option(metavar="X", help="A hit is a step that reaches it.")
    ] = 0.3
    names_only: Annotated[
        bool, typer.Option("-l", "--files-with-matches", help="Print names alone.")
    ] = False
    counts: Annotated[bool, typer.Option("-c", "--count", help="Print counts of hits.")] = False
    nul_output: Annotated[
        bool, typer.Option("-Z", "--null-output", help="Print a NUL after each name.")
    ] = False
    no_names: Annotated[
        bool, typer.Option("--no-filename", help="Leave the names of the inputs out.")
    ] = False
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object per hit, a line each.")
    ] = False
    max_count: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Stop reading a video after so many hits."),
    ] = None


def grep(
    words: SoughtWords = None,
    *,
    wanted: Wanted,
    model: ModelChoice,
    sampling: Sampling,
    found: InputChoice,
    common: Common,
) -> None:
    """Find the videos that contain an action, as grep finds lines.

    Exit code 0: found, 1: not found, 2: an error (also beside hits).
    """
    from vidtag.cli.grep_run import SearchRequest, run_grep, take_words
    from vidtag.search.matching import compile_patterns
    from vidtag.tagging.settings import Settings
    from vidtag.tagging.tagger import Tagger

    patterns, inputs = wanted.split(words)
    if not inputs and not found.files_from:
        raise typer.BadParameter("say what to look for and where: vidtag grep PATTERN INPUT...")
    request = SearchRequest(
        min_score=check_min_score(wanted.min_score),
        patterns=compile_patterns(patterns, exact=wanted.fixed),
        max_count=wanted.max_count,
        names_only=wanted.names_only,
        counts=wanted.counts,
        nul=wanted.nul_output,
        names=not wanted.no_names,
        as_json=wanted.as_json,
        quiet=common.quiet,
    )
    model.check_stdin(*inputs, *(found.files_from or ()))
    load = model.load(quiet=common.quiet)
    settings = Settings(
        window_seconds=sampling.window,
        stride_seconds=sampling.stride,
        average=sampling.average,
        read=common.part(offline=model.offline, start=sampling.start, end=sampling.end),
    )
    named = find_sought(inputs, found)
    try:
        with common.store() as store:

            def make_tagger(asked: SearchRequest) -> tuple[Tagger, SearchRequest]:
                words, sought = take_words(load, asked, say if not common.quiet else None)
                return Tagger(words, settings, store=store), sought

            code = run_grep(request, named, make_tagger)
    except ModelError as exc:
        complain(str(exc))
        code = 2
    raise typer.Exit(code)
