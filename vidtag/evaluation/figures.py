"""All measures of a model on labelled videos, put together from the outcomes of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vidtag.documents.headline import NONE_OF_THESE
from vidtag.evaluation.accuracy import (
    Flags,
    Floats,
    Indices,
    mean_class_share,
    share,
    top_hits,
)
from vidtag.evaluation.confidence import (
    Bin,
    calibration_error,
    fit_temperature,
    is_at_an_end,
    reliability_bins,
)
from vidtag.evaluation.detection import (
    ACTIVITYNET,
    OVERLAPS,
    THUMOS,
    average_precisions,
    match_detections,
    mean_average_precisions,
)
from vidtag.evaluation.intervals import Figure, with_intervals
from vidtag.evaluation.mistakes import (
    Confusions,
    confuse_clips,
    confuse_times,
    list_mistaken_clips,
    list_mistaken_times,
    moments_of,
    name_confusions,
)
from vidtag.evaluation.outcomes import ClipOutcome, Mistake, Names, Outcome, TimeOutcome
from vidtag.evaluation.overlap import F1_OVERLAPS, f1, match_stretches
from vidtag.evaluation.per_second import is_right
from vidtag.timeline.scores import softmax

LEAST_TOP5 = 6
"""Labels of a model from which on its five best say something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRow:
    """One label: how often it was true, and found."""

    label: str
    """Its name."""

    is_known: bool
    """Whether the model has it."""

    num_clips: int
    """Clips of it."""

    num_right: int
    """Those of which it was said."""

    seconds: float
    """How long it holds in untrimmed videos."""

    right_seconds: float
    """How much of that it was said."""

    num_stretches: int
    """Stretches of it in untrimmed videos."""

    average_precision: float | None
    """Mean over ActivityNet's overlaps; `None` where it has no stretches."""

    mistaken_for: str | None
    """What was said of it most often instead, perhaps none of the labels; `None` where nothing
    else was."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """How sure the model was of what it said, and whether that was right."""

    confidences: Floats
    """`(n,)`: best score of each clip, or of each step in which a label holds."""

    hits: Flags
    """`(n,)`: whether that label is right."""

    weights: Floats
    """`(n,)`: 1 for a clip, seconds for a step."""

    videos: Indices
    """`(n,)`: number of its video."""

    def error(self, video_weights: Floats) -> float:
        """Give the calibration error, where videos count so often."""
        weights = self.weights * video_weights[self.videos]
        return calibration_error(self.confidences, self.hits, weights)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A temperature that was fitted, and what it changes."""

    temperature: float
    """What the model's own logits are to be divided by."""

    num_clips: int
    """Clips that it was fitted on; steps of untrimmed videos where there are no clips."""

    ece_before: float
    """Calibration error as the model was run."""

    ece_after: float
    """Calibration error with the temperature, on what it was fitted on."""

    is_found: bool
    """Whether there is a best temperature; not where all that was said is right, say."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluation:
    """How well a model does on labelled videos. A figure is `None` where nothing can be measured.

    All but `fitted` are of the model as it was run.
    """

    num_clips: int
    """Videos with one label."""

    num_untrimmed: int
    """Videos with labels over stretches of their time."""

    seconds: float
    """How long the untrimmed ones are."""

    top1: Figure | None
    """Share of the clips whose label is the best."""

    top5: Figure | None
    """Share of the clips whose label is among the best five."""

    mean_class: Figure | None
    """Mean over the labels of their share of clips that are right."""

    per_second: Figure | None
    """Share of the time of untrimmed videos of which the right label was said, or none."""

    f1: dict[float, Figure | None]
    """F1 of segments, by overlap."""

    average_precision: dict[float, Figure | None]
    """Mean average precision, by overlap."""

    map_activitynet: Figure | None
    """Its mean over 0.5, 0.55 … 0.95."""

    map_thumos: Figure | None
    """Its mean over 0.3, 0.4 … 0.7."""

    ece: Figure | None
    """Expected calibration error, of clips, or of steps where there are no clips."""

    reliability: tuple[Bin, ...]
    """What was said with which confidence, of the same."""

    classes: tuple[ClassRow, ...]
    """Each label that is true or was said."""

    clip_confusions: Confusions | None
    """Of clips, in clips."""

    time_confusions: Confusions | None
    """Of untrimmed videos, in seconds."""

    mistakes: tuple[Mistake, ...]
    """The surest first of clips, then the longest first of stretches."""

    fitted: Fitted | None
    """Where calibration was asked for and there was something to fit on."""


def evaluate(
    outcomes: Sequence[Outcome],
    names: Names,
    *,
    calibrates: bool = False,
    temperature: float = 1.0,
    has_none: bool = False,
) -> Evaluation:
    """Measure what came of labelled videos.

    Args:
        outcomes: Of at least one video.
        names: Labels of the model and of the data.
        calibrates: Whether a temperature is fitted.
        temperature: What the logits were divided by already, as the model was run.
        has_none: Whether what the scores leave of 1 went to an output for none of the labels.
    """
    clips = [one for one in outcomes if isinstance(one, ClipOutcome)]
    times = [one for one in outcomes if isinstance(one, TimeOutcome)]
    top1, top5, mean_class = _measure_clips(clips, names)
    per_second, f1s, precisions, activitynet, thumos = _measure_times(times)
    judged = _judged_clips(clips) if clips else _judged_steps(times)
    ece = None
    if len(judged.hits):
        [ece] = with_intervals(lambda weights: [judged.error(weights)], len(clips or times))
    size = len(names.labels)
    by_clip, by_time = confuse_clips(clips, size), confuse_times(times, size)
    return Evaluation(
        num_clips=len(clips),
        num_untrimmed=len(times),
        seconds=sum(one.end - one.start for one in times),
        top1=top1,
        top5=top5,
        mean_class=mean_class,
        per_second=per_second,
        f1=dict(zip(F1_OVERLAPS, f1s, strict=True)),
        average_precision=dict(zip(OVERLAPS, precisions, strict=True)),
        map_activitynet=activitynet,
        map_thumos=thumos,
        ece=ece,
        reliability=reliability_bins(judged.confidences, judged.hits, judged.weights),
        classes=_class_rows(names, times, by_clip, by_time),
        clip_confusions=name_confusions(by_clip, names) if clips else None,
        time_confusions=name_confusions(by_time, names) if times else None,
        mistakes=(*list_mistaken_clips(clips, names), *list_mistaken_times(times, names)),
        fitted=_fit(clips, times, names.num_known, temperature, has_none) if calibrates else None,
    )


def _measure_clips(clips: Sequence[ClipOutcome], names: Names) -> tuple[Figure | None, ...]:
    if not clips:
        return None, None, None
    scores = np.stack([one.scores for one in clips])
    truths = np.array([one.truth for one in clips], np.int64)
    best, among = top_hits(scores, truths, 1), top_hits(scores, truths, 5)
    top1, top5, mean_class = with_intervals(
        lambda weights: [
            share(best, weights),
            share(among, weights),
            mean_class_share(best, truths, weights),
        ],
        len(clips),
    )
    return top1, top5 if names.num_known >= LEAST_TOP5 else None, mean_class


Figures = tuple[Figure | None, ...]


def _measure_times(
    times: Sequence[TimeOutcome],
) -> tuple[Figure | None, Figures, Figures, Figure | None, Figure | None]:
    num_f1, num_precisions = len(F1_OVERLAPS), len(OVERLAPS)
    if not times:
        return None, (None,) * num_f1, (None,) * num_precisions, None, None
    lengths = np.array([one.end - one.start for one in times])
    right = np.array(
        [
            sum(
                until - begin
                for begin, until, said, true in moments_of(one)
                if is_right(said, true)
            )
            for one in times
        ]
    )
    counted = [
        [match_stretches(one.said, one.true, least) for one in times] for least in F1_OVERLAPS
    ]
    # (num_overlaps, 3, num_videos)
    counts = np.array(
        [
            [[one.found for one in row], [one.false for one in row], [one.missed for one in row]]
            for row in counted
        ],
        np.float64,
    )
    detections = match_detections([one.said for one in times], [one.true for one in times])
    in_activitynet = [OVERLAPS.index(one) for one in ACTIVITYNET]
    in_thumos = [OVERLAPS.index(one) for one in THUMOS]

    def measure(weights: Floats) -> list[float]:
        means = mean_average_precisions(detections, weights)
        return [
            float(weights @ right / (weights @ lengths)),
            *(f1(*(row @ weights).tolist()) for row in counts),
            *means.tolist(),
            float(means[in_activitynet].mean()),
            float(means[in_thumos].mean()),
        ]

    figures = with_intervals(measure, len(times))
    f1s, precisions = figures[1 : 1 + num_f1], figures[1 + num_f1 : -2]
    return figures[0], f1s, precisions, figures[-2], figures[-1]


def _judged_clips(clips: Sequence[ClipOutcome]) -> Judged:
    return Judged(
        confidences=np.array([one.scores.max() for one in clips], np.float64),
        hits=np.array([int(one.scores.argmax()) == one.truth for one in clips], bool),
        weights=np.ones(len(clips)),
        videos=np.arange(len(clips), dtype=np.int64),
    )


def _judged_steps(times: Sequence[TimeOutcome]) -> Judged:
    return Judged(
        confidences=np.concatenate([np.zeros(0), *(one.confidences for one in times)]),
        hits=np.concatenate([np.zeros(0, bool), *(one.hits for one in times)]),
        weights=np.concatenate([np.zeros(0), *(one.lengths for one in times)]),
        videos=np.repeat(
            np.arange(len(times), dtype=np.int64), [len(one.hits) for one in times]
        ).astype(np.int64),
    )


def _fit(
    clips: Sequence[ClipOutcome],
    times: Sequence[TimeOutcome],
    num_known: int,
    applied: float,
    has_none: bool,
) -> Fitted | None:
    """Fit a temperature on clips, or on steps where there are no clips."""
    if clips:
        known = [one for one in clips if one.truth < num_known]
        scores = np.array([one.scores for one in known], np.float64)
        truths = np.array([one.truth for one in known], np.int64)
        weights = np.ones(len(known))
    else:
        scores = np.concatenate([one.fitted_scores for one in times])
        truths = np.concatenate([one.fitted_truths for one in times])
        weights = np.ones(len(truths))
    if not len(truths):
        return None
    # The logarithms of scores are their logits, less what a softmax does not see.
    rest = 1 - scores.sum(axis=1, keepdims=True)
    outputs = np.hstack([scores, rest]) if has_none else scores
    logits = np.log(np.clip(outputs, np.finfo(np.float64).tiny, None))
    temperature = fit_temperature(logits, truths)
    hits = scores.argmax(axis=1) == truths
    after = softmax(logits / temperature)[:, : scores.shape[1]].max(axis=1)
    return Fitted(
        temperature=applied * temperature,
        num_clips=len(truths),
        ece_before=calibration_error(scores.max(axis=1), hits, weights),
        ece_after=calibration_error(after, hits, weights),
        is_found=not is_at_an_end(temperature),
    )


def _class_rows(
    names: Names, times: Sequence[TimeOutcome], by_clip: Floats, by_time: Floats
) -> tuple[ClassRow, ...]:
    size = len(names.labels)
    held, right, stretches = np.zeros(size), np.zeros(size), np.zeros(size, np.int64)
    for one in times:
        for begin, until, said, true in moments_of(one):
            for label in true:
                held[label] += until - begin
                right[label] += (until - begin) * (said == label)
        for stretch in one.true:
            stretches[stretch.label] += 1
    detections = match_detections(
        [one.said for one in times], [one.true for one in times], ACTIVITYNET
    )
    precisions = average_precisions(detections, np.ones(max(len(times), 1)))
    average = {label: float(precisions[:, k].mean()) for k, label in enumerate(detections.labels)}
    amounts = by_clip + by_time
    mistakes = amounts * ~np.eye(size + 1, dtype=bool)
    labels = (*names.labels, NONE_OF_THESE)
    return tuple(
        ClassRow(
            label=names.labels[k],
            is_known=k < names.num_known,
            num_clips=int(by_clip[k].sum()),
            num_right=int(by_clip[k, k]),
            seconds=float(held[k]),
            right_seconds=float(right[k]),
            num_stretches=int(stretches[k]),
            average_precision=average.get(k),
            mistaken_for=labels[int(mistakes[k].argmax())] if mistakes[k].any() else None,
        )
        for k in range(size)
        if amounts[k].any() or amounts[:, k].any()
    )
