"""`vidtag show RESULT`: stored documents, rendered again."""

from typing import Annotated

import typer

from vidtag.cli.options import Quiet, Results


def show(
    paths: Annotated[
        list[str], typer.Argument(metavar="RESULT", help="Stored JSON documents; - is stdin.")
    ],
    *,
    results: Results,
    quiet: Quiet = False,
) -> None:
    """Render stored JSON documents again, as the table or in any format."""
    from vidtag.cli.show_run import run_show

    outputs = results.output or ()
    code = run_show(
        paths,
        results.names(),
        outputs,
        force=results.force,
        quiet=quiet,
        embed_video=results.embed_video,
    )
    raise typer.Exit(code)
