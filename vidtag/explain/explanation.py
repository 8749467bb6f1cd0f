"""What an explanation is: a map of evidence on the model's token grid, with its window.

Owns the value and the arithmetic on it. NumPy alone: no model is imported here.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

Method = Literal["combined", "relevance", "integrated", "rollout", "occlusion"]
"""How a map is made; `vidtag.explain.explain_window` says what each of them does."""

METHODS: tuple[Method, ...] = get_args(Method)

Evidence = npt.NDArray[np.float32]
"""`(T', H', W')` float32, non-negative, sums to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenGrid:
    """How a model cuts a clip into tokens: boxes of so many frames, rows and columns."""

    num_frames: int
    """Frames per clip."""

    image_size: int
    """Height and width of a prepared frame, in pixels."""

    tubelet: int
    """Frames per token."""

    patch: int
    """Height and width of a token, in pixels."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Tokens in time, from top to bottom and from left to right: (T', H', W')."""
        side = self.image_size // self.patch
        return self.num_frames // self.tubelet, side, side

    def on_pixels(self, evidence: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Spread a map on tokens to the pixels that they cover, each pixel its token's value.

        Args:
            evidence: (T', H', W').

        Returns:
            (num_frames, image_size, image_size) float32; pixels outside every token are 0.
        """
        if evidence.shape != self.shape:
            raise ValueError(f"a map of shape {evidence.shape} is not on a grid of {self.shape}")
        full = np.zeros((self.num_frames, self.image_size, self.image_size), np.float32)
        spread = evidence.astype(np.float32).repeat(self.tubelet, 0)
        spread = spread.repeat(self.patch, 1).repeat(self.patch, 2)
        frames, height, width = spread.shape
        full[:frames, :height, :width] = spread
        return full

    def on_tokens(self, pixels: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Take the mean over the pixels of every token.

        Args:
            pixels: (num_frames, image_size, image_size).

        Returns:
            (T', H', W') float64.
        """
        depth, rows, columns = self.shape
        inside = pixels[: depth * self.tubelet, : rows * self.patch, : columns * self.patch]
        boxes = inside.reshape(depth, self.tubelet, rows, self.patch, columns, self.patch)
        return np.asarray(boxes.mean(axis=(1, 3, 5), dtype=np.float64))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explanation:
    """Where in a window's pictures and when in its time the evidence for a label lies."""

    method: Method
    """How the map was made."""

    label: str
    """The label that is explained."""

    index: int
    """Its place in the model's outputs."""

    score: float
    """Softmax of the window's logits for it, in [0, 1]."""

    start_seconds: Fraction
    """Start of the window, in the time of the video."""

    end_seconds: Fraction
    """End of the window."""

    evidence: Evidence
    """`(T', H', W')` float32, non-negative, sums to 1."""

    grid: TokenGrid
    """The tokens that the map lies on."""

    def __post_init__(self) -> None:
        if self.evidence.shape != self.grid.shape:
            raise ValueError(
                f"evidence of shape {self.evidence.shape} is not on a grid of {self.grid.shape}"
            )

    def __repr__(self) -> str:
        return (
            f"Explanation({self.label!r}, {self.score:.3f}, {self.method}, "
            f"{float(self.start_seconds):g} to {float(self.end_seconds):g} s, "
            f"evidence {self.evidence.shape})"
        )

    @property
    def temporal_profile(self) -> npt.NDArray[np.float32]:
        """When the evidence lies: `(T',)` float32, sums to 1."""
        return np.asarray(self.evidence.sum(axis=(1, 2)))

    @property
    def peak_seconds(self) -> Fraction:
        """Middle of the tokens' interval in which most of the evidence lies."""
        best = int(self.temporal_profile.argmax())
        length = (self.end_seconds - self.start_seconds) / self.grid.shape[0]
        return self.start_seconds + (best + Fraction(1, 2)) * length


def as_evidence(values: npt.NDArray[np.floating]) -> Evidence:
    """Make a map of evidence from raw values: negative ones count nothing, the rest sums to 1.

    A map without any positive value says nothing, so it becomes the same everywhere.

    >>> as_evidence(np.array([[[3.0, -2.0], [1.0, 0.0]]])).tolist()
    [[[0.75, 0.0], [0.25, 0.0]]]
    """
    positive = np.clip(np.asarray(values, np.float64), 0, None)
    total = positive.sum()
    if not np.isfinite(total) or total <= 0:
        return np.full(positive.shape, 1 / positive.size, np.float32)
    return np.asarray(positive / total, np.float32)
