"""Numbers that tell whether to trust an explained tag.

Owns their definitions and the sentence on how to read each. NumPy, and the model's logits.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vidtag.explain.explanation import Evidence, Explanation, TokenGrid
from vidtag.explain.occlusion import Clip
from vidtag.models.classifier import Classifier
from vidtag.timeline.scores import softmax

MOVING_LEVELS = 16
"""Brightness, of 255 levels, by which a pixel must change to count as moving: above the noise
of cameras and codecs, below what a limb in front of anything else does."""

TOP_SHARE = 0.1
"""Share of the tokens whose mass `Measures.top_mass` gives."""

NUM_SHUFFLES = 1
"""Orders of the frames that are tried, always the same; each is a pass through the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """How far an explanation and its tag can be trusted."""

    spread: float
    """Entropy of the map over that of an even one: 1 is everywhere alike, 0 a single token."""

    top_mass: float
    """Share of the map's mass in the tenth of the tokens that has most of it."""

    moving_mass: float
    """Share of the map's mass on moving pixels."""

    moving_share: float
    """Share of the picture that moves."""

    score: float
    """The label's score for the window."""

    frozen_score: float
    """Its score if every frame is the window's middle one."""

    shuffled_score: float
    """Its score if the frames come in another order."""

    @property
    def moving_gain(self) -> float | None:
        """Mass on moving parts over their share of the picture; `None` if nothing moves."""
        return self.moving_mass / self.moving_share if self.moving_share > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureRow:
    """One line of the table for a person."""

    name: str
    """What was measured."""

    value: str
    """The figure, written out."""

    reading: str
    """A sentence on what it means here."""


def spread(evidence: npt.NDArray[np.floating]) -> float:
    """Return the entropy of a map over that of an even one.

    >>> spread(np.full((2, 2, 2), 1 / 8)), spread(np.eye(2)[None] * [1, 0])
    (1.0, 0.0)
    """
    mass = evidence[evidence > 0].astype(np.float64)
    entropy = -(mass * np.log(mass)).sum() / np.log(max(2, evidence.size))
    return float(max(0.0, entropy))


def top_mass(evidence: npt.NDArray[np.floating], share: float = TOP_SHARE) -> float:
    """Return the mass in the given share of the tokens that has most of it."""
    count = max(1, round(evidence.size * share))
    return float(np.sort(evidence, axis=None)[-count:].sum(dtype=np.float64))


def moving_pixels(clip: Clip) -> npt.NDArray[np.bool_]:
    """Tell which pixels change their brightness towards the frame before or after.

    Args:
        clip: (T, S, S, 3) uint8.

    Returns:
        (T, S, S) bool.
    """
    # ITU-R BT.601 luma.
    brightness = clip.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    changes = np.abs(np.diff(brightness, axis=0)) >= MOVING_LEVELS
    moving = np.zeros(clip.shape[:3], np.bool_)
    moving[1:] |= changes
    moving[:-1] |= changes
    return moving


def mass_on(evidence: Evidence, grid: TokenGrid, pixels: npt.NDArray[np.bool_]) -> float:
    """Return the share of a map's mass on some pixels, each token's spread evenly on its own.

    Args:
        evidence: (T', H', W').
        grid: Its tokens.
        pixels: (T, S, S) which pixels.
    """
    return float((evidence * grid.on_tokens(pixels.astype(np.float32))).sum(dtype=np.float64))


def measure(classifier: Classifier, clip: Clip, explanation: Explanation) -> Measures:
    """Measure one explanation; asks the model about two clips.

    Args:
        classifier: The model that was explained.
        clip: (T, S, S, 3) uint8: what it was explained on.
        explanation: The map.
    """
    num_frames = len(clip)
    middle = num_frames // 2
    rng = np.random.default_rng(0)
    clips = [np.repeat(clip[middle : middle + 1], num_frames, axis=0)]
    clips += [clip[rng.permutation(num_frames)] for _ in range(NUM_SHUFFLES)]
    size = max(1, classifier.info.batch_size)
    scores = np.concatenate(
        [
            softmax(classifier.logits(np.stack(clips[first : first + size])))[:, explanation.index]
            for first in range(0, len(clips), size)
        ]
    )
    evidence, grid = explanation.evidence, explanation.grid
    moving = moving_pixels(clip)
    return Measures(
        spread=spread(evidence),
        top_mass=top_mass(evidence),
        moving_mass=mass_on(evidence, grid, moving),
        moving_share=float(grid.on_tokens(moving.astype(np.float32)).mean()),
        score=explanation.score,
        frozen_score=float(scores[0]),
        shuffled_score=float(scores[1:].mean()),
    )


def read_measures(measures: Measures) -> tuple[MeasureRow, ...]:
    """Say in words what the numbers mean."""
    return (
        MeasureRow(
            name="top tenth of the map",
            value=f"{measures.top_mass:.0%} of its mass",
            reading=_read_concentration(measures),
        ),
        MeasureRow(
            name="on moving parts",
            value=f"{measures.moving_mass:.0%}; {measures.moving_share:.0%} of the picture moves",
            reading=_read_motion(measures),
        ),
        MeasureRow(
            name="frames frozen",
            value=f"score {measures.score:.2f} → {measures.frozen_score:.2f}",
            reading=_read_time(
                measures,
                measures.frozen_score,
                "One picture is enough for this tag: it rests on things or a pose, not motion.",
                "The tag needs motion: one picture does not give it.",
            ),
        ),
        MeasureRow(
            name="frames shuffled",
            value=f"score {measures.score:.2f} → {measures.shuffled_score:.2f}",
            reading=_read_time(
                measures,
                measures.shuffled_score,
                "The order of the frames does not matter for this tag.",
                "The tag needs the frames in their order.",
            ),
        ),
    )


def _read_concentration(measures: Measures) -> str:
    if measures.top_mass < 2 * TOP_SHARE:
        return "The map is nearly the same everywhere: it does not point at anything."
    if measures.top_mass > 0.8:
        return "Very little of the clip decides: look whether it is what you expect."
    return "The evidence lies in some places more than in others: look at which."


def _read_motion(measures: Measures) -> str:
    if measures.moving_share < 0.005:
        return "Hardly anything moves in this window."
    if measures.moving_share > 0.6:
        return "Most of the picture moves (the camera, perhaps): this says little here."
    gain = measures.moving_gain or 0.0
    if gain >= 1.5:
        return "The evidence lies on what moves more than chance would put it there."
    if gain >= 0.8:
        return "The evidence lies on what moves no more than chance would put it there."
    return "The evidence avoids what moves: the tag may rest on the scene."


def _read_time(measures: Measures, changed: float, kept: str, lost: str) -> str:
    if measures.score < 0.05:
        return "The score is too low to tell."
    if changed >= 0.8 * measures.score:
        return kept
    if changed <= 0.4 * measures.score:
        return lost
    return "Part of the score goes: time matters, but is not all."
