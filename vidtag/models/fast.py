"""A classifier that computes patches that stand still once: an approximation, told as such.

Owns which windows go which way: those in which hardly anything stands still run exactly, the others
on the tokens that `still` finds. The engines run both.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from vidtag.models.classifier import (
    Classifier,
    ClassifierInfo,
    Clips,
    FeatureClassifier,
    Features,
    Logits,
    check_logits,
)
from vidtag.models.still import LEAST_STILL, StillRule, Tokens
from vidtag.video.frames import Image

Places = npt.NDArray[np.int64]
"""`(B, n)` int64: which tokens are computed."""

Lengths = npt.NDArray[np.float32]
"""`(B, n)` float32: how many tokens each stands for."""

_GROUP_SPREAD = 1.25
"""How much longer the longest window of a group may be than its shortest, on a GPU, where windows
go through the model together and the shorter ones are filled up."""


class Sparse(Classifier, FeatureClassifier, Protocol):
    """A classifier of an engine that also runs on some of the tokens."""

    def some_tokens(self, clips: Clips, index: Places, lengths: Lengths) -> npt.NDArray[np.float32]:
        """Run some tokens: logits and, behind them, features, `(B, num_labels + d)` float32."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FastRun:
    """What a pass over some of the tokens gave."""

    logits: Logits
    """`(B, num_labels)` float32."""

    features: Features | None
    """`(B, d)` float32, where they were asked for."""

    still_shares: npt.NDArray[np.float32]
    """`(B,)` float32: of each window's patches, how many stood still and were not computed."""


class FastClassifier:
    """Fulfils `Classifier` and `FeatureClassifier`.

    Args:
        engine: Runs the model.
        rule: When a patch stands still.
        info: What a result records.
    """

    def __init__(self, engine: Sparse, rule: StillRule, info: ClassifierInfo) -> None:
        self._engine = engine
        self._rule = rule
        self._info = info

    @property
    def labels(self) -> Sequence[str]:
        """Names of the classes, in the order of the logits."""
        return self._engine.labels

    @property
    def info(self) -> ClassifierInfo:
        """What the result records."""
        return self._info

    def prepare(self, image: Image) -> npt.NDArray[np.uint8]:
        """Resize and crop one upright picture."""
        return self._engine.prepare(image)

    def logits(self, clips: Clips) -> Logits:
        """Run the model on `(B, T, S, S, 3)` uint8 clips."""
        return self.run(clips).logits

    def features(self, clips: Clips) -> Features:
        """Run the model up to its last layer."""
        features = self.run(clips, with_features=True).features
        assert features is not None  # asked for
        return features

    def head(self, features: Features) -> Logits:
        """Run the last layer on `(B, d)` float32 features."""
        return self._engine.head(features)

    def run(self, clips: Clips, *, with_features: bool = False) -> FastRun:
        """Run the model, and tell how much stood still.

        Args:
            clips: `(B, T, S, S, 3)` uint8.
            with_features: Whether what the last layer reads is wanted, too.
        """
        found = [self._rule.find(clip) for clip in clips]
        sparse = [k for k, tokens in enumerate(found) if tokens.still_share >= LEAST_STILL]
        whole = [k for k in range(len(found)) if k not in sparse]
        num_logits = len(self.labels) + self._info.num_background
        logits = np.empty((len(clips), num_logits), np.float32)
        features: dict[int, Features] = {}
        if whole:
            if with_features:
                features |= dict(zip(whole, self._engine.features(clips[whole]), strict=True))
                logits[whole] = self._engine.head(np.stack([features[k] for k in whole]))
            else:
                logits[whole] = self._engine.logits(clips[whole])
        for group in self._groups(sparse, found):
            index, lengths = _filled_up([found[k] for k in group])
            rows = self._engine.some_tokens(clips[group], index, lengths)
            logits[group] = rows[:, :num_logits]
            features |= dict(zip(group, rows[:, num_logits:], strict=True))
        shares = [found[k].still_share if k in sparse else 0.0 for k in range(len(found))]
        return FastRun(
            logits=check_logits(logits, logits.shape, self._info),
            features=np.stack([features[k] for k in range(len(clips))]) if with_features else None,
            still_shares=np.array(shares, np.float32),
        )

    def _groups(self, windows: Sequence[int], found: Sequence[Tokens]) -> Iterator[list[int]]:
        """Group windows by their lengths; on a CPU each goes alone, which costs it nothing."""
        most = 1 if self._info.device == "cpu" else self._info.batch_size
        group: list[int] = []
        for window in sorted(windows, key=lambda k: len(found[k].index)):
            shortest = len(found[group[0]].index) if group else 0
            if group and (
                len(group) == most or len(found[window].index) > _GROUP_SPREAD * shortest
            ):
                yield group
                group = []
            group.append(window)
        if group:
            yield group


def _filled_up(found: Sequence[Tokens]) -> tuple[Places, Lengths]:
    """Put windows of several lengths side by side: `(B, n)` each; what fills up weighs nothing."""
    longest = max(len(tokens.index) for tokens in found)
    index = np.zeros((len(found), longest), np.int64)
    lengths = np.zeros((len(found), longest), np.float32)
    for row, tokens in enumerate(found):
        index[row, : len(tokens.index)] = tokens.index
        lengths[row, : len(tokens.lengths)] = tokens.lengths
    return index, lengths
