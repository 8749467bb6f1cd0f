"""`vidtag show RESULT`: stored documents, rendered again."""

from typing import Annotated

import typer

from vidtag.cli.options import Quiet
from vidtag.cli.shaping import OtherSettings, ShownResults


def show(
    paths: Annotated[
        list[str], typer.Argument(metavar="RESULT", help="Stored JSON documents; - is stdin.")
    ],
    *,
    results: ShownResults,
    settings: OtherSettings,
    quiet: Quiet = False,
) -> None:
    """Render stored JSON documents again, as the table or in any format.

    Other settings count as far as the stored tags tell what they give; what they do not tell is an
    error.
    """
    from vidtag.cli.show_run import ShowRequest, run_show
    from vidtag.formats.table import TableView

    request = ShowRequest(
        paths=tuple(paths),
        formats=results.names(),
        outputs=tuple(results.output or ()),
        force=results.force,
        quiet=quiet,
        embed_video=results.embed_video,
        layout=results.layout(),
        only=results.patterns(),
        changes=settings.changes(),
        view=TableView(all_tags=settings.top_k is not None),
    )
    raise typer.Exit(run_show(request))
