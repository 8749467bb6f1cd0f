"""What `-h` and `--help` print: usage, examples, options in their groups, commands, formats.

Laid out here and not by Typer, which shows types (`<bool>`) and draws boxes, and can't be short.
"""

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import typer

from vidtag.cli.examples import EXAMPLES

_COMMON = (
    "top_k", "formats", "output", "model", "labels", "start", "min_score", "recursive",
    "skip_existing", "quiet", "verbose",
)  # fmt: skip
"""Options that the short help has."""

_ORDER = (
    "show",
    "grep",
    "cut",
    "watch",
    "explain",
    "compare",
    "train",
    "eval",
    "pretrain",
    "models",
    "labels",
    "config",
    "cache",
    "schema",
)
"""Commands as help lists them; others follow."""

_LAST_GROUP = "General"
"""The group of options to which those of all commands belong."""

_COMPLETION = (
    (
        "    --install-completion [SHELL]",
        "Let bash, zsh, fish or PowerShell complete vidtag.",
    ),
    ("    --show-completion [SHELL]", "Print the script that does it."),
)
"""Options that set up the shell, and run no command."""

_MAX_WIDTH = 100
"""Columns of a line beyond which nobody follows it."""

_LEFT = 26
"""Columns of an option's names."""

_LEAST_RIGHT = 30
"""Columns of an explanation, without which it stands below what it explains."""


def whole_help(command: Any, ctx: Any) -> str:
    """Write all that there is to know of a command."""
    page = _Page()
    page.begin(command.get_usage(ctx), command.help)
    page.examples(_name_of(command, ctx))
    groups: dict[str, list[Any]] = {}
    for parameter in command.get_params(ctx):
        if parameter.param_type_name != "option":
            page.arguments(parameter)
        elif not parameter.hidden:
            name = parameter.rich_help_panel or _default_group(parameter)
            groups.setdefault(name, []).append(parameter)
    is_top = ctx.parent is not None and ctx.parent.parent is None and command.name == "tag"
    if is_top:
        groups.setdefault(_LAST_GROUP, []).extend(ctx.parent.command.params)
    for name in sorted(groups, key=lambda name: (name == _LAST_GROUP, name != "Options")):
        pairs = [(_names(one), _meaning(one)) for one in groups[name]]
        page.pairs(name, [*pairs, *(_COMPLETION if is_top and name == _LAST_GROUP else ())])
    if is_top:
        from vidtag.formats import FORMATS

        page.pairs("Formats", [(one.name, one.summary) for one in FORMATS.values()])
    group = ctx.parent.command if is_top else command
    page.pairs("Commands", list(_commands(group)))
    if is_top:
        page.line("vidtag COMMAND --help tells more of each; vidtag -h the usual options alone.")
    return page.text()


def short_help(command: Any, ctx: Any) -> str:
    """Write what somebody wants who is in a hurry: examples, and the usual options."""
    page = _Page()
    page.begin(command.get_usage(ctx), command.help.partition("\n")[0])
    page.examples("tag")
    params = {one.name: one for one in command.get_params(ctx)}
    common = [params[name] for name in _COMMON]
    page.pairs("Options", [(_names(one), _first_clause(one.help)) for one in common])
    names = [name for name, _ in _commands(ctx.parent.command)]
    page.line(f"Commands: {', '.join(names)}; vidtag COMMAND -h tells of each.")
    page.line("vidtag --help has every option, format and command.")
    return page.text()


class _Page:
    """Text for a terminal of its width, in colour where that is shown."""

    def __init__(self) -> None:
        # One column stays free: some terminals break a line that fills the last one.
        self._width = max(min(shutil.get_terminal_size().columns - 1, _MAX_WIDTH), 38)
        self._is_coloured = has_colour()
        self._lines: list[str] = []

    def text(self) -> str:
        return "\n".join(self._lines).rstrip("\n")

    def begin(self, usage: str, description: str | None) -> None:
        self._put(usage.replace("Usage:", self._style("Usage:", bold=True), 1))
        for paragraph in (description or "").split("\n\n"):
            self.line(" ".join(paragraph.split()))

    def line(self, text: str) -> None:
        self._put("", *textwrap.wrap(text, self._width))

    def examples(self, name: str) -> None:
        """List command lines with what they are for, which a narrow terminal leaves out."""
        examples = EXAMPLES.get(name, ())
        if not examples:
            return
        self._heading("Examples")
        left = max(len(command) for command, _ in examples) + 4
        for command, purpose in examples:
            line = f"  {command}"
            if left + len(max((what for _, what in examples), key=len)) + 2 <= self._width:
                line = f"{line:<{left}}{self._style(f'# {purpose}', dim=True)}"
            self._put(line)

    def arguments(self, parameter: Any) -> None:
        self.pairs("Arguments", [(parameter.metavar or parameter.name.upper(), parameter.help)])

    def pairs(self, heading: str, pairs: Sequence[tuple[str, str]]) -> None:
        """Print names with what they mean, in two columns or below each other."""
        if not pairs:
            return
        self._heading(heading)
        left = min(max(len(name) for name, _ in pairs) + 4, _LEFT)
        is_narrow = self._width - left < _LEAST_RIGHT
        for name, meaning in pairs:
            column = 8 if is_narrow else left
            lines = textwrap.wrap(meaning, self._width - column)
            first = f"  {self._style(name, fg='cyan')}"
            if is_narrow or len(name) + 4 > left:
                self._put(first)
            elif lines:
                self._put(f"{first}{' ' * (left - 2 - len(name))}{lines.pop(0)}")
            self._put(*(f"{' ' * column}{line}" for line in lines))

    def _heading(self, text: str) -> None:
        self._put("", self._style(f"{text}:", bold=True))

    def _put(self, *lines: str) -> None:
        self._lines += lines

    def _style(self, text: str, **style: Any) -> str:
        return typer.style(text, **style) if self._is_coloured else text


def has_colour() -> bool:
    """Tell whether help is coloured: on a terminal, unless the user wants it otherwise."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or sys.stdout.isatty()


def _name_of(command: Any, ctx: Any) -> str:
    return command.name or ctx.info_name or ""


def _default_group(parameter: Any) -> str:
    is_of_all = parameter.name in ("help", "version")
    return _LAST_GROUP if is_of_all else "Options"


def _names(parameter: Any) -> str:
    """Write an option's names, the short one first, and what it takes."""
    short = [one for one in parameter.opts if not one.startswith("--")]
    long = [one for one in parameter.opts if one.startswith("--")]
    names = ", ".join([*short, *long]) if short else f"    {long[0]}"
    takes = "" if parameter.is_flag else parameter.metavar or parameter.name.upper()
    return f"{names} {takes}".rstrip()


def _meaning(parameter: Any) -> str:
    """Write what an option does, and its default."""
    text, default = parameter.help or "", parameter.default
    if isinstance(parameter.show_default, str):
        default = parameter.show_default
    if parameter.is_flag or default in (None, ()) or not parameter.show_default:
        return str(text)
    return f"{text} Default: {_plain(default)}."


def _plain(default: Any) -> str:
    return ", ".join(map(str, default)) if isinstance(default, list | tuple) else str(default)


def _first_clause(text: str) -> str:
    """Cut an explanation where its first thought ends."""
    ends = [place for sign in (";", ". ") if (place := text.find(sign)) > 0]
    return f"{text[: min(ends)].rstrip('.')}." if ends else text


def _commands(group: Any) -> Iterator[tuple[str, str]]:
    commands: Iterable[tuple[str, Any]] = getattr(group, "commands", {}).items()
    for name, command in sorted(commands, key=lambda pair: _place(pair[0])):
        if name != "tag" and not command.hidden:
            yield name, command.get_short_help_str(limit=200)


def _place(name: str) -> int:
    """Let the commands that most people want come first."""
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)
