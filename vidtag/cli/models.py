"""`vidtag models` lists the models that have short names; `vidtag models get` gets one."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from vidtag.cli.group import HelpedCommand
from vidtag.cli.options import ListedModel, Offline, Quiet, Revision
from vidtag.cli.speaking import print_line, say
from vidtag.text import printable

models = typer.Typer(
    invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)


@models.callback()
def list_all(
    ctx: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose", "-v", help="Say where each comes from, what it computes, who measured it."
        ),
    ] = False,
) -> None:
    """List the models that have short names, and which are at hand; or get one."""
    if ctx.invoked_subcommand is not None:
        if as_json or verbose:
            option = "--json" if as_json else "-v"
            raise typer.BadParameter(f"{option} is for the list: vidtag models {option}.")
        return
    from vidtag.models.describe import list_models

    descriptions = list_models()
    if as_json:
        print_line(json.dumps([asdict(one) for one in descriptions], indent=2, default=str))
        return
    from vidtag.cli.models_table import print_models

    print_models(descriptions, verbose=verbose)


@models.command(cls=HelpedCommand)
def get(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An alias, a hub id, or a folder.")],
    revision: Revision = None,
    offline: Offline = False,
    quiet: Quiet = False,
) -> None:
    """Download a model and convert it for this machine; prints the folder that it lies in.

    Says its size and licence first. After an interruption, files that came whole are kept.
    """
    from vidtag.cli.waiting import waiting
    from vidtag.models.getting import get_model

    load = ListedModel(model=name, revision=revision, offline=offline).load(quiet=quiet)
    with waiting("looking", quiet=quiet) as shown:

        def tell(line: str) -> None:
            if not quiet:
                shown.end()
                say(line)
                shown.begin(line.partition(" ")[0])

        ready = get_model(load, tell, shown.advance)
        shown.end()
    where = f"on {ready.info.device} with {ready.info.engine}"
    if not quiet:
        say(f"{name} is ready, {where}: vidtag VIDEO -m {name}")
    print_line(printable(str(ready.files.folder)))
