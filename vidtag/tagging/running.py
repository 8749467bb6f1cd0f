"""The model at work on one video's windows: run once for each that differs from the one before.

Slides, a screen recording whose picture is held, a still, a black or paused video: their windows
come again and again, and the model, which knows nothing but the pictures, would say the same again.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from vidtag.clips.windows import Window
from vidtag.errors import ModelError, VidtagError
from vidtag.models.classifier import Classifier, FeatureClassifier, check_logits
from vidtag.models.fast import FastClassifier
from vidtag.models.refusals import shortened

Rows = npt.NDArray[np.float32]
"""`(num_windows, row_size)` float32: what is stored of windows."""


class WindowRunner:
    """Runs a classifier on the windows of one video, batch by batch.

    Args:
        classifier: The model.
        num_labels: How many labels it has.
        with_features: Whether its features are kept beside its logits.
    """

    def __init__(
        self, classifier: Classifier, num_labels: int, *, with_features: bool = False
    ) -> None:
        self._classifier = classifier
        self._info = classifier.info
        self._num_logits = num_labels + self._info.num_background
        self._with_features = with_features
        self._last: tuple[Sequence[Window], Rows] | None = None
        self.features: list[npt.NDArray[np.float32]] = []
        """Those of all windows so far, where they are kept."""
        self.model_seconds = 0.0
        """Spent in the model."""
        self.num_repeated = 0
        """Windows that took what the model had made of the one before."""
        self.num_timed = 0
        """Windows that were run once the model was warm: after the first batch, which also waits
        for its engine."""
        self.timed_seconds = 0.0
        """Spent on those."""

    @property
    def row_size(self) -> int:
        """Numbers in a row: of logits, or of the features that they are made of.

        Behind the logits of a fast run stands how much of the window stood still.
        """
        return self._info.feature_size or self._num_logits + int(self._info.is_fast)

    def rows(self, windows: Sequence[Window]) -> Rows:
        """Give the rows of the next windows, of which at most a batch may come.

        Pictures are compared as the model gets them, and equal ones give equal bits. Where the bits
        of a window depend on those beside it, whole batches must be equal.
        """
        last = self._last
        if self._info.rows_stand_alone:
            rows = self._run_changed(windows)
        elif last is not None and _are_equal(windows, last[0]):
            self.num_repeated += len(windows)
            rows = last[1]
        else:
            rows = self._run(windows)
        self._last = windows, rows
        if rows.shape[1] > self.row_size:
            self.features.append(rows[:, self.row_size :])
        return rows[:, : self.row_size]

    def note_known(self, windows: Sequence[Window], rows: Rows) -> None:
        """Take note of windows whose rows were stored: the next one may be equal to the last."""
        self._last = windows, rows

    def logits(self, rows: Rows) -> npt.NDArray[np.float32]:
        """Make logits of rows: `(num_windows, num_labels + num_background)` float32."""
        if self._info.feature_size is None:
            return rows[:, : self._num_logits]
        if self._with_features:
            self.features.append(rows)
        return self._run_head(rows)

    def still_shares(self, rows: Rows) -> npt.NDArray[np.float32] | None:
        """Take from rows how much stood still: `(num_windows,)`; `None` of an exact run."""
        return rows[:, self._num_logits] if self._info.is_fast else None

    def _run_changed(self, windows: Sequence[Window]) -> Rows:
        """Run those windows that differ from the one before; the others take its row."""
        before = [] if self._last is None else [self._last[0][-1]]
        known = [] if self._last is None else [self._last[1][-1:]]
        changed: list[Window] = []
        row_of: list[int] = []
        for window in windows:
            if not before or not _are_equal([window], before):
                changed.append(window)
            row_of.append(len(known) + len(changed) - 1)
            before = [window]
        self.num_repeated += len(windows) - len(changed)
        return np.concatenate([*known, *([self._run(changed)] if changed else [])])[row_of]

    def _run(self, windows: Sequence[Window]) -> Rows:
        """Run the model, and take its time where it is warm."""
        is_warm, before = self.model_seconds > 0, self.model_seconds
        rows = self._run_model(windows)
        if is_warm:
            self.num_timed += len(windows)
            self.timed_seconds += self.model_seconds - before
        return rows

    def _run_model(self, windows: Sequence[Window]) -> Rows:
        """Run the model: rows, and behind them the features where they are kept beside."""
        classifier = self._classifier
        with self._at_work():
            pictures = np.stack([picture for window in windows for picture in window.clip])
            clips = pictures.reshape(len(windows), -1, *pictures.shape[1:])
            if self._info.feature_size is not None:
                assert isinstance(classifier, FeatureClassifier)  # its info says what it stores
                return _plain(classifier.features(clips))
            if isinstance(classifier, FastClassifier):
                run = classifier.run(clips, with_features=self._with_features)
                parts = [run.logits, run.still_shares[:, None]]
                return np.concatenate(
                    [*parts, *([] if run.features is None else [run.features])], axis=1
                )
            if not self._with_features or not isinstance(classifier, FeatureClassifier):
                return self._checked(_plain(classifier.logits(clips)), len(clips))
            features = _plain(classifier.features(clips))
            logits = self._checked(_plain(classifier.head(features)), len(clips))
            return np.concatenate([logits, features], axis=1)

    def _run_head(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Make logits of features, batch by batch as when they were made: the bits are the same."""
        classifier, size = self._classifier, self._info.batch_size
        assert isinstance(classifier, FeatureClassifier)  # its info says what it stores
        with self._at_work():
            parts = [
                _plain(classifier.head(features[first : first + size]))
                for first in range(0, len(features), size)
            ]
            return self._checked(np.concatenate(parts), len(features))

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Take the time of the model; whatever it raises is its failure."""
        began = time.perf_counter()
        try:
            yield
        except VidtagError:
            raise
        # Also a model that somebody brought along may fail in any way.
        except Exception as exc:
            model_id = self._info.model_id
            raise ModelError(
                model_id,
                "model_failed",
                f"The model '{model_id}' failed ({type(exc).__name__}: {shortened(exc)}); "
                "try another --model.",
            ) from exc
        finally:
            self.model_seconds += time.perf_counter() - began

    def _checked(
        self, logits: npt.NDArray[np.float32], num_windows: int
    ) -> npt.NDArray[np.float32]:
        return check_logits(logits, (num_windows, self._num_logits), self._info)


def _plain(values: npt.ArrayLike) -> npt.NDArray[np.float32]:
    return np.asarray(values, dtype=np.float32)


def _are_equal(windows: Sequence[Window], others: Sequence[Window]) -> bool:
    """Tell whether two batches show the same pictures; one picture is most often the same array."""
    return len(windows) == len(others) and all(
        picture is other or np.array_equal(picture, other)
        for window, before in zip(windows, others, strict=True)
        for picture, other in zip(window.clip, before.clip, strict=True)
    )
