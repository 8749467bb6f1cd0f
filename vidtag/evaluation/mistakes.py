"""What was mistaken for what, and the mistakes one by one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from vidtag.evaluation.accuracy import Floats, confusion_matrix
from vidtag.evaluation.outcomes import ClipOutcome, Mistake, Names, TimeOutcome
from vidtag.evaluation.per_second import NONE, is_right, moments


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Confusions:
    """What was said of what: labels that occur, and how much."""

    labels: tuple[str | None, ...]
    """Names of the rows, which are true, and of the columns, which were said; `None` is none."""

    amounts: Floats
    """`(n, n)`: clips, or seconds."""

    def pairs(self) -> list[tuple[str | None, str | None, float]]:
        """List what was mistaken for what, most first: true, said, amount."""
        rows, columns = np.nonzero(self.amounts)
        found = [
            (self.labels[row], self.labels[column], float(self.amounts[row, column]))
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
            if row != column
        ]
        return sorted(found, key=lambda pair: -pair[2])


def moments_of(one: TimeOutcome) -> Iterator[tuple[float, float, int, frozenset[int]]]:
    """Cut a video where what is said or what is true changes, as `moments` does."""
    return moments(one.said, one.true, one.end, one.start)


def confuse_clips(clips: Sequence[ClipOutcome], size: int) -> Floats:
    """Count clips, with one more row and column for none: `(size + 1, size + 1)`."""
    truths = np.array([one.truth for one in clips], np.int64)
    said = np.array([one.scores.argmax() for one in clips], np.int64)
    return confusion_matrix(truths, said, np.ones(len(clips)), size + 1)


def confuse_times(times: Sequence[TimeOutcome], size: int) -> Floats:
    """Sum up seconds; the last row and column are of none: `(size + 1, size + 1)`."""
    amounts = np.zeros((size + 1, size + 1))
    for one in times:
        for begin, until, said, true in moments_of(one):
            column = size if said == NONE else said
            # Of labels that hold at once, the one that was said; where none was, each of them.
            rows = [size] if not true else [said] if said in true else sorted(true)
            for row in rows:
                amounts[row, column] += (until - begin) / len(rows)
    return amounts


def name_confusions(amounts: Floats, names: Names) -> Confusions:
    """Leave out what neither holds nor was said."""
    there = np.flatnonzero(amounts.sum(axis=0) + amounts.sum(axis=1))
    labels = (*names.labels, None)
    return Confusions(labels=tuple(labels[k] for k in there), amounts=amounts[np.ix_(there, there)])


def list_mistaken_clips(clips: Sequence[ClipOutcome], names: Names) -> list[Mistake]:
    """List the clips of which something else was said, the surest first."""
    wrong = [one for one in clips if int(one.scores.argmax()) != one.truth]
    return [
        Mistake(
            path=one.path,
            seconds=one.peak_seconds,
            start=None,
            end=None,
            said=names.labels[int(one.scores.argmax())],
            true=(names.labels[one.truth],),
            score=float(one.scores.max()),
        )
        for one in sorted(wrong, key=lambda one: -one.scores.max())
    ]


def list_mistaken_times(times: Sequence[TimeOutcome], names: Names) -> list[Mistake]:
    """List the stretches of which what was said is not true, the longest first."""
    found = []
    for one in times:
        kinds = groupby(moments_of(one), key=lambda moment: moment[2:])
        for (said, true), group in kinds:
            parts = list(group)
            start, end = parts[0][0], parts[-1][1]
            if is_right(said, true):
                continue
            scores = [
                s.score for s in one.said if s.label == said and s.start < end and start < s.end
            ]
            found.append(
                Mistake(
                    path=one.path,
                    seconds=(start + end) / 2,
                    start=start,
                    end=end,
                    said=None if said == NONE else names.labels[said],
                    true=tuple(names.labels[label] for label in sorted(true)),
                    score=max(scores, default=None),
                )
            )
    return sorted(found, key=lambda one: (one.start or 0) - (one.end or 0))
