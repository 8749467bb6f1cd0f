"""`vidtag VIDEO` is `vidtag tag VIDEO`: the group of commands, and its default one."""

import os
from difflib import get_close_matches
from typing import Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from vidtag.errors import UsageError
from vidtag.terminal import printing

TAG = "tag"
"""The command that needs no name."""


class Group(TyperGroup):
    """A group whose first argument may be an input: then the command is `tag`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default command in front of what is no command."""
        if args and args[0] in ("-h", "--help"):
            # Before anything is parsed, for which typer would load pydantic: a third of the time.
            command = self.commands[TAG]
            with printing():
                typer.echo(command.get_help(type(ctx)(command, parent=ctx, info_name=TAG)))
            raise typer.Exit
        if not args or not self._is_own(args[0]):
            if args:
                self._refuse_misspelt(args[0])
            args = [TAG, *args]
        return super().parse_args(ctx, args)

    def _is_own(self, word: str) -> bool:
        return word in self.commands or word in ("--version", "-V")

    def _refuse_misspelt(self, word: str) -> None:
        """Refuse what is neither a file nor quite a command, before a model is loaded for it."""
        meant = get_close_matches(word, self.commands, n=1, cutoff=0.75)
        if meant and not word.startswith("-") and not os.path.lexists(word):
            raise UsageError(f"There is no file '{word}'; did you mean the command '{meant[0]}'?")


class TagCommand(TyperCommand):
    """The default command: its help is the help of `vidtag`, with the other commands below."""

    def get_usage(self, ctx: Any) -> str:
        """Leave the name of the command out."""
        return super().get_usage(ctx).replace(f"{TAG} [OPTIONS]", "[OPTIONS]", 1)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """List the other commands below the options."""
        super().format_help(ctx, formatter)
        from rich import box
        from rich.console import Console
        from rich.panel import Panel
        from rich.table import Table

        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(style="bold cyan", no_wrap=True)
        table.add_column()
        group = cast("TyperGroup", ctx.parent.command if ctx.parent else None)
        for name, command in group.commands.items():
            if name != TAG:
                table.add_row(name, command.get_short_help_str(limit=100))
        Console(highlight=False).print(
            Panel(table, title="Commands", title_align="left", border_style="dim", box=box.ROUNDED)
        )
