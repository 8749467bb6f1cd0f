"""`vidtag models get`: have a model ready before it is needed.

Owns the order: what it is and costs, the download, the conversion for this machine. Prints
nothing; it tells.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from vidtag.aliases import ALIASES, PACKAGED_MODELS
from vidtag.models.classifier import ClassifierInfo
from vidtag.models.downloading import Advance
from vidtag.models.hub import tell_licence
from vidtag.models.load import load_classifier
from vidtag.models.options import LoadOptions
from vidtag.models.source import ModelFiles, find_model
from vidtag.models.weights import find_weights, format_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A model that is at hand."""

    files: ModelFiles
    """Where it is."""

    info: ClassifierInfo
    """What runs it here."""


def get_model(
    options: LoadOptions, tell: Callable[[str], None], advance: Advance | None = None
) -> Ready:
    """Download a model where that is needed, and convert it for this machine.

    Loading it is the proof that it is whole, so what is told as ready runs.

    Args:
        options: Which model, and how it may be had.
        tell: Told in a line what is done, before it is done.
        advance: Told how much of a download is there.

    Raises:
        ModelError: It can't be had, or is nothing that vidtag can run.
    """
    told: list[str] = []

    def tell_too(line: str) -> None:
        told.append(line)
        tell(line)

    try:
        files = find_model(
            options.name,
            revision=options.revision,
            offline=options.offline,
            show_progress=options.show_progress,
            tell=tell_too,
            advance=advance,
        )
    except KeyboardInterrupt:
        if told:
            tell("stopped; the same command goes on, and keeps the files that came whole")
        raise
    if not told:
        tell(_describe(files))
    # What is there now is what is loaded, whatever happens to the hub.
    offline = replace(options, offline=True)
    return Ready(files=files, info=load_classifier(offline, tell).info)


def _describe(files: ModelFiles) -> str:
    """Say of a model that needs no download what it is."""
    if files.name in PACKAGED_MODELS:
        note = ALIASES[files.name].note
        return f"{files.name} is part of vidtag, so there is nothing to download ({note})"
    size = format_bytes(sum(path.stat().st_size for path in find_weights(files.folder)))
    where = "as a folder" if files.is_own_folder else f"in {files.folder}"
    return f"{files.name} is there already, {where}: {size}, {tell_licence(files.licence)}"
