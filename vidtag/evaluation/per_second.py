"""Untrimmed videos, moment by moment: for how much of the time the right thing was said."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from vidtag.evaluation.overlap import Stretch

NONE = -2
"""Stands for none of the labels: where no truth holds, and where the model said nothing."""


def moments(
    said: Sequence[Stretch], true: Sequence[Stretch], end: float, start: float = 0.0
) -> Iterator[tuple[float, float, int, frozenset[int]]]:
    """Cut a video where what is said or what is true changes.

    Of several labels that are said at once, the one with the highest score counts, the first of
    equal ones.

    >>> list(moments([Stretch(0, 2, 7)], [Stretch(1, 3, 7)], 4))
    [(0.0, 1, 7, frozenset()), (1, 2, 7, frozenset({7})), (2, 3, -2, frozenset({7})), \
(3, 4, -2, frozenset())]

    Args:
        said: By the model.
        true: As it is; they may overlap.
        end: Where the video ends, in seconds; what reaches beyond is cut.
        start: Where it starts, in seconds.

    Yields:
        Start, end, the label that is said or `NONE`, and the true ones, none of them where none
        holds.
    """
    edges = {start, end}
    for stretch in (*said, *true):
        edges |= {edge for edge in (stretch.start, stretch.end) if start < edge < end}
    for begin, until in pairwise(sorted(edges)):
        saying = [one for one in said if one.start <= begin and until <= one.end]
        best = max(saying, key=lambda one: one.score, default=None)
        holding = frozenset(one.label for one in true if one.start <= begin and until <= one.end)
        yield begin, until, NONE if best is None else best.label, holding


def is_right(said: int, true: frozenset[int]) -> bool:
    """Tell whether a moment is right: one of the true labels, or nothing where none holds.

    >>> is_right(7, frozenset({7, 8})), is_right(NONE, frozenset()), is_right(NONE, frozenset({7}))
    (True, True, False)
    """
    return said in true if true else said == NONE
