"""A classifier with what training found out beside the weights: a temperature, and no label.

Owns what becomes of an engine's logits then: they are divided by the temperature that was fitted
on videos which the model had not seen, and one of them may stand for none of the labels.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vidtag.models.classifier import ClassifierInfo, Clips, Features, Logits
from vidtag.models.fast import Lengths, Places, Sparse
from vidtag.video.frames import Image


class TrainedClassifier:
    """Fulfils `Classifier` and `FeatureClassifier`; `fast.Sparse`, too.

    Args:
        engine: Runs the model; its last output is that of none of the labels, where `info` has
            one for that.
        info: What a result records.
    """

    def __init__(self, engine: Sparse, info: ClassifierInfo) -> None:
        self.engine = engine
        """What runs the model."""
        self._info = info
        self._labels = tuple(engine.labels)[: len(engine.labels) - info.num_background]

    @property
    def labels(self) -> Sequence[str]:
        """Names of the classes, in the order of the logits."""
        return self._labels

    @property
    def info(self) -> ClassifierInfo:
        """What the result records."""
        return self._info

    def prepare(self, image: Image) -> npt.NDArray[np.uint8]:
        """Resize and crop one upright picture."""
        return self.engine.prepare(image)

    def logits(self, clips: Clips) -> Logits:
        """Run the model on `(B, T, S, S, 3)` uint8 clips."""
        return self._tempered(self.engine.logits(clips))

    def features(self, clips: Clips) -> Features:
        """Run the model up to its last layer."""
        return self.engine.features(clips)

    def head(self, features: Features) -> Logits:
        """Run the last layer on `(B, d)` float32 features."""
        return self._tempered(self.engine.head(features))

    def some_tokens(self, clips: Clips, index: Places, lengths: Lengths) -> npt.NDArray[np.float32]:
        """Run some of the tokens: logits and, behind them, features."""
        rows = self.engine.some_tokens(clips, index, lengths)
        num_logits = len(self.engine.labels)
        logits, features = rows[:, :num_logits], rows[:, num_logits:]
        return np.concatenate([self._tempered(logits), features], axis=1)

    def _tempered(self, logits: Logits) -> Logits:
        return (logits / np.float32(self._info.temperature)).astype(np.float32, copy=False)
