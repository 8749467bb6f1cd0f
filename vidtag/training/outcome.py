"""What a training came to, however it was done."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unseen:
    """Answers to videos by models that had not seen them."""

    logits: Floats
    """`(U, C)`: of a video with one label the mean of its windows', else of each window; before
    the temperature."""

    targets: npt.NDArray[np.int64]
    """`(U,)`: what is true, as a class."""

    videos: npt.NDArray[np.int64]
    """`(U,)`: which video each is of."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """How well a trained model does, and how it was made."""

    classes: tuple[str, ...]
    """Names of its outputs; the last one is that of none of the labels, where there is one."""

    temperature: float
    """What its logits are to be divided by; 1 where nothing could be held out."""

    unseen: Unseen | None
    """`None` where nothing could be held out: each label has one video alone."""

    held_out: str
    """What was held out, in words."""

    recipe: str
    """How it was made, in a sentence."""
