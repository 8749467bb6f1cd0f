"""What a model can name, before any of its weights are read, and looking for a word in it.

Imports neither NumPy nor what reads weights, so that a label is completed and found at once.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from vidtag.aliases import DEFAULT_MODEL, alias_of
from vidtag.models.config import read_config
from vidtag.models.hub import cached_snapshot
from vidtag.models.packaged import PACKAGED
from vidtag.models.words.lists import read_vocabulary

_ALIKE = 0.75
"""How alike two words must be: `joging` and `jogging` are (0.92), `joging` and `doing` are not
(0.73)."""

_MOST_MEANT = 5
"""Labels that are named where nothing was found."""


def read_labels(
    model: str = DEFAULT_MODEL, revision: str | None = None, offline: bool = False
) -> tuple[str, ...]:
    """Give a model's labels without reading its weights.

    Those of an alias that is not cached come with the package, unless a revision of it is asked
    for; another hub model that is not cached is downloaded.

    Raises:
        ModelLoadError: It can't be had.
        ModelMismatchError: It is no classifier that vidtag can use.
    """
    shipped = None if revision is not None else shipped_labels(model)
    if shipped is not None:
        return shipped
    from vidtag.models.source import find_model

    files = find_model(model, revision=revision, offline=offline)
    return read_config(files.folder, files.name).own_labels


def shipped_labels(model: str) -> tuple[str, ...] | None:
    """Give the labels that are at hand of an alias: its cached model's own, or the package's.

    Returns:
        `None` for what is no alias of a hub model.

    Raises:
        ModelLoadError: What is cached of it is damaged.
    """
    alias = alias_of(model)
    if alias is None or alias.hub_id is None or alias.labels is None:
        return None
    folder: Path | None = cached_snapshot(alias.hub_id, alias.revision)
    if folder is not None:
        return read_config(folder, model).own_labels
    return read_vocabulary(alias.labels)


def labels_at_hand(model: str) -> tuple[str, ...]:
    """Give the labels of an alias, a folder or a cached hub model; none where they are not known.

    Raises:
        ModelLoadError: What is there is damaged.
    """
    shipped = shipped_labels(model)
    if shipped is not None:
        return shipped
    folder: Path | None = PACKAGED.get(model) or Path(model)
    if folder is not None and not (folder / "config.json").is_file():
        folder = cached_snapshot(model) if model.count("/") == 1 else None
    return () if folder is None else read_config(folder, model).own_labels


def find_labels(labels: Sequence[str], sought: str) -> list[tuple[int, str]]:
    """Find the labels in which each of some words, or fragments of words, stands.

    >>> find_labels(["Kicking field goal", "juggling soccer ball", "side kick"], "kick")
    [(0, 'Kicking field goal'), (2, 'side kick')]
    >>> find_labels(["kicking soccer ball", "juggling soccer ball"], "ball kick")
    [(0, 'kicking soccer ball')]

    Returns:
        Each with its index.
    """
    fragments = sought.casefold().split()
    return [
        (index, label)
        for index, label in enumerate(labels)
        if all(fragment in label.casefold() for fragment in fragments)
    ]


def near_labels(labels: Sequence[str], sought: str) -> list[str]:
    """Find labels with words that are spelt nearly so, the most alike first.

    >>> near_labels(["jogging", "side kick", "brushing teeth"], "joging")
    ['jogging']
    """
    owners: dict[str, list[str]] = {}
    for label in labels:
        for word in label.casefold().split():
            owners.setdefault(word.strip("()[],"), []).append(label)
    near: dict[str, None] = {}
    for word in sought.casefold().split():
        for alike in get_close_matches(word, owners, n=_MOST_MEANT, cutoff=_ALIKE):
            near |= dict.fromkeys(owners[alike])
    return list(near)[:_MOST_MEANT]
