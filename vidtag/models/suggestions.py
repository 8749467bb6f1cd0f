"""What a misspelt model may have been meant to be: an alias, a hub id, a folder nearby."""

import re
from difflib import get_close_matches
from pathlib import Path

from vidtag.aliases import ALIASES, alias_of

_CUTOFF = 0.75
"""How alike two names must be: `demoo` and `demo` are (0.89), `model` and `demo` are not (0.67)."""

_HUB_PAGE = re.compile(
    r"(?:hf:/|(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co))/([\w.-]+/[\w.-]+)", re.ASCII
)
"""Where a model is to be seen; its id is a part of that."""

_MOST_NEIGHBOURS = 10_000
"""Entries of a folder that are compared at most."""


def suggest(model: str) -> str | None:
    """Ask whether something near was meant.

    Returns:
        "did you mean …", or `None` where nothing is near or the name is right.
    """
    if len(model) > 200 or not model.strip() or alias_of(model) is not None:
        return None
    page = _HUB_PAGE.match(model)
    if page is not None:
        return f"did you mean '{page[1]}'?"
    meant = _near_folder(model) or near_alias(model)
    return f"did you mean {meant}?" if meant else None


def near_alias(model: str) -> str | None:
    """Find the alias whose name, or whose model's name, is near."""
    word = model.lower()
    close = get_close_matches(word, ALIASES, n=1, cutoff=_CUTOFF)
    if close:
        return f"'{close[0]}'"
    ids = {one.hub_id: one for one in ALIASES.values() if one.hub_id is not None}
    names = {
        **{hub_id.lower(): one for hub_id, one in ids.items()},
        **{hub_id.lower().partition("/")[2]: one for hub_id, one in ids.items()},
    }
    near = get_close_matches(word, names, n=1, cutoff=0.85)
    # `videomae-base` for `MCG-NJU/videomae-base-finetuned-kinetics`.
    tail = word.rpartition("/")[2]
    begun = [name for name in names if len(tail) >= 5 and name.startswith(tail)]
    for name in (*near, *begun):
        return f"'{names[name].name}' ({names[name].hub_id})"
    return None


def _near_folder(model: str) -> str | None:
    """Find the folder beside the one that is not there, by the name that is most alike."""
    try:
        path = Path(model).expanduser()
        parent = path.parent
        if not path.name or not parent.is_dir():
            return None
        folders = []
        for count, entry in enumerate(parent.iterdir()):
            if count > _MOST_NEIGHBOURS:
                break
            if entry.is_dir() and not entry.name.startswith("."):
                folders.append(entry.name)
    except (OSError, ValueError, RuntimeError):
        return None
    close = get_close_matches(path.name, folders, n=1, cutoff=_CUTOFF)
    if not close and re.fullmatch(r"checkpoint-\d+", path.name):
        close = [name for name in folders if re.fullmatch(r"checkpoint-\d+", name)][:1]
    if not close:
        return None
    found = parent / close[0]
    shown = f"./{found}" if len(found.parts) == 1 and close[0] in ALIASES else str(found)
    return f"the folder '{shown}'"


def names_a_folder(model: str) -> bool:
    """Tell whether a name that could be a hub id begins with a folder that is there.

    `out/checkpoint-9` beside a folder `out` is a misspelt path: hub ids begin with an owner.
    """
    first, slash, rest = model.partition("/")
    try:
        return bool(slash and rest) and Path(first).is_dir()
    except (OSError, ValueError):
        return False
