"""From labelled videos to a model folder: features, a head, its figures, and its card."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vidtag.cache.scores import ScoreStore
from vidtag.documents.headline import NONE_OF_THESE
from vidtag.formats.truths.truth import Truths
from vidtag.models.found import find_and_read
from vidtag.models.load import load_classifier
from vidtag.models.options import LoadOptions
from vidtag.models.trained import TrainedClassifier
from vidtag.models.words.cost import direction_size
from vidtag.tagging.settings import Settings
from vidtag.training.card import model_card
from vidtag.training.examples import (
    Examples,
    StoringFeatures,
    gather_examples,
    without_testing,
    without_unshown,
)
from vidtag.training.head import fit
from vidtag.training.outcome import Outcome

_DECIMALS = 6
"""Of a temperature as config.json states it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trained:
    """What a training came to."""

    base: str
    """The model whose encoder was kept, as the user named it."""

    examples: Examples
    """What it learned from."""

    outcome: Outcome
    """What it came to."""

    seconds: float
    """How long it took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions:
    """How a model is trained."""

    load: LoadOptions
    """The model whose encoder is kept."""

    settings: Settings
    """Windows."""

    seed: int = 0
    """Decides which videos are left out together."""


def train_head(
    truths: Truths,
    folder: str,
    options: TrainOptions,
    *,
    store: ScoreStore | None,
    tell: Callable[[str], None] | None = None,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Trained:
    """Fit a new last layer to labelled videos, and write the model.

    Args:
        truths: What persons said of videos.
        folder: Where the model goes; what is there is replaced.
        options: The model, and how.
        store: Stored scores; features are kept there.
        tell: Told in a line what takes long.
        advance: Told how many videos are read, and how many there are.

    Raises:
        ModelError: The model can't be had, or fails.
        VideoError: Not one of the videos can be read.
        TruthError: No window shows what could be told from another thing.
        OutputError: The folder can't be written.
    """
    began, load = time.monotonic(), options.load
    truths = without_testing(truths)
    files, config = find_and_read(load, tell)
    classifier: Any = load_classifier(replace(load, fast=False), tell)
    if isinstance(classifier, TrainedClassifier):
        classifier = classifier.engine  # its temperature is of another head
    if config.kind.text is None:
        classifier = StoringFeatures(classifier, _feature_size(classifier))
    # What a video-text model sees is stored with its patches, which have no say in labels.
    width = direction_size(config)
    examples = without_unshown(
        gather_examples(truths, classifier, store, options.settings, advance, width=width)
    )
    fitted = fit(examples, NONE_OF_THESE, options.seed)
    from vidtag.models.writing import NewHead, write_with_head  # loads torch's side of transformers

    write_with_head(
        files,
        config,
        folder,
        NewHead(labels=fitted.outcome.classes, weight=fitted.head.weight, bias=fitted.head.bias),
        own=own_facts(config.own, options.settings, fitted.outcome, examples, "head"),
        card=model_card(files, config, examples, fitted.outcome, options.seed),
    )
    return Trained(
        base=load.name, examples=examples, outcome=fitted.outcome, seconds=time.monotonic() - began
    )


def own_windows(base: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Say which window suits a model that learned from some: those, or its base's own.

    The stride says how many examples were taken, and nothing of the model.
    """
    if settings.window_seconds is not None:
        return {"window_seconds": float(settings.window_seconds)}
    return {key: base[key] for key in ("window_seconds", "stride_seconds") if key in base}


def _feature_size(classifier: Any) -> int:
    info = classifier.info
    clip = np.zeros((1, info.num_frames, info.image_size, info.image_size, 3), np.uint8)
    return int(classifier.features(clip).shape[1])


def own_facts(
    base: Mapping[str, Any], settings: Settings, outcome: Outcome, examples: Examples, how: str
) -> dict[str, Any]:
    """Say what vidtag is to know of a model, besides what it knew of its base.

    Args:
        base: What config.json of its base says under `vidtag`.
        settings: The windows that it learned from.
        outcome: What training came to.
        examples: What it learned from.
        how: `head`, or `full`.
    """
    own = own_windows(base, settings)
    if "still_threshold" in base:
        own["still_threshold"] = base["still_threshold"]
    own["trained"] = how
    if outcome.unseen is not None and outcome.is_calibrated:
        own["temperature"] = round(outcome.temperature, _DECIMALS)
        own["calibrated_on"] = len(np.unique(outcome.unseen.videos))
    if examples.has_none:
        own["none_label"] = outcome.classes[-1]
    return own
