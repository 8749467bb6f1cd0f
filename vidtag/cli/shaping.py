"""The options that say what of a result is written, and as which rows."""

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vidtag.cli.grouping import option_group
from vidtag.cli.options import Results, TaggedResults, check_min_score, read_span

if TYPE_CHECKING:
    from vidtag.formats.rows import Layout
    from vidtag.search.matching import Patterns
    from vidtag.tagging.changing import Changes

_RESULT = "Result"
_STORED = "Instead of the stored settings"


@option_group
class Shape:
    """What of a result is written, and as which rows."""

    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="PATTERN", rich_help_panel=_RESULT,
                     help="Leave out labels that do not match, as grep takes patterns; may be "
                          "repeated."),
    ] = None  # fmt: skip
    per: Annotated[
        Literal["segment", "step"],
        typer.Option(metavar="segment|step", rich_help_panel=_RESULT,
                     help="What has a row in csv, tsv and parquet."),
    ] = "segment"  # fmt: skip
    every_video: Annotated[
        bool,
        typer.Option("--every-video", rich_help_panel=_RESULT,
                     help="There, give a video without a segment an empty row."),
    ] = False  # fmt: skip
    bom: Annotated[
        bool,
        typer.Option("--bom", rich_help_panel=_RESULT,
                     help="Begin csv and tsv with a byte order mark, for Excel."),
    ] = False  # fmt: skip

    def layout(self) -> "Layout":
        """Say what tables have."""
        from vidtag.formats.rows import Layout

        return Layout(per=self.per, every_video=self.every_video, bom=self.bom)

    def patterns(self) -> "Patterns | None":
        """Compile what labels are kept; `None` keeps all.

        Raises:
            UsageError: One is no regular expression.
        """
        from vidtag.search.matching import compile_patterns

        return compile_patterns(self.only) if self.only else None


@option_group
class ShapedResults(Shape, TaggedResults):
    """Results of videos that are tagged now, and what of them is written."""


@option_group
class ShownResults(Shape, Results):
    """Stored results, and what of them is written."""


@option_group
class OtherSettings:
    """Settings instead of the stored ones."""

    top_k: Annotated[
        int | None,
        typer.Option("--top-k", "-k", min=1, metavar="N", rich_help_panel=_STORED,
                     help="Fewer tags per step; the table shows all of them."),
    ] = None  # fmt: skip
    min_score: Annotated[
        float | None,
        typer.Option(metavar="X", rich_help_panel=_STORED,
                     help="Score at which a segment opens."),
    ] = None  # fmt: skip
    min_duration: Annotated[
        Fraction | None,
        typer.Option(parser=read_span, metavar="S", rich_help_panel=_STORED,
                     help="Drop shorter segments."),
    ] = None  # fmt: skip
    merge_gap: Annotated[
        Fraction | None,
        typer.Option(parser=read_span, metavar="S", rich_help_panel=_STORED,
                     help="Bridge gaps up to this."),
    ] = None  # fmt: skip

    def changes(self) -> "Changes | None":
        """Make the changes of them; `None` where there is none.

        Raises:
            BadParameter: The score makes no sense.
        """
        if all(value is None for value in vars(self).values()):
            return None
        from vidtag.tagging.changing import Changes

        return Changes(
            top_k=self.top_k,
            min_score=None if self.min_score is None else check_min_score(self.min_score),
            min_duration_seconds=self.min_duration,
            merge_gap_seconds=self.merge_gap,
        )
