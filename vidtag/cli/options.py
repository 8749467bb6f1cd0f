"""The options that several commands share, as groups, and how their values are read.

Owns words, not behaviour: each field here is one option as the README documents it, and stands
once, with its default.
"""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from vidtag.aliases import DEFAULT_MODEL, WORDS_MODEL
from vidtag.cli.grouping import option_group
from vidtag.seconds import parse_length, parse_span, parse_time

if TYPE_CHECKING:
    from vidtag.cache.scores import ScoreStore
    from vidtag.models.options import LoadOptions
    from vidtag.timeline.segments import SegmentRule
    from vidtag.video.options import Part

DEFAULT_TOP_K = 5
"""Tags per step and for the video, where `-k` is not given."""

_RESULT = "Result"
_MODEL = "Model"
_WORDS = "Own words"
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


def check_min_score(score: float) -> float:
    """Return a score that a step can reach and that something misses.

    Raises:
        BadParameter: It is neither.
    """
    if not 0 < score <= 1:
        raise typer.BadParameter(f"--min-score {score}: it must be above 0 and at most 1.")
    return score


Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", rich_help_panel=_GENERAL, help="Errors alone on stderr.")
]
Revision = Annotated[
    str | None,
    typer.Option(metavar="R", rich_help_panel=_MODEL,
                 help="Branch, tag or commit of a hub model."),
]  # fmt: skip
Offline = Annotated[
    bool, typer.Option("--offline", rich_help_panel=_MODEL, help="Never touch the network.")
]
Force = Annotated[
    bool,
    typer.Option("--force", rich_help_panel=_RESULT,
                 help="In a folder, replace also what vidtag did not make."),
]  # fmt: skip
Json = Annotated[bool, typer.Option("--json", help="The same as -f json.", rich_help_panel=_RESULT)]


@option_group
class _TopK:
    top_k: Annotated[
        int | None,
        typer.Option("--top-k", "-k", min=1, metavar="N", show_default=str(DEFAULT_TOP_K),
                     help="Tags per step and for the video; where it is given, the table shows "
                          "all of them.", rich_help_panel=_RESULT),
    ] = None  # fmt: skip


@option_group
class Results:
    """What results look like, and where they go."""

    formats: Annotated[
        list[str] | None,
        typer.Option("--format", "-f", metavar="F", show_default="table", rich_help_panel=_RESULT,
                     help="table, json, csv, srt, html, chapters and more (vidtag --help lists "
                          "them); several with -o."),
    ] = None  # fmt: skip
    as_json: Json = False
    output: Annotated[
        list[str] | None,
        typer.Option("--output", "-o", metavar="PATH", rich_help_panel=_RESULT,
                     help="Write there instead of stdout; a folder if it ends in /, is one, or "
                          "there are several inputs or formats. Several files: each as its "
                          "suffix says."),
    ] = None  # fmt: skip
    force: Force = False
    embed_video: Annotated[
        bool,
        typer.Option("--embed-video", rich_help_panel=_RESULT,
                     help="With -f html -o PATH: the video inside its page, for one file to hand "
                          "on; up to 24 MB."),
    ] = False  # fmt: skip

    def names(self) -> tuple[str, ...]:
        """Name the formats, each once.

        Raises:
            BadParameter: There is none of this name.
        """
        from vidtag.formats import FORMATS

        wanted = [*(self.formats or ()), *(["json"] if self.as_json else [])]
        for name in wanted:
            if name not in FORMATS:
                known = ", ".join(FORMATS)
                raise typer.BadParameter(
                    f"-f {name}: there is no such format; choose from {known}."
                )
        return tuple(dict.fromkeys(wanted))


@option_group
class TaggedResults(Results, _TopK):
    """Results of videos that are tagged now."""

    with_maps: Annotated[
        bool,
        typer.Option("--explain", rich_help_panel=_RESULT,
                     help="With -f html -o FOLDER: show what the model looked at, beside "
                          "segments."),
    ] = False  # fmt: skip

    each: Annotated[
        bool,
        typer.Option("--each", rich_help_panel=_RESULT,
                     help="On a terminal, print the table of each of several videos."),
    ] = False  # fmt: skip


@option_group
class NamedModel:
    """Which model."""

    model: Annotated[
        str | None,
        typer.Option("--model", "-m", metavar="M", rich_help_panel=_MODEL,
                     show_default=f"{DEFAULT_MODEL}, or {WORDS_MODEL} with --label",
                     help="An alias (vidtag models lists them), a hub id, or a folder."),
    ] = None  # fmt: skip
    revision: Revision = None

    def load(self, *, quiet: bool) -> "LoadOptions":
        """Make the options for loading it."""
        from vidtag.models.options import LoadOptions

        return LoadOptions(show_progress=sys.stderr.isatty() and not quiet, **self._wishes())

    def _wishes(self) -> dict[str, Any]:
        """Name what is asked of the model."""
        return dict(vars(self))


@option_group
class ListedModel(NamedModel):
    """A model whose labels are wanted alone."""

    offline: Offline = False


@option_group
class _Engine(NamedModel):
    device: Annotated[
        str,
        typer.Option(metavar="D", rich_help_panel=_MODEL, help="auto, cpu, cuda, cuda:1, mps."),
    ] = "auto"
    engine: Annotated[
        str, typer.Option(metavar="E", rich_help_panel=_MODEL, help="auto, torch, openvino.")
    ] = "auto"


@option_group
class ExplainedModel(_Engine):
    """Which model is explained, and where it runs."""

    offline: Offline = False


@option_group
class ModelChoice(_Engine):
    """Which model, how it runs, and which words it is given."""

    precision: Annotated[
        str, typer.Option(metavar="P", rich_help_panel=_MODEL, help="auto, fp32, bf16, fp16, int8.")
    ] = "auto"
    fast: Annotated[
        bool,
        typer.Option("--fast", rich_help_panel=_MODEL,
                     help="Compute what stands still once; scores are approximate (vidtag "
                          "compare)."),
    ] = False  # fmt: skip
    batch_size: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", rich_help_panel=_MODEL, show_default="from the device",
                     help="Windows per forward pass."),
    ] = None  # fmt: skip
    offline: Offline = False
    labels: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="TEXT", rich_help_panel=_WORDS,
                     help="An action in your own words; may be repeated. 'a | b' are two ways to "
                          "say the same."),
    ] = None  # fmt: skip
    labels_from: Annotated[
        str | None,
        typer.Option("--labels-from", metavar="FILE", rich_help_panel=_WORDS,
                     help="Read them from a file, one per line; - is stdin, # begins a comment."),
    ] = None  # fmt: skip
    template: Annotated[
        str | None,
        typer.Option(metavar="TEXT", rich_help_panel=_WORDS, show_default="the model's own",
                     help="The sentence that they are put into, at its {}."),
    ] = None  # fmt: skip
    background: Annotated[
        Literal["auto", "none"],
        typer.Option(metavar="auto|none", rich_help_panel=_WORDS,
                     help="What they compete with: other actions and nothing at all, or none: "
                          "one another alone."),
    ] = "auto"  # fmt: skip

    def also_read(self) -> tuple[str, ...]:
        """Name the files that are read besides inputs and the model."""
        return () if self.labels_from in (None, "-") else (str(self.labels_from),)

    def check_stdin(self, *others: str) -> None:
        """Refuse two uses of stdin.

        Args:
            others: Inputs and lists, of which `-` is stdin, too.

        Raises:
            BadParameter: It would be read twice.
        """
        if self.labels_from == "-" and "-" in others:
            raise typer.BadParameter("stdin can be read once: for --labels-from or for another -.")

    def _wishes(self) -> dict[str, Any]:
        """Name what is asked of the model, and the words that it is given.

        Raises:
            UsageError: Their file can't be read.
        """
        wishes = super()._wishes()
        path = wishes.pop("labels_from")
        if path is not None:
            from vidtag.inputs.labels import read_labels_file

            wishes["labels"] = (*(self.labels or ()), *read_labels_file(path))
        return wishes


@option_group
class Windows:
    """How long windows are, and how far apart."""

    window: Annotated[
        Fraction | None,
        typer.Option(parser=read_length, metavar="S", rich_help_panel=_SAMPLING,
                     show_default="2, or the model's own", help="Length of a window in seconds."),
    ] = None  # fmt: skip
    stride: Annotated[
        Fraction | None,
        typer.Option(parser=read_length, metavar="S", rich_help_panel=_SAMPLING,
                     show_default="1, or half the window", help="Seconds between windows."),
    ] = None  # fmt: skip


@option_group
class AveragedWindows(Windows):
    """Windows, and how they are averaged."""

    average: Annotated[
        Literal["logits", "probs"],
        typer.Option("--average", metavar="logits|probs", rich_help_panel=_SAMPLING,
                     help="How windows are averaged."),
    ] = "logits"  # fmt: skip


@option_group
class Sampling(AveragedWindows):
    """Windows, how they are averaged, and which part of the video they cover."""

    start: Annotated[
        Fraction | None,
        typer.Option(parser=read_time, metavar="T", rich_help_panel=_SAMPLING,
                     help="Tag from here: 90, 1:30 or 00:01:30.5."),
    ] = None  # fmt: skip
    end: Annotated[
        Fraction | None,
        typer.Option(parser=read_time, metavar="T", rich_help_panel=_SAMPLING,
                     help="Tag up to here."),
    ] = None  # fmt: skip


@option_group
class Segments:
    """When a label opens, holds and closes."""

    min_score: Annotated[
        float,
        typer.Option(metavar="X", rich_help_panel=_SEGMENTS,
                     help="Score at which a segment opens; it holds down to half of it."),
    ] = 0.3  # fmt: skip
    min_duration: Annotated[
        Fraction,
        typer.Option(parser=read_span, metavar="S", rich_help_panel=_SEGMENTS,
                     help="Drop shorter segments."),
    ] = Fraction(0)  # fmt: skip
    merge_gap: Annotated[
        Fraction,
        typer.Option(parser=read_span, metavar="S", rich_help_panel=_SEGMENTS,
                     help="Bridge gaps up to this."),
    ] = Fraction(1)  # fmt: skip

    def rule(self) -> "SegmentRule":
        """Make the rule of it.

        Raises:
            BadParameter: The score makes no sense.
        """
        from vidtag.timeline.segments import SegmentRule

        return SegmentRule(
            min_score=check_min_score(self.min_score),
            min_duration_seconds=self.min_duration,
            merge_gap_seconds=self.merge_gap,
        )


@option_group
class InputChoice:
    """Where inputs come from besides the command line."""

    recursive: Annotated[
        bool,
        typer.Option("--recursive", "-r", rich_help_panel=_BATCH, help="Enter subfolders, too."),
    ] = False
    files_from: Annotated[
        list[str] | None,
        typer.Option("--files-from", metavar="FILE", rich_help_panel=_BATCH,
                     help="Read more inputs from a list, one per line; - is stdin."),
    ] = None  # fmt: skip
    nul: Annotated[
        bool,
        typer.Option("-0", "--null", rich_help_panel=_BATCH, help="The lists are NUL-separated."),
    ] = False


@option_group
class BatchChoice(InputChoice):
    """Inputs, and what becomes of the batch."""

    skip_existing: Annotated[
        bool,
        typer.Option("--skip-existing", rich_help_panel=_BATCH,
                     help="Skip what has its result, made from the same file in the same way."),
    ] = False  # fmt: skip
    fail_fast: Annotated[
        bool,
        typer.Option("--fail-fast", rich_help_panel=_BATCH, help="Stop at the first failed input."),
    ] = False


@option_group
class Common:
    """What every command that reads videos has."""

    no_cache: Annotated[
        bool,
        typer.Option("--no-cache", rich_help_panel=_GENERAL,
                     help="Neither read nor write stored scores."),
    ] = False  # fmt: skip
    max_pixels: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", rich_help_panel=_GENERAL, show_default="35651584",
                     help="Refuse pictures with more pixels than this."),
    ] = None  # fmt: skip
    quiet: Quiet = False

    def store(self) -> "AbstractContextManager[ScoreStore | None]":
        """Open the stored scores."""
        from vidtag.cache.scores import ScoreStore

        return nullcontext() if self.no_cache else ScoreStore()

    def part(
        self, *, offline: bool, start: Fraction | None = None, end: Fraction | None = None
    ) -> "Part":
        """Say which part of each video is read, and within which limits.

        Raises:
            BadParameter: It ends before it starts.
        """
        from vidtag.video.options import MAX_PIXELS, Part

        if end is not None and end <= (start or 0):
            raise typer.BadParameter("--end must come after --start.")
        return Part(
            start=start or Fraction(0),
            end=end,
            max_pixels=self.max_pixels or MAX_PIXELS,
            network=not offline,
        )


@option_group
class Talk(Common):
    """What every command that reads videos has, and more words on stderr."""

    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", rich_help_panel=_GENERAL,
                     help="Say on stderr what is run, and how long it took."),
    ] = False  # fmt: skip
