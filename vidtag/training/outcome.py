"""What a training came to, however it was done."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vidtag.evaluation.confidence import fit_temperature, is_at_an_end

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
    """What its logits are to be divided by; 1 where the videos that it has not seen can't say."""

    unseen: Unseen | None
    """`None` where nothing could be held out: each label has one video alone."""

    held_out: str
    """What was held out, in words."""

    recipe: str
    """How it was made, in a sentence."""

    @property
    def is_calibrated(self) -> bool:
        """Whether the temperature was found on videos that it had not seen."""
        return self.unseen is not None and self.temperature != UNKNOWN_TEMPERATURE


UNKNOWN_TEMPERATURE = 1.0
"""Leaves scores as they are."""


def find_temperature(unseen: Unseen | None) -> float:
    """Find the temperature by what a model says of videos that it has not seen.

    Where all of that is right, the surest scores would fit best, however few videos there are:
    they can't say how sure the model may be, as `vidtag eval --calibrate` says, too.
    """
    if unseen is None:
        return UNKNOWN_TEMPERATURE
    found = fit_temperature(unseen.logits, unseen.targets)
    return UNKNOWN_TEMPERATURE if found < 1 and is_at_an_end(found) else found
