"""`vidtag explain VIDEO`: where and when the evidence for a tag lies."""

import sys
from dataclasses import replace
from fractions import Fraction
from typing import Annotated, Literal

import typer

from vidtag.cli.grouping import option_group
from vidtag.cli.options import Common, ExplainedModel, Force, Json, Windows, read_time
from vidtag.cli.speaking import complain, print_line


@option_group
class Asked:
    """What is explained, how, and where that goes."""

    at: Annotated[
        Fraction | None,
        typer.Option(
            parser=read_time,
            metavar="T",
            help="The window around this moment, instead of the peaks of the best segments.",
        ),
    ] = None
    label: Annotated[
        str | None,
        typer.Option(
            metavar="L",
            help="Another label than the top one; in your own words with -m xclip and its like.",
        ),
    ] = None
    method: Annotated[
        Literal["combined", "relevance", "integrated", "rollout", "occlusion"],
        typer.Option(
            metavar="M",
            help="combined, relevance, integrated, rollout, or occlusion (any model, slow).",
        ),
    ] = "combined"
    output: Annotated[
        list[str] | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="Write .mp4, .gif or .webp (the clip under its map), .png (a contact sheet), "
            ".json, or into a folder; may be repeated.",
        ),
    ] = None
    force: Force = False
    as_json: Json = False


def explain(
    video: Annotated[str, typer.Argument(metavar="VIDEO", help="One video: a file or a URL.")],
    *,
    asked: Asked,
    model: ExplainedModel,
    windows: Windows,
    common: Common,
) -> None:
    """Show where and when the evidence for a tag lies, and how far to trust it."""
    from vidtag.cli.waiting import counting
    from vidtag.explain.run import ExplainOptions, explain_video, to_json
    from vidtag.explain.table import print_explanation
    from vidtag.explain.writing import check_outputs, write_explanation
    from vidtag.models.load import reads_text
    from vidtag.tagging.settings import Settings

    outputs = asked.output or ()
    load = model.load(quiet=common.quiet)
    check_outputs(outputs, video, also_read=[load.name], force=asked.force)
    label = asked.label
    if asked.label is not None and reads_text(load):
        load = replace(load, labels=(asked.label,))
        label = load.words()[0][0].label
    options = ExplainOptions(
        source=video,
        load=load,
        settings=Settings(
            window_seconds=windows.window,
            stride_seconds=windows.stride,
            read=common.part(offline=model.offline),
        ),
        at=asked.at,
        label=label,
        method=asked.method,
    )
    with (
        common.store() as store,
        counting("explaining", quiet=common.quiet) as count,
    ):
        result = explain_video(options, store=store, advance=count)
    if not common.quiet:
        for note in result.classifier.info.notes:
            complain(f"warning: {note.message}")
    for output in outputs:
        for path in write_explanation(result, output, force=asked.force):
            if not common.quiet:
                complain(f"wrote {path}")
    if asked.as_json:
        print_line(to_json(result, indent=2 if sys.stdout.isatty() else None))
    elif not outputs or not common.quiet:
        print_explanation(result)
