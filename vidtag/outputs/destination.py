"""What `-o` and `-f` come down to: stdout, one file, one file for all, or a folder.

Owns the decision, and which names it refuses. Writes nothing, and knows nothing of what is there
already: `replacing` says what may be overwritten.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from vidtag.errors import UsageError
from vidtag.formats import FOR_PEOPLE, FOR_PROGRAMS, FORMATS, Format, get_format
from vidtag.inputs.found import Inputs
from vidtag.outputs.atomic import is_special
from vidtag.outputs.replacing import is_media_name

_OPEN_FILES = ("/dev/std", "/dev/fd/", "/proc/")
"""How names of what the shell has opened begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputPlan:
    """What `-o` and `-f` come down to."""

    kind: Literal["stdout", "file", "joined", "folder"]
    """`joined`: all videos in one file."""

    path: str
    """Empty for stdout."""

    formats: tuple[str, ...]
    """Names of formats, at least one."""


def plan_outputs(
    paths: Sequence[str],
    formats: Sequence[str],
    inputs: Inputs,
    *,
    skip_existing: bool = False,
) -> tuple[OutputPlan, ...]:
    """Decide where results go.

    Args:
        paths: What `-o` says; empty for stdout.
        formats: What `-f` says; empty where it was not given. Then stdout gets the table, a file
            what its suffix says, and a folder JSON.
        inputs: What will be tagged.
        skip_existing: Whether `--skip-existing` was given.

    Returns:
        One or, where several files were named, one for each.

    Raises:
        UsageError: The options do not go together, or a name is that of another kind of file.
    """
    names = tuple(dict.fromkeys(formats))
    for one in names:
        find_format(one)
    if not paths:
        if len(names) > 1:
            raise UsageError("Several formats need files to go to; add -o FOLDER/.")
        if skip_existing:
            raise UsageError("--skip-existing looks for files that are there already; add -o.")
        return (OutputPlan(kind="stdout", path="", formats=names or (FOR_PEOPLE.name,)),)
    if len(paths) == 1:
        return (_plan(paths[0], names, inputs),)
    if names:
        raise UsageError("Several -o are each written as their suffix says; leave -f out.")
    plans = tuple(_plan(path, names, inputs) for path in paths)
    for plan in plans:
        if plan.kind == "folder" or format_of(plan.path) is None:
            raise UsageError(
                f"With several -o, each needs a suffix that says what to write; '{plan.path}' has "
                "none."
            )
    return plans


def _plan(path: str, names: tuple[str, ...], inputs: Inputs) -> OutputPlan:
    """Decide where what goes to one path goes."""
    if not path:
        raise UsageError("-o needs the name of a file or folder.")
    if path == "-":
        raise UsageError("Leave -o out for standard output; a file of this name is './-'.")
    if is_folder(path):
        return OutputPlan(kind="folder", path=path, formats=names or (FOR_PROGRAMS.name,))
    if path.startswith(_OPEN_FILES) and os.path.isfile(path):
        # Opened anew it would be cut to nothing, also behind `>>`.
        raise UsageError(f"'{path}' is open already: leave -o out, and redirect standard output.")
    claimant = format_of(path)
    if not is_special(path):
        _check_suffix(path, names, claimant, is_many=inputs.is_many)
    if len(names) > 1:
        return OutputPlan(kind="folder", path=path, formats=names)
    if not inputs.is_many:
        return OutputPlan(kind="file", path=path, formats=names or (claimant or FOR_PEOPLE.name,))
    name = names[0] if names else claimant
    if name is not None and _holds_all(path, find_format(name)):
        return OutputPlan(kind="joined", path=path, formats=(name,))
    if claimant is not None:
        raise UsageError(
            f"'{path}' can't hold several videos as {name}; name a folder, with / at its end, or a "
            "file that ends in .jsonl, .csv, .tsv or .parquet and fits the format."
        )
    return OutputPlan(kind="folder", path=path, formats=names or (FOR_PROGRAMS.name,))


def is_folder(path: str) -> bool:
    """Tell whether `-o` names a folder: it ends in `/`, or there is one of this name."""
    return path.endswith(("/", os.sep)) or os.path.isdir(path)


def _check_suffix(
    path: str, names: tuple[str, ...], claimant: str | None, *, is_many: bool
) -> None:
    """Refuse a name that says something else than what would be written.

    Raises:
        UsageError: It does.
    """
    suffix = os.path.splitext(path)[1]
    if is_media_name(path):
        return  # refused by `replacing`, which knows whether it is an input
    if len(names) > 1 and claimant is not None:
        raise UsageError(
            f"'{path}' is the name of one file, but several formats were asked for; name a "
            "folder instead, with / at its end."
        )
    if len(names) == 1 and claimant is not None and not _is_called(path, names[0], claimant):
        raise UsageError(
            f"'{path}' ends as {claimant} does, but -f {names[0]} was asked for; let them fit, or "
            "leave -f out."
        )
    if not names and claimant is None and (suffix or not is_many):
        what = f"No format ends in '{suffix}'" if suffix else f"'{path}' has no suffix"
        raise UsageError(
            f"{what}, so what to write is not known: add -f, end '{path}' in {known_suffixes()}, "
            "or in / for a folder."
        )


def _is_called(path: str, name: str, claimant: str) -> bool:
    """Tell whether files of a format may bear this name, whose suffix is that of `claimant`.

    `-f activitynet -o results.json` is right, as well as `results.activitynet.json`.
    """
    is_short = find_format(claimant).suffix.count(".") == 1
    return name == claimant or (is_short and path.lower().endswith(find_format(name).last_suffix))


def known_suffixes() -> str:
    """List the suffixes that say what to write, for a person."""
    known = [one.suffix for one in FORMATS.values() if one.suffix.count(".") == 1]
    return ", ".join(known)


def find_format(name: str) -> Format:
    """Find a format by its name.

    Raises:
        UsageError: There is none of this name.
    """
    try:
        return get_format(name)
    except ValueError as exc:
        raise UsageError(str(exc)) from None


def format_of(path: str) -> str | None:
    """Name the format that a file's suffix stands for."""
    lower = path.lower()
    suffixes = {
        suffix: one.name
        for one in FORMATS.values()
        for suffix in (one.suffix, *(one.joined_suffixes or ()))
    }
    longest_first = sorted(suffixes, key=len, reverse=True)
    return next((suffixes[suffix] for suffix in longest_first if lower.endswith(suffix)), None)


def _holds_all(path: str, one: Format) -> bool:
    """Tell whether a file of this name holds several videos in this format."""
    lower = path.lower()
    if is_special(path):
        return one.append is not None
    # `-f activitynet -o results.json`, as well as `results.activitynet.json`.
    return one.joins and lower.endswith(one.joined_suffixes or one.last_suffix)
