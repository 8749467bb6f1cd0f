"""Defaults of the user's own: a file and environment variables, for any option of any command.

What stands on the command line wins over `VIDTAG_<OPTION>`, and that over the file.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from vidtag.errors import UsageError

FILE_VARIABLE = "VIDTAG_CONFIG"
"""Names another file; empty for none at all."""

_PREFIX = "VIDTAG_"

_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A default that the user set."""

    key: str
    """The option's name without dashes, such as `min-score`."""

    command: str
    """The command that it is for, such as `grep`; empty where it is for all that have it."""

    value: Any
    """A bool, a string, or a list of strings; in the option's own shape."""

    origin: str
    """Where it comes from, as a sentence names it."""

    is_variable: bool = False
    """Whether that is the environment, which wins over the file."""


_in_force: list[Setting] = []
"""What was read for the command that runs; errors say where a default came from."""


def configure(ctx: Any, group: Any) -> None:
    """Make what the user set the defaults of the commands.

    Args:
        ctx: The context of the command line.
        group: All commands.

    Raises:
        UsageError: The file can't be read, or has something that no option is or takes.
    """
    settings = list(read_settings(group))
    _in_force[:] = settings
    if settings:
        ctx.default_map = _defaults(group, settings, "")


def tell_origin(message: str) -> str:
    """Add to what is wrong with an option that it was not given on the command line."""
    for setting in _in_force:
        if f"--{setting.key}" in message or f"'{setting.value}'" in message:
            return f"{message.rstrip('.')} ({setting.key} is set by {setting.origin})."
    return message


def config_path() -> Path | None:
    """Return where the file lies, or would lie; `None` where there is no place for one."""
    chosen = os.environ.get(FILE_VARIABLE)
    if chosen is not None:
        return Path(chosen) if chosen else None
    from platformdirs import user_config_path

    try:
        found = user_config_path("vidtag", appauthor=False)
    except RuntimeError:  # no HOME, and no entry in /etc/passwd: a container's made-up user
        return None
    return found / "config.toml" if found.is_absolute() else None


def read_settings(group: Any) -> Iterator[Setting]:
    """Read what the user set: first the file, then the environment, which wins.

    Raises:
        UsageError: The file can't be read, or has something that no option is or takes.
    """
    path = config_path()
    if path is not None and (os.path.lexists(path) or os.environ.get(FILE_VARIABLE)):
        yield from _in_file(path, group)
    yield from _in_environment(group)


def options_of(command: Any) -> dict[str, Any]:
    """List the options of a command that can have a default, by their long names."""
    return {
        _key(parameter): parameter
        for parameter in command.params
        if parameter.param_type_name == "option" and not parameter.is_eager
    }


def walk(group: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every command with its name: `models get` after `models`."""
    for name, command in group.commands.items():
        yield f"{above}{name}", command
        if hasattr(command, "commands"):
            yield from walk(command, f"{above}{name} ")


def _key(parameter: Any) -> str:
    name: str = next(one for one in parameter.opts if one.startswith("--"))
    return name.removeprefix("--")


def _in_file(path: Path, group: Any) -> Iterator[Setting]:
    import tomllib

    try:
        parsed = tomllib.loads(path.read_bytes().decode("utf-8"))
    except OSError as exc:
        raise UsageError(f"Can't read the configuration '{path}': {exc.strerror}.") from exc
    except UnicodeDecodeError as exc:
        raise UsageError(f"The configuration '{path}' is no UTF-8 text.") from exc
    except tomllib.TOMLDecodeError as exc:
        raise UsageError(f"The configuration '{path}' is no TOML: {exc}.") from exc
    origin = f"'{path}'"
    commands = dict(walk(group))
    known = {key: one for command in commands.values() for key, one in options_of(command).items()}
    known |= options_of(group.commands["tag"])  # where two differ, its own shape counts
    for key, value in parsed.items():
        if not isinstance(value, dict):
            yield _setting(key, "", value, known, origin)
        elif key in commands:
            for name, own in _flat(key, value):
                if name.rpartition(" ")[0] not in commands:
                    raise _unknown(origin, f"[{name.rpartition(' ')[0]}]", commands, "command")
                command, _, option = name.rpartition(" ")
                yield _setting(option, command, own, options_of(commands[command]), origin)
        else:
            raise _unknown(origin, key, commands, "command")


def _flat(above: str, table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(f"{above} {key}", value)
        else:
            yield f"{above} {key}", value


def _in_environment(group: Any) -> Iterator[Setting]:
    known = {
        key: one for _, command in walk(group) for key, one in options_of(command).items()
    } | options_of(group.commands["tag"])
    variables = {f"{_PREFIX}{key.upper().replace('-', '_')}": key for key in known}
    for name, text in sorted(os.environ.items()):
        key = variables.get(name)
        if key is None:
            continue
        parameter = known[key]
        value: Any = text
        if parameter.is_flag:
            lower = text.strip().lower()
            if lower not in (*_TRUE, *_FALSE, ""):
                raise UsageError(f"The variable {name} is '{text}'; it must be true or false.")
            value = lower in _TRUE
        elif not text:
            continue  # as if it were not set
        elif parameter.multiple:
            value = [part for part in map(str.strip, text.split(",")) if part]
        setting = _setting(key, "", value, known, f"the variable {name}")
        yield replace(setting, is_variable=True)


def _setting(key: str, command: str, value: Any, known: Mapping[str, Any], origin: str) -> Setting:
    key = key.replace("_", "-")
    parameter = known.get(key)
    if parameter is None:
        raise _unknown(origin, key, known, "option", f" of {command}" if command else "")
    return Setting(key=key, command=command, value=_shaped(key, value, parameter, origin),
                   origin=origin)  # fmt: skip


def _shaped(key: str, value: Any, parameter: Any, origin: str) -> Any:
    """Bring a value into the shape that an option takes.

    Raises:
        UsageError: It has another one.
    """
    if parameter.is_flag:
        if isinstance(value, bool):
            return value
        wanted = "true or false"
    elif parameter.multiple:
        values = value if isinstance(value, list) else [value]
        if all(map(_is_plain, values)):
            return [str(one) for one in values]
        wanted = "a list of texts"
    elif _is_plain(value):
        return str(value)
    else:
        wanted = "a text or a number"
    raise UsageError(f"In {origin}, {key} is {value!r}; it must be {wanted}.")


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _unknown(
    origin: str, key: str, known: Mapping[str, Any], what: str, whose: str = ""
) -> UsageError:
    near = get_close_matches(key.strip("[]"), known, n=1, cutoff=0.5)
    meant = f"; did you mean '{near[0]}'?" if near else f"; vidtag --help lists every {what}."
    return UsageError(f"In {origin}, there is no {what} '{key}'{whose}{meant}")


def _defaults(group: Any, settings: list[Setting], above: str) -> dict[str, Any]:
    """Make what Typer takes: by command, the values by the names of its parameters."""
    made: dict[str, Any] = {}
    for name, command in group.commands.items():
        full = f"{above}{name}"
        own: dict[str, Any] = _defaults(command, settings, f"{full} ") if _has_more(command) else {}
        options = options_of(command)
        for one in sorted(settings, key=lambda one: (one.is_variable, one.command != "")):
            parameter = options.get(one.key)
            # An option of the same name may be another one: `explain --label` takes one label.
            fits = parameter is not None and parameter.multiple == isinstance(one.value, list)
            if parameter is not None and fits and one.command in ("", full):
                own[parameter.name] = one.value
        made[name] = own
    return made


def _has_more(command: Any) -> bool:
    return hasattr(command, "commands")
