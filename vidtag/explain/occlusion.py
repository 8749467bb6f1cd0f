"""Maps by covering parts of the clip and asking the model again: slow, but true of any model.

Source: Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks",
section 4.2, here with boxes in space and time. Knows nothing of a model but its logits.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, prod

import numpy as np
import numpy.typing as npt

from vidtag.explain.explanation import TokenGrid
from vidtag.models.classifier import Classifier
from vidtag.timeline.scores import softmax

Clip = npt.NDArray[np.uint8]
"""`(T, S, S, 3)` uint8 RGB: one clip of prepared frames."""

Values = npt.NDArray[np.float64]
"""`(T', H', W')` raw values, of any sign and sum."""

Box = tuple[slice, slice, slice]
"""Tokens in time, rows and columns."""

TOKENS_PER_MAP = 160_000
"""Tokens that may go through the model for one map: 102 passes of VideoMAE-base, which take
under a minute on OpenVINO and three to four on torch (two cores), and for small models one
pass per token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """Boxes of tokens that are covered one after the other."""

    depth: int
    """Tokens in time."""

    side: int
    """Tokens from top to bottom, and from left to right."""

    def boxes(self, shape: tuple[int, int, int]) -> Iterator[Box]:
        """List boxes that tile a grid; the last ones are cut at its edge."""
        for t in range(0, shape[0], self.depth):
            for y in range(0, shape[1], self.side):
                for x in range(0, shape[2], self.side):
                    yield (
                        slice(t, t + self.depth),
                        slice(y, y + self.side),
                        slice(x, x + self.side),
                    )

    def count(self, shape: tuple[int, int, int]) -> int:
        """Count the boxes, which is how often the model is asked."""
        depth, rows, columns = shape
        return ceil(depth / self.depth) * ceil(rows / self.side) * ceil(columns / self.side)


def choose_blocks(shape: tuple[int, int, int], tokens_per_map: int = TOKENS_PER_MAP) -> Blocks:
    """Choose the smallest boxes that the budget allows; of two alike, the flatter in space.

    >>> choose_blocks((8, 14, 14)), choose_blocks((8, 6, 6))
    (Blocks(depth=4, side=2), Blocks(depth=1, side=1))
    """
    passes = max(1, tokens_per_map // prod(shape))
    fitting = [
        blocks
        for depth in range(1, shape[0] + 1)
        for side in range(1, max(shape[1:]) + 1)
        if (blocks := Blocks(depth=depth, side=side)).count(shape) <= passes
    ]
    return min(fitting, key=lambda blocks: (blocks.depth * blocks.side**2, blocks.side))


def mean_colour(clip: Clip) -> npt.NDArray[np.uint8]:
    """Return a clip's mean colour, which covers what is taken away: (3,) uint8."""
    return np.asarray(np.rint(clip.mean(axis=(0, 1, 2), dtype=np.float64)), np.uint8)


def cover(clip: Clip, grid: TokenGrid, covered: npt.NDArray[np.bool_]) -> Clip:
    """Paint tokens of a clip over with its mean colour.

    Args:
        clip: (T, S, S, 3) uint8.
        grid: The tokens.
        covered: (T', H', W') which of them.

    Returns:
        A clip like the first.
    """
    mask = grid.on_pixels(covered.astype(np.float32)) > 0
    painted = clip.copy()
    painted[mask] = mean_colour(clip)
    return painted


def occlusion(
    classifier: Classifier, clip: Clip, index: int, grid: TokenGrid, blocks: Blocks | None = None
) -> Values:
    """Measure by how much a label's log-score falls when a box of tokens is covered.

    Args:
        classifier: Any model.
        clip: (T, S, S, 3) uint8.
        index: The label.
        grid: The tokens; for a model that has none, any boxes will do.
        blocks: What is covered at a time; chosen by `choose_blocks` where `None`.

    Returns:
        (T', H', W') the fall, the same for all tokens of a box.
    """
    blocks = blocks or choose_blocks(grid.shape)
    boxes = list(blocks.boxes(grid.shape))
    whole = _log_scores(classifier, clip[None], index)[0]
    values = np.zeros(grid.shape)
    size = max(1, classifier.info.batch_size)
    for first in range(0, len(boxes), size):
        part = boxes[first : first + size]
        clips = []
        for box in part:
            covered = np.zeros(grid.shape, np.bool_)
            covered[box] = True
            clips.append(cover(clip, grid, covered))
        falls = whole - _log_scores(classifier, np.stack(clips), index)
        for box, fall in zip(part, falls, strict=True):
            values[box] = fall
    return values


def _log_scores(classifier: Classifier, clips: npt.NDArray[np.uint8], index: int) -> Values:
    scores = softmax(classifier.logits(clips))[:, index]
    return np.asarray(np.log(np.maximum(scores, np.finfo(np.float64).tiny)))
