"""How well a model does on what it had not seen, in numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vidtag.training.examples import NONE, Examples
from vidtag.training.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Answers to videos by models that had not seen them."""

    what: str
    """What is counted: `video`, or `window` where videos have several labels."""

    num: int
    """How many."""

    num_videos: int
    """Of how many videos."""

    accuracy: float
    """Share of right answers, in [0, 1]."""

    mean_class: float
    """The mean of that over the labels."""

    per_class: tuple[tuple[str, float, int], ...]
    """Of each label: its name, the share of right answers, how many there are."""

    confused: tuple[tuple[str, str, int], ...]
    """What is true, what was said, and how often; the most frequent first."""


def judge(outcome: Outcome) -> Figures | None:
    """Count right answers and confusions; `None` where nothing could be held out."""
    unseen = outcome.unseen
    if unseen is None or not len(unseen.targets):
        return None
    said, names = unseen.logits.argmax(axis=1), outcome.classes
    present = np.unique(unseen.targets)
    shares = {k: float((said[unseen.targets == k] == k).mean()) for k in present.tolist()}
    wrong = said != unseen.targets
    pairs, counts = np.unique(
        np.stack([unseen.targets[wrong], said[wrong]], axis=1), axis=0, return_counts=True
    )
    order = np.argsort(-counts, kind="stable")
    num_videos = len(np.unique(unseen.videos))
    return Figures(
        what="video" if num_videos == len(said) else "window",
        num=len(said),
        num_videos=num_videos,
        accuracy=float((said == unseen.targets).mean()),
        mean_class=float(np.mean(list(shares.values()))),
        per_class=tuple(
            (names[k], share, int((unseen.targets == k).sum())) for k, share in shares.items()
        ),
        confused=tuple(
            (names[pairs[k][0]], names[pairs[k][1]], int(counts[k])) for k in order.tolist()
        ),
    )


def count_windows(examples: Examples, classes: Sequence[str]) -> list[tuple[str, int, int]]:
    """Count of each class the videos that have it, and its windows."""
    targets = np.where(examples.targets == NONE, len(examples.labels), examples.targets)
    return [
        (name, len(np.unique(examples.videos[targets == k])), int((targets == k).sum()))
        for k, name in enumerate(classes)
    ]
