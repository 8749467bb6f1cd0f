"""The options that several commands share, and how their values are read.

Owns words, not behaviour: each name here is one option as the README documents it.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Annotated

import typer

from vidtag.seconds import parse_length, parse_span, parse_time

_RESULT = "Result"
_MODEL = "Model"
_SAMPLING = "Sampling"
_SEGMENTS = "Segments"
_BATCH = "Batch"
_GENERAL = "General"


def _told(parse: Callable[[str], Fraction]) -> Callable[[str], Fraction]:
    """Let what is wrong with a value reach the user as wrong usage of its option."""

    def read(text: str) -> Fraction:
        try:
            return parse(text)
        except ValueError as exc:
            raise typer.BadParameter(str(exc)) from None

    return read


read_time = _told(parse_time)
read_length = _told(parse_length)
read_span = _told(parse_span)

Inputs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="INPUT",
        help="Videos: files, folders, quoted globs, http(s) or rtsp URLs, or - for stdin.",
        show_default=False,
    ),
]
TopK = Annotated[
    int,
    typer.Option("--top-k", "-k", min=1, metavar="N", help="Tags per step and for the video.",
                 rich_help_panel=_RESULT),
]  # fmt: skip
Formats = Annotated[
    list[str] | None,
    typer.Option("--format", "-f", metavar="F", show_default="table", rich_help_panel=_RESULT,
                 help="table, json, csv, tsv, srt, vtt, chapters, otio, eaf, activitynet, "
                      "labelstudio, html; several with -o."),
]  # fmt: skip
Json = Annotated[bool, typer.Option("--json", help="The same as -f json.", rich_help_panel=_RESULT)]
Output = Annotated[
    list[str] | None,
    typer.Option("--output", "-o", metavar="PATH", rich_help_panel=_RESULT,
                 help="Write there instead of stdout; a folder if it ends in /, is one, or there "
                      "are several inputs or formats. Several files: each as its suffix says."),
]  # fmt: skip
Force = Annotated[
    bool,
    typer.Option("--force", rich_help_panel=_RESULT,
                 help="In a folder, replace also what vidtag did not make."),
]  # fmt: skip
Explain = Annotated[
    bool,
    typer.Option("--explain", rich_help_panel=_RESULT,
                 help="With -f html -o FOLDER: show what the model looked at, beside segments."),
]  # fmt: skip
Model = Annotated[
    str,
    typer.Option("--model", "-m", metavar="M", rich_help_panel=_MODEL,
                 help="An alias (vidtag models lists them), a hub id, or a folder."),
]  # fmt: skip
Revision = Annotated[
    str | None,
    typer.Option(metavar="R", rich_help_panel=_MODEL,
                 help="Branch, tag or commit of a hub model."),
]  # fmt: skip
Device = Annotated[
    str,
    typer.Option(metavar="D", rich_help_panel=_MODEL, help="auto, cpu, cuda, cuda:1, mps."),
]
Engine = Annotated[
    str, typer.Option(metavar="E", rich_help_panel=_MODEL, help="auto, torch, openvino.")
]
Precision = Annotated[
    str, typer.Option(metavar="P", rich_help_panel=_MODEL, help="auto, fp32, bf16, fp16.")
]
BatchSize = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", rich_help_panel=_MODEL, show_default="from the device",
                 help="Windows per forward pass."),
]  # fmt: skip
Offline = Annotated[
    bool, typer.Option("--offline", rich_help_panel=_MODEL, help="Never touch the network.")
]
Window = Annotated[
    Fraction | None,
    typer.Option(parser=read_length, metavar="S", rich_help_panel=_SAMPLING,
                 show_default="2, or the model's own", help="Length of a window in seconds."),
]  # fmt: skip
Stride = Annotated[
    Fraction | None,
    typer.Option(parser=read_length, metavar="S", rich_help_panel=_SAMPLING,
                 show_default="1, or half the window", help="Seconds between windows."),
]  # fmt: skip
AverageOption = Annotated[
    str,
    typer.Option("--average", metavar="logits|probs", rich_help_panel=_SAMPLING,
                 help="How windows are averaged."),
]  # fmt: skip
Start = Annotated[
    Fraction | None,
    typer.Option(parser=read_time, metavar="T", rich_help_panel=_SAMPLING,
                 help="Tag from here: 90, 1:30 or 00:01:30.5."),
]  # fmt: skip
End = Annotated[
    Fraction | None,
    typer.Option(parser=read_time, metavar="T", rich_help_panel=_SAMPLING, help="Tag up to here."),
]
MinScore = Annotated[
    float,
    typer.Option(metavar="X", rich_help_panel=_SEGMENTS,
                 help="Score at which a segment opens; it holds down to half of it."),
]  # fmt: skip
MinDuration = Annotated[
    Fraction,
    typer.Option(parser=read_span, metavar="S", rich_help_panel=_SEGMENTS,
                 help="Drop shorter segments."),
]  # fmt: skip
MergeGap = Annotated[
    Fraction,
    typer.Option(parser=read_span, metavar="S", rich_help_panel=_SEGMENTS,
                 help="Bridge gaps up to this."),
]  # fmt: skip
Recursive = Annotated[
    bool,
    typer.Option("--recursive", "-r", rich_help_panel=_BATCH, help="Enter subfolders, too."),
]
FilesFrom = Annotated[
    list[str] | None,
    typer.Option("--files-from", metavar="FILE", rich_help_panel=_BATCH,
                 help="Read more inputs from a list, one per line; - is stdin."),
]  # fmt: skip
Nul = Annotated[
    bool,
    typer.Option("-0", "--null", rich_help_panel=_BATCH, help="The lists are NUL-separated."),
]
SkipExisting = Annotated[
    bool,
    typer.Option("--skip-existing", rich_help_panel=_BATCH,
                 help="Skip what has its result, made from the same file in the same way."),
]  # fmt: skip
FailFast = Annotated[
    bool,
    typer.Option("--fail-fast", rich_help_panel=_BATCH, help="Stop at the first failed input."),
]
NoCache = Annotated[
    bool,
    typer.Option("--no-cache", rich_help_panel=_GENERAL,
                 help="Neither read nor write stored scores."),
]  # fmt: skip
MaxPixels = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", rich_help_panel=_GENERAL, show_default="35651584",
                 help="Refuse pictures with more pixels than this."),
]  # fmt: skip
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", rich_help_panel=_GENERAL, help="Errors alone on stderr.")
]
Verbose = Annotated[
    bool,
    typer.Option("--verbose", "-v", rich_help_panel=_GENERAL,
                 help="Say on stderr what is run, and how long it took."),
]  # fmt: skip
