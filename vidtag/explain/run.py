"""`vidtag explain`: choose the windows of a video that matter, and explain them.

Owns which windows are explained, and the JSON of explanations. Knows neither files nor a terminal:
`writing` has those, and the command line draws the tables.
"""

import json
import os
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING, Any

import numpy as np

from vidtag.clips.grid import Grid
from vidtag.clips.windows import Window, slide
from vidtag.documents.records import Document, round_score
from vidtag.errors import EmptyVideoError, UsageError, VideoError, VideoOpenError
from vidtag.explain.explanation import Method
from vidtag.explain.measures import MeasureRow, Measures, measure, read_measures
from vidtag.explain.methods import (
    DEFAULT_METHOD,
    NEEDS_TORCH,
    explain_window,
    find_label,
    torch_network,
)
from vidtag.explain.pictures import ExplainedClip
from vidtag.inputs.foresight import foresee_failure
from vidtag.models.classifier import Classifier
from vidtag.models.load import LoadOptions, load_classifier
from vidtag.seconds import format_seconds, milliseconds, round_seconds
from vidtag.tagging.reading import end_of_part
from vidtag.tagging.settings import Settings
from vidtag.tagging.tagger import Tagger
from vidtag.text import encodable
from vidtag.urls import without_credentials
from vidtag.version import __version__

if TYPE_CHECKING:
    from vidtag.cache.scores import ScoreStore

NUM_WINDOWS = 3
"""Windows that are explained where no moment was named: the best segment of so many labels."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moment:
    seconds: Fraction
    index: int | None
    """The label; the window's best one where `None`."""


def explain_video(
    options: ExplainOptions,
    *,
    document: Document | None = None,
    classifier: Classifier | None = None,
    store: "ScoreStore | None" = None,
) -> VideoExplanation:
    """Explain the windows of a video that matter.

    Without a moment, the video is tagged first, unless its document is at hand.

    Args:
        options: what and how.
        document: what tagging the video gave.
        classifier: the model, where it is loaded already; it must suit the method.
        store: stored scores, for tagging.

    Raises:
        VideoError: the video can't be read.
        ModelError: the model can't be had, fails, or can't be explained by this method.
        UsageError: no such label, or the moment lies outside the video.
    """
    if options.source == "-":
        raise UsageError(
            "A video on stdin can be read only once, so it can't be explained; name a file."
        )
    error = None if document is not None else _foresee_failure(options.source)
    if error is not None:
        raise error
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
    if options.at is not None:
        windows = [(_window_at(options, classifier, grid), index)]
    else:
        assert document is not None  # tagged above
        windows = [
            (_best_window(options, classifier, grid, moment), moment.index)
            for moment in _choose_moments(document, index)
        ]
    explained = tuple(_explain(classifier, window, chosen, options) for window, chosen in windows)
    shown = without_credentials(options.source)
    return VideoExplanation(path=shown, classifier=classifier, windows=explained)


def _foresee_failure(source: str) -> VideoError | None:
    """Tell what is certain to fail, before a model is looked for."""
    if os.path.isdir(source):
        return VideoOpenError(
            source, "is_a_folder", f"'{source}' is a folder; name a video file in it."
        )
    return foresee_failure(source)


def _suits(classifier: Classifier, method: Method) -> bool:
    if method not in NEEDS_TORCH:
        return True
    return torch_network(classifier) is not None and classifier.info.precision == "fp32"


def _explaining(load: LoadOptions, method: Method) -> LoadOptions:
    """Load on torch in single precision where a method looks inside the model."""
    if method not in NEEDS_TORCH:
        return load
    if load.engine == "openvino":
        raise UsageError(
            f"--method {method} must look inside the model, which OpenVINO does not allow; leave "
            "--engine out or use --method occlusion."
        )
    return replace(load, engine="torch", precision="fp32")


def _choose_moments(document: Document, index: int | None) -> list[_Moment]:
    """Choose the peaks of the best segments, or where there is none, the best step."""
    segments = [one for one in document.segments if index is None or one.index == index]
    # A label without a segment of its own is explained where the video's best ones are.
    segments = segments or list(document.segments)
    best: dict[int, Any] = {}
    for segment in sorted(segments, key=lambda one: (-one.score, one.start_seconds)):
        best.setdefault(segment.index, segment)
    if best:
        chosen = sorted(list(best.values())[:NUM_WINDOWS], key=lambda one: one.peak_seconds)
        return [
            _Moment(
                seconds=_exact(segment.peak_seconds),
                index=segment.index if index is None else index,
            )
            for segment in chosen
        ]
    step = max(document.timeline, key=lambda one: one.tags[0].score)
    middle = (_exact(step.start_seconds) + _exact(step.end_seconds)) / 2
    return [_Moment(seconds=middle, index=step.tags[0].index if index is None else index)]


def _exact(seconds: float) -> Fraction:
    """Take a document's time, which is rounded to milliseconds, as a fraction."""
    return Fraction(milliseconds(seconds), 1000)


def _best_window(
    options: ExplainOptions, classifier: Classifier, grid: Grid, moment: _Moment
) -> Window:
    """Read the windows of the grid that hold a moment and choose the one that scores best."""
    strides = (moment.seconds - grid.start_seconds - grid.window_seconds) / grid.stride_seconds
    # One more than needed, so that the last window of the video has its full length before it.
    first = max(0, floor(strides))
    last = floor((moment.seconds - grid.start_seconds) / grid.stride_seconds)
    part = replace(grid, start_seconds=grid.start_seconds + first * grid.stride_seconds)
    end = grid.start_seconds + last * grid.stride_seconds + grid.window_seconds
    windows, _ = _read(options, classifier, part, end)
    holding = [one for one in windows if one.start_seconds <= moment.seconds < one.end_seconds]
    scored = []
    for window in holding or windows[-1:]:
        logits = classifier.logits(np.stack(window.clip)[None])[0]
        best = float(logits.max())
        score = best if moment.index is None else float(logits[moment.index])
        scored.append(score - best - float(np.log(np.exp(logits - best).sum())))
    return (holding or windows[-1:])[int(np.argmax(scored))]


def _window_at(options: ExplainOptions, classifier: Classifier, grid: Grid) -> Window:
    """Read the window whose middle lies as near to a moment as the video allows."""
    at = options.at
    assert at is not None
    start = max(Fraction(0), at - grid.window_seconds)
    part = replace(grid, start_seconds=start, stride_samples=1)
    until = max(at + grid.window_seconds / 2, start + grid.window_seconds)
    try:
        windows, end = _read(options, classifier, part, until)
    except EmptyVideoError as exc:
        if exc.code != "start_past_end":
            raise
        raise _past_the_end(options) from exc
    if at > end:
        raise _past_the_end(options, f" ({format_seconds(end)})")
    return min(
        windows,
        key=lambda one: (abs(one.start_seconds + one.end_seconds - 2 * at), one.start_seconds),
    )


def _past_the_end(options: ExplainOptions, end: str = "") -> UsageError:
    at = format_seconds(options.at or 0)
    return UsageError(
        f"--at {at} lies past the end of '{_shown(options)}'{end}; name a moment in it."
    )


def _shown(options: ExplainOptions) -> str:
    return encodable(without_credentials(options.source))


def _read(
    options: ExplainOptions, classifier: Classifier, grid: Grid, end: Fraction
) -> tuple[list[Window], Fraction]:
    """Read the windows of a part of a video, and where that part ends."""
    from vidtag.video import Video  # loads FFmpeg

    part = replace(options.settings.read, start=grid.start_seconds, end=end)
    with Video(options.source, part) as video:
        windows = list(
            slide(
                video.frames,
                grid,
                classifier.prepare,
                end=lambda: end_of_part(video, part),
                can_reread=video.can_reread,
            )
        )
        if not windows:
            raise EmptyVideoError(
                options.source,
                "no_frames",
                f"{_shown(options)}: there is no frame at {format_seconds(grid.start_seconds)}.",
            )
        return windows, end_of_part(video, part)


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
