"""The clips of the model for own words: the demo model's, and as many of nothing happening.

The actions' clips are those that the demo model is trained and judged on, drawn from the same
seeds; every 23rd clip shows a figure that stands still, every 24th a place without anybody.
"""

from figures.actions import EMPTY, LABELS, STANDING, UNSEEN
from figures.dataset import (
    STRADDLING_SHARE,
    Example,
    make_single,
    make_straddling,
    make_test_example,
    split_rng,
)
from figures.dataset import make_training_example as make_action

NOTHING = (STANDING, EMPTY)
CYCLE = len(LABELS) + len(NOTHING)


def make_training_example(index: int, seed: int) -> Example:
    """Render clip number `index` of the training split; actions and nothing take turns."""
    turn, place = divmod(index, CYCLE)
    if place < len(LABELS):
        return make_action(turn * len(LABELS) + place, seed)
    rng = split_rng("train nothing", index, seed)
    label = NOTHING[place - len(LABELS)]
    if label == STANDING and rng.random() < STRADDLING_SHARE:
        return make_straddling(rng, label)
    return make_single(rng, label)


def make_nothing_example(index: int, seed: int) -> Example:
    """Render clip number `index` of the test split of standing figures and empty places."""
    return make_single(split_rng("test nothing", index, seed), NOTHING[index % len(NOTHING)])


def make_unseen_example(index: int, seed: int) -> Example:
    """Render clip number `index` of the actions that no training clip shows."""
    return make_single(split_rng("test unseen", index, seed), UNSEEN[index % len(UNSEEN)])


__all__ = [
    "make_nothing_example",
    "make_test_example",
    "make_training_example",
    "make_unseen_example",
]
