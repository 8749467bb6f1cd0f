"""Where a model's files are: in a folder, in the package, or in the hub's cache.

Owns the way from a name to a folder with files, and downloads. A hub model that is cached
is used as it is, without a look at the network, so a run is as fast and as repeatable
offline as online; `hf download ID` fetches a newer version. Knows no engine; of the Hugging
Face world it knows `huggingface_hub` alone, and imports that only where it must.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vidtag.cache.contents import hash_file
from vidtag.models.failures import one_line, refuse
from vidtag.models.registry import ALIASES, ModelAlias, alias_of
from vidtag.store import ScoreStore

if TYPE_CHECKING:
    from vidtag.errors import ModelLoadError

DEMO_FOLDER = Path(__file__).parent / "demo"
"""The packaged model, in the hub's format."""

PREPROCESSOR_FILES = (
    "processor_config.json",
    "video_preprocessor_config.json",
    "preprocessor_config.json",
)
"""Where the preprocessing may be written, in the order in which it is looked for."""

CONFIG_FILES = ("config.json", *PREPROCESSOR_FILES)
"""What shapes a result beside the weights."""

_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""In the order in which transformers looks for them."""

_HUB_SECONDS = 4.0
"""How long the hub may take to answer before it counts as unreachable.
`HF_HUB_ETAG_TIMEOUT` sets another, as for every program that uses the hub."""

_REMEMBERED_BYTES = 32 << 20
"""Weights of more than this are hashed once and remembered: a second buys 1 to 2 GB."""

_HUB_ID = re.compile(r"(?=.{1,96}$)[\w.-]+(/[\w.-]+)?", re.ASCII)
"""What huggingface_hub takes for an id, without its finer rules."""

_BROKEN_OFF = ("RemoteProtocolError", "ReadError")
"""Network errors of a hub that was reached."""

_COMMIT = re.compile(r"[0-9a-f]{40}")


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


def find_model(
    model: str, *, revision: str | None = None, offline: bool = False, show_progress: bool = False
) -> ModelFiles:
    """Find a model's files, and download them where they are missing.

    An alias wins over a folder (name a folder called `base` as `./base`), and a folder over
    a hub id.

    Args:
        model: alias, folder or hub id.
        revision: branch, tag or commit of a hub model.
        offline: never touch the network.
        show_progress: let a download draw its progress on stderr.

    Raises:
        ModelLoadError: not there, not reachable, or not in the hub's format.
    """
    alias = ALIASES.get(model)
    if alias is None or alias.hub_id is None:
        folder = DEMO_FOLDER if alias is not None else _as_folder(model)
        if alias is not None or (model and _exists(folder)) or _looks_like_a_path(model):
            if revision is not None:
                raise refuse(
                    model, "unknown_revision", "a folder has no revisions; leave out --revision"
                )
            return _local(model, folder)
    hub_id = model if alias is None or alias.hub_id is None else alias.hub_id
    if not _HUB_ID.fullmatch(hub_id):
        raise refuse(
            one_line(model),
            "unknown_model",
            "it is no alias, no folder and no hub id; see `vidtag models`",
        )
    known = alias_of(hub_id)
    folder = cached_snapshot(hub_id, revision) or _fetch(
        model, hub_id, revision, offline=offline, show_progress=show_progress
    )
    return ModelFiles(
        name=model,
        model_id=hub_id,
        alias=known,
        folder=folder,
        revision=folder.name,
        licence=known.licence if known is not None else _card_licence(folder),
    )


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
        raise refuse(
            model, "unknown_model", "there is no such folder; `vidtag models` lists models to try"
        )
    if not folder.is_dir():
        raise refuse(model, "not_a_model", "it is a file; name the folder that it lies in")
    if not (folder / "config.json").is_file():
        raise refuse(
            model, "not_a_model", "there is no config.json in it; name a folder in the hub's format"
        )
    alias = ALIASES.get(model)
    try:
        revision = content_revision(folder)
    except OSError as exc:
        raise refuse(model, "not_a_model", f"its files cannot be read ({one_line(exc)})") from exc
    return ModelFiles(
        name=model,
        model_id=model,
        alias=alias,
        folder=folder,
        revision=revision,
        licence=alias.licence if alias is not None else _card_licence(folder),
    )


def _looks_like_a_path(model: str) -> bool:
    return model.startswith((".", "/", "~")) or model.count("/") > 1 or "\\" in model


def find_weights(folder: Path) -> tuple[Path, ...]:
    """List the weights files that transformers would load: one, or an index and its shards.

    Returns:
        Nothing where there are none, or where some of the shards are missing.
    """
    for name in _WEIGHTS:
        single, index = folder / name, folder / f"{name}.index.json"
        if single.is_file():
            return (single,)
        if index.is_file():
            shards = tuple(folder / shard for shard in _shards(index))
            return (index, *shards) if all(shard.is_file() for shard in shards) else ()
    return ()


def _shards(index: Path) -> list[str]:
    try:
        return sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ["(an index that cannot be read)"]


def content_revision(folder: Path) -> str:
    """Hash all that shapes a model's results: the configs and the weights.

    Every byte counts, so a model that was trained further is another one. Large weights are
    hashed once; their hash is remembered by device, inode, size and times.
    """
    digest = hashlib.sha256()
    configs = [folder / name for name in CONFIG_FILES if (folder / name).is_file()]
    for path in (*configs, *find_weights(folder)):
        digest.update(f"{path.name} {_content_id(path)}\n".encode())
    return f"sha256:{digest.hexdigest()[:16]}"


def _content_id(path: Path) -> str:
    if path.stat().st_size > _REMEMBERED_BYTES:
        with closing(ScoreStore()) as store:
            remembered = store.content_id(str(path))
        if remembered is not None:
            return remembered
    return hash_file(str(path))


def _card_licence(folder: Path) -> str | None:
    """Read `license:` from the head of the model card, if it came along."""
    try:
        with (folder / "README.md").open(encoding="utf-8", errors="replace") as card:
            head = card.read(4096)
    except OSError:
        return None
    found = re.match(r"---\n(?:.*\n)*?license:[ \t]*([\w.+-]+)[ \t]*\n(?:.*\n)*?---", head)
    return found.group(1) if found else None


def cached_snapshot(hub_id: str, revision: str | None = None) -> Path | None:
    """Find a hub model in the cache that all Hugging Face programs share.

    Returns:
        The snapshot's folder, named by its commit, where config, preprocessor config and
        weights are all there; else `None`.
    """
    folder = _snapshot_folder(hub_id, revision)
    if folder is None or not (folder / "config.json").is_file() or not find_weights(folder):
        return None
    return folder if any((folder / name).is_file() for name in PREPROCESSOR_FILES) else None


def _snapshot_folder(hub_id: str, revision: str | None) -> Path | None:
    from huggingface_hub.constants import HF_HUB_CACHE

    repository = Path(HF_HUB_CACHE) / f"models--{hub_id.replace('/', '--')}"
    commit = revision or "main"
    if not _COMMIT.fullmatch(commit):
        try:
            commit = (repository / "refs" / commit).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return None
    if not _COMMIT.fullmatch(commit):
        return None
    folder = repository / "snapshots" / commit
    return folder if folder.is_dir() else None


def _fetch(
    model: str, hub_id: str, revision: str | None, *, offline: bool, show_progress: bool
) -> Path:
    """Download what a snapshot lacks."""
    from huggingface_hub.constants import HF_HUB_OFFLINE

    if offline or HF_HUB_OFFLINE:
        at = f" at revision {revision!r}" if revision else ""
        raise refuse(
            model,
            "not_cached",
            f"it is not in the cache{at}, and offline was asked for; "
            f"run `hf download {hub_id}` once while online, or try --model demo",
        )
    try:
        with _hub_noise(show_progress):
            return _download(model, hub_id, revision)
    except Exception as exc:
        failure = _hub_failure(model, hub_id, revision, exc)
        if failure is None:
            raise
        raise failure from exc


def _download(model: str, hub_id: str, revision: str | None) -> Path:
    from huggingface_hub import HfApi

    import vidtag

    api = HfApi(library_name="vidtag", library_version=vidtag.__version__)
    seconds = float(os.environ.get("HF_HUB_ETAG_TIMEOUT") or _HUB_SECONDS)
    about = api.model_info(hub_id, revision=revision, timeout=seconds)
    there = {sibling.rfilename for sibling in about.siblings or ()}
    commit = about.sha or revision or "main"
    if "config.json" not in there:
        raise refuse(model, "not_a_model", "its repository has no config.json")
    if not any(name in there for name in PREPROCESSOR_FILES):
        raise refuse(model, "missing_preprocessor", "its repository has no preprocessor config")

    def get(name: str, at: str = commit) -> Path:
        return Path(api.hf_hub_download(hub_id, name, revision=at))

    folder = get("config.json").parent
    for name in (*PREPROCESSOR_FILES, "README.md"):
        if name in there:
            get(name)
    for name in _WEIGHTS:
        if name in there:
            get(name)
            break
        if f"{name}.index.json" in there:
            for shard in _shards(get(f"{name}.index.json")):
                get(shard)
            break
    else:
        raise refuse(
            model, "missing_weights", "its repository has no model.safetensors or pytorch_model.bin"
        )
    if revision != commit:
        # By its name once more: that notes in the cache which commit the name stands for.
        get("config.json", revision or "main")
    return folder


@contextmanager
def _hub_noise(show_progress: bool) -> Iterator[None]:
    """Show the hub's progress bars or nothing at all, for as long as a download takes."""
    from huggingface_hub.utils import logging
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    level, hidden = logging.get_verbosity(), are_progress_bars_disabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    if not show_progress and not hidden:
        disable_progress_bars()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if not show_progress and not hidden:
            enable_progress_bars()


def _hub_failure(
    model: str, hub_id: str, revision: str | None, exc: Exception
) -> "ModelLoadError | None":
    """Say in one line what went wrong with the hub; `None` for what is already said."""
    from huggingface_hub import errors

    from vidtag.errors import ModelLoadError

    if isinstance(exc, ModelLoadError):
        return None
    if isinstance(exc, errors.LocalEntryNotFoundError) and isinstance(exc.__cause__, Exception):
        exc = exc.__cause__  # the hub's client looks into the cache before it gives up
    if isinstance(exc, errors.FileMetadataError):
        return refuse(model, "hub_error", f"what answers is no hub ({one_line(exc, 80)})")
    if isinstance(exc, errors.GatedRepoError):
        return refuse(
            model,
            "gated_model",
            f"its owner wants you to accept terms first: visit https://huggingface.co/{hub_id}, "
            "then `hf auth login`, or try --model demo",
        )
    if isinstance(exc, errors.RevisionNotFoundError):
        return refuse(model, "unknown_revision", f"the hub has no revision {revision!r} of it")
    if isinstance(exc, errors.RepositoryNotFoundError | errors.HFValidationError):
        return refuse(
            model,
            "unknown_model",
            "there is no such alias or folder, and the hub has no such model "
            "(or a private one: `hf auth login`); see `vidtag models`",
        )
    if isinstance(exc, errors.HfHubHTTPError):
        status = getattr(getattr(exc, "response", None), "status_code", None)
        return refuse(
            model,
            "hub_error",
            f"the hub answered with HTTP status {status}; try again later, or try --model demo",
        )
    # httpx or httpx2, whichever huggingface_hub has; named, so that neither must be imported.
    is_network = type(exc).__module__.startswith("httpx") and type(exc).__name__ not in _BROKEN_OFF
    if is_network or isinstance(
        exc, errors.LocalEntryNotFoundError | ConnectionError | TimeoutError
    ):
        return refuse(
            model,
            "hub_unreachable",
            "it is not in the cache and the Hugging Face hub cannot be reached "
            f"({one_line(exc, 80)}); run `hf download {hub_id}` once while online, "
            "or try --model demo",
        )
    return refuse(model, "download_failed", f"the download failed ({one_line(exc)}); try again")
