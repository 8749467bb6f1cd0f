r"""How shells ask for what may stand at the cursor, and the scripts that teach them to.

A shell sets `_VIDTAG_COMPLETE` to its name and `_VIDTAG_WORDS` to the command line up to the
cursor, each word with a line feed behind it, and runs `vidtag`. It gets a line for each word that
may stand there, with a tab and a few words about it; a line that begins with `:` says which paths
may stand there, too (`:files`, `:folders`), or that bash must quote what it inserts (`:quote`).
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vidtag.cli.completion import Offer, offer
from vidtag.cli.speaking import print_line, say
from vidtag.errors import OutputError, UsageError
from vidtag.terminal import printing
from vidtag.text import printable

ASKED = "_VIDTAG_COMPLETE"
_WORDS = "_VIDTAG_WORDS"

_SCRIPTS = {
    "bash": "vidtag.bash",
    "zsh": "_vidtag",
    "fish": "vidtag.fish",
    "powershell": "vidtag.ps1",
}
"""Files in the folder `scripts`."""

SHELLS = tuple(_SCRIPTS)
"""Those that have a script."""

_OTHER_NAMES = {"pwsh": "powershell", "powershell_ise": "powershell"}


def run_completion(top: Any, default: str, arguments: Sequence[str]) -> None:
    """Answer a shell that asks, or teach one to ask.

    Args:
        top: The group of all commands.
        default: Name of the command that needs no name.
        arguments: `--show-completion` or `--install-completion`, and perhaps a shell's name.

    Raises:
        UsageError: There is no such shell.
        OutputError: A script can't be written.
    """
    if ASKED in os.environ:
        with printing():
            sys.stdout.write("".join(f"{line}\n" for line in answer(top, default)))
        return
    if len(arguments) > 2:
        raise UsageError(f"{arguments[0]} takes the name of one shell at the most.")
    shell = choose_shell(arguments[1] if len(arguments) == 2 else None)
    if arguments[0] == "--show-completion":
        print_line(script(shell).rstrip())
        return
    path = install(shell)
    say(f"{shell} completes vidtag in each terminal that you open from now on")
    print_line(printable(str(path)))


def script(shell: str) -> str:
    """Give the script that teaches a shell to complete vidtag."""
    return (Path(__file__).parent / "scripts" / _SCRIPTS[shell]).read_text(encoding="utf-8")


def answer(top: Any, default: str) -> Iterator[str]:
    """Give the lines that the shell which asks in the environment is to read."""
    shell = os.environ.get(ASKED, "")
    lines = os.environ.get(_WORDS, "").removesuffix("\n").split("\n")
    *before, current = lines[1:] or [""]
    if shell not in SHELLS:
        return  # a script of another version: it says nothing rather than something wrong
    if shell == "bash":
        before, current = [_unquoted(word) for word in before], _unquoted(current)
    offered = offer(top, default, before, current)
    name, equals, value = current.partition("=")
    is_joined = bool(equals) and name.startswith("--")
    if shell in ("bash", "powershell"):  # the others keep what fits
        offered = offered.beginning_with(value if is_joined else current)
    # Fish and PowerShell put the whole word in place of the whole word.
    front = f"{name}=" if is_joined and shell in ("fish", "powershell") else ""
    yield from _lines(offered, front, quotes=shell != "bash")


def _lines(offered: Offer, front: str, *, quotes: bool) -> Iterator[str]:
    if offered.files != "none":
        yield f":{offered.files}"
    if not quotes and any(_needs_quotes(word) for word in offered.words):
        yield ":quote"
    for word, about in offered.words.items():
        yield f"{front}{word}\t{about}" if about else f"{front}{word}"


def _needs_quotes(word: str) -> bool:
    return not all(sign.isalnum() or sign in "-_./:=" for sign in word)


def _unquoted(word: str) -> str:
    r"""Take the quotes of a shell off a word, which may be unfinished.

    >>> _unquoted("push\\ up"), _unquoted("'push u"), _unquoted('"it\'s"')
    ('push up', 'push u', "it's")
    """
    out, quote, signs = [], "", iter(word)
    for sign in signs:
        if quote:
            if sign == quote:
                quote = ""
            elif sign == "\\" and quote == '"':
                out.append(next(signs, ""))
            else:
                out.append(sign)
        elif sign in "'\"":
            quote = sign
        elif sign == "\\":
            out.append(next(signs, ""))
        else:
            out.append(sign)
    return "".join(out)


def choose_shell(named: str | None) -> str:
    """Find out which shell is meant: the one that is named, runs vidtag, or is the user's own.

    Raises:
        UsageError: There is no script for it.
    """
    shell = named or _running_shell() or Path(os.environ.get("SHELL", "")).name
    shell = _OTHER_NAMES.get(shell.lower(), shell.lower())
    if shell not in SHELLS:
        known = ", ".join(SHELLS)
        raise UsageError(f"There is no completion for the shell '{shell}'; name one of {known}.")
    return shell


def _running_shell() -> str | None:
    """Name the shell that runs vidtag, where it is one."""
    if sys.platform == "win32":
        return "powershell"
    try:
        parent = ["ps", "-o", "comm=", "-p", str(os.getppid())]
        done = subprocess.run(parent, capture_output=True, text=True, check=False, timeout=5)
    except (OSError, subprocess.SubprocessError):
        return None
    name = Path(done.stdout.strip()).name.lstrip("-")
    return name if name in SHELLS or name in _OTHER_NAMES else None


def install(shell: str) -> Path:
    """Put the script where the shell finds it, and tell the shell to look there.

    Returns:
        The script's path, or for PowerShell that of its profile.

    Raises:
        OutputError: It can't be written there.
    """
    home = Path.home()
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    if shell == "fish":
        return _write(config / "fish" / "completions" / "vidtag.fish", script(shell))
    if shell == "zsh":
        path = _write(home / ".zfunc" / "_vidtag", script(shell))
        line = "fpath+=~/.zfunc; autoload -Uz compinit; compinit"
        _add_line(Path(os.environ.get("ZDOTDIR") or home) / ".zshrc", line)
        return path
    if shell == "bash":
        path = _write(home / ".bash_completions" / "vidtag.sh", script(shell))
        _add_line(home / ".bashrc", f"source '{path}'")
        return path
    path = _write(config / "vidtag" / "completion.ps1", script(shell))
    _add_line(_profile(), f". '{path}'")
    return path


def _profile() -> Path:
    """Ask PowerShell where its profile lies."""
    for program in ("pwsh", "powershell"):
        try:
            ask = [program, "-NoProfile", "-NonInteractive", "-Command", "$PROFILE"]
            done = subprocess.run(ask, capture_output=True, text=True, check=True, timeout=60)
        except (OSError, subprocess.SubprocessError):
            continue
        return Path(done.stdout.strip())
    raise UsageError("PowerShell can't be found; put what --show-completion prints in its profile.")


def _write(path: Path, text: str) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise OutputError(str(path), f"Can't write '{path}': {exc.strerror or exc}.") from exc
    return path


def _add_line(path: Path, line: str) -> None:
    """Add a line at the end of a file that does not have it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
        if line not in text.splitlines():
            with path.open("a", encoding="utf-8") as file:
                file.write(f"{'' if text.endswith(chr(10)) or not text else chr(10)}{line}\n")
    except OSError as exc:
        raise OutputError(str(path), f"Can't write '{path}': {exc.strerror or exc}.") from exc
