"""`vidtag explain`: choose the windows of a video that matter, and explain them.

Owns the order of things, and the JSON of explanations. Knows neither files nor a terminal:
`moments` chooses the windows, `writing` has files, and the command line draws the tables.
"""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from vidtag.clips.windows import Window
from vidtag.documents.record import round_score
from vidtag.documents.records import Document
from vidtag.errors import UsageError, VideoError, VideoOpenError
from vidtag.explain.explanation import Method
from vidtag.explain.measures import MeasureRow, Measures, measure, read_measures
from vidtag.explain.methods import (
    DEFAULT_METHOD,
    NEEDS_TORCH,
    explain_window,
    find_label,
    torch_network,
    why_not_inside,
)
from vidtag.explain.moments import WindowFinder, choose_moments
from vidtag.explain.pictures import ExplainedClip
from vidtag.inputs.foresight import foresee_failure
from vidtag.models.classifier import Classifier
from vidtag.models.load import load_classifier, reads_text
from vidtag.models.options import LoadOptions
from vidtag.models.refusals import mismatch
from vidtag.seconds import round_seconds
from vidtag.tagging.settings import Settings
from vidtag.tagging.tagger import Tagger
from vidtag.text import encodable
from vidtag.urls import without_credentials
from vidtag.version import __version__

if TYPE_CHECKING:
    from vidtag.cache.scores import ScoreStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainOptions:
    """What is to be explained, and how."""

    source: str
    """The video, as the user named it."""

    load: LoadOptions = field(default_factory=LoadOptions)
    """Which model."""

    settings: Settings = field(default_factory=Settings)
    """Windows, and when a label makes a segment."""

    at: Fraction | None = None
    """The moment to explain; the peaks of the best segments where `None`."""

    label: str | None = None
    """The label to explain; the best one of each window where `None`."""

    method: Method = DEFAULT_METHOD
    """How maps are made."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExplainedWindow(ExplainedClip):
    """A window with its map, its pictures and the numbers to judge them by."""

    measures: Measures
    """How far to trust it."""

    @property
    def rows(self) -> tuple[MeasureRow, ...]:
        """The numbers with their reading, for a table."""
        return read_measures(self.measures)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VideoExplanation:
    """All that was explained of one video."""

    path: str
    """The video, as the user named it."""

    classifier: Classifier
    """The model that was asked."""

    windows: tuple[ExplainedWindow, ...]
    """In the order of time."""


def explain_video(
    options: ExplainOptions,
    *,
    document: Document | None = None,
    classifier: Classifier | None = None,
    store: "ScoreStore | None" = None,
    advance: Callable[[int, int], None] | None = None,
) -> VideoExplanation:
    """Explain the windows of a video that matter.

    Without a moment, the video is tagged first, unless its document is at hand.

    Args:
        options: What and how.
        document: What tagging the video gave.
        classifier: The model, where it is loaded already; it must suit the method.
        store: Stored scores, for tagging.
        advance: Told how many windows are explained, and how many there are.

    Raises:
        VideoError: The video can't be read.
        ModelError: The model can't be had, fails, or can't be explained by this method.
        UsageError: No such label, or the moment lies outside the video.
    """
    if options.source == "-":
        raise UsageError(
            "A video on stdin can be read only once, so it can't be explained; name a file."
        )
    error = None if document is not None else _foresee_failure(options.source)
    if error is not None:
        raise error
    if classifier is None and options.load.engine != "openvino":
        _refuse_texts(options)
    if options.at is None and document is None:
        tagger = Tagger(classifier or options.load, options.settings, store=store)
        document = tagger.tag(options.source)
        if classifier is None and _suits(tagger.classifier, options.method):
            classifier = tagger.classifier
        del tagger  # before another engine loads the model: two would take twice the memory
    if classifier is None:
        classifier = load_classifier(_explaining(options.load, options.method))
    model, labels = classifier.info.model_id, list(classifier.labels)
    index = None if options.label is None else find_label(labels, options.label, model)
    grid = Tagger(classifier, options.settings).grid
    finder = WindowFinder(options.source, options.settings.read, grid, classifier)
    if options.at is not None:
        windows = [(finder.around(options.at), index)]
    else:
        assert document is not None  # tagged above
        windows = [
            (finder.best_of(moment), moment.index) for moment in choose_moments(document, index)
        ]
    explained = []
    for number, (window, chosen) in enumerate(windows):
        if advance is not None:
            advance(number, len(windows))
        explained.append(_explain(classifier, window, chosen, options))
    shown = without_credentials(options.source)
    return VideoExplanation(path=shown, classifier=classifier, windows=tuple(explained))


def _refuse_texts(options: ExplainOptions) -> None:
    """Refuse methods that look inside of a model for one that reads text, before it is run."""
    if options.method in NEEDS_TORCH and reads_text(options.load):
        raise mismatch(options.load.name, "not_explainable", why_not_inside(options.method))


def _foresee_failure(source: str) -> VideoError | None:
    """Tell what is certain to fail, before a model is looked for."""
    if os.path.isdir(source):
        return VideoOpenError(
            source, "is_a_folder", f"'{source}' is a folder; name a video file in it."
        )
    return foresee_failure(source)


def _suits(classifier: Classifier, method: Method) -> bool:
    if classifier.info.is_fast or classifier.info.precision == "int8":
        return False  # what is explained is the exact model
    if method not in NEEDS_TORCH:
        return True
    return torch_network(classifier) is not None and classifier.info.precision == "fp32"


def _explaining(load: LoadOptions, method: Method) -> LoadOptions:
    """Load on torch in single precision where a method looks inside the model."""
    precision = "auto" if load.precision == "int8" else load.precision
    load = replace(load, fast=False, precision=precision)
    if method not in NEEDS_TORCH:
        return load
    if load.engine == "openvino":
        raise UsageError(
            f"--method {method} must look inside the model, which OpenVINO does not allow; leave "
            "--engine out or use --method occlusion."
        )
    return replace(load, engine="torch", precision="fp32")


def _explain(
    classifier: Classifier, window: Window, index: int | None, options: ExplainOptions
) -> ExplainedWindow:
    clip = np.stack(window.clip)
    bounds = window.start_seconds, window.end_seconds
    explanation = explain_window(classifier, clip, index, options.method, bounds)
    return ExplainedWindow(
        explanation=explanation,
        clip=clip,
        measures=measure(classifier, clip, explanation),
    )


def to_json(result: VideoExplanation, *, indent: int | None = None) -> str:
    """Write explanations as JSON, without a line break at its end.

    Times are rounded to milliseconds, all else to six decimals; `evidence` is nested as
    [time][row][column] on the model's token grid.
    """
    info = result.classifier.info
    return json.dumps(
        {
            "schema_version": 1,
            "vidtag_version": __version__,
            "video": {"path": encodable(result.path)},
            "model": {"id": info.model_id, "revision": info.revision, "licence": info.licence},
            "explanations": [_to_plain(window) for window in result.windows],
        },
        indent=indent,
        ensure_ascii=False,
        allow_nan=False,
    )


def _to_plain(window: ExplainedWindow) -> dict[str, Any]:
    explanation = window.explanation
    grid = explanation.grid
    return {
        "label": explanation.label,
        "index": explanation.index,
        "score": round_score(explanation.score),
        "method": explanation.method,
        "start_seconds": round_seconds(explanation.start_seconds),
        "end_seconds": round_seconds(explanation.end_seconds),
        "grid": {
            "shape": list(grid.shape),
            "frames_per_token": grid.tubelet,
            "pixels_per_token": grid.patch,
            "image_size": grid.image_size,
        },
        "temporal_profile": _rounded(explanation.temporal_profile),
        "evidence": _rounded(explanation.evidence),
        "measures": {name: round(value, 6) for name, value in asdict(window.measures).items()},
    }


def _rounded(values: Any) -> Any:
    return np.round(np.asarray(values, np.float64), 6).tolist()
