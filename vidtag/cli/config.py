"""`vidtag config`: which defaults are in force, and where they come from."""

from typing import Annotated

import typer


def config(
    ctx: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    path: Annotated[
        bool, typer.Option("--path", help="Print the name of the configuration file alone.")
    ] = False,
) -> None:
    """Show which defaults are in force, and where they come from.

    What stands on the command line wins over a variable such as VIDTAG_MODEL, and that over the
    file. The file is TOML: any option by its long name without dashes, such as model = "small" or
    min-score = 0.4; below [grep] and the like, for one command alone.
    """
    from vidtag.cli.config_run import print_configuration, print_path

    if path:
        print_path()
    else:
        assert ctx.parent is not None  # of which it is a command
        print_configuration(ctx.parent.command, as_json=as_json)
