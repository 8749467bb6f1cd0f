"""How labels are told apart: a colour and a pattern for each.

A label looks the same on all pages of a run and on their index. Pages are written one by one,
before the later ones are known, some are left alone by `--skip-existing`, and several processes
write side by side: so a look follows from the model and the label alone, never from what was found.
"""

import zlib
from dataclasses import dataclass
from functools import lru_cache

from vidtag.documents.records import ModelRecord

NUM_COLOURS = 7
"""Okabe and Ito's palette without black, which is the text's: told apart with any colour sight.
Source: https://jfly.uni-koeln.de/color/"""

NUM_PATTERNS = 8
"""Plain, then stripes, dots and grids."""

NUM_LOOKS = NUM_COLOURS * NUM_PATTERNS
"""Colours and patterns turn at different periods, so that neighbours differ in both, and so many
looks come before the first repeats."""


@dataclass(frozen=True, slots=True)
class Look:
    """A colour and a pattern."""

    number: int
    """Which of them, in turn."""

    @property
    def colour(self) -> int:
        """Number of the colour in the style sheet."""
        return self.number % NUM_COLOURS

    @property
    def pattern(self) -> int:
        """Number of the pattern."""
        return self.number % NUM_PATTERNS

    @property
    def name(self) -> str:
        """Id of the look's fill."""
        return f"look-{self.colour}-{self.pattern}"


def find_look(model: ModelRecord, index: int) -> Look:
    """Find how a label looks.

    A model's own label looks as its place in the outputs says: all of 56 labels differ. Of more,
    two on one page can look the same (of six out of 400, one time in four); to turn one of them
    there would make it another one on that page alone, and each has a lane and a name of its own.

    A given label looks as its text says, so that it keeps its look from run to run while others are
    added, as far as the others of its run leave it free: up to 56 differ.

    Args:
        model: The model of a document, which has all the words that were given.
        index: The label's place in its outputs.
    """
    if model.words and 0 <= index < len(model.words):
        return Look(_spread(tuple(word.label for word in model.words))[index])
    return Look(index % NUM_LOOKS)


@lru_cache(maxsize=64)
def _spread(words: tuple[str, ...]) -> tuple[int, ...]:
    """Give each word the free look that comes next after that of its text, in the rarest colour."""
    chosen: list[int] = []
    taken: set[int] = set()
    num_of_colour = [0] * NUM_COLOURS
    for word in words:
        start = zlib.crc32(word.encode("utf-8", "replace"))
        turn = [(start + k) % NUM_LOOKS for k in range(NUM_LOOKS)]
        free = [number for number in turn if number not in taken] or turn[:1]
        best = min(free, key=lambda number: num_of_colour[number % NUM_COLOURS])
        chosen.append(best)
        taken.add(best)
        num_of_colour[best % NUM_COLOURS] += 1
    return tuple(chosen)
