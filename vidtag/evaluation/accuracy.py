"""Labelled clips: how often the right label is the best, or among the best."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]


def top_hits(scores: Floats, truths: Indices, k: int) -> Flags:
    """Tell of each clip whether its label is among the k best; equal scores keep their order.

    >>> top_hits(np.array([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]]), np.array([2, 1]), 1).tolist()
    [False, False]
    >>> top_hits(np.array([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]]), np.array([2, 3]), 2).tolist()
    [True, False]

    Args:
        scores: `(num_clips, num_labels)`.
        truths: `(num_clips,)` indices of labels; one beyond them is of a label that the model does
            not know, and never right.
        k: How many of the best count.

    Returns:
        `(num_clips,)` bool.
    """
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.asarray((best == truths[:, None]).any(axis=1))


def share(hits: Flags, weights: Floats) -> float:
    """Give the share that is right: 0 to 1, NaN where nothing counts.

    >>> share(np.array([True, False, True]), np.array([1.0, 1.0, 2.0]))
    0.75

    Args:
        hits: `(n,)`: which are right.
        weights: `(n,)`: how often each counts.
    """
    total = weights.sum()
    return float(weights @ hits / total) if total > 0 else float("nan")


def mean_class_share(hits: Flags, classes: Indices, weights: Floats) -> float:
    """Give the mean over the classes of the share that is right in each: 0 to 1, or NaN.

    A class with one clip counts as much as one with a hundred; one without clips not at all.
    Source: "mean class accuracy" of MMAction2, `mean_class_accuracy`.

    >>> mean_class_share(np.array([True, True, False]), np.array([4, 4, 7]), np.ones(3))
    0.5

    Args:
        hits: `(n,)`: which are right.
        classes: `(n,)`: to which class each belongs, by any numbers.
        weights: `(n,)`: how often each counts.
    """
    _, places = np.unique(classes, return_inverse=True)
    totals = np.bincount(places, weights)
    right = np.bincount(places, weights * hits)
    there = totals > 0
    return float((right[there] / totals[there]).mean()) if there.any() else float("nan")


def confusion_matrix(truths: Indices, said: Indices, weights: Floats, size: int) -> Floats:
    """Count how often each label was said of each: `(size, size)`, rows are true.

    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), np.ones(3), 2).tolist()
    [[1.0, 1.0], [0.0, 1.0]]

    Args:
        truths: `(n,)` indices below `size`.
        said: `(n,)` indices below `size`.
        weights: `(n,)`: how much each counts: 1, or seconds.
        size: How many labels there are.
    """
    counts = np.bincount(truths * size + said, weights, size * size)
    return np.asarray(counts.reshape(size, size), np.float64)
