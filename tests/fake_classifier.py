"""A classifier whose logits depend on the pixels, for tests without a model."""

from fractions import Fraction

import numpy as np
from make_video import read_index

from vidtag.models.classifier import ClassifierInfo

LABELS = ("low", "middle", "high")
FRAMES_PER_LABEL = 50


class FakeClassifier:
    """Names a clip after the burnt-in number of its frames; remembers which it was given."""

    labels = LABELS

    def __init__(self, *, num_frames: int = 16, batch_size: int = 1, revision: str | None = "1"):
        self.clips: list[list[int]] = []
        self.num_prepared = 0
        self.info = ClassifierInfo(
            model_id="fake",
            revision=revision,
            num_frames=num_frames,
            image_size=1,
            licence=None,
            window_seconds=Fraction(2),
            stride_seconds=Fraction(1),
            engine="fake",
            device="cpu",
            precision="fp32",
            batch_size=batch_size,
        )

    def prepare(self, image: np.ndarray) -> np.ndarray:
        self.num_prepared += 1
        index = read_index(image)
        return np.array([[[index % 256, index // 256, 0]]], np.uint8)

    def logits(self, clips: np.ndarray) -> np.ndarray:
        assert len(clips) <= self.info.batch_size
        indices = clips[:, :, 0, 0, :2].astype(int) @ [1, 256]
        self.clips += indices.tolist()
        logits = np.zeros((len(clips), len(LABELS)), np.float32)
        which = np.minimum(indices.mean(axis=1) // FRAMES_PER_LABEL, len(LABELS) - 1)
        logits[np.arange(len(clips)), which.astype(int)] = 3 + indices.mean(axis=1) % 1
        return logits
