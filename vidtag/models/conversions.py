"""Converted models in the user's cache: found again, checked, made at most once.

Owns the folder of each converted model, its key, and the promise that whatever fails there
costs speed, never the result. Imports no engine: the caller writes the files.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from vidtag.cache.contents import hash_file
from vidtag.cache.folder import cache_folder
from vidtag.cache.scores import ScoreStore
from vidtag.clips.preparing import Preprocessing
from vidtag.models.config import ModelConfig
from vidtag.models.source import ModelFiles

CONVERSION_VERSION = 1
"""Raised whenever the converted graph would come out different; old ones are then left alone."""

MODEL_FILE = "model.xml"
"""The graph; its weights lie beside it in `model.bin`."""

_FILES = (MODEL_FILE, "model.bin")
_MANIFEST = "manifest.json"
_UNFINISHED = ".unfinished-"

_CONVERTERS = ("torch", "transformers")
"""Packages that convert a model but are not needed to run it."""

_ABSENT = "none"
"""The version of a package that is not installed."""

_STALE_SECONDS = 24 * 3600
"""An unfinished folder of this age belongs to a process that was killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertedSize:
    """What the converted models take."""

    num_models: int
    num_bytes: int


def models_folder() -> Path:
    """Return the folder of all converted models."""
    return cache_folder() / "models"


def conversion_facts(
    files: ModelFiles, config: ModelConfig, preprocessing: Preprocessing
) -> dict[str, str]:
    """List everything that shapes a converted model."""
    mean, std = preprocessing.level_affine()
    return {
        "model": files.revision if files.is_own_folder else f"{files.model_id}@{files.revision}",
        "architecture": config.architecture,
        "clip": f"{config.num_frames}x{preprocessing.image_size}x{preprocessing.image_size}",
        "labels": str(len(config.labels)),
        "mean": repr(mean),
        "std": repr(std),
        "conversion": str(CONVERSION_VERSION),
        **{package: _version(package) for package in ("openvino", "torch", "transformers")},
    }


def int8_facts(facts: Mapping[str, str]) -> dict[str, str]:
    """Say of a part that it is quantised: there is one, whatever it was made from and with."""
    return {**facts, "precision": "int8"}


def part_facts(facts: Mapping[str, str], part: str) -> dict[str, str]:
    """Say which part of a model is converted, where it is not the `whole`."""
    return {**facts, **({} if part == "whole" else {"part": part})}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return _ABSENT


def folder_name(facts: Mapping[str, str]) -> str:
    """Make a folder name from everything that shapes a converted model."""
    return hashlib.sha256(json.dumps(dict(facts), sort_keys=True).encode()).hexdigest()[:32]


def find_converted(facts: Mapping[str, str]) -> Path | None:
    """Find a converted model that is whole.

    A file counts as whole if its content has the hash that was noted when it was written; the
    hash of a file is remembered by device, inode, size and times.

    Returns:
        The graph's path; `None` where there is none, or a broken or foreign one.
    """
    if any(facts[package] == _ABSENT for package in _CONVERTERS):
        return _find_without_converters(facts)
    return _check_folder(models_folder() / folder_name(facts), facts)


def _find_without_converters(facts: Mapping[str, str]) -> Path | None:
    """Find a model that was converted while torch was there: running it needs none."""
    root = models_folder()
    folders = sorted(root.iterdir()) if root.is_dir() else []
    for folder in folders:
        found = None if folder.name.startswith(_UNFINISHED) else _read_facts(folder)
        if found is None:
            continue
        known = {**found, **{name: facts[name] for name in _CONVERTERS if facts[name] == _ABSENT}}
        if known == dict(facts) and (path := _check_folder(folder, found)) is not None:
            return path
    return None


def _read_facts(folder: Path) -> dict[str, str] | None:
    try:
        return {str(name): str(fact) for name, fact in _read_manifest(folder)["facts"].items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _read_manifest(folder: Path) -> Any:
    if not (folder / _MANIFEST).is_file():  # a pipe would be waited for
        raise FileNotFoundError(folder / _MANIFEST)
    return json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))


def _check_folder(folder: Path, facts: Mapping[str, str]) -> Path | None:
    try:
        manifest = _read_manifest(folder)
        if manifest["facts"] != dict(facts):
            return None
        with ScoreStore() as store:
            for name in _FILES:
                if not _is_whole(folder / name, manifest["files"][name], store):
                    return None
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return folder / MODEL_FILE


def _is_whole(path: Path, noted: Mapping[str, Any], store: ScoreStore) -> bool:
    # Times alone are no proof: a disk that loses bits leaves them, and so does `cp -p`.
    is_there = path.is_file() and path.stat().st_size == noted["size"]
    return is_there and store.content_id(str(path)) == noted["sha256"]


def why_not_kept() -> str | None:
    """Say why no converted model could be kept; `None` where one can."""
    root = models_folder()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError as exc:
        return f"the cache {root} can't be written ({exc.strerror or type(exc).__name__})"
    return None


def read_notes(facts: Mapping[str, str]) -> dict[str, Any] | None:
    """Read what was noted beside a converted model; `None` where there is no whole one."""
    path = find_converted(facts)
    if path is None:
        return None
    try:
        notes = _read_manifest(path.parent)["notes"]
        return dict(notes)
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def keep_converted(
    facts: Mapping[str, str],
    write: Callable[[Path], None],
    notes: Mapping[str, Any] | None = None,
) -> Path | None:
    """Write a converted model under its key.

    It is written beside its place and then renamed, so another process sees all of it or
    nothing. If two write the same, the first one stays.

    Args:
        facts: Everything that shapes the model.
        write: Called with the path of the graph to be written.
        notes: What `read_notes` gives back.

    Returns:
        The graph's path; `None` where it could not be kept (a full disk, say).
    """
    root = models_folder()
    place = root / folder_name(facts)
    unfinished: Path | None = None
    try:
        root.mkdir(parents=True, exist_ok=True)
        _remove_stale(root)
        unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=root))
        write(unfinished / MODEL_FILE)
        noted = {name: _note(unfinished / name) for name in _FILES}
        described = {"facts": dict(facts), "files": noted, "notes": dict(notes or {})}
        manifest = json.dumps(described, indent=2, sort_keys=True)
        (unfinished / _MANIFEST).write_text(manifest, encoding="utf-8")
        if find_converted(facts) is None:
            _move(unfinished, place, facts)
    # RuntimeError is what OpenVINO raises where it can't write.
    except (OSError, RuntimeError):
        pass
    finally:
        if unfinished is not None:
            shutil.rmtree(unfinished, ignore_errors=True)
    return find_converted(facts)


def _remove_stale(root: Path) -> None:
    for folder in root.glob(f"{_UNFINISHED}*"):
        with suppress(OSError):  # another process may be done with it
            if time.time() - folder.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def discard_converted(facts: Mapping[str, str]) -> None:
    """Delete a converted model that turned out to be of no use."""
    shutil.rmtree(models_folder() / folder_name(facts), ignore_errors=True)


def _note(path: Path) -> dict[str, int | str]:
    digest = hash_file(str(path))
    return {"size": path.stat().st_size, "sha256": digest}


def _move(unfinished: Path, place: Path, facts: Mapping[str, str]) -> None:
    """Put a finished folder in its place; what is there already and is broken makes room."""
    with suppress(OSError):  # it is taken, which is no failure yet
        unfinished.rename(place)
        return
    if find_converted(facts) is not None:
        return  # another process was faster, and its model is as good
    if os.path.lexists(place):
        broken = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=place.parent))
        with suppress(FileNotFoundError):  # another process put it away already
            os.replace(place, broken / place.name)
        shutil.rmtree(broken, ignore_errors=True)
    try:
        unfinished.rename(place)
    except OSError:
        if not place.exists():  # else another process was faster, and its model is as good
            raise


def measure_converted() -> ConvertedSize:
    """Measure the folder of converted models."""
    root = models_folder()
    files = [path for path in root.rglob("*") if path.is_file()] if root.is_dir() else []
    return ConvertedSize(
        num_models=sum(path.name == _MANIFEST for path in files),
        num_bytes=sum(path.stat().st_size for path in files),
    )


def clear_converted() -> None:
    """Delete all converted models; they are made again when they are needed."""
    shutil.rmtree(models_folder(), ignore_errors=True)
