"""A classifier that is known already but loads its engine only when it is needed.

Owns the moment: a video that is answered from stored scores never loads the engine, and
for any other one it loads beside the decoding of the first frames.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from vidtag.clips.preparing import Preprocessing, prepare_with_pillow
from vidtag.errors import VidtagError
from vidtag.models.classifier import (
    ClassifierInfo,
    Clips,
    Features,
    Logits,
)
from vidtag.models.fast import Lengths, Places, Sparse
from vidtag.models.refusals import refuse, shortened
from vidtag.video.frames import Image

Loaded = TypeVar("Loaded")


class Deferred(Generic[Loaded]):
    """Something that is loaded in a thread of its own, once it is known to be needed.

    Args:
        load: Makes it; called at most once.
        info: The model, for the error.
    """

    def __init__(self, load: Callable[[], Loaded], info: ClassifierInfo) -> None:
        self._load = load
        self._info = info
        self._lock = Lock()
        self._future: Future[Loaded] | None = None

    def start(self) -> "Future[Loaded]":
        """Begin to load it, if that has not begun."""
        with self._lock:
            if self._future is None:
                # Its thread is joined at exit: a process that ends amid the loading of
                # libraries may crash.
                executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="vidtag-load")
                self._future = executor.submit(self._load)
                executor.shutdown(wait=False)
            return self._future

    def get(self) -> Loaded:
        """Return it once it is there.

        Raises:
            ModelLoadError: It can't be loaded.
        """
        try:
            return self.start().result()
        except VidtagError:
            raise
        except Exception as exc:
            raise refuse(
                self._info.model_id,
                "model_failed",
                f"the {self._info.engine} engine can't be loaded ({shortened(exc)}); "
                "try --engine torch",
            ) from exc


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
        load: Callable[[], Sparse],
    ) -> None:
        self._labels = labels
        self._info = info
        self._preprocessing = preprocessing
        self._classifier = Deferred(load, info)

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
        self._classifier.start()
        return prepare_with_pillow(image, self._preprocessing)

    def logits(self, clips: Clips) -> Logits:
        """Run the model on `(B, T, S, S, 3)` uint8 clips."""
        return self._classifier.get().logits(clips)

    def features(self, clips: Clips) -> Features:
        """Run the model up to its last layer."""
        return self._classifier.get().features(clips)

    def head(self, features: Features) -> Logits:
        """Run the last layer on `(B, d)` float32 features."""
        return self._classifier.get().head(features)

    def some_tokens(self, clips: Clips, index: Places, lengths: Lengths) -> npt.NDArray[np.float32]:
        """Run some of the tokens (`fast.Sparse`)."""
        return self._classifier.get().some_tokens(clips, index, lengths)
