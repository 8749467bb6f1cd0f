"""A classifier that is known already but loads its engine only when it is needed.

Owns the moment: a video that is answered from stored scores never loads the engine, and
for any other one it loads beside the decoding of the first frames.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

import numpy as np
import numpy.typing as npt

from vidtag.clips.preparing import Preprocessing, prepare_with_pillow
from vidtag.errors import VidtagError
from vidtag.models.classifier import (
    Classifier,
    ClassifierInfo,
    Clips,
    FeatureClassifier,
    Features,
    Logits,
)
from vidtag.models.refusals import refuse, shortened
from vidtag.video.frames import Image


class DeferredClassifier:
    """Fulfils `Classifier`; the first picture starts the loading, the first clips await it.

    Args:
        labels: Names of the classes.
        info: What the loaded classifier's `info` will be.
        preprocessing: How pictures are prepared until then and after.
        load: Makes the classifier; called at most once, in a thread of its own.
    """

    def __init__(
        self,
        labels: Sequence[str],
        info: ClassifierInfo,
        preprocessing: Preprocessing,
        load: Callable[[], Classifier],
    ) -> None:
        self._labels = labels
        self._info = info
        self._preprocessing = preprocessing
        self._load = load
        self._lock = Lock()
        self._future: Future[Classifier] | None = None

    @property
    def labels(self) -> Sequence[str]:
        """Names of the classes, in the order of the logits."""
        return self._labels

    @property
    def info(self) -> ClassifierInfo:
        """What the result records."""
        return self._info

    def prepare(self, image: Image) -> npt.NDArray[np.uint8]:
        """Resize and crop one upright picture with Pillow."""
        self._start()
        return prepare_with_pillow(image, self._preprocessing)

    def logits(self, clips: Clips) -> Logits:
        """Run the model on `(B, T, S, S, 3)` uint8 clips."""
        return self._loaded().logits(clips)

    def features(self, clips: Clips) -> Features:
        """Run the model up to its last layer."""
        return self._with_features().features(clips)

    def head(self, features: Features) -> Logits:
        """Run the last layer on `(B, d)` float32 features."""
        return self._with_features().head(features)

    def _with_features(self) -> FeatureClassifier:
        loaded = self._loaded()
        assert isinstance(loaded, FeatureClassifier)  # all engines of vidtag's own are
        return loaded

    def _start(self) -> "Future[Classifier]":
        with self._lock:
            if self._future is None:
                # Its thread is joined at exit: a process that ends amid the loading of
                # libraries may crash.
                executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="vidtag-load")
                self._future = executor.submit(self._load)
                executor.shutdown(wait=False)
            return self._future

    def _loaded(self) -> Classifier:
        try:
            return self._start().result()
        except VidtagError:
            raise
        except Exception as exc:
            raise refuse(
                self._info.model_id,
                "model_failed",
                f"the {self._info.engine} engine can't be loaded ({shortened(exc)}); "
                "try --engine torch",
            ) from exc
