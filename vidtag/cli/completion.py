"""What a shell offers at TAB: commands, options, and the values that an option takes.

Owns which words come next on a command line; how a shell asks and inserts them stands in
`vidtag.cli.shells`. Reads the commands as they are registered, so that a new option is offered as
it is. Nothing heavy is loaded, nothing is downloaded: whoever presses TAB waits for it.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

Files = Literal["none", "files", "folders"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What may stand at the cursor."""

    words: Mapping[str, str] = field(default_factory=dict)
    """Each with a few words about it, or an empty text."""

    files: Files = "none"
    """Which paths may stand there, too."""

    def beginning_with(self, text: str) -> "Offer":
        """Keep the words that begin with a text, in any case."""
        start = text.casefold()
        kept = {word: about for word, about in self.words.items() if _begins(word, start)}
        return Offer(words=kept, files=self.files)


def _begins(word: str, start: str) -> bool:
    return word.casefold().startswith(start)


NOTHING = Offer()
FILES = Offer(files="files")
FOLDERS = Offer(files="folders")

_PLACES = ("FILE", "PATH", "FOLDER", "INPUT", "VIDEO", "RESULT", "DATA", "SOURCE")
"""What a value is called where it is a file: by that, options and arguments are told that have no
line below."""

_AT_FRONT = {
    "--help": "Show what there is to say.",
    "--version": "Show the version.",
    "--show-completion": "Print the script for a shell.",
    "--install-completion": "Let a shell complete vidtag.",
}


def _formats(_: "_Line") -> Offer:
    from vidtag.formats import FORMATS

    return Offer(words={name: one.summary for name, one in FORMATS.items()})


def _models(_: "_Line") -> Offer:
    from vidtag.aliases import ALIASES
    from vidtag.models.hub import cached_classifiers

    cached: dict[str, str] = {}
    with suppress(OSError):
        cached = dict.fromkeys(cached_classifiers(), "in the cache")
    return Offer(words={name: one.note for name, one in ALIASES.items()} | cached, files="folders")


def _devices(_: "_Line") -> Offer:
    return _choices("auto", "cpu", "cuda", "mps")


def _engines(_: "_Line") -> Offer:
    return _choices("auto", "torch", "openvino")


def _precisions(_: "_Line") -> Offer:
    return _choices("auto", "fp32", "bf16", "fp16", "int8")


def _averages(_: "_Line") -> Offer:
    return _choices("logits", "probs")


def _backgrounds(_: "_Line") -> Offer:
    return _choices("auto", "none")


def _methods(_: "_Line") -> Offer:
    return _choices("combined", "relevance", "integrated", "rollout", "occlusion")


def _labels(line: "_Line") -> Offer:
    """Give the labels of the model that the line names, as far as they are at hand."""
    from vidtag.aliases import DEFAULT_MODEL
    from vidtag.errors import ModelError
    from vidtag.models.labels import labels_at_hand

    model = line.value_of("--model") or DEFAULT_MODEL
    with suppress(ModelError, OSError):
        return Offer(words=dict.fromkeys(labels_at_hand(model), ""))
    return NOTHING


def _shells(_: "_Line") -> Offer:
    return _choices("bash", "zsh", "fish", "powershell")


def _choices(*words: str) -> Offer:
    return Offer(words=dict.fromkeys(words, ""))


_VALUES: Mapping[str, Callable[["_Line"], Offer]] = MappingProxyType(
    {
        "--format": _formats,
        "--model": _models,
        "--from": _models,
        "--device": _devices,
        "--engine": _engines,
        "--precision": _precisions,
        "--average": _averages,
        "--background": _backgrounds,
        "explain --method": _methods,
        "eval --format": lambda _: _choices("table", "json", "html"),
        "eval --subset": lambda _: _choices("training", "validation", "testing"),
        "eval --views": lambda _: _choices("5x3", "5x1", "10x1"),
        "explain --label": _labels,
        "grep --regexp": _labels,
        "labels --find": lambda line: _words_of(_labels(line)),
        "models get NAME": _models,
    }
)
"""Options, and arguments by their place, whose values are known. One that stands here with its
command's name is known in that command alone."""


@dataclass(slots=True)
class _Line:
    """A command line up to the cursor, taken apart."""

    path: tuple[str, ...]
    """Names of the commands: `("models", "get")`."""

    command: Any
    """The command, as Typer registered it."""

    values: dict[str, str] = field(default_factory=dict)
    """Values of options by the longest of their names."""

    num_arguments: int = 0
    """Arguments that are complete."""

    waiting: str | None = None
    """The option whose value is at the cursor."""

    takes_options: bool = True
    """Whether no `--` came yet."""

    def value_of(self, option: str) -> str | None:
        """Return the value that an option has on the line."""
        return self.values.get(option)

    def options(self) -> dict[str, Any]:
        """Return the command's options by each of their names."""
        parameters = [one for one in self.command.params if _is_option(one)]
        return {name: one for one in parameters for name in one.opts}


def _is_option(parameter: Any) -> bool:
    return any(name.startswith("-") for name in parameter.opts)


def _takes_value(option: Any) -> bool:
    return not getattr(option, "is_flag", False)


def _name(option: Any) -> str:
    """Return the longest name of an option: that by which it is known here."""
    return str(max(option.opts, key=len))


def offer(top: Any, default: str, words: Sequence[str], current: str) -> Offer:
    """Say what may stand at the cursor.

    Args:
        top: The group of all commands.
        default: Name of the command that needs no name.
        words: What stands between the program's name and the cursor, word by word.
        current: The word at the cursor, as far as it goes.
    """
    if not words and current.startswith("-") and "=" not in current:
        options = _options(_Line(path=(default,), command=top.commands[default]))
        return Offer(words={**options.words, **_AT_FRONT})
    if words and words[0] in ("--show-completion", "--install-completion"):
        return _shells(_Line(path=(), command=top)) if len(words) == 1 else NOTHING
    line = _read(top, default, words)
    if line.waiting is not None:
        return _value(line, line.options()[line.waiting])
    if line.takes_options and current.startswith("-"):
        name, equals, _ = current.partition("=")
        option = line.options().get(name)
        if not equals:
            return _options(line)
        return NOTHING if option is None or not name.startswith("--") else _value(line, option)
    if not words:
        return Offer(words=_commands(top, hidden=default), files="files")
    if hasattr(line.command, "commands"):
        return Offer(words=_commands(line.command))
    return _argument(line)


def _read(top: Any, default: str, words: Sequence[str]) -> _Line:
    """Take the words before the cursor apart."""
    names, command = [], top
    rest = list(words)
    while rest and rest[0] in getattr(command, "commands", {}):
        names.append(rest.pop(0))
        command = command.commands[names[-1]]
    if not names:
        names, command = [default], top.commands[default]
    line = _Line(path=tuple(names), command=command)
    options = line.options()
    for word in rest:
        name, equals, value = word.partition("=")
        if line.waiting is not None:
            line.values[_name(options[line.waiting])] = word
            line.waiting = None
        elif word == "--" and line.takes_options:
            line.takes_options = False
        elif not line.takes_options or word == "-" or not word.startswith("-"):
            line.num_arguments += 1
        elif name in options and equals:
            line.values[_name(options[name])] = value
        elif word in options and _takes_value(options[word]):
            line.waiting = word
        elif word[:2] in options and _takes_value(options[word[:2]]):  # -mdemo
            line.values[_name(options[word[:2]])] = word[2:]
        elif name in options:
            line.values.setdefault(_name(options[name]), "")
    return line


def _commands(group: Any, *, hidden: str | None = None) -> dict[str, str]:
    return {
        name: command.get_short_help_str(limit=100)
        for name, command in group.commands.items()
        if name != hidden and not command.hidden
    }


def _options(line: _Line) -> Offer:
    """Give the options of a command, each by its longest name."""
    words = {
        _name(one): " ".join((one.help or "").split())
        for one in line.options().values()
        if not getattr(one, "hidden", False)
    }
    return Offer(words={**words, "--help": _AT_FRONT["--help"]})


def _value(line: _Line, option: Any) -> Offer:
    """Give what an option takes."""
    return _known(line, _name(option), option.metavar)


def _argument(line: _Line) -> Offer:
    """Give what an argument may be; what `grep` looks for comes before where it looks."""
    if line.path == ("grep",) and not line.num_arguments and line.value_of("--regexp") is None:
        return _labels(line)
    arguments = [one for one in line.command.params if not _is_option(one)]
    if not arguments:
        return NOTHING
    last = arguments[min(line.num_arguments, len(arguments) - 1)]
    if line.num_arguments >= len(arguments) and last.nargs == 1:
        return NOTHING
    return _known(line, last.metavar or "", last.metavar)


def _known(line: _Line, name: str, metavar: str | None) -> Offer:
    for key in (f"{' '.join(line.path)} {name}", name):
        if key in _VALUES:
            return _VALUES[key](line)
    return FILES if any(place in (metavar or "") for place in _PLACES) else NOTHING


def _words_of(labels: Offer) -> Offer:
    """Give the words that labels are made of."""
    words = {word.strip("(),").casefold() for label in labels.words for word in label.split()}
    return _choices(*sorted(word for word in words if len(word) > 2))
