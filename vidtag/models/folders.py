"""What lies in a folder that should be a model: which files count, and what is said without them.

Owns the names of config files, and the advice where a folder is no model: checkpoints of a
training beside it, a model further down, weights of another kind, a missing preprocessor config.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vidtag.models.architectures import ARCHITECTURES, find_kind
from vidtag.models.weights import (
    find_weights,
    foreign_among,
    format_bytes,
    list_some,
    stands_for_a_file,
)

PREPROCESSOR_FILES = (
    "processor_config.json",
    "video_preprocessor_config.json",
    "preprocessor_config.json",
)
"""Where the preprocessing may be written, in the order in which it is looked for."""

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "spiece.model",
)
"""Where a video-text model may say how its words become tokens."""

_WHOLE_TOKENIZERS = (("tokenizer.json",), ("vocab.json", "merges.txt"), ("spiece.model",))
"""Any of these will do."""

CONFIG_FILES = ("config.json", *PREPROCESSOR_FILES)
"""What shapes a result beside the weights."""

LARGEST_CONFIG = 32 << 20
"""Bytes of a config.json; 21,841 labels (ImageNet-21k) take 2 MB."""

_CHECKPOINT = re.compile(r"checkpoint-(\d{1,12})")
"""What the Trainer calls the folders of its checkpoints."""

_HUB_ID = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}", re.ASCII)


def why_no_model(folder: Path) -> str:
    """Say what a folder without config.json holds instead, and what to name."""
    config = folder / "config.json"
    if config.is_symlink() and not config.exists():
        return "its config.json is a link to a file that is gone"
    if config.exists():
        return "its config.json is no regular file; put the file itself there"
    checkpoints = list_checkpoints(folder)
    if checkpoints:
        return f"there is no config.json in it, but {_advise_checkpoint(folder, checkpoints)}"
    below = [path for path in _subfolders(folder) if (path / "config.json").is_file()]
    if len(below) == 1:
        return f"there is no config.json in it, but one in its subfolder; try -m {below[0]}"
    if below:
        names = [str(path.relative_to(folder)) for path in below]
        return f"there is no config.json in it, but in its subfolders; name one: {list_some(names)}"
    if find_weights(folder):
        return "there is no config.json in it; copy the one that its weights were saved with"
    found = foreign_among(path.name for path in _entries(folder))
    if found:
        return f"there is no config.json in it, but {found}"
    return "there is no config.json in it; name a folder in the hub's format"


def why_no_config(path: Path) -> str | None:
    """Say why a config file is not to be read at all; `None` where it is, or is not there."""
    name = path.name
    try:
        if not path.is_file():
            is_there = path.exists() or path.is_symlink()
            return f"its {name} is no regular file; put the file itself there" if is_there else None
        size = path.stat().st_size
        if size > LARGEST_CONFIG:
            return f"its {name} takes {format_bytes(size)}, which no config does"
        why = stands_for_a_file(path)
        if why is None:
            json.loads(path.read_bytes())
    except RecursionError:
        return f"its {name} is nested too deeply"
    except (OSError, ValueError) as exc:
        if type(exc) is ValueError:  # neither of JSON nor of UTF-8, of which its reader says more
            return f"its {name} holds a number of thousands of digits"
        return None
    return why


def takes_words(folder: Path) -> bool:
    """Tell by its config whether a folder's model compares videos with text."""
    values = read_json(folder / "config.json")
    if not isinstance(values, dict):
        return False
    kind = find_kind(str(values.get("model_type")), values.get("vidtag"))
    return kind is not None and kind.text is not None


def why_no_tokenizer(folder: Path) -> str | None:
    """Say what a video-text model's folder lacks to read words; `None` where it lacks nothing."""
    if any(all((folder / name).is_file() for name in names) for names in _WHOLE_TOKENIZERS):
        return None
    return f"there is no {TOKENIZER_FILES[0]}"


def list_checkpoints(folder: Path) -> list[Path]:
    """List the folders of a training's checkpoints, in the order of their steps."""
    found = [
        (int(match[1]), path)
        for path in _entries(folder)
        if (match := _CHECKPOINT.fullmatch(path.name)) and (path / "config.json").is_file()
    ]
    return [path for _, path in sorted(found)]


def advise_checkpoint(folder: Path) -> str | None:
    """Name a training's checkpoints, and the best of them; `None` where there are none."""
    checkpoints = list_checkpoints(folder)
    return _advise_checkpoint(folder, checkpoints) if checkpoints else None


def _advise_checkpoint(folder: Path, checkpoints: list[Path]) -> str:
    best = _best_checkpoint(folder, checkpoints)
    chosen = best or checkpoints[-1]
    which = "the best one by trainer_state.json" if best else "the newest one"
    names = list_some([path.name for path in checkpoints], 5)
    if len(checkpoints) == 1:
        return f"the checkpoint {names} of a training; try -m {chosen}"
    return f"checkpoints of a training ({names}); {which} is -m {chosen}"


def _best_checkpoint(folder: Path, checkpoints: list[Path]) -> Path | None:
    """Read which checkpoint the Trainer found best; the folder may have moved since."""
    for place in (folder, *reversed(checkpoints)):
        state = read_json(place / "trainer_state.json")
        best = state.get("best_model_checkpoint") if isinstance(state, dict) else None
        if isinstance(best, str):
            name = re.split(r"[/\\]", best.rstrip("/\\"))[-1]
            return next((path for path in checkpoints if path.name == name), None)
    return None


def where_to_get_one(folder: Path, into: str) -> str:
    """Say which preprocessor config fits a model and where it is to be had.

    Args:
        folder: The model's files.
        into: Where it has to go, for the sentence.
    """
    values = read_json(folder / "config.json")
    config: Mapping[str, Any] = values if isinstance(values, dict) else {}
    for name in PREPROCESSOR_FILES:
        near = folder.parent / name
        if _CHECKPOINT.fullmatch(folder.name) and near.is_file():
            return f"copy {near} into {into}"
    kind = ARCHITECTURES.get(str(config.get("model_type")))
    base = kind.origin if kind is not None else None
    name = kind.processor_file if kind is not None else PREPROCESSOR_FILES[-1]
    parent = config.get("_name_or_path")
    if isinstance(parent, str) and parent:
        for known in PREPROCESSOR_FILES:
            if (Path(parent) / known).is_file():
                return f"copy {Path(parent) / known} into {into}"
        if _HUB_ID.fullmatch(parent) and not Path(parent).is_absolute():
            base = parent
    if base is None:
        return f"copy {name} of the model that it was trained from into {into}"
    return (
        f"copy {name} of the model that it was trained from into {into}, perhaps "
        f"https://huggingface.co/{base}/resolve/main/{name}"
    )


def read_json(path: Path) -> object:
    """Read a small JSON file; `None` where there is none, or no such one."""
    try:
        if not path.is_file() or path.stat().st_size > LARGEST_CONFIG:
            return None
        content: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return content


def _subfolders(folder: Path) -> Iterator[Path]:
    """Give the folders below, and those of the hub's cache, which lie two levels deep."""
    for path in _entries(folder):
        if path.name == "snapshots":
            yield from _entries(path)
        elif path.is_dir() and not path.name.startswith("."):
            yield path


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
