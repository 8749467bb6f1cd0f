"""`vidtag VIDEO` is `vidtag tag VIDEO`: the group of commands, and its default one."""

import os
from difflib import get_close_matches
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from vidtag.cli.configuration import configure
from vidtag.cli.examples import GREETING
from vidtag.cli.helping import has_colour, short_help, whole_help
from vidtag.errors import ExitCode, UsageError
from vidtag.terminal import printing

TAG = "tag"
"""The command that needs no name."""

_SHORT = "vidtag.short_help"
"""In a context's notes: `-h` was asked for, and not `--help`."""


class HelpedCommand(TyperCommand):
    """A command whose help is laid out by us."""

    def get_help(self, ctx: Any) -> str:
        """Write its help."""
        return whole_help(self, ctx)


class HelpedGroup(TyperGroup):
    """A group of commands whose help is laid out by us."""

    def get_help(self, ctx: Any) -> str:
        """Write its help."""
        return whole_help(self, ctx)


class Group(HelpedGroup):
    """A group whose first argument may be an input: then the command is `tag`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default command in front of what is no command."""
        ctx.color = has_colour()
        if not args and not ctx.resilient_parsing:
            typer.echo(GREETING, err=True)
            raise typer.Exit(ExitCode.WRONG_USAGE)
        if args and args[0] in ("-h", "--help"):
            # Before anything is parsed, for which typer would load pydantic: a third of the time.
            command = self.commands[TAG]
            sub = type(ctx)(command, parent=ctx, info_name=TAG)
            with printing():
                typer.echo(
                    (short_help if args[0] == "-h" else whole_help)(command, sub),
                    color=has_colour(),
                )
            raise typer.Exit
        if not args or not self._is_own(args[0]):
            if args:
                self._refuse_misspelt(args[0])
            args = [TAG, *args]
        if not ctx.resilient_parsing:
            configure(ctx, self)
        return super().parse_args(ctx, args)

    def _is_own(self, word: str) -> bool:
        return word in self.commands or word in ("--version", "-V")

    def _refuse_misspelt(self, word: str) -> None:
        """Refuse what is neither a file nor quite a command, before a model is loaded for it."""
        meant = get_close_matches(word, self.commands, n=1, cutoff=0.75)
        if meant and not word.startswith("-") and not os.path.lexists(word):
            raise UsageError(f"There is no file '{word}'; did you mean the command '{meant[0]}'?")


class TagCommand(HelpedCommand):
    """The default command: its help is the help of `vidtag`, with the other commands below."""

    def get_usage(self, ctx: Any) -> str:
        """Leave the name of the command out."""
        return super().get_usage(ctx).replace(f"{TAG} [OPTIONS]", "[OPTIONS]", 1)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Note which of both helps is asked for."""
        ctx.meta[_SHORT] = "-h" in args and "--help" not in args
        return super().parse_args(ctx, args)

    def get_help(self, ctx: Any) -> str:
        """Write its help, the short or the whole one."""
        return (short_help if ctx.meta.get(_SHORT) else whole_help)(self, ctx)
