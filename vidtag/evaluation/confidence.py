"""Whether scores mean what they say: of all that is said with 0.8, 80 % should be right."""

from dataclasses import dataclass

import numpy as np

from vidtag.evaluation.accuracy import Flags, Floats, Indices

NUM_BINS = 15
"""Bins of equal width, as in Guo et al. 2017, "On Calibration of Modern Neural Networks"."""

_LEAST_LOG, _MOST_LOG = -3.0, 3.0
"""Temperatures from 0.05 to 20: beyond, scores are all the same or all 0 and 1."""

_NEAR = 1e-3
"""Of an end: golden section never quite reaches it."""

_TOLERANCE = 1e-9
"""Of the logarithm of a temperature: more digits than anybody prints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """What was said with a confidence between two values, and how much of that is right."""

    low: float
    """Confidence above which it begins."""

    high: float
    """Confidence at which it ends; it still belongs to it."""

    total: float
    """How many, or how much, fell into it."""

    confidence: float | None
    """Their mean confidence; `None` for an empty one."""

    accuracy: float | None
    """Share of them that is right; `None` for an empty one."""


def reliability_bins(
    confidences: Floats, hits: Flags, weights: Floats, num_bins: int = NUM_BINS
) -> tuple[Bin, ...]:
    """Sort what was said by its confidence into bins of equal width.

    >>> bins = reliability_bins(np.array([0.9, 0.8, 0.3]), np.array([1, 0, 0]) > 0, np.ones(3), 2)
    >>> [(one.total, round(one.confidence, 2), one.accuracy) for one in bins]
    [(1.0, 0.3, 0.0), (2.0, 0.85, 0.5)]

    Args:
        confidences: `(n,)`: the best score of each, in [0, 1].
        hits: `(n,)`: whether the label with that score is right.
        weights: `(n,)`: how often each counts.
        num_bins: How many bins tile 0 to 1.
    """
    totals, said, right = _sums(confidences, hits, weights, num_bins)
    return tuple(
        Bin(
            low=k / num_bins,
            high=(k + 1) / num_bins,
            total=float(totals[k]),
            confidence=float(said[k] / totals[k]) if totals[k] > 0 else None,
            accuracy=float(right[k] / totals[k]) if totals[k] > 0 else None,
        )
        for k in range(num_bins)
    )


def calibration_error(
    confidences: Floats, hits: Flags, weights: Floats, num_bins: int = NUM_BINS
) -> float:
    """Give the expected calibration error, ECE: 0 to 1, NaN where nothing counts.

    The mean over the bins of how far the confidence in them is from the share that is right, each
    by how much fell into it. Source: Naeini et al. 2015; Guo et al. 2017, equation 3.

    >>> round(calibration_error(np.array([0.9, 0.9]), np.array([True, False]), np.ones(2)), 6)
    0.4

    Args:
        confidences: `(n,)`: the best score of each, in [0, 1].
        hits: `(n,)`: whether the label with that score is right.
        weights: `(n,)`: how often each counts.
        num_bins: How many bins tile 0 to 1.
    """
    total = weights.sum()
    if total <= 0:
        return float("nan")
    _, said, right = _sums(confidences, hits, weights, num_bins)
    return float(np.abs(said - right).sum() / total)


def _sums(
    confidences: Floats, hits: Flags, weights: Floats, num_bins: int
) -> tuple[Floats, Floats, Floats]:
    """Sum up each bin: how much, how confident, how much of it right."""
    # Half-open to the left, as (0.8, 0.9]: what is said with 1 has a bin.
    places = np.clip(np.ceil(confidences * num_bins).astype(np.int64) - 1, 0, num_bins - 1)
    total, said, right = (
        np.asarray(np.bincount(places, values, num_bins), np.float64)
        for values in (weights, weights * confidences, weights * hits)
    )
    return total, said, right


def is_at_an_end(temperature: float) -> bool:
    """Tell whether a temperature is one of those between which it is looked for.

    Then the data can't say how sure a model may be: all that it says is right, say.

    >>> is_at_an_end(1.0), is_at_an_end(fit_temperature(np.array([[1.0, 0.0]]), np.array([0])))
    (False, True)
    """
    place = float(np.log(temperature))
    return not _LEAST_LOG + _NEAR < place < _MOST_LOG - _NEAR


def mean_surprise(logits: Floats, truths: Indices, temperature: float = 1.0) -> float:
    """Give the negative log-likelihood of what is true: the mean of -ln(score), in nats.

    >>> round(mean_surprise(np.zeros((3, 2)), np.array([0, 1, 1])), 6)
    0.693147

    Args:
        logits: `(n, num_labels)`.
        truths: `(n,)` indices of labels.
        temperature: What the logits are divided by.
    """
    scaled = logits / temperature
    peaks = scaled.max(axis=1)
    sums = peaks + np.log(np.exp(scaled - peaks[:, None]).sum(axis=1))
    return float((sums - scaled[np.arange(len(truths)), truths]).mean())


def fit_temperature(logits: Floats, truths: Indices) -> float:
    """Find the temperature with which scores fit best what is true.

    Logits are divided by it: above 1 the model was too sure, below 1 too shy. What is best stays
    best. The surprise has one minimum over 1 / temperature (it is convex there), which golden
    section finds, the same on every machine up to rounding. Source: Guo et al. 2017, section 4.2.

    >>> logits = np.log(np.array([[0.9, 0.1]] * 4))
    >>> truths = np.array([0, 0, 0, 1])  # said with 0.9, right in three of four
    >>> round(float(1 / (1 + np.exp(-np.log(9) / fit_temperature(logits, truths)))), 4)
    0.75

    Args:
        logits: `(n, num_labels)`, at least one.
        truths: `(n,)` indices of labels.

    Returns:
        Between 0.05 and 20; at an end where what is said is always right, or is noise.
    """
    if logits.ndim != 2 or not len(logits) or len(logits) != len(truths):
        raise ValueError(f"logits are {logits.shape}, of {len(truths)} truths")
    step = (np.sqrt(5.0) - 1) / 2
    low, high = _LEAST_LOG, _MOST_LOG
    left, right = high - step * (high - low), low + step * (high - low)

    def cost(place: float) -> float:
        return mean_surprise(logits, truths, float(np.exp(place)))

    cost_left, cost_right = cost(left), cost(right)
    while high - low > _TOLERANCE:
        if cost_left <= cost_right:
            high, right, cost_right = right, left, cost_left
            left = high - step * (high - low)
            cost_left = cost(left)
        else:
            low, left, cost_left = left, right, cost_right
            right = low + step * (high - low)
            cost_right = cost(right)
    return float(np.exp((low + high) / 2))
