"""Judges a saved model: on single clips, on sequences, and on whether it looks at time at all.

The rules of the timeline are those of the tagger that the model is made for: windows of 2 s every
second, a tail window on the sampling grid, and steps of one second whose logits are the mean of
those of the windows that cover the step's middle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForVideoClassification, VideoMAEForVideoClassification
from transformers.utils import logging

from .batches import normalise
from .dataset import NUM_FRAMES, SAMPLES_PER_SECOND, WINDOW_SECONDS, Pool
from .dataset import Sequence as ActionSequence

Frames = NDArray[np.uint8]
Logits = NDArray[np.float32]
Segment = tuple[float, float, int]
"""(start, end, label index) in seconds."""
BATCH = 25


def load_model(folder: Path) -> VideoMAEForVideoClassification:
    """Load a saved model as its users do, in single precision, and insist that all of it is there.

    Args:
        folder: with config.json and model.safetensors.

    Returns:
        The model in evaluation mode.

    Raises:
        ValueError: if weights are missing or left over.
    """
    logging.disable_progress_bar()
    model, info = AutoModelForVideoClassification.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    wrong = {kind: keys for kind, keys in info.items() if keys}
    if wrong:
        raise ValueError(f"weights in {folder} do not fit the configuration: {wrong}")
    evaluated: VideoMAEForVideoClassification = model.eval()
    return evaluated


@torch.no_grad()
def predict(model: VideoMAEForVideoClassification, clips: Frames | Sequence[Frames]) -> Logits:
    """Return the (N, labels) logits of N clips (16, 96, 96, 3)."""
    parts = [
        model(normalise(np.stack(list(clips[i : i + BATCH])))).logits.numpy()
        for i in range(0, len(clips), BATCH)
    ]
    return np.concatenate(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipFigures:
    """Results on single clips; shares between 0 and 1."""

    num_clips: int
    top1: float
    top5: float
    frozen: float
    """With every frame replaced by the clip's middle one."""
    shuffled: float
    reversed: float
    confusion: NDArray[np.int64]
    """(labels, labels): how often the row's action was called the column's."""

    @property
    def margin(self) -> float:
        """Half width of the 95 % interval of ``top1`` (normal approximation)."""
        return float(1.96 * np.sqrt(self.top1 * (1 - self.top1) / self.num_clips))


def evaluate_clips(model: VideoMAEForVideoClassification, pool: Pool) -> ClipFigures:
    """Judge a model on clips of one action each, as they are and with time taken away."""
    truth = pool.labels[:, 0]
    rng = np.random.default_rng(0)

    def score(change: Callable[[Frames], Frames]) -> Logits:
        return predict(model, [change(clip) for clip in pool.frames])

    logits = score(lambda clip: clip)
    best = logits.argmax(1)
    five = np.argsort(-logits, axis=1)[:, :5]
    labels = logits.shape[1]
    confusion = np.zeros((labels, labels), np.int64)
    np.add.at(confusion, (truth, best), 1)
    return ClipFigures(
        num_clips=len(pool),
        top1=float((best == truth).mean()),
        top5=float((five == truth[:, None]).any(1).mean()),
        frozen=frozen_accuracy(model, pool),
        shuffled=_share(score(lambda clip: clip[rng.permutation(NUM_FRAMES)]), truth),
        reversed=_share(score(lambda clip: clip[::-1]), truth),
        confusion=confusion,
    )


def frozen_accuracy(model: VideoMAEForVideoClassification, pool: Pool) -> float:
    """Return the share of clips named right when all frames are the middle one."""
    middle = NUM_FRAMES // 2
    still = [np.repeat(clip[middle : middle + 1], NUM_FRAMES, 0) for clip in pool.frames]
    return _share(predict(model, still), pool.labels[:, 0])


def _share(logits: Logits, truth: NDArray[np.int64]) -> float:
    return float((logits.argmax(1) == truth).mean())


@dataclass(frozen=True, slots=True)
class Step:
    """One row of a timeline."""

    start_seconds: float
    end_seconds: float
    logits: Logits

    @property
    def label(self) -> int:
        """Index of the best label."""
        return int(self.logits.argmax())


def window_starts(duration: float) -> list[float]:
    """Return when the windows of a video of at least 2 s begin."""
    interval = 1 / SAMPLES_PER_SECOND
    starts = [float(k) for k in range(int(np.floor(duration - WINDOW_SECONDS + 1e-9)) + 1)]
    if starts[-1] + WINDOW_SECONDS < duration - 1e-9:
        starts.append(float(np.ceil((duration - WINDOW_SECONDS) / interval - 1e-9)) * interval)
    return starts


def tag_samples(
    model: VideoMAEForVideoClassification, samples: Frames, duration: float
) -> list[Step]:
    """Make the timeline of a video.

    Args:
        model: what to ask.
        samples: (N, 96, 96, 3), the frame on the screen at each eighth of a second's middle; the
            last one is held if the tail window needs more.
        duration: of the video in seconds, at least 2.

    Returns:
        Steps of a second; the last is cut at the end.
    """
    starts = window_starts(duration)
    offsets = np.arange(NUM_FRAMES)
    clips = [
        samples[np.minimum(round(start * SAMPLES_PER_SECOND) + offsets, len(samples) - 1)]
        for start in starts
    ]
    logits = predict(model, clips)
    steps = []
    for k in range(int(np.ceil(duration - 1e-9))):
        end = min(k + 1.0, duration)
        middle = (k + end) / 2
        covering = [i for i, start in enumerate(starts) if start <= middle < start + WINDOW_SECONDS]
        steps.append(Step(float(k), end, logits[covering].mean(0)))
    return steps


def right_seconds(steps: list[Step], truth: Sequence[Segment]) -> float:
    """Return for how many seconds the timeline's best label is what happens."""
    return sum(
        max(0.0, min(step.end_seconds, end) - max(step.start_seconds, start))
        for step in steps
        for start, end, label in truth
        if step.label == label
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceFigures:
    """Results on sequences of several actions; shares between 0 and 1."""

    num_sequences: int
    num_seconds: float
    right: float
    """Share of the time with the right best label."""


def evaluate_sequences(
    model: VideoMAEForVideoClassification, sequences: Sequence[ActionSequence]
) -> SequenceFigures:
    """Judge a model's timelines; where actions change at whole seconds, this is per second."""
    total = right = 0.0
    for sequence in sequences:
        duration = sequence.truth[-1][1]
        steps = tag_samples(model, sequence.samples, duration)
        total += duration
        right += right_seconds(steps, sequence.truth)
    return SequenceFigures(num_sequences=len(sequences), num_seconds=total, right=right / total)
