"""Untrimmed videos, stretch by stretch: mean average precision, as ActivityNet computes it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vidtag.evaluation.accuracy import Flags, Floats, Indices
from vidtag.evaluation.overlap import Stretch, overlaps

OVERLAPS = tuple(round(0.3 + 0.05 * k, 2) for k in range(14))
"""At which detections are matched: 0.3, 0.35 … 0.95."""

ACTIVITYNET = tuple(round(0.5 + 0.05 * k, 2) for k in range(10))
"""Those whose mean ActivityNet's challenge tells: 0.5, 0.55 … 0.95."""

THUMOS = (0.3, 0.4, 0.5, 0.6, 0.7)
"""Those whose mean is told of THUMOS14."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Detections:
    """What was detected in several videos and which of it is there, matched at each overlap.

    Detections stand by their label, then by falling score.
    """

    num_classes: int
    """Labels that occur in the truth; they are numbered anew."""

    classes: Indices
    """`(n,)`: label of each detection."""

    videos: Indices
    """`(n,)`: its video."""

    hits: Flags
    """`(num_overlaps, n)`: whether it is there, by how much it has to overlap."""

    true_classes: Indices
    """`(m,)`: label of each true stretch."""

    true_videos: Indices
    """`(m,)`: its video."""

    labels: tuple[int, ...]
    """`(num_classes,)`: the numbers that the labels had before."""


def match_detections(
    said: Sequence[Sequence[Stretch]],
    true: Sequence[Sequence[Stretch]],
    least: Sequence[float] = OVERLAPS,
) -> Detections:
    """Match what was said of each video with what is there.

    The best score first, each detection takes the true stretch of its label and video that it
    overlaps most and that nobody took before, if the overlap reaches what is asked; else it is
    false, as is one in a video in which its label does not occur. A label that occurs in no video
    has no precision, and its detections are left out. Source:
    `compute_average_precision_detection` in ActivityNet's eval_detection.py.

    Args:
        said: By video.
        true: By video, in the same order.
        least: Intersections over union that are asked.
    """
    labels = sorted({one.label for stretches in true for one in stretches})
    number = {label: k for k, label in enumerate(labels)}
    rows: list[tuple[int, float, int, npt.NDArray[np.bool_]]] = []
    for video, (ours, theirs) in enumerate(zip(said, true, strict=True)):
        for label in sorted({one.label for one in ours} & number.keys()):
            own = [one for one in ours if one.label == label]
            there = [one for one in theirs if one.label == label]
            own.sort(key=lambda one: -one.score)
            for one, hit in zip(own, _match(own, there, least), strict=True):
                rows.append((number[label], -one.score, video, hit))
    rows.sort(key=lambda row: row[:3])
    pairs = [(number[one.label], video) for video, theirs in enumerate(true) for one in theirs]
    return Detections(
        num_classes=len(labels),
        classes=np.array([row[0] for row in rows], np.int64),
        videos=np.array([row[2] for row in rows], np.int64),
        hits=np.array([row[3] for row in rows], bool).reshape(len(rows), len(least)).T,
        true_classes=np.array([pair[0] for pair in pairs], np.int64),
        true_videos=np.array([pair[1] for pair in pairs], np.int64),
        labels=tuple(labels),
    )


def _match(
    said: Sequence[Stretch], true: Sequence[Stretch], least: Sequence[float]
) -> npt.NDArray[np.bool_]:
    """Match the detections of one label in one video, best score first: `(n, num_overlaps)`."""
    hits = np.zeros((len(said), len(least)), bool)
    free = np.ones((len(least), len(true)), bool)
    for row, one in enumerate(said):
        shared = overlaps(one, true)
        order = np.argsort(-shared, kind="stable")
        for column, asked in enumerate(least):
            for place in order:
                if shared[place] < asked:
                    break
                if free[column, place]:
                    free[column, place] = False
                    hits[row, column] = True
                    break
    return hits


def average_precisions(detections: Detections, weights: Floats) -> Floats:
    """Give the average precision of each label at each overlap: `(num_overlaps, num_classes)`.

    The area under the curve of precision over recall, where the precision at a recall is the best
    at that or a higher one, at every recall that there is (all points, not eleven). Source:
    `interpolated_prec_rec` in ActivityNet's eval_detection.py.

    >>> true = [[Stretch(0, 10, 3)], [Stretch(0, 10, 3)]]
    >>> said = [[Stretch(0, 9, 3, 0.9), Stretch(20, 30, 3, 0.8)], [Stretch(0, 6, 3, 0.7)]]
    >>> found = match_detections(said, true, (0.5, 0.75))
    >>> average_precisions(found, np.ones(2)).round(4).tolist()
    [[0.8333], [0.5]]

    Args:
        detections: As they were matched.
        weights: `(num_videos,)`: how often each video counts.

    Returns:
        0 to 1; NaN for a label that does not occur in the videos that count.
    """
    num_classes = detections.num_classes
    there = np.bincount(detections.true_classes, weights[detections.true_videos], num_classes)
    result = np.where(there > 0, 0.0, np.nan)[None].repeat(len(detections.hits), axis=0)
    if not len(detections.classes):
        return result
    classes = detections.classes
    counts = weights[detections.videos]
    right = counts * detections.hits
    firsts = np.flatnonzero(np.r_[True, classes[1:] != classes[:-1]])
    sizes = np.diff(np.r_[firsts, len(classes)])
    found = _sums_within(right, firsts, sizes)
    seen = _sums_within(np.broadcast_to(counts, right.shape), firsts, sizes)
    precision = np.divide(found, seen, out=np.zeros_like(found), where=seen > 0)
    # The best precision from here on, of this label alone: labels are lifted above those behind.
    lift = 2.0 * (num_classes - classes)
    best = np.maximum.accumulate((precision + lift)[:, ::-1], axis=1)[:, ::-1] - lift
    areas = np.add.reduceat(best * right, firsts, axis=1)
    present = classes[firsts]
    total = there[present]
    result[:, present] = np.divide(
        areas, total, out=np.full_like(areas, np.nan), where=np.broadcast_to(total > 0, areas.shape)
    )
    return result


def _sums_within(values: Floats, firsts: Indices, sizes: Indices) -> Floats:
    """Sum up along the rows, anew from each of the places."""
    sums = np.cumsum(values, axis=1)
    before = sums[:, firsts] - values[:, firsts]
    return np.asarray(sums - before.repeat(sizes, axis=1))


def mean_average_precisions(detections: Detections, weights: Floats) -> Floats:
    """Give the mean over the labels that occur: `(num_overlaps,)`, NaN where none does.

    Args:
        detections: As they were matched.
        weights: `(num_videos,)`: how often each video counts.
    """
    precisions = average_precisions(detections, weights)
    there = ~np.isnan(precisions[0]) if len(precisions) else np.zeros(0, bool)
    if not there.any():
        return np.full(len(detections.hits), np.nan)
    return np.asarray(precisions[:, there].mean(axis=1))
