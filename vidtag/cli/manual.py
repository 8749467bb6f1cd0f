"""The manual page, written from the commands as they are registered.

    python -m vidtag.cli.manual > vidtag/vidtag.1

What options and commands mean stands with them; here stands what a page has besides. The page is
kept in the package, since nothing that could write it is there when a wheel is built; a test
compares the two. Source of the macros: man(7).
"""

import re
import sys
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import typer

from vidtag.cli.app import app
from vidtag.cli.examples import EXAMPLES
from vidtag.cli.group import TAG
from vidtag.errors import ExitCode
from vidtag.formats import FORMATS
from vidtag.text import printable
from vidtag.version import __version__

_DESCRIPTION = (
    "vidtag reads a video, runs a video transformer over it in overlapping windows, and prints a "
    "timeline of actions: a table on a terminal, or a document for programs. It runs on this "
    "machine, and without network once a model is there.",
    "An INPUT is a file, a folder (`-r` for its subfolders), a quoted glob, an http(s):// or "
    "rtsp:// URL, or `-` for a video on standard input. A file that bears a command's name is "
    "reached as `./models` or behind `--`.",
    "The default model, `base`, knows the 400 actions of Kinetics; its weights are for "
    "non-commercial use alone. `vidtag models` lists the others with their licences, "
    "`vidtag labels --find WORD` tells whether one knows an action. `--label` asks for actions in "
    "your own words instead.",
    "The result goes to standard output, and nothing else does. Progress, warnings and errors go "
    "to standard error.",
)
"""Paragraphs; what stands in backticks is typed so."""

_ALWAYS = (
    ("`-V`, `--version`", "Show the version."),
    ("`-h`, `--help`", "Show what there is to say; also of commands."),
    ("`--install-completion`, `--show-completion` [SHELL]",
     "Let a shell complete vidtag, or print the script for it: bash, zsh, fish or powershell."),
)  # fmt: skip
"""What is no command's own."""

_ENVIRONMENT = (
    (
        "VIDTAG_MODEL, VIDTAG_DEVICE, ...",
        "The default of an option, in capitals and with _ for -; of several values with commas.",
    ),
    ("VIDTAG_CONFIG", "Another configuration file; empty for none."),
    ("VIDTAG_CACHE_DIR", "Where stored scores and converted models are kept."),
    ("VIDTAG_CACHE_LIMIT_MB", "How much the stored scores may take, in MB (1024)."),
    ("VIDTAG_DEBUG", "Set to 1, shows where an error comes from."),
    ("HF_HOME, HF_HUB_CACHE", "Where downloaded models are kept, as by all Hugging Face programs."),
    ("HF_HUB_OFFLINE", "Set to 1, no model is downloaded; --offline opens no URL either."),
    ("HF_HUB_ETAG_TIMEOUT", "Seconds that the hub may take to answer (4)."),
    ("HF_TOKEN", "Opens models that the hub gives to those who logged in."),
    ("CUDA_VISIBLE_DEVICES", "The GPUs that there are for vidtag."),
    ("NO_COLOR, FORCE_COLOR", "Never and always use colour."),
    ("COLUMNS", "Width of the terminal, where it is another."),
)

_FILES = (
    ("~/.config/vidtag/config.toml", "Defaults of options, such as model = \"small\"; below [grep] "
     "and the like for one command (on Linux; vidtag config tells where it is elsewhere)."),
    ("~/.cache/vidtag/", "Stored scores, converted models and how fast models ran here (on Linux). "
     "All of it can be made again; vidtag cache shows or clears it."),
    ("~/.cache/huggingface/hub/", "Downloaded models, shared with other programs."),
    (".vidtag.jsonl", "In a folder of results: what vidtag made there, by which --skip-existing "
     "goes and which alone it replaces."),
)  # fmt: skip

_SEE_ALSO = "https://github.com/vidtag/vidtag"


def manual_page() -> str:
    """Write the page; the same commands give the same bytes."""
    group: Any = typer.main.get_command(app)
    tag = group.commands[TAG]
    summary = (tag.help or "").partition("\n")[0].rstrip(".")
    lines = [
        '.\\" Made by: python -m vidtag.cli.manual > vidtag/vidtag.1',
        f'.TH VIDTAG 1 "" "vidtag {__version__}" "User Commands"',
        ".nh",  # names of options and commands are never broken
        ".ad l",
        ".SH NAME",
        f"vidtag \\- {_text(summary[0].lower() + summary[1:])}",
        ".SH SYNOPSIS",
        ".nf",
        *(_synopsis(path, command) for path, command in _commands(group)),
        ".fi",
        ".SH DESCRIPTION",
        "\n.PP\n".join(_prose(text) for text in _DESCRIPTION),
        ".SH EXAMPLES",
        *_examples(),
        ".SH OPTIONS",
        *_options(_own_options(tag), in_groups=True),
        *(line for term, text in _ALWAYS for line in _item(_prose(term), text)),
        ".SH COMMANDS",
        *_other_commands(group, tag),
        ".SH FORMATS",
        "What \\fB\\-f\\fR takes, and the suffix by which \\fB\\-o\\fR knows it:",
        *(line for one in FORMATS.values()
          for line in _item(f"\\fB{_text(one.name)}\\fR ({_text(one.suffix)})", f"{one.summary}.")),
        ".SH EXIT STATUS",
        *(line for code in ExitCode for line in _item(f"\\fB{int(code)}\\fR", f"{code.meaning}.")),
        ".SH ENVIRONMENT",
        *(line for name, meaning in _ENVIRONMENT
          for line in _item(f"\\fB{_text(name)}\\fR", meaning)),
        ".SH FILES",
        *(line for name, meaning in _FILES for line in _item(f"\\fI{_text(name)}\\fR", meaning)),
        ".SH SEE ALSO",
        "\\fBffmpeg\\fR(1), \\fBgrep\\fR(1), \\fBjq\\fR(1)",
        ".PP",
        _text(_SEE_ALSO),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _commands(group: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """List all commands with the names that lead to them, in the order of help."""
    for name, command in group.commands.items():
        if command.hidden:
            continue
        yield (name,), command
        for inner, below in getattr(command, "commands", {}).items():
            yield (name, inner), below


def _synopsis(path: Sequence[str], command: Any) -> str:
    """Write how a command is called."""
    names = () if path == (TAG,) else path
    words = [f"\\fB{_text(' '.join(('vidtag', *names)))}\\fR"]
    if _own_options(command):
        words.append("[\\fIOPTIONS\\fR]")
    for one in command.params:
        if not _is_option(one):
            metavar = one.metavar or one.name.upper()
            dots = "..." if one.nargs == -1 and not metavar.endswith("...") else ""
            words.append(f"\\fI{_text(metavar)}\\fR{dots}")
    return " ".join(words)


def _is_option(parameter: Any) -> bool:
    return any(name.startswith("-") for name in parameter.opts)


def _own_options(command: Any) -> list[Any]:
    return [one for one in command.params if _is_option(one) and not getattr(one, "hidden", False)]


def _options(options: Sequence[Any], *, in_groups: bool = False) -> Iterator[str]:
    """Write options, under the headings that help has for them."""
    panel = None
    for one in options:
        if in_groups and one.rich_help_panel != panel:
            panel = one.rich_help_panel
            yield f".SS {_text(panel or 'Options')}"
        yield from _item(_option_name(one), f"{_sentence(one.help or '')}{_default(one)}")


def _option_name(option: Any) -> str:
    names = sorted(option.opts, key=len)
    said = ", ".join(f"\\fB{_text(name)}\\fR" for name in names)
    return said if option.is_flag else f"{said} \\fI{_text(option.metavar or 'TEXT')}\\fR"


def _default(option: Any) -> str:
    """Say what holds where the option is not given."""
    shown, default = option.show_default, option.default
    if isinstance(shown, str):
        return f" Default: {shown}."
    if option.is_flag or default is None or not shown or callable(default):
        return ""
    return (
        f" Default: {float(default):g}."
        if isinstance(default, Fraction)
        else f" Default: {default}."
    )


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if not text or text.endswith((".", "?", "!")) else f"{text}."


def _other_commands(group: Any, tag: Any) -> Iterator[str]:
    """Write the other commands; options that `tag` has, too, are named alone."""
    known = {_option_name(one): one.help for one in _own_options(tag)}
    for path, command in _commands(group):
        if path == (TAG,):
            continue
        yield f".SS {_text(' '.join(('vidtag', *path)))}"
        yield _synopsis(path, command)
        for paragraph in (command.help or "").split("\n\n"):
            yield from (".PP", _text(" ".join(paragraph.split())))
        options = _own_options(command)
        own = [one for one in options if known.get(_option_name(one)) != one.help]
        yield from _options(own)
        shared = [max(one.opts, key=len) for one in options if one not in own]
        if shared:
            names = ", ".join(f"\\fB{_text(name)}\\fR" for name in shared)
            yield from (".PP", f"{'And' if own else 'Takes'}, as above: {names}.")


def _examples() -> Iterator[str]:
    listed = [example for examples in EXAMPLES.values() for example in examples]
    for number, (command, purpose) in enumerate(listed):
        yield from () if number == 0 else (".PP",)
        about = f"{purpose[0].upper()}{purpose[1:]}"
        about += "" if about.endswith("?") else ":"
        yield from (_text(about), ".PP", ".RS 4", ".nf", _text(command), ".fi", ".RE")


def _item(term: str, text: str) -> Iterator[str]:
    """Write a term, which is roff, and what is said of it, which is not."""
    yield from (".TP", term, _text(text))


def _prose(text: str) -> str:
    """Write a text in which what stands in backticks is typed so."""
    return re.sub(r"\\\(ga(.*?)\\\(ga", r"\\fB\1\\fR", _text(text))


def _text(text: str) -> str:
    r"""Write a text so that roff shows it as it is.

    >>> _text("-k 'a\\n'")
    '\\-k \\(aqa\\en\\(aq'
    """
    shown = printable(text)
    for sign, written in (("\\", "\\e"), ("-", "\\-"), ("'", "\\(aq"), ("`", "\\(ga"),
                          ("^", "\\(ha"), ("~", "\\(ti"), ('"', "\\(dq")):  # fmt: skip
        shown = shown.replace(sign, written)
    shown = "".join(sign if ord(sign) < 128 else f"\\[u{ord(sign):04X}]" for sign in shown)
    return f"\\&{shown}" if shown.startswith(".") else shown


if __name__ == "__main__":
    sys.stdout.write(manual_page())
