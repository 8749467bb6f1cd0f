"""Judges a saved model: on single clips, on sequences, and on whether it looks at time at all.

The timeline is vidtag's own.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from transformers import VideoMAEForVideoClassification

from figures.actions import LABELS
from figures.batches import normalise
from figures.dataset import IMAGE_SIZE, NUM_FRAMES, SAMPLES_PER_SECOND, Pool, fit_to_model
from figures.dataset import Sequence as ActionSequence
from vidtag import Classifier, ClassifierInfo, LoadOptions, StepTags, Tagger
from vidtag.evaluation.accuracy import confusion_matrix, share, top_hits
from vidtag.models.load import load_classifier

Frames = npt.NDArray[np.uint8]
Logits = npt.NDArray[np.float32]
Segment = tuple[float, float, int]
"""(start, end, label index) in seconds."""
BATCH = 25


def network_info(batch_size: int) -> ClassifierInfo:
    """Return what a tagger wants to know of a network in memory."""
    return ClassifierInfo(
        model_id="network",
        revision=None,
        num_frames=NUM_FRAMES,
        image_size=IMAGE_SIZE,
        licence=None,
        window_seconds=Fraction(NUM_FRAMES, SAMPLES_PER_SECOND),
        stride_seconds=Fraction(1),
        engine="torch",
        device="cpu",
        precision="fp32",
        batch_size=batch_size,
    )


class NetworkClassifier:
    """A network in memory as a classifier, so that it is judged as the shipped one is."""

    labels = LABELS

    def __init__(self, network: VideoMAEForVideoClassification) -> None:
        self._network = network
        self.info = network_info(BATCH)

    def prepare(self, image: Frames) -> Frames:
        """Resize and crop one picture."""
        return np.asarray(fit_to_model(image[None])[0])

    @torch.no_grad()
    def logits(self, clips: Frames) -> Logits:
        """Run the network on (B, 16, 96, 96, 3) clips."""
        logits: Logits = self._network(normalise(clips)).logits.numpy()
        return logits


def load_model(folder: Path) -> Classifier:
    """Load a saved model as its users do, on torch and in single precision."""
    options = LoadOptions(model=folder, engine="torch", precision="fp32", device="cpu")
    return load_classifier(options)


def predict(model: Classifier, clips: Frames | Sequence[Frames]) -> Logits:
    """Return the (N, labels) logits of N clips (16, 96, 96, 3)."""
    size = model.info.batch_size
    parts = [model.logits(np.stack(list(clips[i : i + size]))) for i in range(0, len(clips), size)]
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
    confusion: npt.NDArray[np.int64]
    """(labels, labels): how often the row's action was called the column's."""

    @property
    def margin(self) -> float:
        """Half width of the 95 % interval of `top1` (normal approximation)."""
        return float(1.96 * np.sqrt(self.top1 * (1 - self.top1) / self.num_clips))


def evaluate_clips(model: Classifier, pool: Pool) -> ClipFigures:
    """Judge a model on clips of one action each, as they are and with time taken away."""
    truth = pool.labels[:, 0]
    rng = np.random.default_rng(0)

    def score(change: Callable[[Frames], Frames]) -> Logits:
        return predict(model, [change(clip) for clip in pool.frames])

    logits = score(lambda clip: clip)
    counted = np.ones(len(pool))
    confusion = confusion_matrix(truth, logits.argmax(1), counted, logits.shape[1])
    return ClipFigures(
        num_clips=len(pool),
        top1=share(top_hits(logits.astype(np.float64), truth, 1), counted),
        top5=share(top_hits(logits.astype(np.float64), truth, 5), counted),
        frozen=frozen_accuracy(model, pool),
        shuffled=_share(score(lambda clip: clip[rng.permutation(NUM_FRAMES)]), truth),
        reversed=_share(score(lambda clip: clip[::-1]), truth),
        confusion=confusion.astype(np.int64),
    )


def frozen_accuracy(model: Classifier, pool: Pool) -> float:
    """Return the share of clips named right when all frames are the middle one."""
    middle = NUM_FRAMES // 2
    still = [np.repeat(clip[middle : middle + 1], NUM_FRAMES, 0) for clip in pool.frames]
    return _share(predict(model, still), pool.labels[:, 0])


def _share(logits: Logits, truth: npt.NDArray[np.int64]) -> float:
    return float((logits.argmax(1) == truth).mean())


def right_seconds(steps: Iterable[StepTags], truth: Sequence[Segment]) -> float:
    """Return for how many seconds the timeline's best label is what happens."""
    return sum(
        max(0.0, min(float(step.end_seconds), end) - max(float(step.start_seconds), start))
        for step in steps
        for start, end, label in truth
        if step.tags[0].index == label
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceFigures:
    """Results on sequences of several actions; shares between 0 and 1."""

    num_sequences: int
    num_seconds: float
    right: float
    """Share of the time with the right best label."""


def evaluate_sequences(model: Classifier, sequences: Sequence[ActionSequence]) -> SequenceFigures:
    """Judge a model's timelines; where actions change at whole seconds, this is per second."""
    tagger = Tagger(model)
    total = right = 0.0
    for sequence in sequences:
        duration = sequence.truth[-1][1]
        steps = tagger.steps(sequence.samples, fps=SAMPLES_PER_SECOND)
        total += duration
        right += right_seconds(steps, sequence.truth)
    return SequenceFigures(num_sequences=len(sequences), num_seconds=total, right=right / total)
