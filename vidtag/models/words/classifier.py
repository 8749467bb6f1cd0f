"""A video-text model with words: a classifier like the others, whose labels are texts."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vidtag.models.classifier import ClassifierInfo, Clips, Features, Logits, check_logits
from vidtag.models.words.background import Vectors
from vidtag.models.words.engines import Towers
from vidtag.video.frames import Image

_AT_ONCE = 1024
"""Texts that are matched at once: more would only take memory."""


class WordClassifier:
    """Fulfils `Classifier` and `FeatureClassifier`: `head` compares with words.

    Args:
        labels: The given words, or those that the model names without any.
        info: What a result records.
        towers: The model.
        texts: `(num_labels + num_background, D)`: the labels in the model's text space, and behind
            them what they compete with.
    """

    def __init__(
        self, labels: Sequence[str], info: ClassifierInfo, towers: Towers, texts: Vectors
    ) -> None:
        self._labels = tuple(labels)
        self._info = info
        self._towers = towers
        self._texts = texts

    @property
    def labels(self) -> Sequence[str]:
        """The words."""
        return self._labels

    @property
    def info(self) -> ClassifierInfo:
        """What the result records."""
        return self._info

    def prepare(self, image: Image) -> npt.NDArray[np.uint8]:
        """Resize and crop one upright picture."""
        return self._towers.prepare(image)

    def features(self, clips: Clips) -> Features:
        """Run the video tower, which is the whole cost of a window."""
        return self._towers.video(clips)

    def head(self, features: Features) -> Logits:
        """Compare windows with all words."""
        parts = [
            self._towers.match(self._texts[first : first + _AT_ONCE], features)
            for first in range(0, len(self._texts), _AT_ONCE)
        ]
        logits = np.concatenate(parts, axis=1)
        return check_logits(logits, (len(features), len(self._texts)), self._info)

    def logits(self, clips: Clips) -> Logits:
        """Run the model on `(B, T, S, S, 3)` uint8 clips."""
        return self.head(self.features(clips))
