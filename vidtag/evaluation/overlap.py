"""Stretches of time with labels: how far two overlap, and F1 over those that do."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vidtag.evaluation.accuracy import Floats

F1_OVERLAPS = (0.10, 0.25, 0.50)
"""At which F1 is told of segmentation in time (Lea et al. 2017; MS-TCN, Farha and Gall 2019)."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of one video in which a label holds, as it is or as it was said."""

    start: float
    """In seconds."""

    end: float
    """In seconds; not before its start."""

    label: int
    """Which label."""

    score: float = 1.0
    """How sure of it one is; 1 for what is true."""


@dataclass(frozen=True, slots=True)
class Matches:
    """How many stretches of a video were found."""

    found: int
    """Said, and there."""

    false: int
    """Said, and not there."""

    missed: int
    """There, and not said."""


def overlaps(one: Stretch, others: Sequence[Stretch]) -> Floats:
    """Give the intersection over the union of a stretch with others: `(n,)`, 0 to 1.

    >>> overlaps(Stretch(0, 2, 0), [Stretch(1, 3, 0), Stretch(2, 4, 0), Stretch(0, 2, 5)]).tolist()
    [0.3333333333333333, 0.0, 1.0]
    """
    starts = np.array([other.start for other in others], np.float64)
    ends = np.array([other.end for other in others], np.float64)
    shared = np.clip(np.minimum(one.end, ends) - np.maximum(one.start, starts), 0, None)
    union = (one.end - one.start) + (ends - starts) - shared
    return np.asarray(np.divide(shared, union, out=np.zeros(len(others)), where=union > 0))


def match_stretches(said: Sequence[Stretch], true: Sequence[Stretch], least: float) -> Matches:
    """Count what was found of a video, at an overlap.

    In the order of time, each stretch that was said takes the true one of its label that it
    overlaps most: it is found if that overlap reaches `least` and nobody took it before, and
    false otherwise. Source: `f_score` in MS-TCN's eval.py, where the background is left out.

    >>> true = [Stretch(0, 10, 0), Stretch(10, 20, 1)]
    >>> match_stretches([Stretch(0, 8, 0), Stretch(8, 9, 0), Stretch(12, 30, 1)], true, 0.5)
    Matches(found=1, false=2, missed=1)

    Args:
        said: By the model.
        true: As it is.
        least: Intersection over union that is enough.
    """
    taken: set[int] = set()
    found = 0
    for one in sorted(said, key=lambda stretch: (stretch.start, stretch.end)):
        places = [k for k, other in enumerate(true) if other.label == one.label]
        if not places:
            continue
        shared = overlaps(one, [true[k] for k in places])
        best = int(shared.argmax())
        if shared[best] >= least and places[best] not in taken:
            taken.add(places[best])
            found += 1
    return Matches(found, len(said) - found, len(true) - found)


def f1(found: float, false: float, missed: float) -> float:
    """Give F1, the harmonic mean of precision and recall: 0 to 1, NaN where there is nothing.

    >>> f1(2, 1, 1)
    0.6666666666666666
    """
    total = 2 * found + false + missed
    return 2 * found / total if total > 0 else float("nan")
