"""Models on the Hugging Face hub: what is in its cache, what is missing, and downloads.

A hub model that is cached is used as it is, without a look at the network, so a run is as fast
and as repeatable offline as online; `vidtag models get ID` fetches what is missing. Of the
Hugging Face world it knows `huggingface_hub` alone, and imports that only where it must.
"""

import errno
import json
import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidtag.models.adapters import refuse_adapter
from vidtag.models.architectures import ARCHITECTURES
from vidtag.models.downloading import Advance, cached_bytes, hub_noise, watched
from vidtag.models.folders import (
    PREPROCESSOR_FILES,
    TOKENIZER_FILES,
    takes_words,
    where_to_get_one,
    why_no_tokenizer,
)
from vidtag.models.refusals import DEMO_HINT, refuse, shortened
from vidtag.models.suggestions import suggest
from vidtag.models.weights import (
    INDEX_SUFFIX,
    WEIGHTS,
    ShardError,
    find_weights,
    foreign_among,
    format_bytes,
    no_weights_among,
    read_shards,
    why_no_weights,
)

if TYPE_CHECKING:
    from huggingface_hub import HfApi

    from vidtag.errors import ModelLoadError

_HUB_SECONDS = 4.0
"""How long the hub may take to answer before it counts as unreachable.
`HF_HUB_ETAG_TIMEOUT` sets another, as for every program that uses the hub."""

_BROKEN_OFF = ("RemoteProtocolError", "ReadError")
"""Network errors of a hub that was reached."""

_COMMIT = re.compile(r"[0-9a-f]{40}")

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)

_NO_PLACE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENOENT, errno.EEXIST)
"""What the system says of a cache that can't be made or written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which model of the hub, and how it may be had."""

    name: str
    """The model as the user named it."""

    hub_id: str
    revision: str | None = None
    """Branch, tag or commit."""

    offline: bool = False
    """Never touch the network."""

    show_progress: bool = False
    """Let a download draw its progress on stderr."""

    advance: Advance | None = None
    """Told how much of a download is there; then nothing else draws it."""

    licence: str | None = None
    """Licence of the weights, where it is known before the hub is asked."""

    tell: Callable[[str], None] | None = None
    """Told in a line what is downloaded, before it begins."""

    check: Callable[[Path], None]
    """Given the folder with all but the weights, which are downloaded if it does not object."""

    @property
    def command(self) -> str:
        """The command that downloads it."""
        at = f" --revision {self.revision}" if self.revision else ""
        return f"`vidtag models get {self.name}{at}`"


def cached_snapshot(hub_id: str, revision: str | None = None) -> Path | None:
    """Find a hub model in the cache that all Hugging Face programs share.

    Returns:
        The snapshot's folder, named by its commit, where config, preprocessor config and
        weights are all there; else `None`.
    """
    folder = _snapshot_folder(hub_id, revision)
    return folder if folder is not None and _what_lacks(folder) is None else None


def cached_classifiers() -> list[str]:
    """List the hub ids of the cached models that are of an architecture that vidtag runs."""
    from huggingface_hub.constants import HF_HUB_CACHE

    ids = []
    for folder in sorted(Path(HF_HUB_CACHE).glob("models--*--*")):
        for config in folder.glob("snapshots/*/config.json"):
            with suppress(OSError, ValueError, AttributeError):
                if json.loads(config.read_bytes()).get("model_type") in ARCHITECTURES:
                    ids.append(folder.name.removeprefix("models--").replace("--", "/"))
                    break
    return ids


def _what_lacks(folder: Path) -> str | None:
    """Say what a snapshot lacks of a whole model."""
    if not (folder / "config.json").is_file():
        return "there is no config.json"
    if not find_weights(folder):
        return why_no_weights(folder).removesuffix("; download it again")
    if not any((folder / name).is_file() for name in PREPROCESSOR_FILES):
        return f"there is no {PREPROCESSOR_FILES[-1]}"
    return why_no_tokenizer(folder) if takes_words(folder) else None


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


def fetch(wanted: Wanted) -> Path:
    """Download what a snapshot lacks, and return its folder.

    Raises:
        ModelLoadError: It can't be had.
    """
    from huggingface_hub.constants import HF_HUB_CACHE, HF_HUB_OFFLINE

    if wanted.offline or HF_HUB_OFFLINE:
        raise refuse(
            wanted.name,
            "not_cached",
            f"{_cache_has(wanted)}, and offline was asked for; {_get_it_online(wanted)}",
        )
    if HF_HUB_CACHE.startswith("~"):  # it would be made below the working folder
        raise refuse(
            wanted.name,
            "download_failed",
            "there is no home folder to keep it in; let HF_HOME name a folder",
        )
    try:
        with hub_noise(wanted.show_progress and wanted.advance is None):
            return _download(wanted)
    except Exception as exc:
        failure = _hub_failure(wanted, exc)
        if failure is None:
            raise
        raise failure from exc


def _get_it_online(wanted: Wanted) -> str:
    """Say what to do about a model that is not here, or what else may have been meant."""
    meant = suggest(wanted.name)
    otherwise = f"{meant} Otherwise " if meant else ""
    return f"{otherwise}run {wanted.command} once while online, or {DEMO_HINT}"


def _cache_has(wanted: Wanted) -> str:
    """Say what the cache has of a model that it has not whole."""
    folder = _snapshot_folder(wanted.hub_id, wanted.revision)
    at = f" at revision {wanted.revision!r}" if wanted.revision else ""
    if folder is None:
        return f"it is not in the cache{at}"
    return f"the cache has only a part of it{at} ({_what_lacks(folder)})"


def _download(wanted: Wanted) -> Path:
    from huggingface_hub import HfApi

    from vidtag.version import __version__

    api = HfApi(library_name="vidtag", library_version=__version__)
    seconds = float(os.environ.get("HF_HUB_ETAG_TIMEOUT") or _HUB_SECONDS)
    about = api.model_info(
        wanted.hub_id, revision=wanted.revision, timeout=seconds, files_metadata=True
    )
    there = {sibling.rfilename: sibling.size for sibling in about.siblings or ()}
    commit = about.sha or wanted.revision or "main"
    refuse_adapter(wanted.name, there)
    if "config.json" not in there:
        found = foreign_among(there)
        raise refuse(
            wanted.name,
            "not_a_model",
            f"its repository has no config.json{f', but {found}' if found else ''}",
        )
    small = [name for name in ("config.json", *PREPROCESSOR_FILES, "README.md") if name in there]
    for name in small:
        folder = _get(api, wanted, name, commit)
    wanted.check(folder)
    if not any(name in there for name in PREPROCESSOR_FILES):
        raise refuse(
            wanted.name,
            "missing_preprocessor",
            "its repository has no preprocessor config; download it into a folder of your own, "
            f"and {where_to_get_one(folder, 'that folder')}",
        )
    if takes_words(folder):
        words = [name for name in TOKENIZER_FILES if name in there]
        small += words
        for name in words:
            _get(api, wanted, name, commit)
        why = why_no_tokenizer(folder)
        if why is not None:
            raise refuse(wanted.name, "bad_tokenizer", f"in its repository {why}; try another")
    weights = _weights(api, wanted, there, commit)
    size = _announce(wanted, about, [there[name] for name in (*small, *weights)])
    with watched(wanted.hub_id, size, wanted.advance):
        for name in weights:
            _get(api, wanted, name, commit)
    if wanted.revision != commit:
        # By its name once more: that notes in the cache which commit the name stands for.
        _get(api, wanted, "config.json", wanted.revision or "main")
    return folder


def _get(api: "HfApi", wanted: Wanted, name: str, at: str) -> Path:
    """Download one file, and return the folder of the snapshot that it is part of."""
    path = Path(api.hf_hub_download(wanted.hub_id, name, revision=at))
    return path.parents[len(Path(name).parts) - 1]


def _weights(api: "HfApi", wanted: Wanted, there: dict[str, Any], commit: str) -> list[str]:
    """List the weights files to download."""
    for name in WEIGHTS:
        if name in there:
            return [name]
        index = f"{name}{INDEX_SUFFIX}"
        if index not in there:
            continue
        try:
            shards = read_shards(_get(api, wanted, index, commit) / index)
        except ShardError as exc:
            raise refuse(wanted.name, "corrupt_weights", f"{exc}; try another model") from exc
        missing = [shard for shard in shards if shard not in there]
        if missing:
            raise refuse(
                wanted.name,
                "missing_weights",
                f"its repository lacks {len(missing)} of {len(shards)} files of its weights "
                f"({missing[0]}); try another --revision",
            )
        return [index, *shards]
    raise refuse(wanted.name, "missing_weights", f"in its repository {no_weights_among(there)}")


def _announce(wanted: Wanted, about: Any, sizes: list[int | None]) -> int | None:
    """Say what is downloaded, and refuse what does not fit onto the disk; return its bytes."""
    from huggingface_hub.constants import HF_HUB_CACHE

    known = [size for size in sizes if size is not None]
    size = sum(known) if len(known) == len(sizes) else None
    licence = wanted.licence or _licence(about)
    if wanted.tell is not None:
        name = wanted.hub_id if wanted.name == wanted.hub_id else f"{wanted.name} ({wanted.hub_id})"
        wanted.tell(
            f"downloading {name}: {format_bytes(size) if size else 'size unknown'}, "
            f"{tell_licence(licence)}"
        )
    free = _free_bytes(Path(HF_HUB_CACHE))
    if size is not None and free is not None and size > free + cached_bytes(wanted.hub_id):
        raise refuse(
            wanted.name,
            "download_failed",
            f"it takes {format_bytes(size)}, and {HF_HUB_CACHE} has room for "
            f"{format_bytes(free)}; make room, or let HF_HOME name a folder on another disk",
        )
    return size


def tell_licence(licence: str | None) -> str:
    """Name a licence, and what a well-known kind of it forbids.

    >>> tell_licence("cc-by-nc-4.0")
    'licence cc-by-nc-4.0 (for non-commercial use)'
    """
    if licence is None:
        return "licence unknown"
    is_limited = "-nc" in licence.lower()
    return f"licence {licence}{' (for non-commercial use)' if is_limited else ''}"


def _licence(about: Any) -> str | None:
    found = [tag.removeprefix("license:") for tag in about.tags or () if tag.startswith("license:")]
    return shortened(found[0], 40) if found else None


def _free_bytes(folder: Path) -> int | None:
    for place in (folder, *folder.parents):
        if place.is_dir():
            try:
                return shutil.disk_usage(place).free
            except OSError:
                return None
    return None


def _hub_failure(wanted: Wanted, exc: Exception) -> "ModelLoadError | None":
    """Say in one line what went wrong with the hub; `None` for what is already said."""
    from huggingface_hub import errors

    from vidtag.errors import ModelError

    model, hub_id, revision = wanted.name, wanted.hub_id, wanted.revision
    if isinstance(exc, ModelError):
        return None
    if isinstance(exc, errors.LocalEntryNotFoundError) and isinstance(exc.__cause__, Exception):
        exc = exc.__cause__  # the hub's client looks into the cache before it gives up
    if isinstance(exc, errors.FileMetadataError):
        return refuse(model, "hub_error", f"what answers is no hub ({shortened(exc, 80)})")
    if isinstance(exc, errors.GatedRepoError):
        return refuse(
            model,
            "gated_model",
            f"its owner wants you to accept terms first: visit https://huggingface.co/{hub_id}, "
            "then let HF_TOKEN hold a token of yours (https://huggingface.co/settings/tokens)",
        )
    if isinstance(exc, errors.RevisionNotFoundError):
        return refuse(
            model,
            "unknown_revision",
            f"the hub has no revision {revision!r} of it; leave out --revision for the newest",
        )
    if isinstance(exc, errors.RepositoryNotFoundError | errors.HFValidationError):
        meant = suggest(model)
        return refuse(
            model,
            "unknown_model",
            "there is no such alias or folder, and the hub has no such model (or a private one, "
            f"for which HF_TOKEN must hold a token); {meant or 'see `vidtag models`'}",
        )
    if isinstance(exc, errors.HfHubHTTPError):
        status = getattr(getattr(exc, "response", None), "status_code", None)
        return refuse(
            model, "hub_error", f"the hub answered with HTTP status {status}; try again later"
        )
    # httpx or httpx2, whichever huggingface_hub has; named, so that neither must be imported.
    is_network = type(exc).__module__.startswith("httpx") and type(exc).__name__ not in _BROKEN_OFF
    if is_network or isinstance(
        exc, errors.LocalEntryNotFoundError | ConnectionError | TimeoutError
    ):
        return refuse(
            model,
            "hub_unreachable",
            f"{_cache_has(wanted)} and the Hugging Face hub can't be reached "
            f"({shortened(exc, 80)}); {_get_it_online(wanted)}",
        )
    if isinstance(exc, OSError) and exc.errno in _NO_ROOM:
        return refuse(
            model,
            "download_failed",
            "the disk is full; make room, or let HF_HOME name a folder on another one, and "
            f"run {wanted.command}",
        )
    if isinstance(exc, OSError) and exc.errno in _NO_PLACE:
        from huggingface_hub.constants import HF_HUB_CACHE

        return refuse(
            model,
            "download_failed",
            f"the folder {HF_HUB_CACHE} can't be written; let HF_HOME name another",
        )
    return refuse(
        model,
        "download_failed",
        f"the download broke off ({shortened(exc)}); try again with {wanted.command}, which keeps "
        "the files that came whole",
    )
