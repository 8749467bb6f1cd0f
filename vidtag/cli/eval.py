"""`vidtag eval DATA -m MODEL`: how well a model does on labelled videos."""

from typing import Annotated, Literal

import typer

from vidtag.cli.grouping import option_group
from vidtag.cli.options import AveragedWindows, Common, Json, ModelChoice, Segments


@option_group
class Asked:
    """What is evaluated, and where that is told."""

    result_format: Annotated[
        Literal["table", "json", "html"] | None,
        typer.Option("--format", "-f", metavar="F", show_default="table",
                     help="table, json, or html: a page to look at, with -o."),
    ] = None  # fmt: skip
    as_json: Json = False
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="PATH",
                     help="Write there instead of stdout: .html a page, .json JSON."),
    ] = None  # fmt: skip
    videos: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="Where the videos are that a label file names; beside "
                     "it, and here, where not given."),
    ] = None  # fmt: skip
    subset: Annotated[
        str | None,
        typer.Option(metavar="S", help="Only videos that the data says are in this subset, such "
                     "as validation."),
    ] = None  # fmt: skip
    views: Annotated[
        str | None,
        typer.Option(metavar="NxM",
                     help="Clips and crops of each labelled clip, as papers do: 5x3, the mean of "
                     "their scores; crops are 1 or 3."),
    ] = None  # fmt: skip
    calibrate: Annotated[
        bool,
        typer.Option("--calibrate",
                     help="Fit a temperature on the data, and keep it in the model's folder."),
    ] = False  # fmt: skip


def evaluate(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="Labelled videos: a folder per label, a CSV (path,label[,start,end]), ActivityNet "
            "JSON, Label Studio or ELAN files, or vidtag's own documents.",
        ),
    ],
    *,
    asked: Asked,
    model: ModelChoice,
    windows: AveragedWindows,
    segments: Segments,
    common: Common,
) -> None:
    """Measure how well a model does on videos whose actions are known.

    Labelled clips: top-1, top-5, mean per class, confusions. Videos with labels over stretches of
    their time: share of the time, F1 of segments, mean average precision. Both: whether scores
    mean what they say. Each figure has the interval in which it lies with 95 % of draws of the
    videos.
    """
    from vidtag.cli.eval_run import Wishes, run_eval
    from vidtag.tagging.settings import Settings

    model.check_stdin(data)
    load = model.load(quiet=common.quiet)
    settings = Settings(
        window_seconds=windows.window,
        stride_seconds=windows.stride,
        average=windows.average,
        rule=segments.rule(),
        read=common.part(offline=model.offline),
    )
    wishes = Wishes(
        data=data,
        result_format="json" if asked.as_json else asked.result_format,
        output=asked.output,
        videos=asked.videos,
        subset=asked.subset,
        views=asked.views,
        calibrates=asked.calibrate,
        also_read=model.also_read(),
        quiet=common.quiet,
    )
    with common.store() as store:
        raise typer.Exit(run_eval(wishes, load, settings, store))
