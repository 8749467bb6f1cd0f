"""Where a model's files are: in a folder, in the package, or in the hub's cache.

Owns the way from a name to a folder with files, and what that folder is known by. Knows no
engine; downloads are the business of `hub`.
"""

import hashlib
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vidtag.aliases import (
    ALIASES,
    PINNED,
    ModelAlias,
    alias_of,
)
from vidtag.cache.contents import hash_file
from vidtag.cache.scores import ScoreStore
from vidtag.models.adapters import refuse_adapter_in
from vidtag.models.card import card_licence
from vidtag.models.classifier import CONTENT_REVISION
from vidtag.models.config import read_config
from vidtag.models.downloading import Advance
from vidtag.models.folders import (
    CONFIG_FILES,
    TOKENIZER_FILES,
    takes_words,
    why_no_config,
    why_no_model,
    why_no_tokenizer,
)
from vidtag.models.hub import Wanted, cached_snapshot, fetch
from vidtag.models.packaged import PACKAGED
from vidtag.models.refusals import refuse, shortened
from vidtag.models.suggestions import names_a_folder, suggest
from vidtag.models.weights import find_weights

_REMEMBERED_BYTES = 32 << 20
"""Weights of more than this are hashed once and remembered: a second buys 1 to 2 GB."""

_HUB_ID = re.compile(r"(?=.{1,96}$)[\w.-]+(/[\w.-]+)?", re.ASCII)
"""What huggingface_hub takes for an id, without its finer rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFiles:
    """A model's files on this machine."""

    name: str
    """The model as the user named it, for errors."""

    model_id: str
    """Hub id, folder or `demo`, as the result names it."""

    alias: ModelAlias | None
    """The alias that it belongs to, by either name."""

    folder: Path
    """Config, preprocessor config and weights, in the hub's format."""

    revision: str
    """Commit of a hub model; of a folder `sha256:` and 16 digits, from all its files' content."""

    licence: str | None
    """Licence of the weights, where the alias or the model card says it."""

    @property
    def is_own_folder(self) -> bool:
        """Whether it is known by its content: a folder of the user's, and no hub model."""
        return self.revision.startswith(CONTENT_REVISION)


def find_model(
    model: str,
    *,
    revision: str | None = None,
    offline: bool = False,
    show_progress: bool = False,
    tell: Callable[[str], None] | None = None,
    advance: Advance | None = None,
) -> ModelFiles:
    """Find a model's files, and download them where they are missing.

    An alias wins over a folder (name a folder called `base` as `./base`), and a folder over
    a hub id.

    Args:
        model: Alias, folder or hub id.
        revision: Branch, tag or commit of a hub model.
        offline: Never touch the network.
        show_progress: Let a download draw its progress on stderr.
        tell: Told in a line what is downloaded, before it begins.
        advance: Told how much of it is there; then nothing is drawn on stderr.

    Raises:
        ModelLoadError: Not there, not reachable, or not in the hub's format.
    """
    alias = ALIASES.get(model)
    if alias is None or alias.hub_id is None:
        folder = PACKAGED[alias.name] if alias is not None else _as_folder(model)
        if alias is not None or (model and _exists(folder)) or _looks_like_a_path(model):
            if revision is not None:
                raise refuse(
                    model, "unknown_revision", "a folder has no revisions; leave out --revision"
                )
            return _local(model, folder)
    hub_id = model if alias is None or alias.hub_id is None else alias.hub_id
    if not _HUB_ID.fullmatch(hub_id):
        raise refuse(
            shortened(model),
            "unknown_model",
            f"it is no alias, no folder and no hub id; {_meant(model)}",
        )
    known = alias_of(hub_id)
    revision = revision or PINNED.get(hub_id)
    folder = cached_snapshot(hub_id, revision) or _fetch(
        Wanted(
            name=model,
            hub_id=hub_id,
            revision=revision,
            offline=offline,
            show_progress=show_progress,
            licence=known.licence if known is not None else None,
            tell=tell,
            advance=advance,
            check=partial(_check_configs, model),
        )
    )
    refuse_adapter_in(folder, model)
    _check_configs(model, folder)
    return ModelFiles(
        name=model,
        model_id=hub_id,
        alias=known,
        folder=folder,
        revision=folder.name,
        licence=known.licence if known is not None else card_licence(folder),
    )


def _fetch(wanted: Wanted) -> Path:
    """Download a model, unless its name is a misspelt alias or folder.

    A classifier's hub id has an owner before it, so a bare name that is near another one is asked
    about at once.
    """
    meant = None if "/" in wanted.hub_id else suggest(wanted.name)
    if meant is not None:
        raise refuse(wanted.name, "unknown_model", f"there is no such alias or folder; {meant}")
    return fetch(wanted)


def _meant(model: str) -> str:
    return suggest(model) or "`vidtag models` lists models to try"


def _as_folder(model: str) -> Path:
    try:
        return Path(model).expanduser()
    except RuntimeError:  # ~somebody who has no home here
        return Path(model)


def _exists(folder: Path) -> bool:
    try:
        return folder.exists()
    except OSError:  # a name that is too long, or a parent that may not be entered
        return False


def _local(model: str, folder: Path) -> ModelFiles:
    if not _exists(folder):
        raise refuse(model, "unknown_model", f"there is no such folder; {_meant(model)}")
    if not folder.is_dir():
        raise refuse(model, "not_a_model", "it is a file; name the folder that it lies in")
    refuse_adapter_in(folder, model)
    if not (folder / "config.json").is_file():
        raise refuse(model, "not_a_model", why_no_model(folder))
    _check_configs(model, folder)
    why = why_no_tokenizer(folder) if takes_words(folder) else None
    if why is not None:
        raise refuse(
            model,
            "bad_tokenizer",
            f"{why} in it, so it can't read words; copy that of the model it was made from, or "
            "save the tokenizer beside it with `save_pretrained`",
        )
    alias = ALIASES.get(model)
    try:
        revision = content_revision(folder)
    except OSError as exc:
        raise refuse(model, "not_a_model", f"its files can't be read ({shortened(exc)})") from exc
    return ModelFiles(
        name=model,
        model_id=model,
        alias=alias,
        folder=folder,
        revision=revision,
        licence=alias.licence if alias is not None else card_licence(folder),
    )


def _looks_like_a_path(model: str) -> bool:
    return (
        model.startswith((".", "/", "~"))
        or model.count("/") > 1
        or "\\" in model
        or names_a_folder(model)
    )


def _check_configs(model: str, folder: Path) -> None:
    """Refuse configs that are no video classifier's, or would stop whoever reads them."""
    for name in CONFIG_FILES:
        why = why_no_config(folder / name)
        if why is not None:
            code = "bad_config" if name == "config.json" else "bad_preprocessor"
            raise refuse(model, code, why)
    read_config(folder, model)


def content_revision(folder: Path) -> str:
    """Hash all that shapes a model's results: the configs and the weights.

    Every byte counts, so a model that was trained further is another one. Large weights are
    hashed once; their hash is remembered by device, inode, size and times.
    """
    digest = hashlib.sha256()
    configs = [folder / name for name in CONFIG_FILES if (folder / name).is_file()]
    if takes_words(folder):
        configs += [folder / name for name in TOKENIZER_FILES if (folder / name).is_file()]
    for path in (*configs, *find_weights(folder)):
        digest.update(f"{path.name} {_content_id(path)}\n".encode())
    return f"{CONTENT_REVISION}{digest.hexdigest()[:16]}"


def check_unchanged(files: ModelFiles) -> None:
    """Refuse a folder whose files are no longer those that its revision was made from.

    Scores, and what a conversion makes of them, are kept under that revision.

    Raises:
        ModelLoadError: It was changed since.
    """
    if not files.is_own_folder:
        return  # a snapshot is never changed
    try:
        is_the_same = content_revision(files.folder) == files.revision
    except OSError:
        is_the_same = False
    if not is_the_same:
        raise refuse(
            files.name,
            "model_changed",
            "its files were changed while they were read; try again once they are complete",
        )


def _content_id(path: Path) -> str:
    if path.stat().st_size > _REMEMBERED_BYTES:
        with closing(ScoreStore()) as store:
            remembered = store.content_id(str(path))
        if remembered is not None:
            return remembered
    return hash_file(str(path))
