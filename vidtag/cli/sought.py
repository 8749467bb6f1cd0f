"""What `grep` and `cut` look for, and in what: a pattern first, then videos and documents."""

from typing import TYPE_CHECKING, Annotated

import typer

from vidtag.cli.grouping import option_group
from vidtag.cli.options import InputChoice

if TYPE_CHECKING:
    from vidtag.inputs.found import Inputs

SoughtWords = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[PATTERN] INPUT...",
        help="What to look for (unless -e is given); videos or stored .json documents.",
        show_default=False,
    ),
]


@option_group
class Sought:
    """What is looked for."""

    patterns: Annotated[
        list[str] | None,
        typer.Option("-e", "--regexp", metavar="PATTERN", help="A pattern; may be repeated."),
    ] = None
    fixed: Annotated[bool, typer.Option("-F", "--fixed", help="Patterns are whole labels.")] = False

    def split(self, words: list[str] | None) -> tuple[list[str], list[str]]:
        """Tell patterns from inputs: without -e, the first word is the pattern.

        Returns:
            The patterns, and the inputs.
        """
        inputs = list(words or ())
        if self.patterns or not inputs:
            return self.patterns or [], inputs
        return inputs[:1], inputs[1:]


def find_sought(inputs: list[str], found: InputChoice) -> "Inputs":
    """Find videos and stored documents.

    Args:
        inputs: What the command line names.
        found: Where others come from.
    """
    from vidtag.cli.stored_inputs import DOCUMENT_SUFFIXES
    from vidtag.extensions import VIDEO_EXTENSIONS
    from vidtag.inputs.finding import find_inputs

    return find_inputs(
        inputs,
        recursive=found.recursive,
        files_from=tuple(found.files_from or ()),
        nul_separated=found.nul,
        extensions=VIDEO_EXTENSIONS | set(DOCUMENT_SUFFIXES),
    )
