"""What the pipeline needs of a model: the `Classifier` protocol.

vidtag's own engines fulfil it, and so can anybody's model: pass the object to
`vidtag.Tagger`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from vidtag.models.refusals import mismatch
from vidtag.models.words.background import Background
from vidtag.models.words.given import Word
from vidtag.video.frames import Image, Notice

Clips = npt.NDArray[np.uint8]
"""A batch of clips: `(B, T, H, W, 3)` uint8 RGB, as `Classifier.prepare` made the frames."""

Logits = npt.NDArray[np.float32]
"""Raw model outputs: `(B, num_labels)` float32; behind those of given words, the background's."""

Features = npt.NDArray[np.float32]
"""What the last layer reads: `(B, d)` float32."""

CONTENT_REVISION = "sha256:"
"""How the revision of a model begins that is known by the content of its files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsInfo:
    """Labels in the user's own words, as a result records them."""

    given: tuple[Word, ...]
    """Each label with its phrases, in the order of the logits."""

    template: str
    """The sentence that they were put into."""

    background: Background | None
    """What they compete with; `None` where with one another alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What a model in int8 was quantised on."""

    content_ids: tuple[str, ...]
    """Content hashes of the videos."""

    num_windows: int
    """Windows that were taken from them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierInfo:
    """What a result records of the model and the engine that made it."""

    model_id: str
    """Hub id, folder or alias, as the result names it."""

    revision: str | None
    """Commit of a hub model; for a folder `sha256:` and a hash of its files, so that neither its
    name nor its place counts; `None` where neither is known."""

    num_frames: int
    """Frames per clip, T."""

    image_size: int
    """Height and width of a prepared frame, in pixels."""

    licence: str | None
    """Licence of the weights, where it is known."""

    window_seconds: Fraction
    """The window that suits the model."""

    stride_seconds: Fraction
    """The stride that suits the model."""

    engine: str
    """`torch`, `openvino`, or a plugged-in classifier's own name."""

    device: str
    """`cpu`, `cuda:0`, `mps`, …"""

    precision: str
    """`fp32`, `bf16`, `fp16` or `int8`."""

    batch_size: int
    """Windows per forward pass."""

    notes: tuple[Notice, ...] = ()
    """What a result should warn of, such as an engine that could not be used."""

    words: WordsInfo | None = None
    """Of labels in the user's own words: what they are, and what they compete with."""

    feature_size: int | None = None
    """Numbers that stand for a window in the stored scores, in place of its logits: the model's
    features, of which `head` makes logits of any words. `None` where logits are stored."""

    still_threshold: float | None = None
    """Where patches that stand still are computed once: how far they may differ and be called
    still, in normalised pixels. `None` where each is computed."""

    calibration: Calibration | None = None
    """Of a model in int8: what it was quantised on."""

    temperature: float = 1.0
    """What the logits were divided by, so that scores are as often right as they say; fitted on
    videos that the model had not seen. 1 where nothing was fitted."""

    calibrated_on: int | None = None
    """On how many of them."""

    has_none: bool = False
    """Whether the model itself has an output for none of its labels, behind theirs."""

    @property
    def is_fast(self) -> bool:
        """Whether patches that stand still are computed once."""
        return self.still_threshold is not None

    @property
    def rows_stand_alone(self) -> bool:
        """Whether a window gives the same bits whatever windows go through the model with it.

        On OpenVINO they do (measured on the CPU in fp32, batches of 1 to 8, every place in them),
        on torch they differ by 2e-6 with the size of the batch.
        """
        return self.engine != "torch" or self.batch_size == 1

    @property
    def num_background(self) -> int:
        """Logits behind those of the labels, which stand for all that is none of them."""
        background = None if self.words is None else self.words.background
        return int(self.has_none) if background is None else len(background.phrases)

    @property
    def identity(self) -> str | None:
        """What makes it the same model: its content, or its id and commit; `None` if unknown."""
        if self.revision is None or self.revision.startswith(CONTENT_REVISION):
            return self.revision
        return f"{self.model_id}@{self.revision}"


class Classifier(Protocol):
    """A video classifier, ready to run."""

    @property
    def labels(self) -> Sequence[str]:
        """Names of the classes, in the order of the logits."""

    @property
    def info(self) -> ClassifierInfo:
        """What the result records."""

    def prepare(self, image: Image) -> npt.NDArray[np.uint8]:
        """Resize and crop one upright picture to what the model takes.

        Called once for every sampled frame, in another thread than `logits`.

        Args:
            image: `(H, W, 3)` uint8 RGB of any size.

        Returns:
            `(image_size, image_size, 3)` uint8 RGB.
        """

    def logits(self, clips: Clips) -> Logits:
        """Run the model; a clip's logits depend on nothing else.

        Args:
            clips: `(B, T, image_size, image_size, 3)` uint8 RGB; B is at most `batch_size`.

        Returns:
            `(B, num_labels + info.num_background)` float32, on the CPU.
        """


@runtime_checkable
class FeatureClassifier(Protocol):
    """A classifier that tells what its last layer reads: `logits` is `head` of `features`.

    VideoMAE-base has 768 features for 400 logits (its config.json): stored features would take
    twice the room of stored logits, which are what every result is made of. They are made where
    they are asked for, and not stored. Of video-text models they are, where they are small
    enough: other words can then be asked of the same video (`ClassifierInfo.feature_size`).
    """

    def features(self, clips: Clips) -> Features:
        """Run the model up to its last layer.

        Args:
            clips: As for `Classifier.logits`.

        Returns:
            `(B, d)` float32, on the CPU.
        """

    def head(self, features: Features) -> Logits:
        """Run the last layer: `(B, d)` float32 to `(B, num_labels)` float32."""


def check_logits(logits: Logits, shape: tuple[int, int], info: ClassifierInfo) -> Logits:
    """Pass logits on if they are one finite number for each window and label.

    Args:
        logits: What a classifier gave.
        shape: `(B, num_labels)`.
        info: The classifier, for the error.
    """
    if logits.shape != shape:
        raise mismatch(
            info.model_id,
            "bad_logits",
            f"it gave logits of shape {logits.shape} instead of {shape}; is it a classifier of "
            "whole clips?",
        )
    if not np.isfinite(logits).all():
        advice = (
            "its weights or its config are damaged; get it again"
            if info.precision == "fp32"
            else "try --precision fp32"
        )
        raise mismatch(
            info.model_id, "bad_logits", f"it gave logits that are no finite numbers; {advice}"
        )
    return logits
