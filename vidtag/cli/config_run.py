"""The defaults in force, as a table or as JSON."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from vidtag.cli.configuration import Setting, config_path, options_of, read_settings, walk
from vidtag.cli.speaking import print_drawing, print_line
from vidtag.errors import UsageError
from vidtag.text import printable

_DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """An option of a command and what it is."""

    command: str
    """Empty where it is the same for all commands."""
    option: str
    value: Any
    origin: str


def print_path() -> None:
    """Print where the configuration file lies, or would lie.

    Raises:
        UsageError: There is no place for one.
    """
    path = config_path()
    if path is None:
        raise UsageError("There is no configuration file: there is no home folder for it.")
    print_line(printable(str(path)))


def print_configuration(group: Any, *, as_json: bool) -> None:
    """Print every option of `vidtag VIDEO`, and those of other commands that were set.

    Raises:
        UsageError: The file can't be read, or has something that no option is or takes.
    """
    rows = list(_rows(group, list(read_settings(group))))
    path = config_path()
    if as_json:
        listed = [
            {"command": row.command or None, "option": row.option, "value": row.value,
             "origin": row.origin}
            for row in rows
        ]  # fmt: skip
        shown = {"path": None if path is None else str(path), "options": listed}
        print_line(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    there = path is not None and os.path.lexists(path)
    print_line(f"{printable(str(path))}{'' if there else ' (not there)'}" if path else "no file")
    print_line("")
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
    for name in ("option", "value", "set by"):
        table.add_column(name, overflow="fold")
    for row in rows:
        is_set = row.origin != _DEFAULT
        table.add_row(
            Text(f"{row.command}{': ' if row.command else ''}{row.option}"),
            Text(printable(_shown(row.value))),
            Text(printable(row.origin)),
            style="bold" if is_set else "dim",
        )
    print_drawing(table)


def _rows(group: Any, settings: list[Setting]) -> Iterator[_Row]:
    shared = {one.key: one for one in settings if not one.command}
    usual = options_of(group.commands["tag"])
    for key, parameter in usual.items():
        one = shared.get(key)
        if one is not None:
            yield _Row(command="", option=key, value=one.value, origin=one.origin)
            continue
        told = parameter.show_default
        value = told if isinstance(told, str) else _default(parameter)
        yield _Row(command="", option=key, value=value, origin=_DEFAULT)
    for key, one in shared.items():
        if key not in usual:
            yield _Row(command="", option=key, value=one.value, origin=one.origin)
    known = dict(walk(group))
    for one in settings:
        if one.command in known and shared.get(one.key, one).is_variable is one.is_variable:
            yield _Row(command=one.command, option=one.key, value=one.value, origin=one.origin)


def _default(parameter: Any) -> Any:
    value = parameter.default
    return value if isinstance(value, bool | int | float | None) else str(value)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value)
    return "" if value is None else str(value)
