"""From logits to scores: softmax, means, the best labels. NumPy alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Average = Literal["logits", "probs"]
"""How windows are averaged: softmax of the mean logits, or mean of the softmaxes."""

Scores = npt.NDArray[np.float64]
"""`(num_labels,)` or `(n, num_labels)` float64 in [0, 1]; each row sums to 1, less what went to a
background."""

DECIMALS = 6
"""Scores are compared as they are printed, so that a document's steps and segments agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A label with its score."""

    label: str
    """The model's name for the class."""

    index: int
    """The class's place in the logits."""

    score: float
    """Softmax of averaged logits, in [0, 1]."""


def softmax(logits: npt.NDArray[np.floating]) -> Scores:
    """Turn logits into scores along the last axis.

    >>> softmax(np.array([0.0, 0.0])).tolist()
    [0.5, 0.5]
    """
    shifted = np.asarray(logits, dtype=np.float64)
    shifted = shifted - shifted.max(axis=-1, keepdims=True)
    powers = np.exp(shifted)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def average_windows(logits: npt.NDArray[np.float32], average: Average) -> Scores:
    """Average the windows of a step, or of a whole video, into scores.

    `logits` averages before the softmax; `probs` after it, which is the evaluation protocol of
    the VideoMAE paper (Tong et al. 2022, section 4).

    Args:
        logits: `(num_windows, num_labels)` float32, at least one window.
        average: How windows are averaged.

    Returns:
        `(num_labels,)` float64.
    """
    if logits.ndim != 2 or not len(logits):
        raise ValueError(f"logits must be (num_windows, num_labels), not {logits.shape}")
    return from_averaged(to_averaged(logits, average).mean(axis=0), average)


def to_averaged(logits: npt.NDArray[np.float32], average: Average) -> npt.NDArray[np.float64]:
    """Turn logits into that of which the mean is taken: logits, or their softmax."""
    return logits.astype(np.float64) if average == "logits" else softmax(logits)


def from_averaged(mean: npt.NDArray[np.float64], average: Average) -> Scores:
    """Turn a mean of `to_averaged` into scores."""
    return softmax(mean) if average == "logits" else mean


def background_score(scores: Scores) -> float:
    """Give what the labels leave to the background: `scores` are `(num_labels,)`.

    >>> background_score(np.array([0.25, 0.5]))
    0.25
    """
    return min(max(1.0 - float(scores.sum()), 0.0), 1.0)


def tags_reaching(scores: Scores, labels: Sequence[str], least: float) -> tuple[Tag, ...]:
    """Return the labels whose score, as it is printed, reaches another one; best first.

    >>> [tag.label for tag in tags_reaching(np.array([0.2, 0.5, 0.3]), ["a", "b", "c"], 0.3)]
    ['b', 'c']
    """
    reaching = np.flatnonzero(scores.round(DECIMALS) >= least)
    order = reaching[np.argsort(-scores[reaching], kind="stable")]
    return tuple(Tag(label=labels[i], index=int(i), score=float(scores[i])) for i in order)


def top_tags(scores: Scores, labels: Sequence[str], k: int) -> tuple[Tag, ...]:
    """Return the k best labels, best first; equal scores keep the order of the labels.

    >>> [tag.label for tag in top_tags(np.array([0.2, 0.5, 0.3]), ["a", "b", "c"], 2)]
    ['b', 'c']
    """
    order = np.argsort(-scores, kind="stable")[:k]
    return tuple(Tag(label=labels[i], index=int(i), score=float(scores[i])) for i in order)
