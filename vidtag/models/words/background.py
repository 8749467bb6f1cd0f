"""What given words compete with, so that their scores mean something.

A softmax over the given words alone says 1.00 for one word, whatever happens. So they compete
with a background: the actions that the model is known to tell apart, and some phrases for nothing
of that, less those that mean the same as a given word. Source of the idea: negative labels (Jiang
et al. 2024, arXiv 2403.20078), and of leaving some out NegRefine (arXiv 2507.09795).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

BackgroundChoice = Literal["auto", "none"]
"""The model's own background, or a bare softmax over the given words."""

Vectors = npt.NDArray[np.float32]
"""`(n, D)` float32: texts in a model's text space."""

_NEAREST_SHARE = 0.999
"""Of the pairs of different actions, the share that lies further apart than what counts as the
same. The limit follows from the model's own space: cosines of one model are not those of another
(in CLIP's, all texts are near to one another)."""

_THE_SAME = 0.999999
"""A cosine: what rounding leaves of 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A phrase of the background that is too near to a given word."""

    phrase: str
    label: str
    """The given word."""

    cosine: float
    """Of their directions in the model's text space."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """What the given words compete with."""

    source: Literal["kinetics400", "model"]
    """Where its actions come from: Kinetics-400, or the names in the model's config."""

    phrases: tuple[str, ...]
    """Those that are in it."""

    limit: float
    """The cosine beyond which a phrase counts as a given word's own."""

    left_out: tuple[LeftOut, ...]
    """Those that are not."""


def directions(vectors: Vectors) -> npt.NDArray[np.float64]:
    """Scale vectors to length 1."""
    wide = vectors.astype(np.float64)
    return np.asarray(wide / np.linalg.norm(wide, axis=-1, keepdims=True))


def nearness_limit(actions: Vectors) -> float:
    """Tell beyond which cosine two texts mean the same: hardly any two actions are so near.

    Args:
        actions: `(n, D)` names of different actions in the model's text space; at least two.
    """
    cosines = directions(actions) @ directions(actions).T
    pairs = cosines[np.triu_indices(len(actions), k=1)]
    return round(float(np.quantile(pairs, _NEAREST_SHARE)), 6)


def choose_background(
    words: Sequence[tuple[str, Vectors]],
    phrases: Sequence[str],
    vectors: Vectors,
    *,
    num_actions: int,
    source: Literal["kinetics400", "model"],
) -> tuple[Background, npt.NDArray[np.intp]]:
    """Leave out of the background what is too near to a given word.

    Args:
        words: Each given label, with its phrases in the model's text space, `(p, D)`.
        phrases: The whole background; the actions first, then what stands for nothing.
        vectors: `(n, D)`, the same in the model's text space.
        num_actions: How many of them are actions.
        source: Where these come from.

    Returns:
        What is left, and its places among the phrases.
    """
    limit = nearness_limit(vectors[:num_actions])
    owners = [label for label, own in words for _ in own]
    given = directions(np.concatenate([own for _, own in words]))
    cosines = directions(vectors) @ given.T
    nearest = cosines.argmax(axis=1)
    best = cosines.max(axis=1).round(6)
    # The same phrase is the same, also for a model that tells some of its own names not apart.
    is_left = (best <= limit) & (best < _THE_SAME)
    background = Background(
        source=source,
        phrases=tuple(phrase for phrase, left in zip(phrases, is_left, strict=True) if left),
        limit=limit,
        left_out=tuple(
            LeftOut(phrase=phrases[k], label=owners[nearest[k]], cosine=float(best[k]))
            for k in np.flatnonzero(~is_left).tolist()
        ),
    )
    return background, np.flatnonzero(is_left)
